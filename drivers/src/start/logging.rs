//! The log of a program that set up none.

use std::io;

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::env::{Env, filled};

/// What the environment says about the log: Lambda's logging controls set it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Logging {
    is_json: bool,
    level: LevelFilter,
}

/// Sends `tracing` events to the standard error, unless a subscriber is set.
pub(super) fn set_up(env: Env<'_>) {
    // An error says that there is one already: it is the program's own choice.
    drop(tracing::subscriber::set_global_default(Logging::read(env).subscriber(io::stderr)));
}

impl Logging {
    fn read(env: Env<'_>) -> Self {
        let format = filled(env, "AWS_LAMBDA_LOG_FORMAT");
        let level = filled(env, "AWS_LAMBDA_LOG_LEVEL");
        Self {
            is_json: format.is_some_and(|format| format.eq_ignore_ascii_case("json")),
            level: level.as_deref().and_then(level_of).unwrap_or(LevelFilter::INFO),
        }
    }

    /// Writes lines that Lambda can filter: JSON has its `timestamp` and `level` at the top. Lambda
    /// adds the time to lines of text itself.
    fn subscriber<W>(self, writer: W) -> Box<dyn Subscriber + Send + Sync>
    where
        W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
    {
        let lines = tracing_subscriber::fmt()
            .with_max_level(self.level)
            .with_ansi(false)
            .with_writer(writer);
        if self.is_json {
            Box::new(lines.json().flatten_event(true).with_span_list(false).finish())
        } else {
            Box::new(lines.without_time().finish())
        }
    }
}

/// The level of a name; `FATAL` is Lambda's, and has no counterpart.
fn level_of(name: &str) -> Option<LevelFilter> {
    match name.to_ascii_uppercase().as_str() {
        "TRACE" => Some(LevelFilter::TRACE),
        "DEBUG" => Some(LevelFilter::DEBUG),
        "INFO" => Some(LevelFilter::INFO),
        "WARN" => Some(LevelFilter::WARN),
        "ERROR" | "FATAL" => Some(LevelFilter::ERROR),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use serde_json::Value as Json;

    use super::*;

    /// What was written.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn log(variables: &[(&str, &str)]) -> String {
        let env = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let written = Written::default();
        let writer = written.clone();
        let subscriber = Logging::read(&env).subscriber(move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::info_span!("invocation", request_id = "r1").in_scope(|| {
                tracing::error!(code = 7, "the record failed");
                tracing::info!("all is well");
                tracing::debug!("a detail");
            });
        });
        let written = written.0.lock().unwrap().clone();
        String::from_utf8(written).unwrap()
    }

    #[test]
    fn text_names_the_invocation_and_what_happened() {
        let text = log(&[]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        for part in ["ERROR", "request_id=\"r1\"", "the record failed", "code=7"] {
            assert!(lines[0].contains(part), "{part}: {text}");
        }
        assert!(lines[1].contains("INFO") && lines[1].contains("all is well"), "{text}");
    }

    #[test]
    fn json_has_what_lambda_filters_by_at_the_top() {
        let text = log(&[("AWS_LAMBDA_LOG_FORMAT", "JSON")]);
        let line: Json = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(line["level"], "ERROR");
        assert_eq!(line["message"], "the record failed");
        assert_eq!(line["code"], 7);
        assert_eq!(line["span"]["request_id"], "r1");
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{text}");
    }

    #[test]
    fn the_level_is_the_environments() {
        for (level, lines) in
            [("TRACE", 3), ("debug", 3), ("INFO", 2), ("WARN", 1), ("FATAL", 1), ("odd", 2)]
        {
            let text = log(&[("AWS_LAMBDA_LOG_LEVEL", level)]);
            assert_eq!(text.lines().count(), lines, "{level}: {text}");
        }
    }
}
