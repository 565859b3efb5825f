//! Publishes an event.

use core::mem;

use super::config::BusConfig;
use super::error::{Doing, Error, Input, Reason};
use super::event::Event;
use super::keys::{EventKey, FIRST_INSTANT, LAST_INSTANT, Separator};
use super::metrics::Measured;
use super::query::distinct;
use super::retry::Retry;
use super::ulid::Ulid;
use crate::machine::{Machine, Step};
use crate::store::{
    self, Guard, Item, MAX_ITEM_BYTES, PutItem, Sleep, StoreFailure, StoreRequest, Written,
};
use crate::time::Timestamp;

/// Writes an event, unless it already exists.
///
/// Temporary failures are retried after a random part of a doubling delay, as often as the bus is
/// configured to and no longer than a deadline allows. If an attempt with a lost reply had already
/// written the event, the outcome is [`PublishOutcome::Deduplicated`]. Costs one `PutItem` per
/// attempt.
///
/// ```
/// use apptheory_core::eventbus::{Event, BusConfig, PublishOutcome, Ulid};
/// use apptheory_core::machine::{Machine, Step};
/// use apptheory_core::store::{Answered, Item, StoreRequest, Written};
/// use apptheory_core::time::Timestamp;
///
/// let now: Timestamp = "2026-01-01T00:00:00Z".parse()?;
/// let bus = BusConfig::builder().build()?;
/// let event = Event::new("t1", "order.created").id(Ulid::new(now, 7)).published_at(now);
///
/// let Step::Ask(StoreRequest::PutItem(ask)) = bus.publish(event, now, 7)?.start() else {
///     panic!("publishing writes");
/// };
/// assert_eq!(ask.effect().item.text("PartitionKey"), Some("t1#order.created"));
///
/// let answer = Written::Applied { attributes: Item::new() };
/// let Step::Done(done) = ask.answer(Ok(Answered { answer, at: now })) else {
///     panic!("one write is enough");
/// };
/// assert_eq!(done.result?.outcome, PublishOutcome::Created);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a machine does nothing until it is driven"]
pub struct Publish {
    bus: BusConfig,
    event: Event,
    /// The event's item for the first attempt. Retries, which are rare, encode the event again, so
    /// that the first attempt copies nothing.
    item: Item,
    retry: Retry,
}

/// An event that is stored in the bus, by this call or an earlier one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Published {
    /// The event, with the id, time of publication, key and expiry that publishing filled in.
    pub event: Event,
    /// Whether the event was new.
    pub outcome: PublishOutcome,
}

/// Says whether a published event was new.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PublishOutcome {
    /// The event did not exist before.
    Created,
    /// An event with this tenant, type, id and time of publication already existed, and is
    /// unchanged.
    Deduplicated,
}

impl PublishOutcome {
    /// Returns the outcome's name in snake case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Deduplicated => "deduplicated",
        }
    }
}

impl BusConfig {
    /// Returns the machine that writes an event as of `now`; see [`Publish`]. The low 80 bits of
    /// `entropy` become part of the id of an event without one; all bits spread the delays between
    /// attempts.
    ///
    /// # Errors
    ///
    /// [`Error`] for an event whose key cannot be derived, or that the store would refuse.
    pub fn publish(&self, event: Event, now: Timestamp, entropy: u128) -> Result<Publish, Error> {
        let (event, item) = self.prepare(event, now, entropy)?;
        // Uses both halves, because callers may pass 80 bits or 128.
        let seed = (entropy ^ (entropy >> 64)) & u128::from(u64::MAX);
        let retry = Retry::new(self, now, u64::try_from(seed).unwrap_or(0));
        Ok(Publish { bus: self.clone(), event, item, retry })
    }
}

impl Publish {
    /// Starts no attempt at or after `deadline`.
    pub fn with_deadline(self, deadline: Timestamp) -> Self {
        Self { retry: self.retry.until(deadline), ..self }
    }
}

impl Machine for Publish {
    type Output = Measured<Published, Error>;
    type Request = StoreRequest<Self>;

    fn start(mut self) -> Step<Self> {
        let item = mem::take(&mut self.item);
        self.put(item)
    }
}

