//! Error notifications.

use alloc::string::{String, ToString as _};

use serde_json::json;

use super::bounded::Room;
use super::{Fields, LogEntry};
use crate::json;
use crate::sanitize::log_text;

/// The most bytes of a message: the limit of Amazon SNS.
pub const MAX_MESSAGE_BYTES: usize = 256 * 1024;

/// The most bytes of a subject. Amazon SNS allows 100 characters.
pub const MAX_SUBJECT_BYTES: usize = 100;

/// The destination of error notifications, and the function that they are from.
///
/// ```
/// use apptheory_core::observe::notification::NotificationSettings;
///
/// let env = |name: &str| {
///     let is_topic = name == "ERROR_NOTIFICATIONS_TOPIC_ARN";
///     is_topic.then(|| "arn:aws:sns:eu-west-1:1:errors".to_owned())
/// };
/// let settings = NotificationSettings::from_env(env);
/// assert_eq!(settings.topic_arn.as_deref(), Some("arn:aws:sns:eu-west-1:1:errors"));
/// assert_eq!(settings.subject, "apptheory error");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotificationSettings {
    /// The Amazon SNS topic; without one, no notifications are sent.
    pub topic_arn: Option<String>,
    /// The subject, of at most [`MAX_SUBJECT_BYTES`] bytes.
    pub subject: String,
    /// The function's properties in notifications.
    pub origin: Origin,
}

/// The function's properties in a notification. Unknown values are empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Origin {
    /// The runtime, from `AWS_EXECUTION_ENV`.
    pub execution_env: String,
    /// The function's name, from `AWS_LAMBDA_FUNCTION_NAME`.
    pub function_name: String,
    /// The region, from `AWS_REGION`.
    pub region: String,
}

impl NotificationSettings {
    /// Reads the settings from environment variables; a blank variable counts as missing. The topic
    /// is the first of `APPTHEORY_ERROR_NOTIFICATIONS_TOPIC_ARN`, `APPTHEORY_SNS_ERROR_TOPIC_ARN`,
    /// `ERROR_NOTIFICATION_SNS_TOPIC_ARN`, `ERROR_NOTIFICATIONS_TOPIC_ARN` and
    /// `SNS_ERROR_TOPIC_ARN`. The subject is the first of `APPTHEORY_ERROR_NOTIFICATIONS_SUBJECT`
    /// and `APPTHEORY_SNS_ERROR_SUBJECT`, or `apptheory error`.
    #[must_use]
    pub fn from_env(look_up: impl Fn(&str) -> Option<String>) -> Self {
        let filled = |name: &str| {
            let text = look_up(name)?.trim().to_string();
            (!text.is_empty()).then_some(text)
        };
        let named = |name| filled(name).unwrap_or_default();
        let asked = SUBJECTS.into_iter().find_map(filled);
        Self {
            topic_arn: TOPICS.into_iter().find_map(filled),
            subject: subject(asked.as_deref().unwrap_or_default()),
            origin: Origin {
                execution_env: named("AWS_EXECUTION_ENV"),
                function_name: named("AWS_LAMBDA_FUNCTION_NAME"),
                region: named("AWS_REGION"),
            },
        }
    }
}

const TOPICS: [&str; 5] = [
    "APPTHEORY_ERROR_NOTIFICATIONS_TOPIC_ARN",
    "APPTHEORY_SNS_ERROR_TOPIC_ARN",
    "ERROR_NOTIFICATION_SNS_TOPIC_ARN",
    "ERROR_NOTIFICATIONS_TOPIC_ARN",
    "SNS_ERROR_TOPIC_ARN",
];

const SUBJECTS: [&str; 2] =
    ["APPTHEORY_ERROR_NOTIFICATIONS_SUBJECT", "APPTHEORY_SNS_ERROR_SUBJECT"];

const DEFAULT_SUBJECT: &str = "apptheory error";

/// Returns a subject that Amazon SNS accepts: one line of at most [`MAX_SUBJECT_BYTES`] bytes. A
/// blank subject becomes `apptheory error`.
#[must_use]
pub fn subject(text: &str) -> String {
    let line = log_text(text);
    let line = line.trim();
    let line = if line.is_empty() { DEFAULT_SUBJECT } else { line };
    let end = (0..=line.len().min(MAX_SUBJECT_BYTES)).rev().find(|at| line.is_char_boundary(*at));
    line.get(..end.unwrap_or_default()).unwrap_or_default().trim_end().to_string()
}

