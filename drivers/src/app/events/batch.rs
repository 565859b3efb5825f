//! Batches: runs their records, one or several at a time, and returns the list of records to retry.

use core::num::NonZeroUsize;
use core::pin::pin;
use std::sync::Arc;

use apptheory_core::error::AppError;
use apptheory_core::events::{
    Batch, BatchEvent, BatchRecord, BatchSource, DynamoDbSummary, EventInput, EventObservation,
    KinesisRecord, RawEvent, Turn,
};
use apptheory_core::time::Timestamp;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;

use super::{RecordRoute, Shared};
use crate::app::cancellation::{CancelOnDrop, Cancellation};
use crate::app::chain::Chain;
use crate::app::invoke::InvokeError;
use crate::app::span::in_record;
use crate::app::time::Begun;
use crate::app::{AppService, Response};
use crate::clock::{Clock as _, before};
use crate::trace::Pinned;

/// A record comes from a queue, stream or table without a handler, and fails. Register a handler,
/// or remove the event source mapping.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "nothing is registered for {name:?}: register a handler, or remove the event source mapping"
)]
struct Unregistered {
    name: String,
}

/// A record was not finished, and is retried: the batch's time was up, or an earlier record that it
/// must follow failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the record was not finished: the time was up, or a record before it failed")]
struct NotFinished;

/// Keeps a record's response, by the record's index.
pub(super) type Keep<'k> = dyn Fn(usize, Response) -> Result<(), AppError> + Sync + 'k;

impl AppService {
    /// Handles the records of an event; `text` is what the event was parsed from.
    ///
    /// What is rarely needed has a box of its own, so that the common future is small.
    pub(in crate::app) async fn answer_records(
        &self,
        event: &BatchEvent<'_>,
        text: &str,
        begun: Arc<Begun>,
    ) -> Result<String, InvokeError> {
        match event.source() {
            BatchSource::Sqs | BatchSource::Kinesis | BatchSource::DynamoDbStream => {
                self.answer_batch(event, begun).await
            }
            // Fails with an error that says what to register.
            source if !self.inner.events.records.contains_key(&source) => {
                Box::pin(self.answer_any(&RawEvent::read(text)?, begun)).await
            }
            BatchSource::Kafka => self.answer_batch(event, begun).await,
            BatchSource::Firehose => Box::pin(self.answer_firehose(event, begun)).await,
            BatchSource::S3
            | BatchSource::Ses
            | BatchSource::CodeCommit
            | BatchSource::ActiveMq
            | BatchSource::RabbitMq
            | BatchSource::DocumentDb
            | BatchSource::CloudWatchLogs => Box::pin(self.answer_whole(event, begun)).await,
        }
    }

    /// Handles every record of a batch, and returns the list of records to retry.
    async fn answer_batch(
        &self,
        event: &BatchEvent<'_>,
        begun: Arc<Begun>,
    ) -> Result<String, InvokeError> {
        let batch = self.run_batch(event, begun, &|_, _| Ok(())).await;
        Ok(batch.finish()?.to_json())
    }

