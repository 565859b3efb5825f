//! What an application decides once for all of its events.

use core::num::NonZeroUsize;

use apptheory_core::events::{AfterFailure, OnUnmatched};

use crate::app::App;

/// What an application decides once for all of its events.
#[derive(Clone, Copy, Debug)]
pub(in crate::app) struct EventSettings {
    pub(super) on_unmatched: OnUnmatched,
    pub(super) after_failure: AfterFailure,
    pub(super) concurrency: NonZeroUsize,
    pub(super) observes_messages: bool,
    /// Whether metrics have the tag `correlation_id`.
    pub(super) tags_correlation_id: bool,
    /// Whether the error of an event that nothing is registered for says what was seen of it.
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

/// Events.
impl<S> App<S> {
    /// Sets what becomes of events of EventBridge that no rule selects, and that neither `on` nor
    /// `otherwise` takes: by default they succeed. Either way they are recorded for the hooks, with the
    /// outcome `unmatched`; without a log hook, and with the feature `tracing`, a warning is logged.
    #[must_use]
    pub fn on_unmatched(mut self, on_unmatched: OnUnmatched) -> Self {
        self.events.on_unmatched = on_unmatched;
        self
    }

    /// Sets what happens to the rest of a batch when one of its records fails.
    ///
    /// | | shard of Kinesis or DynamoDB | FIFO queue | other queue |
    /// |---|---|---|---|
    /// | [`Continue`](AfterFailure::Continue), the default | runs all the same | other message groups run | runs |
    /// | [`SkipGroup`](AfterFailure::SkipGroup) | fails, so that the order holds | other message groups run | runs |
    /// | [`SkipAll`](AfterFailure::SkipAll) | fails, so that the order holds | fails, whatever its group | runs |
    #[must_use]
    pub fn after_failure(mut self, after_failure: AfterFailure) -> Self {
        self.events.after_failure = after_failure;
        self
    }

    /// Handles as many records of a batch at once; by default one. Records of a message group or a
    /// shard still run one after the other.
    #[must_use]
    pub fn event_concurrency(mut self, records: NonZeroUsize) -> Self {
        self.events.concurrency = records;
        self
    }

    /// Leaves the tag `correlation_id` out of the metrics of events. It has a new value for every
    /// event: leave it out where metrics are paid for by the number of their tags' values. Log
    /// records and spans keep it.
    #[must_use]
    pub fn without_correlation_tag(mut self) -> Self {
        self.events.tags_correlation_id = false;
        self
    }

    /// Records every message of SQS, Kinesis, SNS and WebSockets for the hooks, too. By default, only
    /// changes of tables and events of EventBridge are recorded.
    #[must_use]
    pub fn observe_messages(mut self) -> Self {
        self.events.observes_messages = true;
        self
    }
}
