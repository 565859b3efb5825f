//! Events, requests and responses of all kinds.

use std::collections::BTreeMap;
use std::ops::Range;

use apptheory::events::HttpSource;
use apptheory::http::{Cookies, HeaderMap, HttpResponse, Request, UriPath};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

pub(crate) type Lists = BTreeMap<String, Vec<String>>;

pub(crate) fn source() -> impl Strategy<Value = HttpSource> {
    prop::sample::select(HttpSource::ALL.to_vec())
}

pub(crate) fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any_text().prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
            prop::collection::btree_map(any_text(), inner, 0..4)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

pub(crate) fn member_name() -> impl Strategy<Value = String> {
    let names = ["Records", "detail-type", "detailType", "routeKey", "httpMethod", "arguments"];
    prop::sample::select(names.to_vec()).prop_map(str::to_owned)
}

/// Generates texts that are hard to parse.
pub(crate) fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a%2=&;?+/ .:{}é\r\n\0-]{0,10}",
        "\\PC{0,8}",
        prop::sample::select(vec![
            "cookie",
            "COOKIE",
            "/prod/x",
            "prod",
            "::1",
            "aGk=",
            "$default",
            "Root=1-2-3",
            "/mcp/",
        ])
        .prop_map(str::to_owned),
    ]
}

/// Generates an event with every member that an adapter reads, most of them of the right type.
pub(crate) fn any_event() -> impl Strategy<Value = Json> {
    let text = || any_text().prop_map(Json::from).boxed();
    let texts = || prop::collection::btree_map(any_text(), any_text(), 0..4).boxed();
    let object = move || texts().prop_map(|all| json!(all)).boxed();
    let lists = || {
        let list = prop::collection::vec(any_text(), 0..3);
        prop::collection::btree_map(any_text(), list, 0..4).prop_map(|all| json!(all)).boxed()
    };
    let members = [
        ("rawPath", text()),
        ("rawQueryString", text()),
        ("cookies", prop::collection::vec(any_text(), 0..3).prop_map(Json::from).boxed()),
        ("headers", object()),
        ("multiValueHeaders", lists()),
        ("queryStringParameters", object()),
        ("multiValueQueryStringParameters", lists()),
        ("httpMethod", text()),
        ("path", text()),
        ("resource", text()),
        ("body", text()),
        ("isBase64Encoded", any::<bool>().prop_map(Json::from).boxed()),
    ];
    let members = members.map(|(name, value)| {
        let value = prop_oneof![12 => value, 1 => any_json()];
        (Just(name.to_owned()), prop::option::weighted(0.8, value))
    });
    let context = (any_text(), any_text(), any_text(), any_text()).prop_map(|(a, b, c, d)| {
        json!({"stage": a, "path": b, "domainName": c, "http": {"path": b, "sourceIp": d},
            "identity": {"sourceIp": d}, "resourcePath": a})
    });
    (members.to_vec(), prop_oneof![12 => context, 1 => any_json()]).prop_map(
        |(members, context)| {
            let members = members.into_iter().filter_map(|(name, value)| Some((name, value?)));
            let mut event: Map<String, Json> = members.collect();
            event.insert("requestContext".into(), context);
            Json::Object(event)
        },
    )
}

fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9-]{0,6}"
}

/// Generates a header value as providers send it: without line ends, and without commas that could
/// come from a join.
fn value() -> impl Strategy<Value = String> {
    "[ -+\\--~é]{0,8}"
}

fn lists(values: Range<usize>) -> impl Strategy<Value = Lists> {
    prop::collection::btree_map(name(), prop::collection::vec(value(), values), 0..5)
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![any_text().prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 0..24),]
}

pub(crate) fn request() -> impl Strategy<Value = Request> {
    let path = "/[a-z%2/.~é]{0,12}";
    let method = prop::sample::select(vec!["GET", "POST", "PURGE"]);
    let query =
        prop::collection::btree_map(any_text(), prop::collection::vec(any_text(), 1..3), 0..4);
    let cookies = prop::collection::btree_map("[a-zA-Z_]{1,4}", "[a-z0-9=\"]{0,4}", 0..3);
    (method, path, query, lists(1..3), cookies, body()).prop_map(
        |(method, path, query, mut headers, cookies, body)| {
            headers.remove("cookie");
            if !cookies.is_empty() {
                let pairs = cookies.iter().map(|(name, value)| format!("{name}={value}"));
                headers.insert("cookie".into(), vec![pairs.collect::<Vec<_>>().join("; ")]);
            }
            Request {
                method: method.into(),
                path: UriPath::from_encoded(&path),
                query: query.into_iter().collect(),
                cookies: Cookies::parse(headers.get("cookie").into_iter().flatten()),
                headers: HeaderMap::canonical(headers.into_iter().collect()),
                is_base64: std::str::from_utf8(&body).is_err(),
                body,
                ..Request::default()
            }
        },
    )
}

pub(crate) fn response() -> impl Strategy<Value = HttpResponse> {
    let cookies = prop::collection::vec("[a-z]{1,3}=[a-z; ]{0,6}", 0..4);
    let status = prop_oneof![Just(0_u16), 100_u16..=599];
    (status, lists(0..4), cookies, body(), any::<bool>()).prop_filter_map(
        "a response that can be sent",
        |(status, headers, cookies, body, is_base64)| {
            let headers = HeaderMap::canonical(headers.into_iter().collect());
            let response =
                HttpResponse { cookies, headers, body, is_base64, ..HttpResponse::new(status) };
            response.normalize().ok()
        },
    )
}
