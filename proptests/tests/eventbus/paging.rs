//! Pages, read to the end, are the complete result.

use apptheory::clock::ManualClock;
use apptheory::eventbus::{BusConfig, Event, EventPage, EventQuery, PageEnd, TimestampFormat};
use apptheory::execute::{StoreExecutor, drive};
use apptheory::store::EmbeddedStore;
use apptheory::store::MemoryStore;
use apptheory::testkit::model::selected;
use apptheory_proptests::cases;
use proptest::prelude::*;

use super::model::{bus, compare, event, events, filled_memory, names, now, query};

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn pages_in_memory_add_up(bus in bus(), events in events(40), query in query()) {
        let store = MemoryStore::default().with_table(bus.table());
        block_on(check_pages(&bus, &store, &events, &query))?;
    }

    #[test]
    fn pages_without_a_store_add_up_alike(events in events(40), query in query()) {
        let memory = filled_memory(&events);
        let mut next = query.clone();
        let mut found = Vec::new();
        loop {
            let page = memory.query(&next).unwrap();
            found.extend(page.events);
            match page.next {
                Some(cursor) => next = query.clone().after(cursor),
                None => break,
            }
        }
        prop_assert_eq!(names(&found), names(&selected(&query, &events)));
    }

    #[test]
    fn what_is_published_between_pages_moves_nothing(
        bus in bus(),
        events in events(30),
        late in prop::collection::vec(event(), 0..10),
        query in query(),
    ) {
        let store = MemoryStore::default().with_table(bus.table());
        block_on(async {
            fill(&bus, &store, &events).await;
            let mut late = late.into_iter();
            let mut page = read(&bus, &store, &query).await;
            let mut found = page.events;
            while let Some(cursor) = page.next {
                if let Some(late) = late.next() {
                    fill(&bus, &store, &[late]).await;
                }
                page = read(&bus, &store, &query.clone().after(cursor)).await;
                found.extend(page.events);
            }
            // Each earlier event is found once, whatever was published in between.
            let there = names(&selected(&query, &events));
            let mut found = names(&found);
            found.retain(|name| there.contains(name));
            found.sort();
            let mut there = there;
            there.sort();
            prop_assert_eq!(found, there);
            Ok(())
        })?;
    }

    #[test]
    fn reading_on_after_an_event_skips_none(
        bus in bus(),
        events in events(30),
        query in query(),
        index in any::<prop::sample::Index>(),
    ) {
        let store = MemoryStore::default().with_table(bus.table());
        block_on(async {
            fill(&bus, &store, &events).await;
            let page = read(&bus, &store, &query).await;
            if page.events.is_empty() {
                return Ok(());
            }
            let index = index.index(page.events.len());
            let from = match page.cursor_after(index) {
                Some(cursor) => query.clone().after(cursor),
                None => query.clone(),
            };
            let rest = names(&all(&bus, &store, &from, |_| Ok(())).await?);
            let after: Vec<Event> = all(&bus, &store, &query, |_| Ok(())).await?;
            let after = names(after.get(index + 1..).unwrap_or_default());
            prop_assert!(after.iter().all(|name| rest.contains(name)), "{rest:?} {after:?}");
            if query.event_type.is_some() {
                prop_assert_eq!(rest, after);
            }
            Ok(())
        })?;
    }
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn pages_of_an_embedded_dynamodb_add_up(
        bus in bus(),
        events in events(25),
        query in query(),
    ) {
        let store = EmbeddedStore::in_memory(ManualClock::new(now())).unwrap();
        store.create_table(&bus.table()).unwrap();
        block_on(check_pages(&bus, &store, &events, &query))?;
    }
}

/// Fills a store with events, and reads a query to its end.
async fn check_pages<X: StoreExecutor>(
    bus: &BusConfig,
    store: &X,
    events: &[Event],
    query: &EventQuery,
) -> Result<(), TestCaseError> {
    fill(bus, store, events).await;
    let in_page = |page: &EventPage| {
        prop_assert!(page.events.is_sorted_by(|a, b| compare(query.order, a, b).is_lt()));
        prop_assert!(page.unreadable.is_empty());
        Ok(())
    };
    let found = all(bus, store, query, in_page).await?;
    let whole = selected(query, events);
    let is_ordered_by_time =
        query.event_type.is_some() || bus.codec().timestamp_format == TimestampFormat::Fixed9;
    if is_ordered_by_time {
        let instants = |events: &[Event]| -> Vec<_> {
            events.iter().map(|event| event.published_at).collect()
        };
        prop_assert_eq!(instants(&found), instants(&whole));
    }
    if query.event_type.is_some() {
        prop_assert_eq!(names(&found), names(&whole));
        return Ok(());
    }
    // On the tenant's index, ties across pages are in the store's order.
    let mut found = found;
    found.sort_by(|a, b| compare(query.order, a, b));
    prop_assert_eq!(names(&found), names(&whole));
    Ok(())
}

async fn fill<X: StoreExecutor>(bus: &BusConfig, store: &X, events: &[Event]) {
    for event in events {
        drive(bus.publish(event.clone(), now(), 7).unwrap(), store).await.result.unwrap();
    }
}

async fn read<X: StoreExecutor>(bus: &BusConfig, store: &X, query: &EventQuery) -> EventPage {
    drive(bus.query(query).unwrap(), store).await.result.unwrap()
}

/// Returns the events of every page, which is checked on the way.
async fn all<X: StoreExecutor>(
    bus: &BusConfig,
    store: &X,
    query: &EventQuery,
    check: impl Fn(&EventPage) -> Result<(), TestCaseError>,
) -> Result<Vec<Event>, TestCaseError> {
    let mut found = Vec::new();
    let mut query = query.clone();
    loop {
        let page = read(bus, store, &query).await;
        check(&page)?;
        let most = usize::try_from(query.page_size()).unwrap();
        prop_assert_eq!(
            page.end == PageEnd::Full,
            page.events.len() == most && page.next.is_some()
        );
        prop_assert_eq!(page.end == PageEnd::EndOfData, page.next.is_none());
        prop_assert!(page.events.len() <= most);
        found.extend(page.events);
        match page.next {
            Some(cursor) => query = query.after(cursor),
            None => return Ok(found),
        }
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}
