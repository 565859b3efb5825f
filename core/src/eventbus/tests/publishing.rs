use alloc::string::{String, ToString};
use core::time::Duration;

use super::at;
use super::world::{Fault, World};
use crate::eventbus::error::{Input, Reason};
use crate::eventbus::{
    BusConfig, Error, Event, EventKey, MemoryBus, Payload, PublishOutcome, Ulid,
};
use crate::run::run;
use crate::store::{self, MAX_ITEM_BYTES, Misconfiguration};
use crate::time::Timestamp;

fn bus() -> BusConfig {
    BusConfig::builder().table_name("events").build().unwrap()
}

fn event() -> Event {
    Event::new("t1", "e").id("a").published_at(at("2026-01-01T00:00:00Z"))
}

fn tag<'a>(published: &'a crate::eventbus::BusMetric, name: &str) -> &'a str {
    published.tags.get(name).map_or("", String::as_str)
}

#[test]
fn the_second_publish_of_an_event_finds_the_first() {
    let (bus, now) = (bus(), at("2026-01-01T00:00:05Z"));
    let mut world = World::of(&bus);
    let first = event().payload(&1);
    let second = event().payload(&2);

    let created = run(bus.publish(first, now, 7).unwrap(), &mut world);
    assert_eq!(created.result.unwrap().outcome, PublishOutcome::Created);
    let metric = created.metric.unwrap();
    assert_eq!((metric.name, &*metric.namespace), ("PublishSuccess", "AppTheory/EventBus"));
    assert_eq!((tag(&metric, "tenant_id"), tag(&metric, "event_type")), ("t1", "e"));
    assert_eq!(tag(&metric, "table_name"), "events");

    let again = run(bus.publish(second, now, 8).unwrap(), &mut world);
    assert_eq!(again.result.unwrap().outcome, PublishOutcome::Deduplicated);
    assert_eq!(again.metric.unwrap().name, "PublishDeduped");
    let stored = run(bus.get("a", None).unwrap(), &mut world).unwrap();
    assert_eq!(stored.payload.as_bytes(), b"1");
    assert_eq!(world.items().len(), 1);
}

#[test]
fn publishing_normalizes_the_parts_and_ignores_a_given_key() {
    let forged = EventKey { partition_key: "victim#e".into(), sort_key: "0#x".into() };
    let draft = Event {
        key: Some(forged),
        tenant_id: " t1 ".into(),
        event_type: "\u{a0}e\n".into(),
        id: " a ".into(),
        ..event().tagged(["x", "y", "x"])
    };
    let bus = bus();
    let published = World::of(&bus).publish(&bus, draft).event;
    let expected =
        EventKey { partition_key: "t1#e".into(), sort_key: "1767225600000000000#a".into() };
    assert_eq!(published.key, Some(expected));
    assert_eq!((&*published.tenant_id, &*published.event_type, &*published.id), ("t1", "e", "a"));
    assert_eq!(published.tags, ["x", "y"]);
}

#[test]
fn ulids_fix_the_time_of_publication() {
    let bus = bus();
    let now = at("2026-01-01T00:00:00.123456789Z");
    let publish = |event: Event| {
        let machine = bus.publish(event, now, 7).unwrap();
        run(machine, &mut World::of(&bus)).result.unwrap().event
    };
    let draft = Event::new("t1", "e");

    let generated = publish(draft.clone());
    assert_eq!(generated.id, Ulid::new(now, 7).to_string());
    assert_eq!(generated.published_at, Some(at("2026-01-01T00:00:00.123Z")));
    assert_eq!(generated.created_at, Some(now));
    let created_at = Some(at("2020-01-01T00:00:00Z"));
    assert_eq!(publish(Event { created_at, ..draft.clone() }).created_at, created_at);

    let earlier = Ulid::new(at("2025-05-05T05:05:05.005Z"), 1);
    let retried = publish(draft.clone().id(earlier));
    assert_eq!(retried.published_at, Some(at("2025-05-05T05:05:05.005Z")));
    for id in ["evt_1", "00000000000000000000000123", "01kdvdna000000000000000000"] {
        assert_eq!(publish(draft.clone().id(id)).published_at, Some(now), "{id}");
    }
    let given = draft.id(earlier).published_at(now);
    assert_eq!(publish(given).published_at, Some(now));
}

#[test]
fn expiry_counts_from_publishing() {
    let now = at("2026-01-10T00:00:00Z");
    let keep = BusConfig::builder().ttl(None).build().unwrap();
    let publish = |bus: &BusConfig, event: Event| {
        let event =
            run(bus.publish(event, now, 7).unwrap(), &mut World::of(bus)).result.unwrap().event;
        (event.expires_at.map(Timestamp::to_rfc3339), event.ttl)
    };
    let expiring = Event { expires_at: Some(at("2026-01-01T00:00:01.5Z")), ..event() };
    let with_ttl = Event { ttl: Some(55), ..event() };
    let later = |text: &str| Some(text.to_string());

    assert_eq!(publish(&bus(), event()), (later("2026-02-09T00:00:00Z"), Some(1_770_595_200)));
    let preset = (later("2026-01-01T00:00:01.5Z"), Some(1_767_225_601));
    assert_eq!(publish(&bus(), expiring), preset);
    assert_eq!(publish(&keep, event()), (None, None));
    assert_eq!(publish(&keep, with_ttl), (None, Some(55)));
    let zero = Event { ttl: Some(0), ..event() };
    assert_eq!(keep.codec().encode(&zero).get("ttl"), None);
    assert_eq!(publish(&keep, zero), (None, None));
}

