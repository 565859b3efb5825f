//! Every event is a request, an answer to its client, or an error; and what goes through an adapter
//! comes out whole.

use std::collections::BTreeMap;

use apptheory::apptheory_core::http::adapters::HttpSource;
use apptheory::apptheory_core::http::{Headers, MultiMap, Request, Response};
use apptheory::apptheory_core::triggers::classify;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use serde_json::{Map, Value as Json, json};

type Lists = BTreeMap<String, Vec<String>>;

fn source() -> impl Strategy<Value = HttpSource> {
    prop::sample::select(HttpSource::ALL.to_vec())
}

fn any_json() -> impl Strategy<Value = Json> {
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

fn member_name() -> impl Strategy<Value = String> {
    let names = ["Records", "detail-type", "detailType", "routeKey", "httpMethod", "arguments"];
    prop::sample::select(names.to_vec()).prop_map(str::to_owned)
}

/// Texts that parsers stumble over.
fn any_text() -> impl Strategy<Value = String> {
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

/// An event with every member that an adapter reads, most of them of the right type.
fn any_event() -> impl Strategy<Value = Json> {
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

/// A header value as providers pass it on: no line ends, no comma that might come from a join.
fn value() -> impl Strategy<Value = String> {
    "[ -+\\--~é]{0,8}"
}

fn lists(values: std::ops::Range<usize>) -> impl Strategy<Value = Lists> {
    prop::collection::btree_map(name(), prop::collection::vec(value(), values), 0..5)
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![any_text().prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 0..24),]
}

fn request() -> impl Strategy<Value = Request> {
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
                path,
                query: query.into_iter().collect(),
                headers: Headers::canonical(headers.into_iter().collect()),
                cookies,
                is_base64: std::str::from_utf8(&body).is_err(),
                body,
                ..Request::default()
            }
        },
    )
}

/// The event that a provider makes of a request. Payload format 2.0 joins repeated header fields,
/// so the request is given back as the function can see it.
fn to_event(source: HttpSource, mut request: Request) -> (Json, Request) {
    let mut event = json!({
        "body": match std::str::from_utf8(&request.body) {
            Ok(text) => text.to_owned(),
            Err(_) => base64(&request.body),
        },
        "isBase64Encoded": request.is_base64,
    });
    match source {
        HttpSource::ApiGatewayV2 | HttpSource::FunctionUrl => {
            let joined = request.headers.iter().map(|(name, all)| (name.to_owned(), all.join(",")));
            let joined: BTreeMap<String, String> = joined.collect();
            event["headers"] = json!(joined);
            request.headers = joined.into_iter().collect();
            if let Some(cookies) = request.headers.get("cookie") {
                let list: Vec<String> = cookies.split("; ").map(str::to_owned).collect();
                event["cookies"] = json!(list);
                request.headers.set_all("cookie", list);
            }
            event["rawPath"] = json!(request.path);
            event["rawQueryString"] = json!(query_string(&request.query));
            event["requestContext"] = json!({"http": {"method": request.method}});
        }
        HttpSource::ApiGatewayV1 | HttpSource::Alb => {
            let is_alb = source == HttpSource::Alb;
            let write = |text: &str| if is_alb { escape(text) } else { text.to_owned() };
            let query = request.query.iter();
            let query = query.map(|(name, all)| {
                (write(name), all.iter().map(|value| write(value)).collect::<Vec<_>>())
            });
            let query: Lists = query.collect();
            event["httpMethod"] = json!(request.method.to_lowercase());
            event["path"] = json!(request.path);
            event["multiValueHeaders"] = json!(request.headers);
            event["headers"] = last_of_each(&json!(request.headers));
            event["queryStringParameters"] = last_of_each(&json!(query));
            event["multiValueQueryStringParameters"] = json!(query);
            event["requestContext"] = if is_alb { json!({"elb": {}}) } else { json!({}) };
        }
    }
    (event, request)
}

/// Providers send each name's last value beside its list, and not always in the list's spelling.
fn last_of_each(lists: &Json) -> Json {
    let lists = lists.as_object().into_iter().flatten();
    Json::Object(
        lists
            .map(|(name, list)| {
                (name.clone(), list[list.as_array().map_or(0, |l| l.len() - 1)].clone())
            })
            .collect(),
    )
}

fn query_string(query: &MultiMap) -> String {
    let pairs = query.iter().flat_map(|(name, values)| {
        values.iter().map(move |value| format!("{}={}", escape(name), escape(value)))
    });
    pairs.collect::<Vec<_>>().join("&")
}

fn escape(text: &str) -> String {
    let escaped = text.bytes().map(|b| match b {
        b'a'..=b'z' => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    });
    escaped.collect()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let chunks = bytes.chunks(3).map(|chunk| {
        let word =
            chunk.iter().chain(&[0, 0]).take(3).fold(0, |word, b| word << 8 | usize::from(*b));
        let digits = (0..4).map(|n| char::from(DIGITS[word >> (18 - 6 * n) & 63]));
        let digits: String = digits.take(chunk.len() + 1).collect();
        format!("{digits:=<4}")
    });
    chunks.collect()
}

fn unbase64(text: &str) -> Vec<u8> {
    let event = json!({"body": text, "isBase64Encoded": true}).to_string();
    HttpSource::Alb.read_request(&event).unwrap().normalize(None).unwrap().body
}

