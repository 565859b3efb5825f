//! Binding, value by value.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::error::Error as _;
use core::time::Duration;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{
    Binder, BindingError, Bound, Field, Kind, Source, Value, decode_params, from_headers,
    from_params, from_query,
};
use crate::error::{AppError, ErrorFormat};
use crate::http::router::{Lookup, Router};
use crate::http::{HeaderMap, JsonReading, MultiMap, Request, UriPath};

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn query(all: &[(&str, &str)]) -> MultiMap {
    pairs(all).into_iter().collect()
}

/// Binds one text of a query.
fn one(kind: Kind, text: &str) -> Option<Value> {
    let request = Request { query: query(&[("v", text)]), ..Request::default() };
    let binder = Binder::new([Field::new("V", kind, Source::Query, "v")]);
    binder.bind(&request, &[]).ok()?.get("V").cloned()
}

fn bind_body(binder: &Binder, body: &str) -> Result<Bound, BindingError> {
    let binder = binder.clone().with_json(JsonReading::Contract);
    binder.bind(&Request { body: body.as_bytes().to_vec(), ..Request::default() }, &[])
}

/// What the client is told.
fn told(error: BindingError) -> Json {
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
        assert_eq!(one(Kind::Integer, text), expected.map(Value::Integer), "{text:?}");
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
        assert_eq!(one(Kind::Float, text), expected.map(Value::Float), "{text:?}");
    }
    for text in ["1", "t", "T", "TRUE", "true", "True"] {
        assert_eq!(one(Kind::Bool, text), Some(Value::Bool(true)));
    }
    for text in ["0", "f", "F", "FALSE", "false", "False"] {
        assert_eq!(one(Kind::Bool, text), Some(Value::Bool(false)));
    }
    for text in ["tRUE", " true", "yes", "", "2"] {
        assert_eq!(one(Kind::Bool, text), None);
    }
}

#[test]
fn durations_are_whole_microseconds_of_64_bits() {
    for (text, expected) in [
        ("500ms", "500ms"),
        ("1500us", "1.5ms"),
        ("999999us", "999.999ms"),
        ("1s500ms", "1.5s"),
        ("-1s500ms", "-1.5s"),
        ("+2m", "2m0s"),
        ("1h", "1h0m0s"),
        ("1.5h", "1h30m0s"),
        ("36h", "36h0m0s"),
        ("100us", "100µs"),
        ("1000ns", "1µs"),
        ("0", "0s"),
    ] {
        let bound = one(Kind::Duration, text).map(|value| serde_json::to_value(&value).unwrap());
        assert_eq!(bound, Some(expected.into()), "{text}");
    }
    for text in ["1ns", "1.0001ms1ns", "1s-500ms", "--1s", "1", "1d", "", "s", " 1s", "2562048h"] {
        assert_eq!(one(Kind::Duration, text), None, "{text:?}");
    }
}