#[test]
fn passing_failures_are_retried_after_a_growing_random_wait() {
    let bus = bus();
    for error in [
        store::Error::Throttled,
        store::Error::Unavailable,
        store::Error::Timeout,
        store::Error::Conflict,
    ] {
        let mut world = World::of(&bus).failing(&[(1, error)]);
        assert_eq!(world.publish(&bus, event()).outcome, PublishOutcome::Created);
        assert_eq!((world.calls, world.slept.len()), (2, 1));
    }

    let throttled = [1, 2, 3, 4].map(|call| (call, store::Error::Throttled));
    let mut world = World::of(&bus).failing(&throttled);
    let gave_up = run(bus.publish(event(), world.now(), 7).unwrap(), &mut world);
    let error = gave_up.result.unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to publish event after 4 attempts: throttled (table events)"
    );
    let metric = gave_up.metric.unwrap();
    assert_eq!((metric.name, tag(&metric, "error_type")), ("PublishError", "put_item_failed"));
    for (slept, ceiling) in world.slept.iter().zip([100, 200, 400]) {
        assert!(*slept <= Duration::from_millis(ceiling));
    }
    assert_eq!((world.calls, world.slept.len(), world.items().len()), (4, 3, 0));
}

#[test]
fn what_cannot_pass_is_not_retried() {
    let impatient = BusConfig::builder().retry_attempts(0).build().unwrap();
    let missing = store::Error::Misconfigured(Misconfiguration::MissingTable);
    for (bus, error) in [(bus(), missing), (impatient, store::Error::Throttled)] {
        let mut world = World::of(&bus).failing(&[(1, error)]);
        let result = run(bus.publish(event(), world.now(), 7).unwrap(), &mut world).result;
        let text = result.unwrap_err().to_string();
        assert!(text.starts_with("failed to publish event after 1 attempts: "), "{text}");
        assert_eq!(world.calls, 1);
    }
    let bus = bus();
    let mut world = World::of(&bus).failing(&[(1, store::Error::Throttled)]);
    let machine = bus.publish(event(), world.now(), 7).unwrap().with_deadline(world.now());
    let text = run(machine, &mut world).result.unwrap_err().to_string();
    assert!(text.starts_with("failed to publish event after 1 attempts: "), "{text}");
    assert!(world.slept.is_empty());
}

#[test]
fn a_lost_reply_leaves_one_event() {
    let bus = bus();
    let mut world = World::of(&bus);
    world.faults = alloc::vec![Fault { call: 1, error: store::Error::Timeout, applied: true }];
    assert_eq!(world.publish(&bus, event()).outcome, PublishOutcome::Deduplicated);
    assert_eq!(world.items().len(), 1);
}

#[test]
fn refused_events_are_refused_alike_by_both_buses() {
    let (bus, now) = (bus(), at("2026-01-01T00:00:00Z"));
    let oversized = Payload::of(&"x".repeat(MAX_ITEM_BYTES));
    let cases = [
        (Event { event_type: " ".into(), ..event() }, "event type cannot be empty"),
        (Event { tenant_id: "".into(), ..event() }, "tenant ID cannot be empty"),
        (
            Event { tenant_id: "".into(), event_type: "".into(), ..event() },
            "event type cannot be empty",
        ),
        (Event { tenant_id: "t#1".into(), ..event() }, "tenant ID must not contain '#'"),
        (Event { event_type: "e#".into(), ..event() }, "event type must not contain '#'"),
        (
            event().published_at(at("1999-12-31T00:00:00Z")),
            "published_at must lie between 2001-09-09T01:46:40Z and \
             2262-04-11T23:47:16.854775807Z: 1999-12-31T00:00:00Z",
        ),
        (event().metadata("", "x"), "metadata names cannot be empty"),
        (event().id("x".repeat(1024)), "the sort key has 1044 bytes; 1024 are allowed"),
    ];
    for (event, text) in cases {
        let refused = bus.publish(event.clone(), now, 7).unwrap_err();
        assert_eq!(refused.to_string(), text);
        assert_eq!(MemoryBus::default().publish(event, now, 7), Err(refused));
    }
    let too_large = Event { payload: oversized, ..event() };
    let refused = |error: Error| matches!(error.0, Reason::Input(Input::TooLarge { .. }));
    assert!(refused(bus.publish(too_large.clone(), now, 7).unwrap_err()));
    assert!(refused(MemoryBus::default().publish(too_large, now, 7).unwrap_err()));
}

#[test]
fn separators_and_metrics_follow_the_settings() {
    let legacy = BusConfig::builder().allow_separator_in_keys(true).enable_metrics(false);
    let legacy = legacy.build().unwrap();
    let mut world = World::of(&legacy);
    let event = Event { tenant_id: "t#1".into(), ..event() };
    let published = run(legacy.publish(event, world.now(), 7).unwrap(), &mut world);
    assert_eq!(published.metric, None);
    assert_eq!(published.result.unwrap().event.key.unwrap().partition_key, "t#1#e");
}
