//! The configuration of a structured logger.

use alloc::string::{String, ToString as _};
use core::time::Duration;

use serde::Deserialize;

use super::Level;
use super::line::LineFormat;
use super::on_lambda::{is_on_lambda, is_set};
use crate::duration;
use crate::sanitize::{Policy, Sanitizer, log_text};

/// The configuration of a structured logger, as an application writes it. Missing members have
/// defaults.
///
/// ```
/// use apptheory_core::observe::Level;
/// use apptheory_core::observe::line::LineFormat;
/// use apptheory_core::observe::LoggerConfig;
///
/// let json = r#"{"level": "Warning", "retry_delay": "2s"}"#;
/// let config: LoggerConfig = serde_json::from_str(json)?;
/// let on_lambda = |name: &str| (name == "AWS_LAMBDA_FUNCTION_NAME").then(|| "orders".to_owned());
/// let settings = config.settings(on_lambda)?;
/// assert_eq!((settings.level, settings.format), (Level::Warn, LineFormat::Json));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct LoggerConfig {
    /// `json` or `console`; if blank, `json` on Lambda and if `AWS_EXECUTION_ENV` is set, otherwise
    /// `console`.
    pub format: String,
    /// The lowest level to log: `debug`, `info`, `warn`, `warning` or `error`, in any case; if
    /// blank, `info`.
    pub level: String,
    /// The delay before an error notification is retried; a second by default.
    #[serde(deserialize_with = "duration::deserialize_option")]
    pub retry_delay: Option<Duration>,
    /// The most retries of a notification; two by default.
    pub max_retries: Option<u32>,
    /// The most queued notifications and lines; if missing or 0, 256 notifications and
    /// [`MAX_LINES`] lines.
    pub buffer_size: usize,
    /// The application's own sanitization rules.
    pub sanitization: Option<Policy>,
}

/// A [`LoggerConfig`] with its defaults filled in.
#[derive(Clone, Debug)]
pub struct LoggerSettings {
    /// The format of lines.
    pub format: LineFormat,
    /// The lowest level to log.
    pub level: Level,
    /// The delay before a notification is retried.
    pub retry_delay: Duration,
    /// The most attempts of a notification.
    pub attempts: u32,
    /// The most queued notifications.
    pub max_notifications: usize,
    /// The most queued lines.
    pub max_lines: usize,
    /// The sanitizer of all values.
    pub sanitizer: Sanitizer,
}

/// The default number of queued lines.
pub const MAX_LINES: usize = 8192;

/// Names the AWS service that runs the program: Lambda, or a container service.
const EXECUTION_ENV: &str = "AWS_EXECUTION_ENV";

const MAX_NOTIFICATIONS: usize = 256;
const RETRY_DELAY: Duration = Duration::from_secs(1);
const MAX_RETRIES: u32 = 2;

/// The configuration has an invalid level or format.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LoggerConfigError {
    /// The level is not one that [`LoggerConfig::level`] takes.
    #[error("observability: unsupported log level {}: use debug, info, warn or error", log_text(.0))]
    UnsupportedLevel(String),
    /// The format is not one of those in [`LoggerConfig::format`].
    #[error("observability: unsupported log format {}: use json or console", log_text(.0))]
    UnsupportedFormat(String),
}

