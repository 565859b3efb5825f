//! Tests of binding single values.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value as Json, json};

use super::{Error, Source, check_params, decode_params, from_headers, from_params, from_query};
use crate::error::{AppError, ErrorFormat};
use crate::http::router::{Lookup, RouteTable};
use crate::http::{HeaderMap, MultiMap, Request, UriPath};

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn query(all: &[(&str, &str)]) -> MultiMap {
    pairs(all).into_iter().collect()
}

/// Binds one text.
fn one<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    from_params(&pairs(&[("v", text)])).ok()
}

/// Returns the response to an error.
fn reported(error: Error) -> Json {
    let error = AppError::from(error);
    assert_eq!((error.status(), error.code()), (400, "app.bad_request"));
    let body: Json = serde_json::from_str(&error.body(ErrorFormat::Nested, "", "")).unwrap();
    assert_eq!(body["error"]["status_code"], 400);
    json!([body["error"]["message"], body["error"]["details"]])
}

#[test]
fn texts_are_converted_as_specified() {
    for (text, expected) in [
        ("7", Some(7)),
        ("+7", Some(7)),
        ("-0", Some(0)),
        ("-9007199254740991", Some(-9_007_199_254_740_991)),
        ("00000000000000000000000000000009007199254740991", Some(9_007_199_254_740_991)),
        ("9007199254740992", None),
        ("-9007199254740992", None),
        ("99999999999999999999999999", None),
        ("", None),
        ("+", None),
        ("+-1", None),
        (" 7", None),
        ("7.0", None),
        ("1e2", None),
        ("0x7", None),
        ("\u{663}", None),
    ] {
        assert_eq!(one::<i64>(text), expected, "{text:?}");
    }
    for (text, expected) in [
        ("1.5", Some(1.5)),
        ("-1e3", Some(-1000.0)),
        ("+.5", Some(0.5)),
        ("1.", Some(1.0)),
        ("1.5oops", None),
        ("1e400", None),
        ("inf", None),
        ("NaN", None),
        ("0x1p4", None),
        ("1_0", None),
        ("", None),
        (".", None),
    ] {
        assert_eq!(one::<f64>(text), expected, "{text:?}");
    }
    for text in ["1", "t", "T", "TRUE", "true", "True"] {
        assert_eq!(one(text), Some(true));
    }
    for text in ["0", "f", "F", "FALSE", "false", "False"] {
        assert_eq!(one(text), Some(false));
    }
    for text in ["tRUE", " true", "yes", "", "2"] {
        assert_eq!(one::<bool>(text), None);
    }
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Order {
    Asc,
    Desc,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Cents(u32);

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Search<'a> {
    q: &'a str,
    limit: Option<u8>,
    price: Option<Cents>,
    ratio: Option<f32>,
    exact: Option<bool>,
    order: Option<Order>,
    #[serde(default)]
    tag: Vec<String>,
    #[serde(default)]
    ids: Vec<i32>,
    #[serde(default, deserialize_with = "crate::duration::deserialize")]
    ttl: Duration,
}

#[test]
fn a_struct_is_filled_by_name() {
    let all = query(&[
        ("q", "x"),
        ("q", "ignored"),
        ("limit", "255"),
        ("price", "+7"),
        ("ratio", "0.5"),
        ("exact", "T"),
        ("order", "desc"),
        ("tag", "a"),
        ("tag", "b"),
        ("ids", "-1"),
        ("ttl", "2m"),
    ]);
    let expected = Search {
        q: "x",
        limit: Some(255),
        price: Some(Cents(7)),
        ratio: Some(0.5),
        exact: Some(true),
        order: Some(Order::Desc),
        tag: vec!["a".into(), "b".into()],
        ids: vec![-1],
        ttl: Duration::from_secs(120),
    };
    assert_eq!(from_query(&all), Ok(expected));
    for (name, text, expected) in [
        ("limit", "256", "u8"),
        ("limit", "-1", "u8"),
        ("limit", "secret", "an integer within ±(2^53 − 1)"),
        ("limit", "9007199254740992", "an integer within ±(2^53 − 1)"),
        ("price", "", "an integer within ±(2^53 − 1)"),
        ("ratio", "1e39", "a finite decimal number"),
        ("exact", "yes", "true or false"),
        ("order", "secret", "one of asc, desc"),
        ("ids", "1.0", "an integer within ±(2^53 − 1)"),
        ("ttl", "secret", "a value that its type accepts"),
        ("other", "secret", "no such name"),
    ] {
        let all = query(&[("q", "x"), (name, text)]);
        let error = from_query::<Search<'_>>(&all).unwrap_err();
        let (from, name) = (Source::Query, name.to_owned());
        assert_eq!(error, Error { from, name, expected: expected.into() });
    }
    let error = from_query::<Search<'_>>(&query(&[])).unwrap_err();
    assert!(error.to_string().ends_with("expected a value"));
    let details = json!({"source": "query", "name": "q", "field": "q"});
    assert_eq!(reported(error), json!(["invalid query binding for q", details]));

    let mut empty = query(&[("q", "x")]);
    empty.set("limit", [""; 0]);
    assert_eq!(from_query::<Search<'_>>(&empty).unwrap().limit, None);
    assert!(from_query::<u8>(&query(&[("q", "1")])).is_err());
    assert!(from_query::<(u8,)>(&query(&[("q", "1")])).is_err());
    assert_eq!(from_query::<()>(&all), Ok(()));
    let map: BTreeMap<String, Vec<String>> = from_query(&all).unwrap();
    assert_eq!(map["q"], ["x", "ignored"]);
}

#[test]
fn header_fields_are_members_in_lower_case() {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Fields {
        x_attempt: u32,
    }
    let headers: HeaderMap = [("X-Attempt", "3"), ("accept", "*/*")].into_iter().collect();
    let request = Request { headers, ..Request::default() };
    assert_eq!(from_headers::<Fields>(&request).unwrap().x_attempt, 3);
    let none = Request::default();
    let error = from_headers::<Fields>(&none).map(|fields| fields.x_attempt).unwrap_err();
    assert_eq!(reported(error)[0], "invalid header binding for x-attempt");
}

#[test]
fn parameters_are_a_struct_a_tuple_or_one_value() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Line {
        order: u64,
        line: String,
    }
    let params = pairs(&[("order", "7"), ("line", "a")]);
    assert_eq!(from_params(&params), Ok(Line { order: 7, line: "a".into() }));
    assert_eq!(from_params(&params), Ok((7_u64, "a")));
    assert_eq!(from_params(&params), Ok(vec!["7", "a"]));
    assert_eq!(from_params(&params[..1]), Ok(7_u64));
    assert_eq!(from_params(&params[..1]), Ok(Cents(7)));
    assert_eq!(from_params(&params[1..]), Ok("a"));
    assert_eq!(from_params::<Option<u64>>(&[]), Ok(None));
    let name = |error: Error| reported(error)[1]["name"].clone();
    assert_eq!(name(from_params::<(u64, u64)>(&params).unwrap_err()), "line");
    assert_eq!(name(from_params::<u64>(&params[1..]).unwrap_err()), "line");
    assert_eq!(name(from_params::<(u64,)>(&params).unwrap_err()), "path");
    assert_eq!(name(from_params::<u64>(&params).unwrap_err()), "path");
}

#[test]
fn parameters_decode_or_do_not_bind() {
    let mut router = RouteTable::new();
    router.insert("GET", "/{name}/{rest+}", ()).unwrap();
    let decode = |path: &str| {
        let path = UriPath::from_encoded(path);
        let Lookup::Found(found) = router.look_up("GET", &path) else { panic!("a route") };
        decode_params(found.params())
    };
    assert_eq!(decode("/caf%C3%A9/a%2Fb"), pairs(&[("name", "café"), ("rest", "a/b")]));
    assert_eq!(decode("/a%2520b/50%"), pairs(&[("name", "a%20b"), ("rest", "50%")]));
}

#[test]
fn a_type_is_checked_against_the_names_of_its_parameters() {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape counts")]
    struct Line {
        order: u8,
        line: String,
        #[serde(default)]
        unit: char,
    }
    fn wants<T: serde::de::DeserializeOwned>(names: &[&str]) -> Option<String> {
        let refused = check_params::<T>(names.iter().copied()).err()?;
        assert_eq!(refused.from, Source::Path);
        Some(alloc::format!("{} for {}", refused.expected, refused.name))
    }
    assert_eq!(wants::<Line>(&["line", "order"]), None);
    assert_eq!(wants::<Line>(&["order", "line", "unit"]), None);
    assert_eq!(wants::<Line>(&["order"]).unwrap(), "a value for line");
    assert_eq!(wants::<Line>(&["order", "line", "id"]).unwrap(), "no such name for id");
    assert_eq!(wants::<(u8, bool)>(&["a", "b"]), None);
    assert_eq!(wants::<(u8, bool)>(&["a"]).unwrap(), "2 parameters for path");
    assert_eq!(wants::<(u8,)>(&[]).unwrap(), "1 parameters for path");
    assert_eq!(wants::<f32>(&["a"]), None);
    assert_eq!(wants::<f32>(&["a", "b"]).unwrap(), "one parameter for path");
    assert_eq!(wants::<String>(&[]).unwrap(), "one parameter for path");
    assert_eq!(wants::<Option<String>>(&[]), None);
    assert_eq!(wants::<BTreeMap<String, u8>>(&["a", "b"]), None);
    assert_eq!(wants::<Vec<u8>>(&[]), None);
    assert_eq!(wants::<()>(&["a"]), None);
}

/// A type that fits the parameters of some request must pass the check: otherwise an application
/// that works would no longer build.
#[test]
#[expect(dead_code, reason = "only the shapes of the types count")]
fn every_type_that_binds_to_some_values_passes_the_check() {
    const VALUES: [&str; 7] = ["", "7", "x", "true", "500", "square-meter", "1h"];

    #[derive(Deserialize)]
    struct Wrapped(u8);
    #[derive(Deserialize)]
    struct Pair(String, Wrapped);
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Members {
        order_id: Wrapped,
        #[serde(default)]
        line: Vec<char>,
        #[serde(alias = "a")]
        unit: Option<Unit>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Unit {
        SquareMeter,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nested {
        line: (String,),
        #[serde(default, deserialize_with = "crate::duration::deserialize")]
        a: Duration,
    }
    #[derive(Deserialize)]
    struct Flattened {
        line: IgnoredAny,
        #[serde(flatten)]
        own: Option<Members>,
        #[serde(flatten)]
        others: BTreeMap<String, String>,
    }
    #[derive(Deserialize)]
    struct FlattenedAlways {
        #[serde(flatten)]
        tagged: Tagged,
    }
    #[derive(Deserialize)]
    #[serde(tag = "line")]
    enum Tagged {
        #[serde(rename = "7")]
        Order { a: String },
        #[serde(rename = "x")]
        Other,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Members(Members),
        Named { a: String, line: String },
        Text(String),
    }
    #[derive(Deserialize)]
    #[serde(try_from = "String")]
    struct Short(String);
    impl TryFrom<String> for Short {
        type Error = &'static str;
        fn try_from(text: String) -> Result<Self, Self::Error> {
            if text == "x" { Ok(Self(text)) } else { Err("long") }
        }
    }
    #[derive(Deserialize)]
    #[serde(from = "(String, Option<u8>)")]
    struct Converted(String);
    impl From<(String, Option<u8>)> for Converted {
        fn from((text, _): (String, Option<u8>)) -> Self {
            Self(text)
        }
    }

    /// Checks every list of names that some values bind to, and returns whether there is one.
    fn fits<T: serde::de::DeserializeOwned>() -> bool {
        let lists = [&[][..], &["a"], &["line"], &["orderId"], &["line", "a"], &["a", "line"]];
        let lists = lists.into_iter().chain([&["orderId", "line", "a"][..], &["b", "line"]]);
        let binds = |names: &&[&str]| {
            // Each parameter takes each of the values.
            let count = VALUES.len().pow(names.len() as u32);
            (0..count).any(|drawn| {
                let value = |at: usize| VALUES[drawn / VALUES.len().pow(at as u32) % VALUES.len()];
                let named = names.iter().enumerate().map(|(at, name)| (*name, value(at)));
                from_params::<T>(&pairs(&named.collect::<Vec<_>>())).is_ok()
            })
        };
        let fitting: Vec<&[&str]> = lists.filter(binds).collect();
        for names in &fitting {
            let checked = check_params::<T>(names.iter().copied());
            assert_eq!(checked, Ok(()), "{}: {names:?}", core::any::type_name::<T>());
        }
        !fitting.is_empty()
    }
    assert!(fits::<()>());
    assert!(fits::<IgnoredAny>());
    assert!(fits::<Vec<String>>());
    assert!(fits::<BTreeMap<String, String>>());
    assert!(fits::<BTreeMap<String, u8>>());
    assert!(fits::<Json>());
    assert!(fits::<Option<u8>>());
    assert!(fits::<Wrapped>());
    assert!(fits::<Short>());
    assert!(fits::<Unit>());
    assert!(fits::<[Short; 2]>());
    assert!(fits::<Pair>());
    assert!(fits::<((u8,), Wrapped, Unit)>());
    assert!(fits::<Converted>());
    assert!(fits::<Members>());
    assert!(fits::<Option<Members>>());
    assert!(fits::<Nested>());
    assert!(fits::<Flattened>());
    assert!(fits::<FlattenedAlways>());
    assert!(fits::<Tagged>());
    assert!(fits::<Untagged>());
}