    /// Handles every record of a batch, and keeps each response by the record's index. A record
    /// whose response cannot be kept fails.
    pub(super) async fn run_batch<'e>(
        &self,
        event: &'e BatchEvent<'_>,
        begun: Arc<Begun>,
        keep: &Keep<'_>,
    ) -> Batch<'e> {
        let settings = &self.inner.events.settings;
        if let Some(first) = event.record(0) {
            begun.span.record_route(first.name());
        }
        let shared = self.share(begun, event.source().trigger());
        let guard = shared.cancel_on_drop();
        let batch = event.batch(settings.after_failure);
        let batch = match shared.begun.time.stops_at() {
            Some(stops_at) => batch.stopping_at(stops_at),
            None => batch,
        };
        // Most applications handle one record at a time: without the list of running ones, and in a
        // smaller future.
        let batch = match settings.concurrency {
            NonZeroUsize::MIN => self.handle_in_turn(event, batch, &shared, keep).await,
            many => Box::pin(self.handle_together(event, batch, &shared, many, keep)).await,
        };
        for record in batch.unfinished().filter_map(|index| event.record(index)) {
            let observation = self.observation(event.source(), &record, &shared);
            let error = AppError::internal().with_cause(NotFinished);
            let concluded = async { self.conclude_event(observation, Some(error), &shared) };
            in_record(event.source().trigger(), record.name(), record.identifier(), concluded)
                .await;
        }
        // Do not cancel: work that handlers spawned may continue in the background.
        guard.disarm();
        batch
    }

    /// Runs records one after the other until all are done or the time is up. The record in
    /// progress then is cancelled, and fails.
    async fn handle_in_turn<'e>(
        &self,
        event: &BatchEvent<'_>,
        mut batch: Batch<'e>,
        shared: &Shared,
        keep: &Keep<'_>,
    ) -> Batch<'e> {
        let mut stop = pin!(self.services.clock.sleep_until(shared.begun.time.stops_at()));
        while let Some(turn) = batch.take(self.now_for(shared)) {
            let handled = pin!(self.handle_turn(event, turn, shared, keep));
            // Polls the record before the alarm, so that a record that is just done counts.
            let Some(done) = before(stop.as_mut(), handled).await else { break };
            report(&mut batch, done);
        }
        batch
    }

    /// Runs several records at a time until all are done or the time is up. Records still in
    /// progress then are cancelled, and fail.
    async fn handle_together<'e>(
        &self,
        event: &BatchEvent<'_>,
        mut batch: Batch<'e>,
        shared: &Shared,
        concurrency: NonZeroUsize,
        keep: &Keep<'_>,
    ) -> Batch<'e> {
        let mut stop = pin!(self.services.clock.sleep_until(shared.begun.time.stops_at()));
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < concurrency.get()
                && let Some(turn) = batch.take(self.now_for(shared))
            {
                running.push(self.handle_turn(event, turn, shared, keep));
            }
            // Polls the records before the alarm, so that a record that is just done counts.
            let done = before(stop.as_mut(), running.next()).await;
            let Some(done) = done.flatten() else { return batch };
            report(&mut batch, done);
        }
    }

    /// Returns the time at which a batch decides whether to go on. Without an instant to stop at,
    /// it does not look at the time, so the clock is not read.
    fn now_for(&self, shared: &Shared) -> Timestamp {
        let stops_at = shared.begun.time.stops_at();
        stops_at.map_or(Timestamp::UNIX_EPOCH, |_| self.services.clock.now())
    }

    /// Handles one record. A failure is reported to the application with its reason, to the service
    /// without.
    async fn handle_turn(
        &self,
        event: &BatchEvent<'_>,
        turn: Turn,
        shared: &Shared,
        keep: &Keep<'_>,
    ) -> (Turn, bool) {
        let index = turn.index();
        let Some(record) = event.record(index) else { return (turn, false) };
        let source = event.source();
        // Pinned here, so that it is not moved into every future around it.
        let handled = pin!(Some(async {
            let observation = self.observation(source, &record, shared);
            let handled = match self.inner.events.route(source, record.name()) {
                Some(route) => {
                    let keep = |response| keep(index, response);
                    self.handle_record(route, &record, shared, keep).await
                }
                None => Err(unregistered(&record)),
            };
            let is_handled = handled.is_ok();
            self.conclude_event(observation, handled.err(), shared);
            is_handled
        }));
        let handled = Pinned(handled);
        (turn, in_record(source.trigger(), record.name(), record.identifier(), handled).await)
    }

    /// Handles a record, or each of the records of an aggregate. If the response cannot be kept,
    /// the record fails.
    pub(super) async fn handle_record(
        &self,
        RecordRoute { reader, handler }: RecordRoute<'_>,
        record: &BatchRecord<'_>,
        shared: &Shared,
        keep: impl FnOnce(Response) -> Result<(), AppError>,
    ) -> Result<(), AppError> {
        let input = reader.read(record)?;
        if let EventInput::Kinesis(record) = &input
            && let Some(records) = record.user_records()
        {
            let cancellation = shared.begun.cancellation().child_token();
            let guard = cancellation.clone().drop_guard();
            let handled = self.handle_aggregate(handler, records, &cancellation, shared).await;
            let _ = guard.disarm();
            return handled.and_then(|()| keep(Response::no_content()));
        }
        let context = shared.context(input).cancelled_by(Cancellation::OfRecord);
        let guard = CancelOnDrop::new(&context);
        let handled = self.handle(handler, context.clone(), keep).await;
        guard.disarm();
        handled
    }

    /// Handles the records of a Kinesis aggregate. Kinesis retries aggregates only as a whole, so
    /// the first failure fails it.
    async fn handle_aggregate(
        &self,
        handler: &Arc<Chain>,
        records: impl Iterator<Item = KinesisRecord<'static>>,
        cancellation: &CancellationToken,
        shared: &Shared,
    ) -> Result<(), AppError> {
        for record in records {
            let context = shared.context(EventInput::Kinesis(Arc::new(record)));
            let context = context.cancelled_by(Cancellation::This(cancellation.clone()));
            self.handle(handler, context, |_| Ok(())).await?;
        }
        Ok(())
    }

    /// Returns the observation of a record, if there is a hook for it: for changes of tables
    /// always, for others if the application asked for them.
    pub(super) fn observation(
        &self,
        source: BatchSource,
        record: &BatchRecord<'_>,
        shared: &Shared,
    ) -> Option<EventObservation> {
        if !self.inner.hooks.listen() {
            return None;
        }
        let request_id = &shared.delivery.request_id;
        if source == BatchSource::DynamoDbStream {
            let summary = DynamoDbSummary::of(record);
            return Some(EventObservation::dynamodb(&summary, request_id));
        }
        self.inner.events.settings.observes_messages.then(|| {
            let (name, id) = (record.name(), record.identifier());
            EventObservation::message(source.trigger(), name, id, request_id)
        })
    }
}

/// Reports a record's result to its batch.
fn report(batch: &mut Batch<'_>, (turn, is_handled): (Turn, bool)) {
    if is_handled { batch.succeed(turn) } else { batch.fail(turn) }
}

pub(super) fn unregistered(record: &BatchRecord<'_>) -> AppError {
    AppError::internal().with_cause(Unregistered { name: record.name().to_owned() })
}
