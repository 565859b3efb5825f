//! What publishing adds to an event, and what it refuses.

use std::collections::BTreeMap;

use apptheory::app::{App, BuildError};
use apptheory::eventbus::{
    ErrorKind, Event, EventBus, EventQuery, PublishOutcome, Published, Ulid,
};
use apptheory::ids::SequentialIds;
use apptheory::store::Store;

use crate::support::{NOW, block_on};
use crate::{clock, config, seconds};

/// Returns a store whose environment has one variable.
fn store(variable: &'static str, value: &'static str) -> Store {
    let env = move |name: &str| (name == variable).then(|| value.to_owned());
    Store::builder().clock(clock()).ids(SequentialIds::default()).env(env).memory()
}

#[test]
fn ids_times_and_tables_are_given_at_publishing() {
    let bus = EventBus::on(&store("EVENTBUS_TABLE_NAME", " shop-events "));
    assert_eq!(bus.config().unwrap().table_name().as_ref(), "shop-events");
    let event = Event::new("t1", "order.created").payload(&12).tagged(["vip"]);
    block_on(async {
        let Published { event: first, outcome } = bus.publish(event.clone()).await.unwrap();
        assert_eq!(outcome, PublishOutcome::Created);
        assert_eq!(first.id.parse::<Ulid>().unwrap().timestamp(), NOW);
        assert_eq!((first.created_at, first.published_at), (Some(NOW), Some(NOW)));
        // Without an id, publishing it again makes another event.
        let second = bus.publish(event.clone()).await.unwrap().event;
        assert!(second.id > first.id);
        let named = event.id("order-7").published_at(seconds(9));
        for outcome in [PublishOutcome::Created, PublishOutcome::Deduplicated] {
            assert_eq!(bus.publish(named.clone()).await.unwrap().outcome, outcome);
        }
        let since = bus.query("t1").of_type("order.created").tagged(["vip"]).since(seconds(1));
        assert_eq!(since.page().await.unwrap().events[0].id, "order-7");
        let elsewhere = EventBus::new(config(), bus.store());
        assert!(elsewhere.query(EventQuery::new("t1")).page().await.unwrap().events.is_empty());
    });
}

#[test]
fn a_payload_without_json_is_not_published() {
    let bus = EventBus::on(&store("", ""));
    let odd = BTreeMap::from([((1, 2), 3)]);
    block_on(async {
        let refused = bus.publish(Event::new("t1", "e").payload(&odd)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Payload);
        assert!(bus.query("t1").page().await.unwrap().events.is_empty());
    });
}

#[test]
fn a_configuration_that_cannot_work_is_what_everything_fails_with() {
    let bus = EventBus::on(&store("APPTHEORY_EVENTBUS_TABLE_NAME", "shop events"));
    let wrong = bus.config().unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Configuration);
    assert!(wrong.to_string().starts_with("\"shop events\" is not the name"), "{wrong}");
    block_on(async {
        assert_eq!(bus.publish(Event::new("t1", "e")).await.unwrap_err(), wrong);
        assert_eq!(bus.query("t1").page().await.unwrap_err(), wrong);
        assert_eq!(bus.get("e1", None).await.unwrap_err(), wrong);
        assert_eq!(bus.delete("e1", None).await.unwrap_err(), wrong);
        assert_eq!(bus.delete_tenant("t1").await.unwrap_err(), wrong);
    });
    let refused = App::new().eventbus(&bus).build().unwrap_err();
    assert_eq!(refused, BuildError::EventBus(wrong));
}
