//! Events as they are published, for readers that come back.

use core::time::Duration;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use apptheory_core::error::AppError;
use apptheory_core::eventbus::{
    Event, EventKey, EventPage, EventQuery, ItemError, Order, QueryError,
};
use apptheory_core::stream::sse::SseEvent;
use apptheory_core::time::Timestamp;
use futures_util::stream::{self, Stream, StreamExt as _};

use super::bus::Bus;
use super::error::{EventsError, QueryInterrupted};
use crate::clock::Clock;

/// How far a [`Feed`] reads back before the newest event that it gave, unless configured otherwise.
pub const OVERLAP: Duration = Duration::from_secs(2);

/// How long a [`Feed`] waits at the end before it reads again, unless configured otherwise: 1 s.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The name of a server-sent event in the place of one that cannot be sent. Its data is JSON: the
/// event's `id`, as far as one is known, and the `error`.
pub const UNREADABLE: &str = "unreadable";

/// Follows a query: its events oldest first, and then those that are published from now on.
///
/// Each event comes with its cursor. As the id of a server-sent event it comes back in
/// `Last-Event-ID`, when a reader lost its connection: the feed [goes on](Self::after) behind it.
///
/// Events may arrive late, behind others that were published after them: indexes lag a moment, and
/// clocks of publishers differ. The feed therefore reads the last moments before its newest event,
/// the *overlap*, again and again, and leaves out what it gave already. What arrives later than
/// that is missed; so is what lands before the cursor of a reader that comes back, which has no
/// overlap yet.
///
/// A reader that comes back sees an event again only when the last one that it saw had arrived
/// late: those behind that one are repeated. Tell them by the events' ids.
///
/// Cursors of the bus in memory count events, so that late arrivals and deletions shift them: a
/// reader that comes back may then see some again, or miss some.
///
/// A read costs what a [page](Bus::query) costs; with nothing new, that is the events of the
/// overlap once per interval. Memory holds a page, and who the events of some overlaps were.
///
/// ```
/// use std::sync::Arc;
/// use apptheory::app::{App, Context, Sse};
/// use apptheory::eventbus::{Feed, MemoryEventBus};
/// use apptheory_core::eventbus::EventQuery;
/// use apptheory_core::error::AppError;
///
/// let bus = Arc::new(MemoryEventBus::default());
/// let app = App::builder().get("/events", move |context: Context| {
///     let feed = Feed::new(Arc::clone(&bus), EventQuery::new("t1"), context.clock().clone());
///     let feed = feed.after(context.header("last-event-id"));
///     async move { Ok::<_, AppError>(Sse::new(&context).response(feed.open().await?)) }
/// });
/// # app.build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
#[derive(Debug)]
pub struct Feed<B, C> {
    bus: Arc<B>,
    clock: C,
    query: EventQuery,
    overlap: Duration,
    interval: Duration,
}

impl<B: Bus + 'static, C: Clock + 'static> Feed<B, C> {
    /// Follows a query by a clock. Its order does not matter; its limit is that of each page.
    pub fn new(bus: Arc<B>, query: EventQuery, clock: C) -> Self {
        let query = query.with_order(Order::OldestFirst);
        Self { bus, clock, query, overlap: OVERLAP, interval: POLL_INTERVAL }
    }

    /// Goes on behind an event, by the cursor that came with it; the empty text is the beginning.
    #[must_use]
    pub fn after(self, cursor: &str) -> Self {
        let query = match cursor {
            "" => self.query,
            cursor => self.query.after(cursor),
        };
        Self { query, ..self }
    }

    /// Reads back another time than [`OVERLAP`]. With zero, only events of one
    /// instant are read again.
    #[must_use]
    pub fn with_overlap(self, overlap: Duration) -> Self {
        Self { overlap, ..self }
    }