impl LoggerConfig {
    /// Fills in the defaults, some of which differ [on Lambda](is_on_lambda).
    ///
    /// # Errors
    ///
    /// [`LoggerConfigError`] for an invalid level or format.
    pub fn settings(
        &self,
        look_up: impl Fn(&str) -> Option<String>,
    ) -> Result<LoggerSettings, LoggerConfigError> {
        let level = match &*self.level.trim().to_ascii_lowercase() {
            "" | "info" => Level::Info,
            "debug" => Level::Debug,
            "warn" | "warning" => Level::Warn,
            "error" => Level::Error,
            _ => return Err(LoggerConfigError::UnsupportedLevel(self.level.to_string())),
        };
        let on_lambda = is_on_lambda(&look_up);
        // Lambda adds the time to lines of text.
        let console = LineFormat::Text { is_timed: !on_lambda, is_colored: false };
        let format = match &*self.format.trim().to_ascii_lowercase() {
            "json" => LineFormat::Json,
            "console" => console,
            "" if on_lambda || is_set(&look_up, EXECUTION_ENV) => LineFormat::Json,
            "" => console,
            _ => return Err(LoggerConfigError::UnsupportedFormat(self.format.to_string())),
        };
        let buffer = (self.buffer_size > 0).then_some(self.buffer_size);
        Ok(LoggerSettings {
            format,
            level,
            retry_delay: self.retry_delay.unwrap_or(RETRY_DELAY),
            attempts: self.max_retries.unwrap_or(MAX_RETRIES).saturating_add(1),
            max_notifications: buffer.unwrap_or(MAX_NOTIFICATIONS),
            max_lines: buffer.unwrap_or(MAX_LINES),
            sanitizer: Sanitizer::new().with_policy(self.sanitization.clone()),
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::borrow::ToOwned as _;

    use serde_json::json;

    use super::*;

    fn settings(config: serde_json::Value) -> Result<LoggerSettings, LoggerConfigError> {
        serde_json::from_value::<LoggerConfig>(config).unwrap().settings(|_| None)
    }

    #[test]
    fn what_is_missing_has_a_default() {
        let found = settings(json!({})).unwrap();
        let console = LineFormat::Text { is_timed: true, is_colored: false };
        assert_eq!((found.format, found.level), (console, Level::Info));
        assert_eq!((found.attempts, found.retry_delay), (3, Duration::from_secs(1)));
        assert_eq!((found.max_notifications, found.max_lines), (256, MAX_LINES));
    }

    #[test]
    fn json_is_the_default_in_services_of_aws_and_lambda_adds_the_time_to_text() {
        let console = |is_timed| LineFormat::Text { is_timed, is_colored: false };
        let formats = |name: &str, value: &str| {
            ["", "console"].map(|format| {
                let config = LoggerConfig { format: format.into(), ..LoggerConfig::default() };
                let env = |asked: &str| (asked == name).then(|| value.to_owned());
                config.settings(env).unwrap().format
            })
        };
        for name in ["AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT"] {
            assert_eq!(formats(name, "x"), [LineFormat::Json, console(false)], "{name}");
            assert_eq!(formats(name, " "), [console(true); 2], "{name}");
        }
        let containers = formats("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE");
        assert_eq!(containers, [LineFormat::Json, console(true)]);
        assert_eq!(formats("AWS_EXECUTION_ENV", ""), [console(true); 2]);
    }

    #[test]
    fn configured_logger_settings_are_used() {
        let config = json!({"format": "JSON", "level": " Error ", "retry_delay": "50ms",
            "max_retries": 0, "buffer_size": 7, "sanitization": {"allowed_fields": ["pin"]}});
        let found = settings(config).unwrap();
        assert_eq!((found.format, found.level), (LineFormat::Json, Level::Error));
        assert_eq!((found.attempts, found.retry_delay), (1, Duration::from_millis(50)));
        assert_eq!((found.max_notifications, found.max_lines), (7, 7));
        assert_eq!(found.sanitizer.field("pin", "1"), json!("1"));
    }

    #[test]
    fn unsupported_levels_formats_and_members_are_refused() {
        let both = settings(json!({"format": "xml", "level": "loud\n"})).unwrap_err();
        assert_eq!(
            both.to_string(),
            "observability: unsupported log level loud: use debug, info, warn or error"
        );
        let format = settings(json!({"format": "xml"})).unwrap_err();
        assert_eq!(
            format.to_string(),
            "observability: unsupported log format xml: use json or console"
        );
        let unknown = serde_json::from_value::<LoggerConfig>(json!({"enable_stack": true}));
        assert!(unknown.unwrap_err().to_string().starts_with("unknown field `enable_stack`"));
    }
}
