//! Binding: any request gets a response, and bound values equal their texts.

use apptheory::duration::{parse_portable_nanos, write_duration_nanos};
use apptheory::error::AppError;
use apptheory::http::Request;
use apptheory::http::binding::{from_headers, from_params, from_query};
use apptheory_proptests::cases;
use proptest::prelude::*;
use serde::Deserialize;

const MAX_INTEGER: i64 = (1 << 53) - 1;

/// Generates texts that are of some kind, almost of a kind, or anything.
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

const NAMES: [&str; 4] = ["count", "ratio", "is_on", "tags"];

/// A struct with a member of every kind.
#[derive(Debug, Deserialize)]
struct Members {
    count: Option<i64>,
    ratio: Option<f64>,
    is_on: Option<bool>,
    #[serde(default)]
    tags: Vec<String>,
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop::sample::select(&NAMES[..]).prop_map(str::to_owned);
    prop::collection::vec((name, text()), 0..5)
}

/// Parses a text.
fn read<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    from_params(&[("v".to_owned(), text.to_owned())]).ok()
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn every_request_binds_to_values_of_its_types_or_is_refused(query in pairs(), fields in pairs()) {
        let query = query.into_iter().collect();
        let headers = fields.into_iter().collect();
        let request = Request { headers, ..Request::default() };
        for read in [from_query::<Members>(&query), from_headers::<Members>(&request)] {
            match read {
                Ok(Members { count, ratio, is_on, tags }) => {
                    let _ = is_on;
                    prop_assert!(count.is_none_or(|count| count.abs() <= MAX_INTEGER));
                    prop_assert!(ratio.is_none_or(f64::is_finite) && tags.len() < 6);
                }
                Err(error) => {
                    prop_assert!(NAMES.contains(&error.name.as_str()));
                    let error = AppError::from(error);
                    prop_assert_eq!((error.status(), error.code()), (400, "app.bad_request"));
                }
            }
        }
    }

    #[test]
    fn integers_bind_within_what_a_double_holds(integer: i64, near in -3..=3_i64) {
        for integer in [integer, integer % (MAX_INTEGER + 2), MAX_INTEGER + near, -MAX_INTEGER + near] {
            let expected = (integer.unsigned_abs() <= MAX_INTEGER as u64).then_some(integer);
            let text = integer.to_string();
            prop_assert_eq!(read::<i64>(&text), expected);
            prop_assert_eq!(read::<u16>(&text), expected.and_then(|integer| integer.try_into().ok()));
        }
    }

    #[test]
    fn what_is_read_converts_back(float in prop::num::f64::NORMAL, text in text()) {
        for written in [float.to_string(), format!("{float:e}"), format!("{float:+E}")] {
            prop_assert_eq!(read::<f64>(&written), Some(float));
        }
        prop_assert_eq!(read::<String>(&text), Some(text.clone()));
        if let Some(integer) = read::<i64>(&text) {
            prop_assert_eq!(read::<i64>(&integer.to_string()), Some(integer));
        }
        if let Some(float) = read::<f64>(&text) {
            prop_assert_eq!(read::<f64>(&float.to_string()), Some(float));
        }
        if let Ok(nanos) = parse_portable_nanos(&text) {
            let written = write_duration_nanos(nanos.into());
            prop_assert_eq!(parse_portable_nanos(&written), Ok(nanos));
        }
    }

    #[test]
    fn durations_read_what_is_written(micros in i64::MIN / 1000..=i64::MAX / 1000, rest in 1..1000_i64) {
        let nanos = micros * 1000;
        prop_assert_eq!(parse_portable_nanos(&write_duration_nanos(nanos.into())), Ok(nanos));
        let finer = write_duration_nanos(i128::from(nanos) + i128::from(rest));
        prop_assert!(parse_portable_nanos(&finer).is_err());
    }
}
