//! Events and queries that collide often, and a model of queries.

use core::cmp::Ordering;
use std::collections::BTreeMap;

use apptheory::eventbus::{
    AttributeStyle, BusConfig, Event, EventQuery, MemoryBus, Order, Payload, PayloadEncoding,
    TimestampFormat,
};
use apptheory::time::Timestamp;
use proptest::prelude::*;

pub(crate) fn now() -> Timestamp {
    Timestamp::from_unix_seconds(1_767_225_600)
}

/// Generates instants within a few seconds, with fractions of every width.
pub(crate) fn instant() -> impl Strategy<Value = Timestamp> {
    let fraction = prop_oneof![
        Just(0),
        Just(1),
        Just(500_000_000),
        Just(999_999_999),
        (0..10_i128).prop_map(|tenths| tenths * 100_000_000),
    ];
    (0..3_i64, fraction).prop_map(|(second, fraction)| {
        let second = i128::from(now().unix_seconds() + second);
        Timestamp::from_unix_nanos(second * 1_000_000_000 + fraction).unwrap()
    })
}

pub(crate) fn tenant() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["t1", "t1", "t2"])
}

pub(crate) fn event_type() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["order.created", "order", "x--y"])
}

pub(crate) fn tags() -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(vec!["vip", "eu", "v"], 0..=3)
}

pub(crate) fn event() -> impl Strategy<Value = Event> {
    let parts = (tenant(), event_type(), "[a-c]{1,2}#?", instant(), tags());
    parts.prop_map(|(tenant, event_type, id, at, tags)| {
        Event::new(tenant, event_type).id(id).published_at(at).tagged(tags)
    })
}

/// Generates events, each with another key.
pub(crate) fn events(most: usize) -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(event(), 0..most).prop_map(|events| {
        let key = |event: &Event| {
            let parts = [&event.tenant_id, &event.event_type, &event.id].map(Clone::clone);
            (parts, event.published_at)
        };
        let distinct: BTreeMap<_, _> =
            events.into_iter().map(|event| (key(&event), event)).collect();
        distinct.into_values().collect()
    })
}

pub(crate) fn query() -> impl Strategy<Value = EventQuery> {
    let order = prop::sample::select(vec![Order::NewestFirst, Order::OldestFirst]);
    let bounds = (prop::option::of(instant()), prop::option::of(instant()));
    let parts = (tenant(), prop::option::of(event_type()), bounds, tags(), 1..7_u32, order);
    parts.prop_map(|(tenant, event_type, (start, end), tags, limit, order)| EventQuery {
        event_type: event_type.map(Into::into),
        start,
        end,
        ..EventQuery::new(tenant).tagged(tags).limit(limit).ordered(order)
    })
}

pub(crate) fn bus() -> impl Strategy<Value = BusConfig> {
    let style = prop::sample::select(vec![AttributeStyle::Pascal, AttributeStyle::TableTheory]);
    let format = prop::sample::select(vec![TimestampFormat::Fixed9, TimestampFormat::Trimmed]);
    let payload = prop::sample::select(vec![PayloadEncoding::Binary, PayloadEncoding::ByteList]);
    let parts = (style, format, payload, 1..4_u32, any::<bool>());
    parts.prop_map(|(style, format, payload, read_budget, sealed)| {
        let mut builder = BusConfig::builder()
            .attribute_style(style)
            .timestamp_format(format)
            .payload_encoding(payload)
            .read_budget(read_budget);
        if sealed {
            builder = builder.cursor_secret("secret");
        }
        builder.build().unwrap()
    })
}

pub(crate) fn filled_memory(events: &[Event]) -> MemoryBus {
    let mut memory = MemoryBus::default();
    for event in events {
        memory.publish(event.clone(), now(), 7).unwrap();
    }
    memory
}

pub(crate) fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{0,12}", "[\\x00-\\x7f]{0,8}", Just("<\u{2028}&\"\\>".to_string())]
}

/// Generates an event with anything that a table can hold.
pub(crate) fn any_event() -> impl Strategy<Value = Event> {
    let payload = prop_oneof![
        Just(Payload::default()),
        any_text().prop_map(|text| Payload::of(&text)),
        prop::collection::btree_map(any_text(), any::<i64>(), 0..3)
            .prop_map(|map| Payload::of(&map)),
    ];
    let texts = (any_text(), any_text(), prop::collection::vec(any_text(), 0..3));
    let metadata = prop::collection::btree_map("\\PC{1,5}", any_text(), 0..3);
    let numbers = (any::<i64>(), any::<i64>(), 0..4_102_444_800_i64);
    (event(), payload, texts, metadata, numbers).prop_map(
        |(event, payload, (source_id, correlation_id, tags), metadata, numbers)| {
            let (version, retry_count, created) = numbers;
            Event {
                source_id,
                correlation_id,
                payload,
                metadata,
                tags,
                version,
                retry_count,
                created_at: Some(Timestamp::from_unix_seconds(created)),
                ..event
            }
        },
    )
}

pub(crate) fn compare(order: Order, a: &Event, b: &Event) -> Ordering {
    let place = |event: &Event| (event.published_at, event.id.clone(), event.event_type.clone());
    match order {
        Order::NewestFirst => place(b).cmp(&place(a)),
        Order::OldestFirst => place(a).cmp(&place(b)),
    }
}

/// Returns what identifies each event, for readable comparisons.
pub(crate) fn names(events: &[Event]) -> Vec<String> {
    let name = |event: &Event| {
        let at = event.published_at.map(Timestamp::to_rfc3339).unwrap_or_default();
        format!("{at} {} {} {}", event.id, event.event_type, event.tenant_id)
    };
    events.iter().map(name).collect()
}
