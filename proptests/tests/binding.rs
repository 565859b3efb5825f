//! Binding: any request has an answer, and what is bound says what the text said.

use apptheory::apptheory_core::duration::{parse_portable_nanos, write_duration_nanos};
use apptheory::apptheory_core::error::AppError;
use apptheory::apptheory_core::http::binding::{
    Binder, BindingError, Bound, Field, Kind, Source, Value, from_params, from_query,
};
use apptheory::apptheory_core::http::{JsonReading, MultiMap, Request};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use serde_json::Value as Json;

const KINDS: [Kind; 8] = [
    Kind::Text,
    Kind::Integer,
    Kind::Float,
    Kind::Bool,
    Kind::Duration,
    Kind::Texts,
    Kind::Object,
    Kind::Json,
];
const SOURCES: [Source; 4] = [Source::Body, Source::Query, Source::Path, Source::Header];
const NAMES: [&str; 4] = ["a", "b", "A", "é"];
const MAX_INTEGER: i64 = (1 << 53) - 1;

/// Texts that are of some kind, nearly so, or anything.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|integer| integer.to_string()),
        any::<f64>().prop_map(|float| format!("{float:e}")),
        any::<i64>().prop_map(|nanos| write_duration_nanos(nanos.into())),
        "[+-]?[0-9.eEx_]{0,20}",
        "[tTfF]|true|FALSE|null|0|1",
        "[-+]?([0-9.]{0,3}(h|m|s|ms|us|µs|ns|d)?){0,4}",
        "\\PC{0,8}",
    ]
}

fn json() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![text(), text().prop_map(|text| Json::from(text).to_string())];
    scalar.prop_recursive(3, 16, 4, |inner| {
        let member = (prop::sample::select(&NAMES[..]), inner.clone())
            .prop_map(|(name, value)| format!("{name:?}: {value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|all| format!("[{}]", all.join(","))),
            prop::collection::vec(member, 0..4).prop_map(|all| format!("{{{}}}", all.join(","))),
        ]
    })
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop::sample::select(&NAMES[..]).prop_map(str::to_owned);
    prop::collection::vec((name, text()), 0..5)
}

prop_compose! {
    fn request()(
        query in pairs(),
        headers in pairs(),
        body in prop_oneof![
            json().prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..8),
        ],
    ) -> Request {
        let (query, headers) = (query.into_iter().collect(), headers.into_iter().collect());
        Request { query, headers, body, ..Request::default() }
    }
}

prop_compose! {
    fn binder()(
        fields in prop::collection::vec((
            prop::sample::select(&KINDS[..]),
            prop::sample::select(&SOURCES[..]),
            prop::sample::select(&NAMES[..]),
        ), 0..5),
        is_strict: bool,
    ) -> (Binder, Vec<(Kind, Source)>, bool) {
        let kinds = fields.iter().map(|(kind, source, _)| (*kind, *source)).collect();
        let fields = fields.into_iter().enumerate();
        let binder = Binder::new(fields.map(|(at, (kind, source, wire))| {
            Field::new(at.to_string(), kind, source, wire)
        }));
        let binder = binder.with_json(JsonReading::AnyType);
        (if is_strict { binder.with_strict_body() } else { binder }, kinds, is_strict)
    }
}

fn is_of(value: &Value, kind: Kind) -> bool {
    match (value, kind) {
        (Value::Integer(integer), Kind::Integer) => integer.abs() <= MAX_INTEGER,
        (Value::Float(float), Kind::Float) => float.is_finite(),
        (Value::Duration(nanos), Kind::Duration) => nanos % 1000 == 0,
        (Value::Json(json), Kind::Object) => json.is_object(),
        (Value::Text(_), Kind::Text)
        | (Value::Bool(_), Kind::Bool)
        | (Value::Texts(_), Kind::Texts)
        | (Value::Json(_), Kind::Json) => true,
        _ => false,
    }
}

/// What a text of a query binds to.
fn bind(kind: Kind, text: &str) -> Result<Bound, BindingError> {
    let query = MultiMap::from_iter([("v".to_owned(), text.to_owned())]);
    let request = Request { query, ..Request::default() };
    Binder::new([Field::new("V", kind, Source::Query, "v")]).bind(&request, &[])
}

