//! The logger for production.

use std::collections::BTreeMap;
use std::sync::Arc;

use apptheory_core::observe::line::LineHead;
use apptheory_core::observe::{Fields, Level, LogEntry, LoggerSettings};
use serde_json::Value as Json;

use super::logger::{StructuredLogger, merged};
use super::output::{Output, by_output, with_buffer};
use crate::clock::Clock as _;

/// Writes lines of JSON, or of text for people; made by
/// [`LoggerFactory::console`](super::LoggerFactory::console).
#[derive(Debug)]
pub(super) struct ConsoleLogger {
    shared: Arc<Shared>,
    bound: Arc<Fields>,
}

#[derive(Debug)]
struct Shared {
    settings: LoggerSettings,
    output: Output,
}

impl ConsoleLogger {
    pub(super) fn new(settings: LoggerSettings, output: Output) -> Self {
        Self { shared: Arc::new(Shared { settings, output }), bound: Arc::default() }
    }
}

impl StructuredLogger for ConsoleLogger {
    fn log(&self, level: Level, message: &str, fields: &[(&str, Json)]) {
        let Shared { settings, output } = &*self.shared;
        if level < settings.level || !output.admits() {
            return;
        }
        let at = output.clock().now();
        with_buffer(|buffer| {
            let head = LineHead { at, level, target: "", message };
            let mut line = buffer.begin(settings.format, &settings.sanitizer, head);
            let fields: BTreeMap<_, _> =
                fields.iter().map(|(name, value)| (*name, value)).collect();
            for (name, value) in &*self.bound {
                if !fields.contains_key(&**name) {
                    line.field(name, value);
                }
            }
            for (name, value) in fields {
                line.field(name, value);
            }
            output.push(line.end());
        });
        if level == Level::Error {
            let fields = || merged(&self.bound, fields);
            output.notify(|| LogEntry::new(at, level, message, &fields(), &settings.sanitizer));
        }
    }

    by_output!();
}

#[cfg(test)]
mod tests {
    use core::cell::RefCell;

    use apptheory_core::observe::LoggerConfig;
    use apptheory_core::time::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::clock::ManualClock;
    use crate::logs::{ErrorNotifier, LogError, LoggerFactory, NotifyFuture, SharedLogger};
    use crate::test_writer::TestWriter;

    fn factory() -> (LoggerFactory, TestWriter) {
        let written = TestWriter::default();
        let writer = written.clone();
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        (LoggerFactory::new().with_clock(clock).with_writer(move || writer.clone()), written)
    }

    fn logger(config: Json) -> (SharedLogger, TestWriter) {
        let (factory, written) = factory();
        let config: LoggerConfig = serde_json::from_value(config).unwrap();
        (factory.console(&config).unwrap(), written)
    }

    #[tokio::test]
    async fn a_line_has_each_name_once_and_the_later_value() {
        let (logger, written) = logger(json!({"format": "json"}));
        let logger = logger.with_request_id("r1").with_request_id("r2").with_tenant_id("t");
        let fields =
            [("n", json!(1)), ("tenant_id", json!("u")), ("n", json!([2])), ("pin", json!(1))];
        logger.error("a\nb token=x", &fields);
        logger.flush().await.unwrap();
        let expected = concat!(
            r#"{"timestamp":"1970-01-01T00:00:00.000Z","level":"ERROR","message":"ab token=[REDACTED]","#,
            r#""request_id":"r2","n":["2"],"pin":"[REDACTED]","tenant_id":"u"}"#,
        );
        assert_eq!(written.take(), format!("{expected}\n"));
    }

    /// Each field is compared with a few others, not with all: that would take minutes.
    #[tokio::test]
    async fn fields_may_be_as_many_as_a_client_sends() {
        let (logger, written) = logger(json!({"format": "json"}));
        let names: Vec<String> = (0..500_000).map(|n| format!("n{n:06}")).collect();
        let fields: Vec<_> = names.iter().map(|name| (&**name, json!(1))).collect();
        logger.info("a", &fields);
        logger.flush().await.unwrap();
        let lines = written.take_json();
        assert_eq!((&lines[0]["n000127"], lines[0].get("n000128")), (&json!(1), None));
        assert_eq!(lines[0]["omitted_fields"], 500_000 - 128);
    }

    #[tokio::test]
    async fn a_policy_of_the_configuration_decides_what_is_shown() {
        let (logger, written) =
            logger(json!({"format": "json", "sanitization": {"allowed_fields": ["pin"]}}));
        logger.info("a", &[("pin", json!("1"))]);
        logger.flush().await.unwrap();
        assert_eq!(written.take_json()[0]["pin"], "1");
    }

