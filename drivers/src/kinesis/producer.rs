//! The producer: runs the core's machines with a clock, a seed and a sender.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::time::Duration;
use std::sync::Arc;

use apptheory_core::kinesis::{
    Error, Incomplete, ProducerConfig, ProducerRequest, PutRecords, PutResult, Record, StreamName,
};
use apptheory_core::machine::{Machine, Step};
use apptheory_core::store::Sleep;
use apptheory_core::time::Timestamp;

use crate::clock::{Clock, SharedClock, SystemClock, before};
use crate::execute::{Dispatch, Execute, drive};
use crate::ids::{IdSource, RandomIds};

/// The default time limit of one request: 5 s.
pub const REQUEST_BUDGET: Duration = Duration::from_secs(5);

/// Sends records to one stream, in order for each partition key; see
/// [`SendRecords`](super::SendRecords). Create one producer per stream and share it: clones are
/// cheap, and share the same producer.
///
/// ```
/// use apptheory::kinesis::{MemoryStreams, Producer, Record, StreamName};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let orders = StreamName::new("orders")?;
/// let streams = MemoryStreams::new([orders.clone()]);
/// streams.refuse(1, [0], "InternalFailure");
/// let producer = Producer::new(orders.clone(), streams.clone());
///
/// let records = [Record::new("a", "1")?, Record::new("b", "2")?];
/// producer.send(records).await?; // the refused record is sent again
/// let records = streams.records(&orders);
/// let keys: Vec<_> = records.iter().map(|record| record.partition_key()).collect();
/// assert_eq!(keys, ["b", "a"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Producer {
    config: ProducerConfig,
    streams: Arc<dyn ErasedStreams>,
    clock: SharedClock,
    ids: Arc<dyn IdSource>,
    budget: Duration,
    ends_at: Option<Timestamp>,
}

impl Producer {
    /// Creates a producer for a stream that sends through `streams`.
    #[must_use]
    pub fn new(stream: StreamName, streams: impl Execute<PutRecords> + Send + 'static) -> Self {
        Self::configured(ProducerConfig::new(stream), streams)
    }

    /// Sets the number of attempts, and the delays between them.
    #[must_use]
    pub fn configured(
        config: ProducerConfig,
        streams: impl Execute<PutRecords> + Send + 'static,
    ) -> Self {
        Self {
            config,
            streams: Arc::new(streams),
            clock: SharedClock::new(SystemClock),
            ids: Arc::new(RandomIds),
            budget: REQUEST_BUDGET,
            ends_at: None,
        }
    }

    /// Uses `clock` instead of the system clock.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock + 'static) -> Self {
        Self { clock: SharedClock::new(clock), ..self }
    }

    /// Uses `ids` instead of the operating system's random numbers, for the jitter of delays.
    #[must_use]
    pub fn with_ids(self, ids: impl IdSource + 'static) -> Self {
        Self { ids: Arc::new(ids), ..self }
    }

    /// Sets the time limit of each request, instead of [`REQUEST_BUDGET`]. A request without a
    /// response in time counts as a timeout, and its records are sent again.
    #[must_use]
    pub fn with_budget(self, budget: Duration) -> Self {
        Self { budget, ..self }
    }

    /// Returns a producer that stops by `ends_at`. In a Lambda invocation, pass the deadline less
    /// the time that the response takes. Records that are not accepted by then are in the error.
    #[must_use]
    pub fn until(&self, ends_at: Timestamp) -> Self {
        let ends_at = self.ends_at.map_or(ends_at, |earlier| earlier.min(ends_at));
        Self { ends_at: Some(ends_at), ..self.clone() }
    }

    /// Sends records, and returns their number: all of them are in the stream.
    ///
    /// # Errors
    ///
    /// [`Incomplete`], which returns every record that was not accepted. If the future is dropped
    /// early, it is unknown which records were accepted.
    pub async fn send<R: Into<Arc<Record>>>(
        &self,
        records: impl IntoIterator<Item = R>,
    ) -> Result<usize, Incomplete> {
        // Half of an id's bits are enough for jitter.
        let seed = u64::try_from(self.ids.next_id() & u128::from(u64::MAX)).unwrap_or(0);
        drive(self.config.send(records, seed), &InTime(self)).await
    }
}

/// Sends for a producer: limits each request's time, and sends none after the end.
struct InTime<'p>(&'p Producer);

impl InTime<'_> {
    /// Returns the remaining time; without an end, the longest duration.
    fn left(&self) -> Duration {
        let Producer { clock, ends_at, .. } = self.0;
        ends_at.map_or(Duration::MAX, |ends_at| clock.now().until(ends_at))
    }
}

impl Execute<PutRecords> for InTime<'_> {
    async fn execute(&self, order: &PutRecords) -> Result<Vec<PutResult>, Error> {
        let Producer { streams, clock, budget, .. } = self.0;
        let left = self.left();
        if left.is_zero() {
            return Err(Error::OutOfTime);
        }
        let answer = before(clock.sleep(left.min(*budget)), streams.put_records(order)).await;
        answer.unwrap_or(Err(Error::Timeout))
    }
}

impl Execute<Sleep> for InTime<'_> {
    async fn execute(&self, sleep: &Sleep) -> Timestamp {
        self.0.clock.sleep(sleep.duration.min(self.left())).await
    }
}

