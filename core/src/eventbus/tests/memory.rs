use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::at;
use crate::eventbus::{ErrorKind, Event, EventQuery, MemoryBus, PublishOutcome};
use crate::time::Timestamp;

fn event(id: &str, second: u32) -> Event {
    let published_at = at(&format!("2026-01-01T00:00:{second:02}Z"));
    Event::new("t", "e").id(id).published_at(published_at)
}

fn filled() -> MemoryBus {
    let mut bus = MemoryBus::default();
    for (second, id) in ["e0", "e1", "e2"].into_iter().enumerate() {
        bus.publish(event(id, second as u32), Timestamp::UNIX_EPOCH, 7).unwrap();
    }
    bus
}

fn ids(bus: &MemoryBus, query: &EventQuery) -> (Vec<String>, Option<String>) {
    let page = bus.query(query).unwrap();
    (page.events.into_iter().map(|event| event.id).collect(), page.next)
}

#[test]
fn offsets_page_through() {
    let bus = filled();
    let all = EventQuery::new("t");
    for (query, expected, next) in [
        (all.clone(), &["e2", "e1", "e0"][..], None),
        (all.clone().limit(2), &["e2", "e1"], Some("Mg")),
        (all.clone().limit(3), &["e2", "e1", "e0"], None),
        (all.clone().limit(1).after("Mg"), &["e0"], None),
        (all.clone().limit(1).after("OTk"), &[], None),
        (all.clone().after(""), &["e2", "e1", "e0"], None),
        (EventQuery::new(" t "), &["e2", "e1", "e0"], None),
        (EventQuery::new("T"), &[], None),
    ] {
        let (found, found_next) = ids(&bus, &query);
        assert_eq!(
            (found, found_next.as_deref()),
            (expected.iter().map(|id| id.to_string()).collect(), next)
        );
    }
    let error = bus.query(&all.after(" ")).unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), error.kind()),
        ("invalid cursor", ErrorKind::InvalidCursor)
    );
}

#[test]
fn the_first_copy_stays_and_never_expires() {
    let mut bus = filled();
    let again = bus.publish(event("e0", 0).payload(&2), Timestamp::MAX, 7).unwrap();
    assert_eq!(again.outcome, PublishOutcome::Deduplicated);
    assert!(bus.get("e0", None).unwrap().payload.is_empty());
    assert_eq!(again.event.expires_at, None);

    let other_instant = bus.publish(event("e0", 9), Timestamp::MAX, 7).unwrap();
    assert_eq!(other_instant.outcome, PublishOutcome::Created);
    assert_eq!(bus.get(" e0 ", None).unwrap().published_at, Some(at("2026-01-01T00:00:09Z")));
}

#[test]
fn events_are_deleted_by_id_and_by_tenant() {
    let mut bus = filled();
    bus.publish(event("e0", 9), Timestamp::MAX, 7).unwrap();
    assert_eq!(bus.delete("e0", None).unwrap().copies, 1);
    assert_eq!(bus.get("e0", None).unwrap().published_at, Some(at("2026-01-01T00:00:00Z")));
    bus.publish(event("e0", 9), Timestamp::MAX, 7).unwrap();
    assert_eq!(bus.delete_all("e0", Some("t")).unwrap().copies, 2);
    for (id, tenant, text) in [
        ("e0", None, "event not found: e0"),
        ("e1", Some("u"), "event not found: e1"),
        (" ", None, "event ID cannot be empty"),
        ("e1", Some(" "), "tenant ID cannot be empty"),
    ] {
        assert_eq!(bus.get(id, tenant).unwrap_err().to_string(), text);
        assert_eq!(bus.delete(id, tenant).unwrap_err().to_string(), text);
        assert_eq!(bus.delete_all(id, tenant).unwrap_err().to_string(), text);
    }
    let key = bus.get("e1", None).unwrap().key.clone().unwrap();
    assert_eq!(bus.get_by_key(&key).unwrap().id, "e1");
    assert_eq!(bus.delete_tenant("t"), Ok(2));
    assert_eq!(bus.get_by_key(&key).unwrap_err().to_string(), "event not found: e1");
    assert_eq!(bus.delete_tenant("t"), Ok(0));
}
