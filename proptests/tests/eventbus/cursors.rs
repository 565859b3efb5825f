//! Cursors: parsed exactly as written, refused for other queries, and harmless whatever they
//! contain.

use std::collections::BTreeMap;

use apptheory::eventbus::{CursorSeal, ErrorKind, EventQuery, OffsetCursor, Order};
use apptheory::machine::run;
use apptheory::store::memory::Memory;
use apptheory::store::{Item, KeyCursor, Number, Value};
use apptheory_proptests::cases;
use proptest::prelude::*;

use super::model::{any_text, bus, events, now, query};

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn key_cursors_read_back(
        last_key in prop::collection::btree_map("\\PC{1,8}", value(), 1..5),
        index in prop::option::of("\\PC{1,8}"),
        sort in prop::option::of("\\PC{1,8}"),
    ) {
        let last_key: Item =
            last_key.into_iter().map(|(name, value)| (name.into(), value)).collect();
        let cursor = KeyCursor { last_key, index, sort };
        prop_assert_eq!(KeyCursor::decode(&cursor.encode()), Ok(Some(cursor)));
    }

    #[test]
    fn offset_cursors_read_back(offset in 0..=i64::MAX as u64) {
        let cursor = OffsetCursor(offset);
        prop_assert_eq!(OffsetCursor::decode(&cursor.encode()), Ok(cursor));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*", bytes in any::<Vec<u8>>(), json in json()) {
        for text in [text, encoded(&bytes), encoded(json.as_bytes())] {
            // A parsed cursor can be written, and is then parsed as the same.
            if let Ok(Some(cursor)) = KeyCursor::decode(&text) {
                prop_assert_eq!(KeyCursor::decode(&cursor.encode()), Ok(Some(cursor)));
            }
            if let Ok(cursor) = OffsetCursor::decode(&text) {
                prop_assert_eq!(OffsetCursor::decode(&cursor.encode()), Ok(cursor));
            }
        }
    }

    #[test]
    fn seals_open_for_what_was_sealed_only(
        secret in any::<[u8; 4]>(),
        cursor in "[A-Za-z0-9_=-]{1,40}",
        at in any::<prop::sample::Index>(),
        other in "[A-Za-z0-9_.=-]",
    ) {
        let seal = CursorSeal::new(secret).unwrap();
        let sealed = seal.seal(&cursor);
        prop_assert_eq!(seal.open(&sealed), Ok(cursor.as_str()));
        let at = at.index(sealed.len());
        let mut forged = sealed.clone();
        forged.replace_range(at..=at, &other);
        if forged != sealed {
            prop_assert!(seal.open(&forged).is_err(), "{} {}", sealed, forged);
        }
    }

    #[test]
    fn a_cursor_of_another_query_reads_nothing(
        bus in bus(),
        events in events(30),
        own in query(),
        foreign in query(),
    ) {
        let mut store = Memory::default().with_table(bus.table());
        for event in &events {
            run(bus.publish(event.clone(), now(), 7).unwrap(), &mut store).result.unwrap();
        }
        let Some(cursor) = run(bus.query(&foreign).unwrap(), &mut store).result.unwrap().next else {
            return Ok(());
        };
        let before = store.usage().clone();
        let answer = run(bus.query(&own.clone().after(cursor)).unwrap(), &mut store).result;
        if place(&own) == place(&foreign) {
            return Ok(());
        }
        prop_assert_eq!(answer.unwrap_err().kind(), ErrorKind::CursorMismatch);
        prop_assert_eq!(store.usage(), &before);
    }
}

/// Returns which part of the table a query reads, and in which direction.
fn place(query: &EventQuery) -> (String, Option<String>, bool) {
    (query.tenant_id.clone(), query.event_type.clone(), query.order == Order::NewestFirst)
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::from),
        any_text().prop_map(|text| Number::from_text(&text)),
        "-?[0-9]{1,20}(\\.[0-9]{1,5})?(E[+-]?[0-9]{1,3})?"
            .prop_map(|text| Number::from_text(&text)),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let bytes = prop::collection::vec(any::<u8>(), 0..6);
    let leaf = prop_oneof![
        any_text().prop_map(Value::S),
        number().prop_map(Value::N),
        bytes.clone().prop_map(Value::B),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
        prop::collection::vec(any_text(), 0..3).prop_map(Value::Ss),
        prop::collection::vec(number(), 0..3).prop_map(Value::Ns),
        prop::collection::vec(bytes, 0..3).prop_map(Value::Bs),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4).prop_map(Value::L);
        let map = prop::collection::vec((any_text(), inner), 0..4);
        prop_oneof![list, map.prop_map(|m| Value::M(m.into_iter().collect::<BTreeMap<_, _>>()))]
    })
}

/// Generates texts that look like the content of a cursor.
fn json() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"lastKey\"",
        "\"index\"",
        "\"S\"",
        "\"L\"",
        "\"B\"",
        "\"pk\"",
        "null",
        "1e999",
        "true",
        " ",
        "\"\\ud800\"",
        "\"AA==\"",
        "{\"lastKey\":{\"pk\":",
        "{\"L\":[",
        "]}",
        "}}",
        "{\"S\":\"x\"}",
    ]);
    prop::collection::vec(part, 0..14).prop_map(|parts| parts.concat())
}

/// Returns bytes in the outer encoding of a cursor: base64url with padding.
fn encoded(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let padded = chunk.iter().chain([&0, &0]).take(3);
        let bits = padded.fold(0_usize, |bits, byte| (bits << 8) | usize::from(*byte));
        for place in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * place)) & 63];
            text.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
