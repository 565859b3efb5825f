use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::at;
use crate::eventbus::{
    ErrorKind, Event, EventQuery, FIRST_INSTANT, LAST_INSTANT, MemoryBus, PublishOutcome,
};
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
    assert_eq!(ids(&bus, &EventQuery::new("t")), (Vec::new(), None));
}

#[test]
fn what_is_deleted_is_on_no_page() {
    let mut bus = filled();
    bus.delete("e1", None).unwrap();
    for query in [EventQuery::new("t"), EventQuery::new("t").of_type("e")] {
        assert_eq!(ids(&bus, &query), (["e2", "e0"].map(String::from).to_vec(), None));
    }
}

#[test]
fn ranges_end_with_the_last_events_and_no_neighbour_is_on_a_page() {
    let mut bus = MemoryBus::default();
    for (tenant, event_type, id) in [("t", "e", "first"), ("t", "e", "last"), ("t\u{1}", "e", "x")]
    {
        let at = if id == "last" { LAST_INSTANT } else { FIRST_INSTANT };
        let event = Event::new(tenant, event_type).id(id).published_at(at);
        bus.publish(event, Timestamp::UNIX_EPOCH, 7).unwrap();
    }
    for query in [EventQuery::new("t"), EventQuery::new("t").of_type("e")] {
        for (start, end, expected) in [
            (Timestamp::MIN, Timestamp::MAX, &["last", "first"][..]),
            (FIRST_INSTANT, LAST_INSTANT, &["last", "first"]),
            (LAST_INSTANT, LAST_INSTANT, &["last"]),
            (Timestamp::MIN, FIRST_INSTANT, &["first"]),
            (Timestamp::MIN, Timestamp::UNIX_EPOCH, &[]),
            (Timestamp::MAX, Timestamp::MAX, &[]),
            (LAST_INSTANT, FIRST_INSTANT, &[]),
        ] {
            let (found, next) = ids(&bus, &query.clone().since(start).until(end));
            assert_eq!(
                (&found[..], next),
                (&expected.iter().map(|id| id.to_string()).collect::<Vec<_>>()[..], None)
            );
        }
        assert_eq!(ids(&bus, &query).0.len(), 2);
        assert_eq!(ids(&bus, &query.clone().until(FIRST_INSTANT)).0, ["first"]);
        assert_eq!(ids(&bus, &query.since(LAST_INSTANT)).0, ["last"]);
    }
}