impl Publish {
    fn put(self, item: Item) -> Step<Self> {
        let names = self.bus.codec().names();
        let put = PutItem {
            table: self.bus.table_name().clone(),
            item,
            guard: Guard::absent(names.partition_key),
        };
        self.ask(put, Self::on_written)
    }

    fn on_written(mut self, outcome: store::Outcome<Written>) -> Step<Self> {
        match outcome.map(|answered| answered.answer) {
            Ok(Written::Applied { .. }) => self.published(PublishOutcome::Created),
            Ok(Written::Refused { .. }) => self.published(PublishOutcome::Deduplicated),
            Err(error) => match self.retry.after(error) {
                Some(duration) => self.ask(Sleep { duration }, Self::on_wake),
                None => self.gave_up(error),
            },
        }
    }

    fn on_wake(mut self, now: Timestamp) -> Step<Self> {
        self.retry.woke_at(now);
        let item = self.bus.codec().encode(&self.event);
        self.put(item)
    }

    fn published(self, outcome: PublishOutcome) -> Step<Self> {
        let name = match outcome {
            PublishOutcome::Created => "PublishSuccess",
            PublishOutcome::Deduplicated => "PublishDeduped",
        };
        let tags = [("event_type", &*self.event.event_type), ("tenant_id", &*self.event.tenant_id)];
        let metric = self.bus.metric(name, tags);
        Step::Done(Measured { result: Ok(Published { event: self.event, outcome }), metric })
    }

    fn gave_up(self, error: store::Error) -> Step<Self> {
        let tags = [("error_type", "put_item_failed"), ("event_type", &*self.event.event_type)];
        let metric = self.bus.metric("PublishError", tags);
        let failure = StoreFailure { table: self.bus.table_name().clone(), error };
        let (attempts, may_be_there) =
            (self.retry.failed_attempts(), self.retry.may_have_written());
        let doing = Doing::Publish { attempts, may_be_there };
        Step::Done(Measured { result: Err(Error(Reason::Store { doing, failure })), metric })
    }
}

impl BusConfig {
    /// Returns the event as it is stored, and its item.
    fn prepare(&self, event: Event, now: Timestamp, entropy: u128) -> Result<(Event, Item), Error> {
        let mut event = complete(event, now, entropy, self.separator())?;
        if event.expires_at.is_none() {
            event.expires_at = self.ttl().map(|ttl| now.saturating_add(ttl));
        }
        let ttl = event.expires_at.map(Timestamp::unix_seconds).or(event.ttl);
        event.ttl = ttl.filter(|ttl| *ttl != 0);
        let item = self.codec().encode(&event);
        check_size(&item)?;
        Ok((event, item))
    }
}

/// Fills in missing fields and derives the event's key. Trims the texts that are part of the key,
/// and removes duplicate tags.
pub(super) fn complete(
    mut event: Event,
    now: Timestamp,
    entropy: u128,
    separator: Separator,
) -> Result<Event, Error> {
    event.payload.check()?;
    event.created_at.get_or_insert(now);
    for text in [&mut event.id, &mut event.tenant_id, &mut event.event_type] {
        *text = text.trim().into();
    }
    if event.id.is_empty() {
        event.id = Ulid::new(now, entropy).into();
    }
    let published_at = event.published_at.or_else(|| instant_of_ulid(&event.id)).unwrap_or(now);
    event.published_at = Some(published_at);
    event.key = Some(EventKey::derive(
        &event.tenant_id,
        &event.event_type,
        published_at,
        &event.id,
        separator,
    )?);
    if event.metadata.contains_key("") {
        return Err(Input::EmptyMetadataName.into());
    }
    event.tags = distinct(event.tags);
    Ok(event)
}

/// Returns the instant in an id that is a ULID, so that the same id always has the same key. Ids
/// that only look like ULIDs, such as padded numbers, have instants that no key can contain.
fn instant_of_ulid(id: &str) -> Option<Timestamp> {
    let at = id.parse::<Ulid>().ok()?.timestamp();
    (FIRST_INSTANT..=LAST_INSTANT).contains(&at).then_some(at)
}

pub(super) fn check_size(item: &Item) -> Result<(), Error> {
    let bytes = item.size();
    if bytes > MAX_ITEM_BYTES {
        return Err(Input::TooLarge { bytes, most: MAX_ITEM_BYTES }.into());
    }
    Ok(())
}
