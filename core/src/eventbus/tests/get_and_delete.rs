use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::at;
use super::world::World;
use crate::error::Happened;
use crate::eventbus::error::Reason;
use crate::eventbus::{BusConfig, Error, ErrorKind, Event, EventKey, EventQuery, MemoryBus};
use crate::run::run;
use crate::store;

fn bus() -> BusConfig {
    BusConfig::builder().build().unwrap()
}

fn event(tenant: &str, id: &str, second: u32) -> Event {
    let published_at = at(&format!("2026-01-01T00:00:{second:02}Z"));
    Event::new(tenant, "e").id(id).published_at(published_at)
}

/// Three copies of one id in two tenants, and one copy of another id.
fn filled(bus: &BusConfig) -> World {
    let mut world = World::of(bus);
    for event in
        [event("t1", "a", 1), event("t1", "a", 3), event("t2", "a", 5), event("t1", "b", 9)]
    {
        world.publish(bus, event);
    }
    world.calls = 0;
    world
}

#[test]
fn ids_find_the_newest_copy() {
    let bus = bus();
    let mut world = filled(&bus);
    // With one copy per read, all of them have to be read to find the newest.
    world.most_examined = Some(1);
    let newest = run(bus.get(" a ", None).unwrap(), &mut world).unwrap();
    assert_eq!((&*newest.tenant_id, newest.published_at), ("t2", Some(at("2026-01-01T00:00:05Z"))));
    let own = run(bus.get("a", Some(" t1 ")).unwrap(), &mut world).unwrap();
    assert_eq!(own.published_at, Some(at("2026-01-01T00:00:03Z")));
    let other = run(bus.get("b", Some("t2")).unwrap(), &mut world);
    assert_eq!(other, Err(not_found("b")));
}

#[test]
fn keys_find_their_event_at_once() {
    let bus = bus();
    let mut world = World::of(&bus);
    let published = world.publish(&bus, event("t1", "a#b", 1)).event;
    let key = published.key.clone().unwrap();
    assert_eq!(run(bus.get_by_key(key.clone()).unwrap(), &mut world), Ok(published));
    world = World::of(&bus);
    let gone = run(bus.get_by_key(key).unwrap(), &mut world);
    assert_eq!(gone, Err(not_found("a#b")));
}

#[test]
fn keys_that_no_event_can_have_are_refused_alike_by_both_buses() {
    let bus = bus();
    for (partition_key, sort_key, text) in [
        ("", "1#a", "tenant ID cannot be empty"),
        ("t1#e", "", "event ID cannot be empty"),
        ("t1#e", "1", "event ID cannot be empty"),
        (&*"t".repeat(2049), "1#a", "the partition key has 2049 bytes; 2048 are allowed"),
        (
            "t1#e",
            &*format!("1#{}", "a".repeat(1023)),
            "the sort key has 1025 bytes; 1024 are allowed",
        ),
    ] {
        let key = EventKey { partition_key: partition_key.into(), sort_key: sort_key.into() };
        assert_eq!(MemoryBus::default().get_by_key(&key).unwrap_err().to_string(), text);
        assert_eq!(bus.get_by_key(key).unwrap_err().to_string(), text);
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    let bus = bus();
    let mut world = filled(&bus);
    assert_eq!(bus.get(" ", None).unwrap_err().to_string(), "event ID cannot be empty");
    assert_eq!(bus.get("a", Some(" ")).unwrap_err().to_string(), "tenant ID cannot be empty");
    assert_eq!(
        run(bus.get("no", None).unwrap(), &mut world).unwrap_err().to_string(),
        "event not found: no"
    );
    let deleted = run(bus.delete("no", None).unwrap(), &mut world);
    assert_eq!(deleted.result.unwrap_err().to_string(), "event not found: no");
    assert_eq!(deleted.metric, None);
    let mut broken = filled(&bus).failing(&[(1, store::Error::Timeout)]);
    let failed = run(bus.get("a", None).unwrap(), &mut broken).unwrap_err();
    assert_eq!(failed.to_string(), "failed to get event: timeout (table apptheory-events)");
}

#[test]
fn unreadable_copies_are_named_and_can_be_deleted() {
    let bus = bus();
    let mut world = World::of(&bus);
    world.publish(&bus, event("t1", "a", 1));
    world.tamper(0, "Version", "one");
    let error = run(bus.get("a", None).unwrap(), &mut world).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreadable);
    assert_eq!(error.unreadable_item().unwrap().attribute, "Version");
    world.publish(&bus, event("t1", "a", 0));
    let readable = run(bus.get("a", None).unwrap(), &mut world).unwrap();
    assert_eq!(readable.published_at, Some(at("2026-01-01T00:00:00Z")));
    assert_eq!(run(bus.delete_all("a", None).unwrap(), &mut world).result.unwrap().copies, 2);
    assert!(world.items().is_empty());
}