#[test]
fn the_first_source_with_a_value_wins() {
    let field = Field::new("V", Kind::Text, Source::Header, "X-V")
        .or_from(Source::Query, "q")
        .or_from(Source::Path, "p")
        .or_from(Source::Body, "b");
    let binder = Binder::new([field]).with_json(JsonReading::AnyType);
    let mut request = Request { body: br#"{"b":"body"}"#.to_vec(), ..Request::default() };
    let get = |request: &Request, params: &[(String, String)]| {
        binder.bind(request, params).unwrap().get("V").cloned()
    };
    let text = |text: &str| Some(Value::Text(text.into()));
    assert_eq!(get(&request, &[]), text("body"));
    request.headers.set("x-v", "header");
    assert_eq!(get(&request, &[]), text("header"));
    request.query.set("q", vec![]);
    assert_eq!(get(&request, &[]), text("header"));
    request.query.set("q", vec![String::new(), "later".into()]);
    assert_eq!(get(&request, &[]), text(""));
    assert_eq!(get(&request, &pairs(&[("p", "path")])), text("path"));
}

#[test]
fn a_scalar_takes_the_first_value_and_a_list_takes_all() {
    let request = Request { query: query(&[("v", "1"), ("v", "x")]), ..Request::default() };
    let field = |name, kind| Field::new(name, kind, Source::Query, "v");
    let binder = Binder::new([
        field("One", Kind::Integer),
        field("All", Kind::Texts),
        Field::new("None", Kind::Texts, Source::Query, "w"),
    ]);
    let bound = binder.bind(&request, &[]).unwrap();
    assert_eq!(bound.get("One"), Some(&Value::Integer(1)));
    assert_eq!(bound.get("All"), Some(&Value::Texts(vec!["1".into(), "x".into()])));
    assert_eq!(bound.iter().count(), 2);
}

#[test]
fn a_body_is_one_object_of_the_declared_types() {
    let binder = Binder::new([
        Field::new("T", Kind::Text, Source::Body, "t"),
        Field::new("I", Kind::Integer, Source::Body, "i"),
        Field::new("F", Kind::Float, Source::Body, "f"),
        Field::new("B", Kind::Bool, Source::Body, "b"),
        Field::new("D", Kind::Duration, Source::Body, "d"),
        Field::new("L", Kind::Texts, Source::Body, "l"),
        Field::new("O", Kind::Object, Source::Body, "o"),
        Field::new("J", Kind::Json, Source::Body, "j"),
        Field::new("Q", Kind::Text, Source::Query, "q"),
    ]);
    let body = r#" {"t":"é\n","i":-0,"f":1e2,"b":false,"d":"1m","l":[],"o":{"x":[1]},"j":[null],
        "q":"spoof","Q":"spoof","T":"spoof","t2":1e400} "#;
    let bound = bind_body(&binder, body).unwrap();
    let all: BTreeMap<_, _> = bound.iter().collect();
    assert_eq!(
        serde_json::to_value(all).unwrap(),
        json!({"T": "é\n", "I": 0, "F": 100.0, "B": false, "D": "1m0s", "L": [], "O": {"x": [1]},
            "J": [null]})
    );
    assert_eq!(bind_body(&binder, r#"{"t":null,"i":null,"o":null}"#), Ok(Bound::default()));
    let last = bind_body(&binder, r#"{"i":"x","i":1,"i":2}"#).unwrap();
    assert_eq!(last.get("I"), Some(&Value::Integer(2)));

    assert_eq!(bind_body(&binder, ""), Err(BindingError::EmptyBody));
    for body in [
        " ",
        "null",
        "[]",
        "7",
        "{",
        "{} {}",
        "{}x",
        "\u{feff}{}",
        "{\"t\":7}",
        "{\"i\":17.0}",
        "{\"i\":1e2}",
        "{\"i\":\"7\"}",
        "{\"i\":9007199254740992}",
        "{\"f\":\"1\"}",
        "{\"f\":1e400}",
        "{\"b\":1}",
        "{\"b\":\"true\"}",
        "{\"d\":1}",
        "{\"d\":\"1ns\"}",
        "{\"l\":\"x\"}",
        "{\"l\":[1]}",
        "{\"l\":[null]}",
        "{\"o\":[]}",
        "{\"i\":truex}",
    ] {
        assert_eq!(bind_body(&binder, body), Err(BindingError::InvalidJson), "{body}");
    }
    let deep = alloc::format!("{{\"j\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(bind_body(&binder, &deep), Err(BindingError::InvalidJson));
}

#[test]
fn a_strict_body_has_no_other_members() {
    let binder = Binder::new([
        Field::new("Name", Kind::Text, Source::Body, "name"),
        Field::new("Count", Kind::Integer, Source::Query, "count"),
    ]);
    assert!(bind_body(&binder, r#"{"extra":1}"#).is_ok());
    let strict = binder.with_strict_body();
    assert!(bind_body(&strict, r#"{"name":{"deep":1}}"#).is_err());
    for (body, name) in [
        (r#"{"zeta":1,"alpha":1,"name":"b"}"#, "zeta"),
        (r#"{"name":7,"count":3}"#, "count"),
        (r#"{"Name":"b"}"#, "Name"),
        (r#"{"name":"b","z":1,"a":1,"z":2}"#, "z"),
    ] {
        let error = bind_body(&strict, body).unwrap_err();
        let message = alloc::format!("invalid body binding: {name}");
        assert_eq!(told(error), json!([message, {"source": "body", "name": name}]));
    }
    let nothing = Binder::new([]).with_strict_body();
    assert!(bind_body(&nothing, "{}").is_ok());
    assert_eq!(bind_body(&nothing, ""), Err(BindingError::EmptyBody));
    assert!(bind_body(&nothing, r#"{"a":1}"#).is_err());
    assert!(bind_body(&Binder::new([]), "").is_ok());
}

#[test]
fn a_body_is_json_of_its_type_or_its_client_is_told_where_not() {
    let binder = Binder::new([
        Field::new("Name", Kind::Text, Source::Body, "name"),
        Field::new("Count", Kind::Integer, Source::Body, "count"),
    ]);
    let bind = |content_type: &str, body: &str| {
        let headers = [("content-type", content_type)].into_iter().collect();
        let request = Request { headers, body: body.as_bytes().to_vec(), ..Request::default() };
        binder.bind(&request, &[]).map_err(AppError::from)
    };
    assert!(bind("application/json", r#"{"name":"a","count":1}"#).is_ok());
    for (content_type, body, status, message) in [
        ("text/plain", r#"{"name":"a"}"#, 415, "content-type of application/json"),
        ("application/json", "{\n!", 400, "line 2, column 1"),
        ("application/json", "[]", 422, "invalid json of body: expected an object"),
        ("a/b+json", r#"{"count":"secret"}"#, 422, "invalid json of count: expected an integer"),
    ] {
        let error = bind(content_type, body).unwrap_err();
        assert_eq!(error.status(), status, "{error}");
        assert!(error.message().contains(message) && !error.to_string().contains("secret"));
    }
}

#[test]
fn clients_are_told_what_to_mend() {
    assert_eq!(told(BindingError::EmptyBody), json!(["request body is empty", null]));
    assert_eq!(told(BindingError::InvalidJson), json!(["invalid json", null]));
    let binder = Binder::new([
        Field::new("Limit", Kind::Integer, Source::Query, "limit"),
        Field::new("ID", Kind::Integer, Source::Path, "id"),
        Field::new("Name", Kind::Text, Source::Body, "name"),
    ]);
    let request = Request { query: query(&[("limit", "secret")]), ..Request::default() };
    let params = pairs(&[("id", "x")]);
    assert_eq!(binder.bind(&request, &params), Err(BindingError::EmptyBody));
    let headers = [("content-type", "application/json")].into_iter().collect();
    let request = Request { body: b"{}".to_vec(), headers, ..request };
    let error = binder.bind(&request, &params).unwrap_err();
    assert!(!error.to_string().contains("secret") && error.to_string().contains("an integer"));
    assert_eq!(
        told(error.clone()),
        json!(["invalid query binding for Limit",
            {"source": "query", "name": "limit", "field": "Limit"}])
    );
    assert!(AppError::from(error).source().is_some());
    let error = binder.bind(&Request { query: MultiMap::new(), ..request }, &params).unwrap_err();
    assert_eq!(told(error)[0], "invalid path binding for ID");
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
        let from = Source::Query;
        let (name, field) = (name.to_owned(), name.to_owned());
        assert_eq!(error, BindingError::Invalid { from, name, field, expected: expected.into() });
    }
    let error = from_query::<Search<'_>>(&query(&[])).unwrap_err();
    let details = json!({"source": "query", "name": "q", "field": "q"});
    assert_eq!(told(error), json!(["invalid query binding for q", details]));

    let mut empty = query(&[("q", "x")]);
    empty.set("limit", vec![]);
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
    assert_eq!(told(error)[0], "invalid header binding for x-attempt");
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
    let name = |error: BindingError| told(error)[1]["name"].clone();
    assert_eq!(name(from_params::<(u64, u64)>(&params).unwrap_err()), "line");
    assert_eq!(name(from_params::<u64>(&params[1..]).unwrap_err()), "line");
    assert_eq!(name(from_params::<(u64,)>(&params).unwrap_err()), "path");
    assert_eq!(name(from_params::<u64>(&params).unwrap_err()), "path");
}

#[test]
fn parameters_decode_or_do_not_bind() {
    let mut router = Router::new();
    router.insert("GET", "/{name}/{rest+}", ()).unwrap();
    let decode = |path: &str| {
        let path = UriPath::from_encoded(path);
        let Lookup::Found(found) = router.look_up("GET", &path) else { panic!("a route") };
        decode_params(found.params())
    };
    assert_eq!(decode("/caf%C3%A9/a%2Fb"), pairs(&[("name", "café"), ("rest", "a/b")]));
    assert_eq!(decode("/a%2520b/50%"), pairs(&[("name", "a%20b"), ("rest", "50%")]));
}