/// Returns the message of an entry's notification: JSON of at most [`MAX_MESSAGE_BYTES`] bytes,
/// with the members `entry` and `env`. Values that are too long are cut, and fields without space
/// are left out.
#[must_use]
pub fn message(entry: &LogEntry, origin: &Origin) -> String {
    let Origin { execution_env, function_name, region } = origin;
    let env = json!({
        "aws_execution_env": execution_env,
        "aws_lambda_function_name": function_name,
        "aws_region": region,
    });
    let mut room = Room(MAX_MESSAGE_BYTES - RESERVE);
    let env = room.fit("env", env);
    let mut text = |name: &str, text: &str| match room.fit(name, text.into()) {
        Some(serde_json::Value::String(text)) => text,
        _ => String::new(),
    };
    let mut fitting = LogEntry {
        at: entry.at,
        level: entry.level,
        message: text("message", &entry.message),
        fields: Fields::new(),
        request_id: text("request_id", &entry.request_id),
        tenant_id: text("tenant_id", &entry.tenant_id),
        user_id: text("user_id", &entry.user_id),
        trace_id: text("trace_id", &entry.trace_id),
        span_id: text("span_id", &entry.span_id),
    };
    let fields = entry.fields.iter();
    let fields = fields.filter_map(|(name, value)| Some((name, room.fit(name, value.clone())?)));
    fitting.fields = fields.map(|(name, value)| (name.clone(), value)).collect();
    json::to_text(&json!({"entry": fitting, "env": env}))
}

/// The size of the members that are always present, without their values.
const RESERVE: usize = 1024;

#[cfg(test)]
mod tests {
    use alloc::borrow::ToOwned as _;

    use serde_json::Value as Json;

    use super::*;
    use crate::observe::Level;
    use crate::sanitize::Sanitizer;
    use crate::time::Timestamp;

    #[test]
    fn notifications_use_the_first_topic_variable_that_is_set() {
        let all = |set: &'static [(&str, &str)]| {
            NotificationSettings::from_env(move |name| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        let settings = all(&[
            ("SNS_ERROR_TOPIC_ARN", "last"),
            ("ERROR_NOTIFICATION_SNS_TOPIC_ARN", " third\n"),
            ("APPTHEORY_SNS_ERROR_TOPIC_ARN", " "),
            ("APPTHEORY_SNS_ERROR_SUBJECT", "of\r\nus"),
            ("AWS_REGION", "eu-west-1"),
        ]);
        assert_eq!(settings.topic_arn.as_deref(), Some("third"));
        assert_eq!((&*settings.subject, &*settings.origin.region), ("ofus", "eu-west-1"));
        let none = all(&[]);
        assert_eq!((none.topic_arn, &*none.subject), (None, "apptheory error"));
    }

    #[test]
    fn a_subject_is_one_short_line() {
        assert_eq!(subject(" \n"), "apptheory error");
        assert_eq!(subject("a\u{202e}b\tc"), "ab c");
        let long = subject(&"é".repeat(80));
        assert_eq!((long.len(), long.chars().count()), (100, 50));
        assert_eq!(subject(&alloc::format!("x{}", "é".repeat(80))).len(), 99);
    }

    #[test]
    fn a_message_is_json_however_much_there_is_to_say() {
        let fields = [("a", 10), ("b", MAX_MESSAGE_BYTES / 2), ("z", 10)];
        let fields = fields.map(|(name, length)| (name.to_owned(), "<b\" ".repeat(length).into()));
        let (at, long) = (Timestamp::UNIX_EPOCH, "é ".repeat(MAX_MESSAGE_BYTES / 2));
        let sanitizer = Sanitizer::new();
        let entry = LogEntry::new(at, Level::Error, &long, &fields.into(), &sanitizer);
        let origin = Origin { region: "r".into(), ..Origin::default() };
        let text = message(&entry, &origin);
        assert!(text.len() <= MAX_MESSAGE_BYTES && text.len() > MAX_MESSAGE_BYTES * 2 / 3);
        let told: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&told["env"]["aws_region"], &told["entry"]["level"]),
            (&json!("r"), &json!("error"))
        );
        for whole in ["a", "z"] {
            assert_eq!(told["entry"]["fields"][whole], "<b\" ".repeat(10));
        }
        for cut in [&told["entry"]["message"], &told["entry"]["fields"]["b"]] {
            assert!(cut.as_str().unwrap().ends_with("[cut]"));
        }

        let many = (0..25_000).map(|at| (at.to_string(), "x".into())).collect();
        let entry = LogEntry::new(at, Level::Error, "m", &many, &sanitizer);
        let text = message(&entry, &origin);
        assert!(text.len() <= MAX_MESSAGE_BYTES && text.len() > MAX_MESSAGE_BYTES * 9 / 10);
    }

    #[test]
    fn a_message_says_which_function_it_is_from() {
        let entry = LogEntry::new(
            Timestamp::UNIX_EPOCH,
            Level::Error,
            "m",
            &Fields::new(),
            &Sanitizer::new(),
        );
        let origin = Origin { function_name: "f".into(), ..Origin::default() };
        assert_eq!(
            message(&entry, &origin),
            concat!(
                r#"{"entry":{"level":"error","message":"m","timestamp":"1970-01-01T00:00:00Z"},"#,
                r#""env":{"aws_execution_env":"","aws_lambda_function_name":"f","aws_region":""}}"#,
            )
        );
    }
}