#[test]
fn deleting_removes_one_copy_or_all() {
    let bus = bus();
    let mut world = filled(&bus);
    let deleted = run(bus.delete("a", None).unwrap(), &mut world);
    assert_eq!(deleted.result.unwrap().copies, 1);
    let metric = deleted.metric.unwrap();
    assert_eq!(metric.name, "DeleteSuccess");
    assert_eq!(metric.tags.into_iter().collect::<Vec<_>>(), {
        [("table_name", "apptheory-events".to_string())]
    });
    let left = run(bus.get("a", None).unwrap(), &mut world).unwrap();
    assert_eq!(left.published_at, Some(at("2026-01-01T00:00:03Z")));

    let mut world = filled(&bus);
    let own = run(bus.delete_all("a", Some("t1")).unwrap(), &mut world);
    assert_eq!(own.result.unwrap().copies, 2);
    assert!(run(bus.get("a", Some("t2")).unwrap(), &mut world).is_ok());
    assert_eq!(run(bus.delete_all("a", None).unwrap(), &mut world).result.unwrap().copies, 1);
    assert_eq!(world.items().len(), 1);
}

#[test]
fn a_failed_deletion_says_how_far_it_came() {
    let bus = bus();
    let mut world = filled(&bus).failing(&[(3, store::Error::Throttled)]);
    let failed = run(bus.delete_all("a", None).unwrap(), &mut world);
    let error = failed.result.unwrap_err();
    assert_eq!((error.deleted(), error.happened()), (1, Happened::Unknown));
    let text = "failed to delete event: throttled (table apptheory-events)";
    assert_eq!(error.to_string(), text);
    let metric = failed.metric.unwrap();
    assert_eq!((metric.name, &*metric.tags["error_type"]), ("DeleteError", "delete_failed"));
}

#[test]
fn a_tenant_is_forgotten_page_by_page() {
    let bus = BusConfig::builder().cursor_secret("s").build().unwrap();
    // A page that ends with the last event has a cursor all the same: one more read finds nothing.
    for (page, reads) in [(1, 8), (2, 4), (3, 3), (7, 2), (50, 1)] {
        let mut world = World::of(&bus);
        for second in 0..7 {
            world.publish(&bus, event("t1", "a", second));
        }
        world.publish(&bus, event("t2", "a", 1));
        world.tamper(2, "Payload", "poison");
        (world.most_examined, world.calls) = (Some(page), 0);

        let machine = bus.delete_tenant(" t1 ", world.now(), 7).unwrap();
        assert_eq!(run(machine, &mut world), Ok(7));
        assert_eq!(world.calls, reads + 7 + 1, "with {page} events a page");
        assert_eq!(world.items().len(), 1);
        world.most_examined = None;
        let left = run(bus.query(&EventQuery::new("t2")).unwrap(), &mut world).result.unwrap();
        assert_eq!(left.events.len(), 1);
    }
}

#[test]
fn forgetting_a_tenant_survives_failures() {
    let bus = bus();
    let delete = |world: &mut World| {
        let machine = bus.delete_tenant("t1", world.now(), 7).unwrap();
        run(machine, world)
    };
    let throttled = [2, 3, 4, 5].map(|call| (call + 1, store::Error::Throttled));
    let mut world = filled(&bus).failing(&throttled);
    let failed = delete(&mut world).unwrap_err();
    assert_eq!((failed.deleted(), failed.is_retryable()), (1, true));
    let text = "failed to delete tenant after 1 events: throttled (table apptheory-events)";
    assert_eq!((failed.to_string().as_str(), world.slept.len()), (text, 3));
    assert_eq!(delete(&mut world), Ok(2));

    let mut world =
        filled(&bus).failing(&[(2, store::Error::Conflict), (4, store::Error::Conflict)]);
    assert_eq!(delete(&mut world), Ok(3));
    assert_eq!(
        bus.delete_tenant(" ", world.now(), 7).unwrap_err().to_string(),
        "tenant ID cannot be empty"
    );
}

fn not_found(id: &str) -> Error {
    Error(Reason::NotFound(id.into()))
}