fn response() -> impl Strategy<Value = Response> {
    let cookies = prop::collection::vec("[a-z]{1,3}=[a-z; ]{0,6}", 0..4);
    let status = prop_oneof![Just(0_u16), 100_u16..=599];
    (status, lists(0..4), cookies, body(), any::<bool>()).prop_map(
        |(status, headers, cookies, body, is_base64)| {
            let headers = Headers::canonical(headers.into_iter().collect());
            let response = Response { cookies, headers, body, is_base64, ..Response::new(status) };
            response.normalize().unwrap()
        },
    )
}

/// Reads back what an adapter wrote, as its provider would.
fn read_back(source: HttpSource, written: &Json) -> Response {
    let mut response =
        Response::new(u16::try_from(written["statusCode"].as_u64().unwrap()).unwrap());
    let body = written["body"].as_str().unwrap_or_default();
    response.is_base64 = written["isBase64Encoded"].as_bool().unwrap_or_default();
    response.body = if response.is_base64 { unbase64(body) } else { body.into() };
    let texts = |list: &Json| -> Vec<String> { serde_json::from_value(list.clone()).unwrap() };
    if source == HttpSource::FunctionUrl {
        for (name, value) in written["headers"].as_object().unwrap() {
            response.headers.set(name, value.as_str().unwrap());
        }
    } else {
        for (name, list) in written["multiValueHeaders"].as_object().unwrap() {
            response.headers.set_all(name, texts(list));
        }
    }
    response.cookies = match source {
        HttpSource::ApiGatewayV2 | HttpSource::FunctionUrl => texts(&written["cookies"]),
        HttpSource::ApiGatewayV1 | HttpSource::Alb => response.headers.remove("set-cookie"),
    };
    response
}

/// What can reach the client: fields without values cannot, and function URLs have no lists.
fn visible(source: HttpSource, mut response: Response) -> Response {
    let headers = response.headers.iter().filter(|(_, values)| !values.is_empty());
    let headers = headers.map(|(name, values)| match source {
        HttpSource::FunctionUrl => (name.to_owned(), vec![values.join(",")]),
        HttpSource::ApiGatewayV2 | HttpSource::ApiGatewayV1 | HttpSource::Alb => {
            (name.to_owned(), values.to_vec())
        }
    });
    response.headers = Headers::canonical(headers.collect());
    response.is_base64 |= std::str::from_utf8(&response.body).is_err();
    response
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource(
            "proptest-regressions",
        ))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_event_is_a_request_an_answer_or_an_error(
        source in source(),
        event in any_event(),
        most in prop::option::of(0_usize..8),
    ) {
        let text = event.to_string();
        let Ok(raw) = source.read_request(&text) else { return Ok(()) };
        let request = match raw.normalize(most) {
            Ok(request) => {
                prop_assert!(most.is_none_or(|most| request.body.len() <= most));
                for (name, values) in request.headers.iter() {
                    prop_assert_eq!(name.trim().to_ascii_lowercase(), name);
                    prop_assert!(!values.iter().any(|v| v.contains(['\r', '\n', '\0'])));
                }
                request
            }
            Err(rejected) => rejected.request,
        };
        prop_assert!(request.path.starts_with('/') && !request.path.contains('?'));
        prop_assert_eq!(request.method.trim().to_ascii_uppercase(), request.method);
    }

    #[test]
    fn any_text_is_an_event_or_an_error(source in source(), text in "[\\[\\]{}\":,a-h0-9 ]{0,24}") {
        let _ = source.read_request(&text);
        let _ = classify(&text);
    }

    #[test]
    fn a_kind_depends_on_no_member_that_is_null(event in any_event(), name in member_name()) {
        let kind = classify(&event.to_string());
        let mut with_null = event.clone();
        if event.get(&name).is_none() {
            with_null[name] = Json::Null;
        }
        prop_assert_eq!(classify(&with_null.to_string()), kind);
    }

    #[test]
    fn wrong_types_never_become_requests(source in source(), value in any_json()) {
        let event = json!({"headers": value}).to_string();
        let texts = |members: &Map<String, Json>| {
            members.values().all(|value| value.is_string() || value.is_null())
        };
        let valid = value.is_null() || value.as_object().is_some_and(texts);
        prop_assert_eq!(source.read_request(&event).is_ok(), valid);
    }

    #[test]
    fn a_request_survives_its_event(source in source(), request in request()) {
        let (event, expected) = to_event(source, request);
        let text = event.to_string();
        let read = source.read_request(&text).unwrap().normalize(None).unwrap();
        prop_assert_eq!(read, expected, "{}", text);
    }

    #[test]
    fn a_response_survives_its_json(source in source(), response in response()) {
        let written: Json = serde_json::from_str(&source.write_response(&response)).unwrap();
        prop_assert_eq!(read_back(source, &written), visible(source, response), "{}", written);
    }

    #[test]
    fn no_line_end_leaves_in_a_header(name in any_text(), value in any_text()) {
        let response = <Response>::new(200).with_header(&name, &*value).with_cookie(&*value);
        if let Ok(response) = response.normalize() {
            prop_assert!(!name.trim().contains(['\r', '\n', '\0']));
            prop_assert!(!value.contains(['\r', '\n', '\0']));
            drop(response);
        }
    }
}
