use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::at;
use super::world::World;
use crate::eventbus::{
    BusConfig, CursorError, CursorMismatch, DeleteError, DeleteTenant, DeleteTenantError, Event,
    EventKey, EventQuery, GetError, MemoryBus,
};
use crate::run::run;
use crate::store::{self, InvalidCursor};

fn bus() -> BusConfig {
    BusConfig::builder().build().unwrap()
}

fn event(tenant: &str, id: &str, second: u32) -> Event {
    let published_at = at(&format!("2026-01-01T00:00:{second:02}Z"));
    Event::draft(tenant, "e", published_at).with_id(id).with_published_at(published_at)
}

/// Three copies of one id, in two tenants, and one of another.
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
    // One copy per read: all of them have to be read to know the newest.
    world.most_examined = Some(1);
    let newest = run(bus.get(" a "), &mut world).unwrap();
    assert_eq!((&*newest.tenant_id, newest.published_at), ("t2", Some(at("2026-01-01T00:00:05Z"))));
    let own = run(bus.get("a").in_tenant(" t1 "), &mut world).unwrap();
    assert_eq!(own.published_at, Some(at("2026-01-01T00:00:03Z")));
    let other = run(bus.get("b").in_tenant("t2"), &mut world);
    assert_eq!(other, Err(GetError::NotFound { id: "b".into() }));
}

#[test]
fn keys_find_their_event_at_once() {
    let bus = bus();
    let mut world = World::of(&bus);
    let published = world.publish(&bus, event("t1", "a#b", 1)).event;
    let key = published.key.clone().unwrap();
    assert_eq!(run(bus.get_by_key(key.clone()), &mut world), Ok(published));
    let elsewhere = run(bus.get_by_key(key.clone()).in_tenant("t2"), &mut world);
    assert_eq!(elsewhere.unwrap_err().to_string(), "event not found: a#b");
    world = World::of(&bus);
    let gone = run(bus.get_by_key(key), &mut world);
    assert_eq!(gone, Err(GetError::NotFound { id: "a#b".into() }));
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
        let mut world = World::of(&bus);
        assert_eq!(MemoryBus::default().get_by_key(&key).unwrap_err().to_string(), text);
        assert_eq!(run(bus.get_by_key(key), &mut world).unwrap_err().to_string(), text);
        assert_eq!(world.calls, 0);
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    let bus = bus();
    let mut world = filled(&bus);
    assert_eq!(run(bus.get(" "), &mut world).unwrap_err().to_string(), "event ID cannot be empty");
    let no_tenant = run(bus.get("a").in_tenant(" "), &mut world).unwrap_err();
    assert_eq!(no_tenant.to_string(), "tenant ID cannot be empty");
    assert_eq!(world.calls, 0);
    assert_eq!(run(bus.get("no"), &mut world).unwrap_err().to_string(), "event not found: no");
    let deleted = run(bus.delete("no"), &mut world);
    assert_eq!(deleted.result.unwrap_err().to_string(), "event not found: no");
    assert_eq!(deleted.metric, None);
    let mut broken = filled(&bus).failing(&[(1, store::Error::Timeout)]);
    let failed = run(bus.get("a"), &mut broken).unwrap_err();
    assert_eq!(failed.to_string(), "failed to get event: timeout (table apptheory-events)");
}

#[test]
fn unreadable_copies_are_named_and_can_be_deleted() {
    let bus = bus();
    let mut world = World::of(&bus);
    world.publish(&bus, event("t1", "a", 1));
    world.tamper(0, "Version", "one");
    let error = run(bus.get("a"), &mut world).unwrap_err();
    assert!(matches!(&error, GetError::Unreadable(error) if error.attribute == "Version"));
    world.publish(&bus, event("t1", "a", 0));
    let readable = run(bus.get("a"), &mut world).unwrap();
    assert_eq!(readable.published_at, Some(at("2026-01-01T00:00:00Z")));
    assert_eq!(run(bus.delete_all("a"), &mut world).result.unwrap().copies, 2);
    assert!(world.items().is_empty());
}

