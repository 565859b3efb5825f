//! Errors of events and records.

use alloc::borrow::Cow;
use alloc::format;
use alloc::vec::Vec;
use core::error::Error as StdError;
use core::fmt;

use super::batch_source::BatchSource;
use super::raw::Seen;
use crate::error::AppError;
use crate::json::JsonError;

/// An event, or a record of a batch, cannot be read, or has no handler.
///
/// The error of an event fails the invocation before any handler runs: its sender retries, or sends
/// the event to a destination for failures. The error of a record fails only that record. The text
/// contains nothing from the event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Error {
    kind: ErrorKind,
    text: Cow<'static, str>,
    cause: Option<JsonError>,
    event: Option<&'static str>,
}

/// Says what is wrong with an event or a record.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ErrorKind {
    /// The event is blank.
    Empty,
    /// The event is not a JSON object, or a member that identifies its service occurs twice.
    NotAnObject,
    /// The event has no handler. Register one, or check what invokes the function.
    Unknown,
    /// The event is for a Lambda authorizer. Register an authorizer handler, or use a separate
    /// function for the authorizer.
    Authorizer,
    /// A member has the wrong type, or occurs twice.
    Malformed,
    /// The record is from another service than the first record of the event.
    ForeignRecord,
    /// The event belongs to a tumbling window. Lambda expects state in the response, which record
    /// handlers do not have. Register handlers with `kinesis_window` or `dynamodb_window`, or
    /// remove `TumblingWindowInSeconds` from the event source mapping.
    TumblingWindow,
    /// The data of a record is not base64.
    InvalidBase64,
    /// The data of a record is not a delivery of a CloudWatch Logs subscription: another service
    /// also writes to the stream, or the record is damaged.
    NotASubscription,
    /// An EventBridge event lacks its source, detail type, or correlation id.
    InvalidEnvelope,
    /// The topic of a notification has no handler. Register one, or remove the subscription.
    UnrecognizedTopic,
    /// No rule selects an EventBridge event, and unmatched events fail. Register a handler, or
    /// narrow the rule in EventBridge.
    Unmatched,
    /// A failed record has no identifier. Left out of the response it would count as handled, so
    /// the whole batch fails.
    UnnamedRecord,
}

impl Error {
    /// Returns the error for an event of a service that the application does not support.
    #[must_use]
    pub const fn unknown() -> Self {
        Self::new(ErrorKind::Unknown, "apptheory: unknown event type")
    }

    /// Returns the error for an event without a handler. Its text contains what was
    /// [seen](super::RawEvent::seen) of the event, the registered handlers, and what to do.
    ///
    /// ```
    /// use apptheory_core::events::{Error, RawEvent};
    ///
    /// let event = RawEvent::read(r#"{"action":"ship"}"#)?;
    /// let error = Error::unrouted(&event.seen(), &["sqs(\"orders\")"]);
    /// assert_eq!(
    ///     error.to_string(),
    ///     "nothing is registered for this event, an object with `action`; registered: \
    ///      sqs(\"orders\"). Register a handler with `on` or `otherwise`, or check what invokes \
    ///      the function",
    /// );
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn unrouted<T: fmt::Display>(seen: &Seen, registered: &[T]) -> Self {
        let handler: Cow<'_, str> = match seen {
            Seen::Single(source) => format!("with `{}`, or `otherwise`", source.name()).into(),
            Seen::Service(name) => format!("with `{}`, or `otherwise`", method_for(name)).into(),
            Seen::Members { .. } | Seen::Value(_) => "with `on` or `otherwise`".into(),
        };
        let listed: Vec<_> =
            registered.iter().take(MAX_LISTED).map(|route| format!("{route}")).collect();
        let more = registered.len().saturating_sub(listed.len());
        let listed = match (listed.join(", "), more) {
            (listed, _) if listed.is_empty() => "nothing".into(),
            (listed, 0) => listed,
            (listed, more) => format!("{listed} and {more} more"),
        };
        let text = format!(
            "nothing is registered for this event, {seen}; registered: {listed}. Register a handler \
             {handler}, or check what invokes the function"
        );
        Self { kind: ErrorKind::Unknown, text: text.into(), cause: None, event: None }
    }

    pub(super) const fn new(kind: ErrorKind, text: &'static str) -> Self {
        Self { kind, text: Cow::Borrowed(text), cause: None, event: None }
    }

    pub(super) const fn empty() -> Self {
        Self::new(ErrorKind::Empty, "apptheory: empty event")
    }

    pub(super) const fn authorizer() -> Self {
        Self::new(ErrorKind::Authorizer, "apptheory: unknown event type")
    }

    pub(super) fn envelope(cause: JsonError) -> Self {
        let text = format!("apptheory: parse event envelope: {cause}");
        Self { kind: ErrorKind::NotAnObject, text: text.into(), cause: Some(cause), event: None }
    }

    /// `what` is `sqs event`, `sqs record` and so on.
    pub(super) fn malformed(what: &str, cause: JsonError) -> Self {
        let error = Self::refused(ErrorKind::Malformed, what, format_args!("{cause}"));
        Self { cause: Some(cause), ..error }
    }

    pub(super) fn refused(kind: ErrorKind, what: &str, why: impl fmt::Display) -> Self {
        Self {
            kind,
            text: format!("apptheory: parse {what}: {why}").into(),
            cause: None,
            event: None,
        }
    }

    pub(super) fn not_a_subscription(why: impl fmt::Display) -> Self {
        let text = format!("apptheory: decode cloudwatch logs subscription{why}");
        Self { kind: ErrorKind::NotASubscription, text: text.into(), cause: None, event: None }
    }

    /// Returns the error for an event of a tumbling window without window handlers.
    #[must_use]
    pub fn tumbling_window(source: BatchSource) -> Self {
        let text = format!(
            "apptheory: {}s of tumbling windows need handlers of a window, and no record was handled: \
             register them with `{}_window`, or remove TumblingWindowInSeconds from the event source \
             mapping",
            source.names().0,
            source.name(),
        );
        Self { kind: ErrorKind::TumblingWindow, text: text.into(), cause: None, event: None }
    }

    pub(super) fn of(self, event: &'static str) -> Self {
        Self { event: Some(event), ..self }
    }

    /// Returns the [name](super::LambdaEvent::name) of an unreadable event, if its service was
    /// recognized.
    #[must_use]
    pub const fn event(&self) -> Option<&'static str> {
        self.event
    }

    /// Returns the kind.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        if self.kind == ErrorKind::Authorizer {
            return Some(&AuthorizerEvent);
        }
        self.cause.as_ref().map(|cause| cause as _)
    }
}

/// Returns the method that registers handlers for events with a [name](super::LambdaEvent::name).
fn method_for(name: &str) -> &str {
    match name {
        "apigw_v2" | "function_url" | "apigw_v1" | "alb" => "route",
        "eventbridge" => "event_bridge",
        method => method,
    }
}

/// The most routes that an error lists.
const MAX_LISTED: usize = 20;

/// Becomes a masked 500: the sender or the deployment is at fault, not a client.
impl From<Error> for AppError {
    fn from(error: Error) -> Self {
        Self::internal().with_cause(error)
    }
}

/// The reason in the error of an authorizer event.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "the event asks a Lambda authorizer (its type is REQUEST or TOKEN, beside methodArn or \
     routeArn): register a handler with `authorizer`, or give the authorizer a function of its own"
)]
struct AuthorizerEvent;