fn value(kind: Kind, text: &str) -> Option<Value> {
    bind(kind, text).ok()?.get("V").cloned()
}

/// What a struct's reader makes of the same text.
fn read<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    from_params(&[("v".to_owned(), text.to_owned())]).ok()
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_request_binds_to_values_of_its_kinds_or_is_refused(
        request in request(),
        params in pairs(),
        (binder, kinds, is_strict) in binder(),
    ) {
        match binder.bind(&request, &params) {
            Ok(bound) => {
                for (name, value) in bound.iter() {
                    let (kind, _) = kinds[name.parse::<usize>().unwrap()];
                    prop_assert!(is_of(value, kind), "{value:?} is no {kind:?}");
                }
            }
            Err(error) => {
                let is_of_the_body = !matches!(error, BindingError::Invalid { .. });
                let error = AppError::from(error);
                let told = (error.status(), error.code());
                prop_assert!(matches!(
                    told,
                    (400, "app.bad_request") | (422, "app.validation_failed")
                ));
                // A binder without fields of the body, and not strict, never looks at it.
                let has_body_field = kinds.iter().any(|(_, source)| *source == Source::Body);
                prop_assert!(!is_of_the_body || has_body_field || is_strict);
            }
        }
    }

    #[test]
    fn integers_bind_within_what_a_double_holds(integer: i64, near in -3..=3_i64) {
        for integer in [integer, integer % (MAX_INTEGER + 2), MAX_INTEGER + near, -MAX_INTEGER + near] {
            let expected = (integer.unsigned_abs() <= MAX_INTEGER as u64).then_some(integer);
            let text = integer.to_string();
            prop_assert_eq!(value(Kind::Integer, &text), expected.map(Value::Integer));
            prop_assert_eq!(read::<i64>(&text), expected);
            prop_assert_eq!(read::<u16>(&text), expected.and_then(|integer| integer.try_into().ok()));
        }
    }

    #[test]
    fn what_is_bound_converts_back(float in prop::num::f64::NORMAL, text in text()) {
        for written in [float.to_string(), format!("{float:e}"), format!("{float:+E}")] {
            prop_assert_eq!(value(Kind::Float, &written), Some(Value::Float(float)));
        }
        prop_assert_eq!(value(Kind::Text, &text), Some(Value::Text(text.clone())));
        for kind in [Kind::Integer, Kind::Float, Kind::Duration] {
            let Some(bound) = value(kind, &text) else { continue };
            let json = serde_json::to_value(&bound).unwrap();
            let again = json.as_str().map_or_else(|| json.to_string(), str::to_owned);
            prop_assert_eq!(value(kind, &again), Some(bound));
        }
    }

    #[test]
    fn durations_read_what_is_written(micros in i64::MIN / 1000..=i64::MAX / 1000, rest in 1..1000_i64) {
        let nanos = micros * 1000;
        let text = write_duration_nanos(nanos.into());
        prop_assert_eq!(parse_portable_nanos(&text), Ok(nanos));
        prop_assert_eq!(value(Kind::Duration, &text), Some(Value::Duration(nanos)));
        let finer = write_duration_nanos(i128::from(nanos) + i128::from(rest));
        prop_assert_eq!(value(Kind::Duration, &finer), None);
    }

    #[test]
    fn both_ways_read_a_text_alike(text in text()) {
        let integer = read::<i64>(&text).map(Value::Integer);
        prop_assert_eq!(value(Kind::Integer, &text), integer);
        prop_assert_eq!(value(Kind::Float, &text), read::<f64>(&text).map(Value::Float));
        prop_assert_eq!(value(Kind::Bool, &text), read::<bool>(&text).map(Value::Bool));
        prop_assert_eq!(value(Kind::Text, &text), read::<String>(&text).map(Value::Text));
        let _ = from_query::<std::collections::BTreeMap<String, Vec<i8>>>(
            &[("a".to_owned(), text)].into_iter().collect(),
        );
    }
}