#[test]
fn deleting_removes_one_copy_or_all() {
    let bus = bus();
    let mut world = filled(&bus);
    let deleted = run(bus.delete("a"), &mut world);
    assert_eq!(deleted.result.unwrap().copies, 1);
    let metric = deleted.metric.unwrap();
    assert_eq!(metric.name, "DeleteSuccess");
    assert_eq!(metric.tags.into_iter().collect::<Vec<_>>(), {
        [("table_name", "apptheory-events".to_string())]
    });
    let left = run(bus.get("a"), &mut world).unwrap();
    assert_eq!(left.published_at, Some(at("2026-01-01T00:00:03Z")));

    let mut world = filled(&bus);
    let own = run(bus.delete_all("a").in_tenant("t1"), &mut world);
    assert_eq!(own.result.unwrap().copies, 2);
    assert!(run(bus.get("a").in_tenant("t2"), &mut world).is_ok());
    assert_eq!(run(bus.delete_all("a"), &mut world).result.unwrap().copies, 1);
    assert_eq!(world.items().len(), 1);
}

#[test]
fn a_failed_deletion_says_how_far_it_came() {
    let bus = bus();
    let mut world = filled(&bus).failing(&[(3, store::Error::Throttled)]);
    let failed = run(bus.delete_all("a"), &mut world);
    let error = failed.result.unwrap_err();
    assert!(matches!(error, DeleteError::Store { deleted: 1, .. }));
    let text = "failed to delete event: throttled (table apptheory-events)";
    assert_eq!(error.to_string(), text);
    let metric = failed.metric.unwrap();
    assert_eq!((metric.name, &*metric.tags["error_type"]), ("DeleteError", "delete_failed"));
}

#[test]
fn a_tenant_is_forgotten_in_batches() {
    let bus = BusConfig::builder().cursor_secret("s").build().unwrap();
    for batch in [1, 2, 3, 50] {
        let mut world = World::of(&bus);
        for second in 0..7 {
            world.publish(&bus, event("t1", "a", second));
        }
        world.publish(&bus, event("t2", "a", 1));
        world.tamper(2, "Payload", "poison");
        world.calls = 0;

        let (mut deleted, mut runs) = (0, 0);
        let mut cursor: Option<String> = None;
        loop {
            let machine = bus.delete_tenant(" t1 ", world.now(), 7).with_batch(batch);
            let machine = match cursor.take() {
                Some(cursor) => machine.after(cursor),
                None => machine,
            };
            let erased = run(machine, &mut world).unwrap();
            assert!(erased.deleted <= u64::from(batch));
            deleted += erased.deleted;
            runs += 1;
            match erased.next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        assert_eq!((deleted, world.calls), (7, runs + 7));
        assert_eq!(world.items().len(), 1);
        let left = run(bus.query(&EventQuery::new("t2")), &mut world).result.unwrap();
        assert_eq!(left.events.len(), 1);
    }
}

#[test]
fn forgetting_a_tenant_survives_failures() {
    let bus = bus();
    let throttled = [2, 3, 4, 5].map(|call| (call + 1, store::Error::Throttled));
    let mut world = filled(&bus).failing(&throttled);
    let failed = run(bus.delete_tenant("t1", world.now(), 7), &mut world).unwrap_err();
    assert!(matches!(failed, DeleteTenantError::Store { deleted: 1, .. }));
    assert_eq!(world.slept.len(), 3);
    let resumed = run(bus.delete_tenant("t1", world.now(), 7), &mut world).unwrap();
    assert_eq!((resumed.deleted, resumed.next), (2, None));

    let mut world =
        filled(&bus).failing(&[(2, store::Error::Conflict), (4, store::Error::Conflict)]);
    assert_eq!(run(bus.delete_tenant("t1", world.now(), 7), &mut world).unwrap().deleted, 3);
}

#[test]
fn what_is_not_a_batch_is_refused() {
    let bus = bus();
    let mut world = filled(&bus);
    let page = run(bus.query(&EventQuery::new("t1").with_limit(1)), &mut world).result.unwrap();
    world.calls = 0;
    let mut refused = |machine: DeleteTenant| run(machine, &mut world).unwrap_err();
    let machine = || bus.delete_tenant("t1", at("2026-01-01T00:00:00Z"), 7);
    assert_eq!(
        refused(bus.delete_tenant(" ", at("2026-01-01T00:00:00Z"), 7)).to_string(),
        "tenant ID cannot be empty"
    );
    assert!(matches!(refused(machine().with_batch(0)), DeleteTenantError::Invalid(_)));
    assert_eq!(
        refused(machine().after("!")),
        DeleteTenantError::Cursor(CursorError::Invalid(InvalidCursor::NotBase64))
    );
    assert_eq!(
        refused(machine().after(page.next.unwrap())),
        DeleteTenantError::Cursor(CursorError::Mismatch(CursorMismatch::Direction))
    );
    assert_eq!(world.calls, 0);
}
