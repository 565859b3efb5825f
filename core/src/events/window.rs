//! Tumbling windows of Kinesis and DynamoDB streams, which are not supported.

use serde_json::value::RawValue;

use super::trigger::Trigger;

/// What an event of a tumbling window has beside its records. Lambda expects such an invocation to
/// answer with `state`, and counts it failed otherwise.
#[derive(Clone, Copy, Debug)]
pub(super) struct WindowMembers<'a> {
    /// `window`: when it starts and ends.
    pub(super) window: Option<&'a RawValue>,
    /// `state`: what the invocation before left.
    pub(super) state: Option<&'a RawValue>,
    /// `isFinalInvokeForWindow`.
    pub(super) is_final: Option<&'a RawValue>,
    /// `isWindowTerminatedEarly`.
    pub(super) is_terminated: Option<&'a RawValue>,
}

impl WindowMembers<'_> {
    /// Whether the event is of a window. A flag that is `false` says nothing.
    pub(super) fn are_there(&self) -> bool {
        let is_set = |flag: Option<&RawValue>| flag.is_some_and(|flag| flag.get() != "false");
        self.window.is_some()
            || self.state.is_some()
            || is_set(self.is_final)
            || is_set(self.is_terminated)
    }
}

/// The stream that an event's own `eventSourceARN` names: `arn:{partition}:{service}:…`.
pub(super) fn batch_source(arn: &str) -> Option<Trigger> {
    match arn.trim().split(':').nth(2)? {
        "kinesis" => Some(Trigger::Kinesis),
        "dynamodb" => Some(Trigger::DynamoDbStream),
        _ => None,
    }
}