    /// Waits another time than [`POLL_INTERVAL`] between reads.
    #[must_use]
    pub fn with_interval(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// The events as server-sent events: the cursor as id, the type as name, and the event's JSON as
    /// data. What cannot be read, or is not JSON, comes as an event named [`UNREADABLE`] that says
    /// why.
    ///
    /// # Errors
    ///
    /// As [`follow`](Self::follow).
    pub async fn open(
        self,
    ) -> Result<impl Stream<Item = Result<SseEvent, AppError>> + Send, QueryError> {
        let events = self.follow().await?;
        Ok(events.map(|event| match event {
            Ok((event, cursor)) => {
                server_sent(&event).map(|sent| sent.with_id(cursor.unwrap_or_default()))
            }
            Err(EventsError::Unreadable(error)) => unreadable("", &error),
            Err(EventsError::Interrupted(QueryInterrupted { error, .. })) => Err(error.into()),
        }))
    }

    /// The events with their cursors; `None` is the cursor of the beginning. The first page is read
    /// at once, so that a query or a cursor that is none can be answered as such. Later errors are
    /// those of [`Bus::events`]: reading goes on from the cursor of the last event.
    ///
    /// # Errors
    ///
    /// [`QueryError`] of the first page.
    pub async fn follow(
        self,
    ) -> Result<impl Stream<Item = Result<(Event, Option<String>), EventsError>> + Send, QueryError>
    {
        let mut following = Following::new(self);
        following.read().await?;
        Ok(stream::unfold(Some(following), async |following| {
            let mut following = following?;
            match following.next().await {
                Err(EventsError::Interrupted(interrupted)) => {
                    Some((Err(EventsError::Interrupted(interrupted)), None))
                }
                next @ (Ok(_) | Err(EventsError::Unreadable(_))) => Some((next, Some(following))),
            }
        }))
    }
}

fn server_sent(event: &Event) -> Result<SseEvent, AppError> {
    match event.to_json() {
        Ok(data) => Ok(SseEvent::new(data).with_event(event.event_type.as_str())),
        Err(error) => unreadable(&event.id, &error),
    }
}

fn unreadable(id: &str, error: &dyn core::error::Error) -> Result<SseEvent, AppError> {
    let why = serde_json::json!({"id": id, "error": error.to_string()});
    Ok(SseEvent::json(&why)?.with_event(UNREADABLE))
}

/// Reads a feed's pages, over and over.
struct Following<B, C> {
    feed: Feed<B, C>,
    /// The cursor after which the next page starts.
    position: Option<String>,
    /// The cursor after which reading starts over: that of the last event before the overlap.
    restart: Option<String>,
    is_at_end: bool,
    ready: VecDeque<Result<(Event, Option<String>), EventsError>>,
    /// The events given that may be read again, with their cursors.
    given: BTreeMap<Place, Option<String>>,
    /// The unreadable items that were found since reading started over last.
    unreadable: BTreeSet<Option<EventKey>>,
    /// Those of the time before.
    unreadable_before: BTreeSet<Option<EventKey>>,
}

/// What tells events apart, in the order of time.
type Place = (Option<Timestamp>, String, String);

/// The place before all of an instant.
const fn start_of(at: Timestamp) -> Place {
    (Some(at), String::new(), String::new())
}

impl<B: Bus, C: Clock> Following<B, C> {
    fn new(feed: Feed<B, C>) -> Self {
        Self {
            position: feed.query.cursor.clone(),
            restart: feed.query.cursor.clone(),
            feed,
            is_at_end: false,
            ready: VecDeque::new(),
            given: BTreeMap::new(),
            unreadable: BTreeSet::new(),
            unreadable_before: BTreeSet::new(),
        }
    }

    async fn next(&mut self) -> Result<(Event, Option<String>), EventsError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return event;
            }
            if self.is_at_end {
                self.feed.clock.sleep(self.feed.interval).await;
                self.start_over();
            }
            self.read().await.map_err(|error| {
                let cursor = self.position.clone();
                EventsError::Interrupted(QueryInterrupted { cursor, error })
            })?;
        }
    }

    fn start_over(&mut self) {
        self.position.clone_from(&self.restart);
        self.unreadable_before = core::mem::take(&mut self.unreadable);
    }

    async fn read(&mut self) -> Result<(), QueryError> {
        let query = EventQuery { cursor: self.position.clone(), ..self.feed.query.clone() };
        let page = self.feed.bus.query(&query).await?;
        self.take_events(&page);
        self.take_unreadable(page.unreadable);
        self.is_at_end = page.next.is_none();
        self.position = page.next;
        self.forget();
        Ok(())
    }

    fn take_events(&mut self, page: &EventPage) {
        for (index, event) in page.events.iter().enumerate() {
            let place = (event.published_at, event.id.clone(), event.event_type.clone());
            if let Entry::Vacant(given) = self.given.entry(place) {
                let cursor = page.cursor_after(index);
                given.insert(cursor.clone());
                self.ready.push_back(Ok((event.clone(), cursor)));
            }
        }
    }

    fn take_unreadable(&mut self, errors: Vec<ItemError>) {
        for error in errors {
            let is_known = self.unreadable_before.contains(&error.key);
            if self.unreadable.insert(error.key.clone()) && !is_known {
                self.ready.push_back(Err(EventsError::Unreadable(error)));
            }
        }
    }

    /// Moves the restart up to the overlap, and forgets what is an overlap older than that: offset
    /// cursors may reach back when late events shift them.
    fn forget(&mut self) {
        let Some(((Some(newest), ..), _)) = self.given.last_key_value() else { return };
        // An event dated ahead must not end the overlap of those that are published now.
        let newest = (*newest).min(self.feed.clock.now());
        let overlap = start_of(newest.saturating_sub(self.feed.overlap));
        let Some(((Some(at), ..), cursor)) = self.given.range(..overlap).next_back() else {
            return;
        };
        self.restart.clone_from(cursor);
        let kept = start_of(at.saturating_sub(self.feed.overlap));
        self.given = self.given.split_off(&kept);
    }
}
