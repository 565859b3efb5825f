//! Events of unknown services, and what may be logged of them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::error::Error;
use super::event::kind_of;
use super::single::SingleSource;
use crate::document::{Document, Object, Value};
use crate::sanitize::log_text;

/// An event as it arrived: any JSON value, scanned once. Use it for events of unknown services,
/// such as the input of a direct invocation.
#[derive(Clone, Debug)]
pub struct RawEvent<'a> {
    document: Document<'a>,
}

impl<'a> RawEvent<'a> {
    /// Reads an event.
    ///
    /// # Errors
    ///
    /// [`Error`] if the text is blank, or not JSON.
    pub fn read(text: &'a str) -> Result<Self, Error> {
        if text.trim().is_empty() {
            return Err(Error::empty());
        }
        Document::scan(text).map(Self::of).map_err(Error::envelope)
    }

    pub(super) const fn of(document: Document<'a>) -> Self {
        Self { document }
    }

    /// Returns the original JSON text, for [`serde_json::from_str`].
    #[must_use]
    pub fn as_json(&self) -> &'a str {
        self.document.root().json()
    }

    pub(super) fn root(&self) -> Value<'a, '_> {
        self.document.root()
    }

    /// Returns what was seen of the event, for errors and logs.
    #[must_use]
    pub fn seen(&self) -> Seen {
        let root = self.root();
        if let Ok(Some(kind)) = kind_of(&self.document) {
            return Seen::Service(kind.name());
        }
        if let Some(source) = SingleSource::of(root) {
            return Seen::Single(source);
        }
        let event = match root.object() {
            Ok(event) if !root.is_null() => event,
            _ => return Seen::Value(what_it_is(root.json())),
        };
        Seen::members(event)
    }

    /// Returns the error for an event of an unknown service, for hosts that only support known
    /// services.
    #[must_use]
    pub fn unknown(&self) -> Error {
        match (self.root().object(), self.seen()) {
            (Err(cause), _) => Error::envelope(cause),
            (Ok(_), Seen::Single(SingleSource::Authorizer)) => Error::authorizer(),
            (Ok(_), _) => Error::unknown(),
        }
    }
}

/// What was seen of an event: its service, or the names of its members. Contains no values of the
/// event, and may be logged.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Seen {
    /// An event of a service, with its [name](super::LambdaEvent::name).
    Service(&'static str),
    /// A single event of a service.
    Single(SingleSource),
    /// An object of another kind.
    Members {
        /// The names of its members, in order: at most [10](Self::MAX_NAMES) of at most
        /// [40](Self::MAX_NAME_CHARS) characters, without names that may not be logged.
        names: Vec<String>,
        /// The number of further members.
        more: usize,
    },
    /// Not an object: `null`, `a list`, `a text`, `a number` or `a Boolean`.
    Value(&'static str),
}

impl Seen {
    /// The most names of members that are kept.
    pub const MAX_NAMES: usize = 10;
    /// The most characters of a name that are kept.
    pub const MAX_NAME_CHARS: usize = 40;

    fn members(event: Object<'_, '_>) -> Self {
        let mut names = event.members().map(|(name, _)| name);
        let kept = names.by_ref().take(Self::MAX_NAMES).map(|name| shown(&name.trimmed()));
        Self::Members { names: kept.collect(), more: names.count() }
    }
}

/// Returns a name for display; an ellipsis replaces what is cut.
fn shown(name: &str) -> String {
    match name.char_indices().nth(Seen::MAX_NAME_CHARS) {
        Some((end, _)) => format!("{}…", log_text(name.get(..end).unwrap_or_default())),
        None => log_text(name).into_owned(),
    }
}

/// Returns the type of a JSON value that is not an object, by its first character.
fn what_it_is(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'[') => "a list",
        Some(b'"') => "a text",
        Some(b't' | b'f') => "a Boolean",
        Some(b'n') | None => "null",
        Some(_) => "a number",
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(name) => {
                write!(f, "an event of {name} (by {})", recognized_by(name))
            }
            Self::Single(source) => {
                write!(f, "an event of {} (by {})", source.name(), source.recognized_by())
            }
            Self::Members { names, .. } if names.is_empty() => {
                f.write_str("an object without members")
            }
            Self::Members { names, more } => {
                f.write_str("an object with ")?;
                for (n, name) in names.iter().enumerate() {
                    write!(f, "{}`{name}`", if n == 0 { "" } else { ", " })?;
                }
                if *more == 0 { Ok(()) } else { write!(f, " and {more} more members") }
            }
            Self::Value(what) => f.write_str(what),
        }
    }
}