impl<X, M> Dispatch<X, M> for ProducerRequest<M>
where
    X: Execute<PutRecords> + Execute<Sleep>,
    M: Machine<Request = Self> + Send,
    M::Output: Send,
{
    async fn dispatch(self, executor: &X) -> Step<M> {
        match self {
            Self::PutRecords(ask) => {
                let outcome = executor.execute(ask.effect()).await;
                ask.answer(outcome)
            }
            Self::Sleep(ask) => {
                let outcome = executor.execute(ask.effect()).await;
                ask.answer(outcome)
            }
        }
    }
}

/// A type-erased sender.
trait ErasedStreams: Send + Sync {
    fn put_records<'a>(&'a self, order: &'a PutRecords) -> Answer<'a>;
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Vec<PutResult>, Error>> + Send + 'a>>;

impl<X: Execute<PutRecords> + Send> ErasedStreams for X {
    fn put_records<'a>(&'a self, order: &'a PutRecords) -> Answer<'a> {
        Box::pin(self.execute(order))
    }
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("config", &self.config)
            .field("budget", &self.budget)
            .field("ends_at", &self.ends_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use apptheory_core::kinesis::{Misconfiguration, Reason};

    use super::*;
    use crate::clock::ManualClock;
    use crate::ids::SequentialIds;
    use crate::kinesis::MemoryStreams;

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn orders() -> StreamName {
        StreamName::new("orders").unwrap()
    }

    fn records(keys: &str) -> Vec<Record> {
        let record =
            |(at, key): (usize, char)| Record::new(&key.to_string(), at.to_string()).unwrap();
        keys.chars().enumerate().map(record).collect()
    }

    /// Returns a producer whose clock advances when it sleeps.
    fn producer(streams: &MemoryStreams) -> (Producer, ManualClock) {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let producer = Producer::new(orders(), streams.clone());
        (producer.with_clock(clock.clone()).with_ids(SequentialIds::default()), clock)
    }

    fn data(streams: &MemoryStreams) -> Vec<String> {
        let text = |record: Arc<Record>| String::from_utf8(record.data().to_vec()).unwrap();
        streams.records(&orders()).into_iter().map(text).collect()
    }

    #[test]
    fn refused_records_are_sent_again_in_their_order() {
        let streams = MemoryStreams::new([orders()]);
        streams.refuse(1, [0, 2], "ProvisionedThroughputExceededException");
        let (producer, clock) = producer(&streams);
        let sent = block_on(producer.send(records("abcab")));
        assert_eq!(sent.unwrap(), 5);
        // b1 at once, a and c after a delay together with b4, and a3 behind its a0.
        assert_eq!(data(&streams), ["1", "0", "2", "4", "3"]);
        assert_eq!(streams.requests(), 3);
        assert!(clock.now() > Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn a_lost_reply_puts_records_twice() {
        let streams = MemoryStreams::new([orders()]);
        streams.lose_reply(1, Error::Timeout);
        let (producer, _) = producer(&streams);
        assert_eq!(block_on(producer.send(records("ab"))).unwrap(), 2);
        assert_eq!(data(&streams), ["0", "1", "0", "1"]);
    }

    #[test]
    fn a_missing_stream_is_reported_without_retries() {
        let streams = MemoryStreams::new([]);
        let (producer, clock) = producer(&streams);
        let incomplete = block_on(producer.send(records("ab"))).unwrap_err();
        let missing = Error::Misconfigured(Misconfiguration::MissingStream);
        let reasons: Vec<_> = incomplete.unaccepted().iter().map(|u| &u.reason).collect();
        assert_eq!(reasons, [&Reason::Failed(missing); 2]);
        assert_eq!((streams.requests(), clock.now()), (1, Timestamp::UNIX_EPOCH));
    }

    #[test]
    fn nothing_is_sent_when_the_time_is_over() {
        let streams = MemoryStreams::new([orders()]);
        streams.fail(1, Error::Throttled);
        let (producer, clock) = producer(&streams);
        // The first delay is shortened to the time that is left.
        let producer =
            producer.until(Timestamp::UNIX_EPOCH.saturating_add(Duration::from_nanos(1)));
        let incomplete = block_on(producer.send(records("aa"))).unwrap_err();
        let reasons: Vec<_> = incomplete.unaccepted().iter().map(|u| &u.reason).collect();
        assert_eq!(reasons, [&Reason::Failed(Error::Throttled), &Reason::HeldBack]);
        assert_eq!(streams.requests(), 1);
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH.saturating_add(Duration::from_nanos(1)));
    }

    #[test]
    fn a_request_without_an_answer_is_given_up_in_time() {
        struct Silent;

        impl Execute<PutRecords> for Silent {
            async fn execute(&self, _: &PutRecords) -> Result<Vec<PutResult>, Error> {
                core::future::pending().await
            }
        }

        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let config = ProducerConfig::new(orders()).retry_attempts(0);
        let producer = Producer::configured(config, Silent).with_clock(clock.clone());
        let incomplete = block_on(producer.send(records("a"))).unwrap_err();
        assert_eq!(incomplete.unaccepted()[0].reason, Reason::Failed(Error::Timeout));
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH.saturating_add(REQUEST_BUDGET));
    }
}
