//! Settings for all events of an application.

use core::num::NonZeroUsize;

use apptheory_core::events::{AfterFailure, OnUnmatched};

use crate::app::App;

/// Settings for all events of an application.
#[derive(Clone, Copy, Debug)]
pub(in crate::app) struct EventSettings {
    pub(super) on_unmatched: OnUnmatched,
    pub(super) after_failure: AfterFailure,
    pub(super) concurrency: NonZeroUsize,
    pub(super) observes_messages: bool,
    /// Whether metrics have the tag `correlation_id`.
    pub(super) tags_correlation_id: bool,
    /// Whether the error for an event without a handler describes the event's shape.
    pub(in crate::app) names_what_was_seen: bool,
}

impl Default for EventSettings {
    fn default() -> Self {
        Self {
            on_unmatched: OnUnmatched::default(),
            after_failure: AfterFailure::default(),
            concurrency: NonZeroUsize::MIN,
            observes_messages: false,
            tags_correlation_id: true,
            names_what_was_seen: true,
        }
    }
}

/// Settings for events.
impl<S> App<S> {
    /// Sets whether EventBridge events that no rule, `on` or `otherwise` selects succeed (the
    /// default) or fail. In both cases hooks get a record with the outcome `unmatched`; without a
    /// log hook, and with the feature `tracing`, a warning is logged.
    #[must_use]
    pub fn on_unmatched(mut self, on_unmatched: OnUnmatched) -> Self {
        self.events.on_unmatched = on_unmatched;
        self
    }

    /// Sets what happens to the rest of a batch when one of its records fails.
    ///
    /// | | shard of Kinesis or DynamoDB | FIFO queue | other queue |
    /// |---|---|---|---|
    /// | [`Continue`](AfterFailure::Continue), the default | runs as well | other message groups run | runs |
    /// | [`SkipGroup`](AfterFailure::SkipGroup) | fails, to keep the order | other message groups run | runs |
    /// | [`SkipAll`](AfterFailure::SkipAll) | fails, to keep the order | fails, whatever its group | runs |
    #[must_use]
    pub fn after_failure(mut self, after_failure: AfterFailure) -> Self {
        self.events.after_failure = after_failure;
        self
    }

    /// Sets how many records of a batch are handled concurrently; by default one. Records of the
    /// same message group or shard still run one after the other.
    #[must_use]
    pub fn event_concurrency(mut self, records: NonZeroUsize) -> Self {
        self.events.concurrency = records;
        self
    }

    /// Leaves the tag `correlation_id` out of the metrics of events. The tag has a new value for
    /// every event: leave it out if you pay for metrics by the number of tag values. Log records
    /// and spans keep it.
    #[must_use]
    pub fn without_correlation_tag(mut self) -> Self {
        self.events.tags_correlation_id = false;
        self
    }

    /// Also passes records of SQS, Kinesis, SNS and WebSocket messages to the hooks. By default,
    /// only changes of tables and EventBridge events are recorded.
    #[must_use]
    pub fn observe_messages(mut self) -> Self {
        self.events.observes_messages = true;
        self
    }
}