/// Returns the members by which a service's event was recognized.
fn recognized_by(name: &str) -> &'static str {
    match name {
        "sqs" | "kinesis" | "dynamodb" | "s3" | "ses" | "codecommit" => {
            "`eventSource` in the first of `Records`"
        }
        "kafka" | "activemq" | "rabbitmq" | "documentdb" => "`eventSource`",
        "firehose" => "`deliveryStreamArn` and `records`",
        "cloudwatch_logs" => "`awslogs`",
        "sns" => "`EventSource` in the first of `Records`",
        "eventbridge" => "`detail-type`",
        "websocket" => "`requestContext.connectionId`",
        "apigw_v2" | "function_url" => "`requestContext.http`",
        "vpc_lattice_v1" => "`raw_path` and `method`",
        "vpc_lattice_v2" => "`requestContext.targetGroupArn` and `method`",
        _ => "`requestContext` and `httpMethod`",
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use super::*;

    fn seen(text: &str) -> String {
        RawEvent::read(text).unwrap().seen().to_string()
    }

    #[test]
    fn what_was_seen_names_members_and_no_values() {
        for (text, expected) in [
            (r#"{"action":"secret","id":7}"#, "an object with `action`, `id`"),
            ("{}", "an object without members"),
            (" null ", "null"),
            ("[{}]", "a list"),
            (r#""text""#, "a text"),
            ("-1", "a number"),
            ("false", "a Boolean"),
            (
                r#"{"Records":[{"eventSource":"aws:s3"}]}"#,
                "an event of s3 (by `eventSource` in the first of `Records`)",
            ),
            (r#"{"Records":[{"eventSource":"secret"}]}"#, "an object with `Records`"),
            (r#"{"eventSource":"aws:kafka","records":{}}"#, "an event of kafka (by `eventSource`)"),
            (
                r#"{"type":"TOKEN","methodArn":"secret"}"#,
                "an event of authorizer (by `type` beside `methodArn` or `routeArn`)",
            ),
            (
                r#"{"Records":[{"eventSource":"aws:sqs"}]}"#,
                "an event of sqs (by `eventSource` in the first of `Records`)",
            ),
            (r#"{"detail-type":"t"}"#, "an event of eventbridge (by `detail-type`)"),
            (
                r#"{"requestContext":{"connectionId":"c"}}"#,
                "an event of websocket (by `requestContext.connectionId`)",
            ),
        ] {
            assert_eq!(seen(text), expected, "{text}");
        }
    }

    #[test]
    fn names_are_few_short_and_clean() {
        let members: Vec<_> = (0..14).map(|n| format!(r#""m{n}":{n}"#)).collect();
        let text = format!("{{{}}}", members.join(","));
        let Seen::Members { names, more } = RawEvent::read(&text).unwrap().seen() else {
            panic!("an object")
        };
        assert_eq!((names.len(), more), (Seen::MAX_NAMES, 4));
        assert!(seen(&text).ends_with("`m9` and 4 more members"), "{}", seen(&text));
        let long = "é".repeat(50);
        let expected = format!("an object with `{}…`", "é".repeat(40));
        assert_eq!(seen(&format!(r#"{{"{long}":1}}"#)), expected);
        assert_eq!(seen("{\"a\\n\u{202e}b\":1}"), "an object with `ab`");
    }

    #[test]
    fn unknown_events_have_the_portable_error_messages() {
        for (text, expected) in [
            ("{}", "apptheory: unknown event type"),
            ("null", "apptheory: unknown event type"),
            (r#"{"type":"TOKEN","methodArn":"a"}"#, "apptheory: unknown event type"),
            ("5", "apptheory: parse event envelope: "),
        ] {
            let error = RawEvent::read(text).unwrap().unknown().to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
        assert!(RawEvent::read("{} {}").is_err() && RawEvent::read(" ").is_err());
    }
}
