//! Reading a large tenant to its end.

use std::collections::BTreeSet;
use std::sync::Arc;

use apptheory::eventbus::EventBus;
use apptheory::layer::Counted;
use apptheory_core::eventbus::{Event, EventQuery};
use futures_util::{StreamExt, TryStreamExt};

use crate::support::{block_on, serve, store_at};
use crate::{Standing, bus_over, clock, config, embedded, event};

const EVENTS: u32 = 10_000;

#[test]
fn ten_thousand_events_are_each_seen_once_through_the_aws_sdk() {
    let clock = clock();
    let seeded = embedded(&clock);
    block_on(async {
        let seed = bus_over(config(), seeded.clone(), &clock);
        let published = seed.publish_all((0..EVENTS).map(event));
        let published = published.fold(0, async |count, result| count + u32::from(result.is_ok()));
        assert_eq!(published.await, EVENTS);

        serve(seeded.database(), async |url| {
            let counted = Arc::new(Counted::new(store_at(&url)));
            let bus = bus_over(config(), Arc::clone(&counted), &Standing);
            for query in [EventQuery::new("t1"), EventQuery::new("t1").of_type("e")] {
                let before = counted.calls();
                let events: Vec<Event> =
                    bus.query(query.limit(1000)).events().try_collect().await.unwrap();
                let distinct: BTreeSet<&str> = crate::ids(&events).into_iter().collect();
                assert_eq!((events.len(), distinct.len()), (10_000, 10_000));
                assert!(events.is_sorted_by(|a, b| a.published_at > b.published_at));
                // Ten full pages, and an empty one that marks the end.
                assert_eq!(counted.calls() - before, 11);
            }
        })
        .await;
    });
}

#[test]
fn operations_and_streams_can_be_sent_to_other_threads() {
    fn sent<T: Send>(value: T) -> T {
        value
    }
    async fn spawned(bus: EventBus) -> usize {
        let handle = tokio::spawn(async move {
            let results: Vec<_> = sent(bus.publish_all((0..3).map(event))).collect().await;
            let pages: Vec<_> = sent(bus.query("t1").pages()).collect().await;
            let events: Vec<_> = sent(bus.query("t1").events()).collect().await;
            sent(bus.delete_tenant("t1")).await.unwrap();
            assert_eq!((results.len(), pages.len()), (3, 1));
            events.len()
        });
        handle.await.unwrap()
    }
    let clock = clock();
    let store = crate::memory(&clock);
    assert_eq!(block_on(spawned(bus_over(config(), store, &clock))), 3);
}