    #[tokio::test]
    async fn entries_below_the_level_are_not_counted_and_the_console_is_for_people() {
        let (logger, written) = logger(json!({"format": "console", "level": "warn"}));
        logger.debug("a", &[]);
        logger.info("b", &[]);
        logger.warn("c", &[("n", json!(1))]);
        logger.flush().await.unwrap();
        let text = written.take();
        assert_eq!(text.lines().count(), 1);
        assert!(text.ends_with("WARN c n=1\n"), "{text}");
        let stats = logger.stats();
        assert_eq!((stats.entries_logged, stats.entries_dropped, stats.flush_count), (1, 0, 1));
        assert_eq!(stats.last_flush, Some(Timestamp::UNIX_EPOCH));
    }

    #[tokio::test]
    async fn a_writer_that_fails_makes_it_unhealthy_until_it_writes_again() {
        let (logger, written) = logger(json!({"format": "json"}));
        written.set_room(Some(0));
        logger.info("a", &[]);
        let why = "the disk is full".to_owned();
        assert_eq!(logger.flush().await, Err(LogError::NotWritten { count: 1, why }));
        let stats = logger.stats();
        assert_eq!((stats.error_count, stats.last_error.as_deref()), (1, Some("the disk is full")));
        assert!(!logger.is_healthy());

        written.set_room(None);
        logger.info("b", &[]);
        assert_eq!(logger.flush().await, Ok(()));
        assert!(logger.is_healthy() && logger.stats().last_error.is_none());
        let lines = written.take_json();
        assert!(lines.iter().any(|line| line["message"] == "b"), "{lines:?}");
        assert!(lines.iter().any(|line| line["lost_lines"] == 1), "{lines:?}");
    }

    #[tokio::test]
    async fn a_flush_says_why_lines_failed_though_others_were_written_since() {
        let (logger, written) = logger(json!({"format": "json"}));
        written.set_room(Some(0));
        logger.info("a", &[]);
        assert!(crate::logs::flush());
        written.set_room(None);
        logger.info("b", &[]);
        let why = "the disk is full".to_owned();
        assert_eq!(logger.flush().await, Err(LogError::NotWritten { count: 1, why }));
        assert!(logger.is_healthy());
        assert_eq!(logger.flush().await, Ok(()));
    }

    #[tokio::test]
    async fn a_closed_logger_writes_nothing_more_and_counts() {
        let (logger, written) = logger(json!({"format": "json"}));
        logger.info("a", &[]);
        logger.with_request_id("r").close().await.unwrap();
        logger.info("b", &[]);
        logger.flush().await.unwrap();
        assert_eq!((written.take_json().len(), logger.is_healthy()), (1, false));
        let stats = logger.stats();
        assert_eq!((stats.entries_logged, stats.entries_dropped), (1, 1));
    }

    #[test]
    fn what_a_thread_logs_while_it_ends_is_written() {
        struct LogsItsEnd(SharedLogger);
        impl Drop for LogsItsEnd {
            fn drop(&mut self) {
                self.0.info("ended", &[]);
            }
        }
        thread_local! {
            static KEPT: RefCell<Option<LogsItsEnd>> = const { RefCell::new(None) };
        }
        let (logger, written) = logger(json!({"format": "json"}));
        let work = move || {
            // Dropped after everything that was used later.
            KEPT.set(Some(LogsItsEnd(Arc::clone(&logger))));
            logger.info("begun", &[]);
        };
        std::thread::spawn(work).join().unwrap();
        assert!(crate::logs::flush());
        let lines = written.take_json();
        let messages: Vec<_> = lines.iter().map(|line| &line["message"]).collect();
        assert_eq!(messages, ["begun", "ended"]);
    }

    #[tokio::test]
    async fn a_notifier_is_given_errors_alone_sanitized() {
        #[derive(Debug, Default)]
        struct Kept(Arc<std::sync::Mutex<Vec<LogEntry>>>);
        impl ErrorNotifier for Kept {
            fn notify<'n>(&'n self, entry: &'n LogEntry) -> NotifyFuture<'n> {
                self.0.lock().unwrap().push(entry.clone());
                Box::pin(async { Ok(()) })
            }
        }
        let (factory, _) = factory();
        let kept = Kept::default();
        let told = Arc::clone(&kept.0);
        let logger = factory.with_notifier(kept).console(&LoggerConfig::default()).unwrap();
        let logger = logger.with_request_id("r1");
        logger.warn("a", &[]);
        logger.error("b password=x", &[("token", json!("t")), ("n", json!(1))]);
        logger.flush().await.unwrap();
        let told = told.lock().unwrap();
        assert_eq!((told.len(), &*told[0].message), (1, "b password=[REDACTED]"));
        assert_eq!(json!(told[0].fields), json!({"token": "[REDACTED]", "n": "1"}));
        assert_eq!(told[0].request_id, "r1");
    }
}
