//! Paths, queries and cookies from a provider's event to handlers and mounted services.
#![expect(clippy::expect_used, reason = "a test ends where its stage cannot be set")]

use core::convert::Infallible;
use std::collections::BTreeMap;
use std::sync::Arc;

use apptheory::app::{
    App, AppService, Context, Handler as _, Headers, Invocation, Json, Path, Query,
};
use apptheory_core::http::RawRequest;
use apptheory_core::http::exchange::Call;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use tower::{ServiceExt as _, service_fn};

/// Returns an event of a function URL or, depending on its domain, of an HTTP API, as AWS sends it.
fn payload_2(domain: &str, path: &str, query: &str) -> Value {
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"accept": "*/*", "host": domain},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3",
            "domainName": domain,
            "http": {
                "method": "GET",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "198.51.100.7",
                "userAgent": "curl/8.5.0",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "28/Nov/2026:10:00:00 +0000",
            "timeEpoch": 1_795_860_000_000_u64,
        },
        "isBase64Encoded": false,
    })
}

/// Returns an event of payload format 1.0: of an HTTP API, or without its version of a REST API.
fn payload_1(path: &str) -> Value {
    json!({
        "version": "1.0",
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": "GET",
        "headers": null,
        "multiValueHeaders": null,
        "queryStringParameters": null,
        "multiValueQueryStringParameters": null,
        "pathParameters": {"proxy": path.trim_start_matches('/')},
        "stageVariables": null,
        "requestContext": {
            "resourcePath": "/{proxy+}",
            "httpMethod": "GET",
            "path": path,
            "stage": "$default",
            "domainName": HTTP_API,
            "requestId": "JKJaXmPLvHcESHA=",
            "identity": {"sourceIp": "198.51.100.7"},
        },
        "body": null,
        "isBase64Encoded": false,
    })
}

fn rest(path: &str) -> Value {
    let mut event = payload_1(path);
    event["version"] = Value::Null;
    event
}

fn load_balancer(path: &str) -> Value {
    json!({
        "requestContext": {
            "elb": {
                "targetGroupArn":
                    "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/t/49e9d65c45c6791a",
            },
        },
        "httpMethod": "GET",
        "path": path,
        "queryStringParameters": {},
        "headers": {"host": "example.com"},
        "body": "",
        "isBase64Encoded": false,
    })
}

const HTTP_API: &str = "a1b2c3.execute-api.us-east-1.amazonaws.com";
const FUNCTION_URL: &str = "u1v2w3.lambda-url.us-east-1.on.aws";

async fn invoke(app: &AppService, event: &Value) -> (u64, String) {
    let answer = app.invoke(&event.to_string(), Invocation::default()).await.expect("an answer");
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let body = answer["body"].as_str().unwrap_or_default().to_owned();
    (answer["statusCode"].as_u64().expect("a status"), body)
}

/// Returns each provider's event of one path, which a client has encoded.
fn events(encoded: &str, decoded: &str) -> [Value; 5] {
    [
        payload_2(HTTP_API, decoded, ""),
        payload_1(decoded),
        rest(encoded),
        payload_2(FUNCTION_URL, encoded, ""),
        load_balancer(encoded),
    ]
}

/// Mounts a service that responds with its request.
fn echo(app: App<()>) -> App<()> {
    app.mount(
        "/m",
        service_fn(async |request: http::Request<Full<Bytes>>| {
            let cookies: Vec<_> = request.headers().get_all("cookie").iter().collect();
            let said = format!("{} {cookies:?}", request.uri());
            Ok::<_, Infallible>(http::Response::new(Full::from(said)))
        }),
    )
}

#[tokio::test]
async fn a_parameter_is_decoded_once_behind_every_provider() {
    let app = echo(App::new())
        .get("/pets/{name}", async |Path(name): Path<String>| name)
        .build()
        .expect("an app");
    for (encoded, decoded) in [
        ("100%25", "100%"),
        ("a%2520b", "a%20b"),
        ("a%20b", "a b"),
        ("caf%c3%a9", "caf\u{e9}"),
        ("a%3Fb%23c", "a?b#c"),
        ("%0A", "\n"),
        ("a+b", "a+b"),
    ] {
        for event in events(&format!("/pets/{encoded}"), &format!("/pets/{decoded}")) {
            assert_eq!(invoke(&app, &event).await, (200, decoded.to_owned()), "{event}");
        }
        let seen = apptheory_core::http::UriPath::from_encoded(&format!("/m/{encoded}"));
        for event in events(&format!("/m/{encoded}"), &format!("/m/{decoded}")) {
            assert_eq!(invoke(&app, &event).await, (200, format!("{seen} []")), "{event}");
        }
    }
}

/// A rule in front of the application, such as an authorizer of one route, has admitted these as
/// other paths than `/admin`.
#[tokio::test]
async fn look_alikes_reach_no_guarded_route() {
    let app = App::new()
        .authenticate(async |_: Context| Ok(None))
        .get("/admin", (async || "secret").for_callers())
        .get("/public/{file}", async || "file")
        .build()
        .expect("an app");
    for (encoded, decoded) in [
        ("/admin%20", "/admin "),
        ("/%20admin", "/ admin"),
        ("/admin%C2%A0", "/admin\u{a0}"),
        ("/admin%E3%80%80", "/admin\u{3000}"),
        ("/admin%0A", "/admin\n"),
        ("/admin%3F", "/admin?"),
        ("/admin%23", "/admin#"),
        ("/admin/", "/admin/"),
        ("//admin", "//admin"),
        ("/%2E/admin", "/./admin"),
        ("/public/%2e%2e/admin", "/public/../admin"),
        ("/%2561dmin", "/%61dmin"),
    ] {
        for event in events(encoded, decoded) {
            assert_eq!(invoke(&app, &event).await.0, 404, "{event}");
        }
        let direct = app.serve(RawRequest::new("GET", encoded), Invocation::default()).await;
        assert_eq!(direct.status, 404, "{encoded}");
    }
    for event in events("/%61dmin", "/admin") {
        assert_eq!(invoke(&app, &event).await.0, 401, "{event}");
    }
}

#[tokio::test]
async fn a_named_stage_is_no_part_of_a_path() {
    let app = App::new().get("/echo", async || "echo").build().expect("an app");
    for mut event in [payload_2(HTTP_API, "/dev/echo", ""), payload_1("/dev/echo")] {
        event["requestContext"]["stage"] = json!("dev");
        assert_eq!(invoke(&app, &event).await.0, 200, "{event}");
        let emulator = "a1b2c3.execute-api.localhost.localstack.cloud:4566";
        event["requestContext"]["domainName"] = json!(emulator);
        assert_eq!(invoke(&app, &event).await.0, 200, "{event}");
        event["requestContext"]["domainName"] = json!("api.example.com");
        assert_eq!(invoke(&app, &event).await.0, 404, "{event}");
    }
}

#[tokio::test]
async fn queries_read_alike_and_reach_services_as_they_were_sent() {
    type All = BTreeMap<String, Vec<String>>;
    let app = echo(App::new())
        .get("/q", async |Query(all): Query<All>| Json(json!(all)))
        .get("/raw", async |call: Arc<Call>| call.request.raw_query.clone())
        .build()
        .expect("an app");
    let raw = "b=2&a=1&flag&c=x%20y+z&d=%ff&utm=%%URL%%&s=1;t";
    let expected = json!({"a": ["1"], "b": ["2"], "c": ["x y z"], "d": ["\u{fffd}"], "flag": [""],
        "s": ["1;t"], "utm": ["%%URL%%"]});
    for domain in [FUNCTION_URL, HTTP_API] {
        let read = invoke(&app, &payload_2(domain, "/q", raw)).await;
        assert_eq!(read, (200, expected.to_string()));
        assert_eq!(invoke(&app, &payload_2(domain, "/raw", raw)).await.1, raw);
        let mounted = invoke(&app, &payload_2(domain, "/m", raw)).await;
        assert_eq!(mounted.1, format!("/m?{raw} []"));
    }
    let mut event = load_balancer("/q");
    event["queryStringParameters"] = json!({"a": "1", "b": "2", "c": "x%20y+z", "d": "%ff",
        "flag": "", "s": "1;t", "utm": "%%URL%%"});
    assert_eq!(invoke(&app, &event).await, (200, expected.to_string()));

    let request = http::Request::get(format!("/m?{raw}")).body(Full::<Bytes>::default());
    let response = app.oneshot(request.expect("a request")).await.expect("an answer");
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    assert_eq!(body, format!("/m?{raw} []"));
}

#[tokio::test]
async fn cookies_are_one_field_for_handlers_and_services() {
    #[derive(serde::Deserialize)]
    struct Sent {
        cookie: String,
    }
    let app = echo(App::new())
        .get("/header", async |context: Context| context.header("Cookie").to_owned())
        .get("/fields", async |Headers(sent): Headers<Sent>| sent.cookie)
        .get("/list", async |call: Arc<Call>| call.request.headers.get_all("cookie").join("|"))
        .build()
        .expect("an app");
    for domain in [FUNCTION_URL, HTTP_API] {
        for (path, expected) in [
            ("/header", "a=1; session=2"),
            ("/fields", "a=1; session=2"),
            ("/list", "a=1|session=2"),
            ("/m", "/m [\"a=1; session=2\"]"),
        ] {
            let mut event = payload_2(domain, path, "");
            event["cookies"] = json!(["a=1", "session=2"]);
            assert_eq!(invoke(&app, &event).await, (200, expected.to_owned()));
        }
    }
}

#[tokio::test]
async fn more_fields_than_http_carries_are_answered_and_do_not_panic() {
    let app = echo(App::new().on_failure(|failure| panic!("{failure:?}")))
        .get("/own", async |call: Arc<Call>| call.request.headers.len().to_string())
        .build()
        .expect("an app");
    for (fields, status) in [(20_000, 200), (24_577, 431), (32_769, 431), (70_000, 431)] {
        let names = (0..fields).map(|n| (format!("x-{n}"), json!("")));
        let mut event = payload_2(FUNCTION_URL, "/m", "");
        event["headers"] = Value::Object(names.collect());
        let answer = invoke(&app, &event).await;
        assert_eq!(answer.0, status, "{fields}");
        event["rawPath"] = json!("/own");
        assert_eq!(invoke(&app, &event).await, (200, fields.to_string()));
    }
    let mut event = payload_2(FUNCTION_URL, "/m", &"q".repeat(70_000));
    assert_eq!(invoke(&app, &event).await.0, 414);
    event["headers"] = json!({"x-note": "caf\u{e9}", "x bad": "1"});
    event["rawQueryString"] = json!("a=\"<b>\"#c");
    assert_eq!(invoke(&app, &event).await.1, "/m?a=%22%3Cb%3E%22%23c []");
}

#[test]
fn duplicate_and_malformed_routes_are_refused_at_build() {
    let refuse = |app: App<()>| app.build().expect_err("a mistake").to_string();
    let at = |method: &str, pattern: &str| App::new().route(method, pattern, async || "x");
    for (app, words) in [
        (at("GET", "/a/{x}").get("/a/{y}", async || "y"), &["/a/{x}", "/a/{y}", "remove"][..]),
        (at("GET", "/a").get(" /a", async || "y"), &["GET /a", "registered first", "remove"]),
        (at("", "/a"), &["\"\" of /a", "GET or POST"]),
        (at("GE T", "/a"), &["\"GE T\" of /a", "GET or POST"]),
        (at("GET", "/{*rest}"), &["GET /{*rest}", "{name+}"]),
        (at("GET", "/files/*"), &["GET /files/*", "{name+}"]),
        (at("GET", "/q?x={x}"), &["GET /q?x={x}", "neither a query nor a fragment"]),
        (at("GET", &"/a".repeat(300_000)), &["more than 256 segments"]),
        (at("GET", "/m/{rest+}").mount("/m", inner()), &["/m/{rest+}", "/m/{path+}"]),
    ] {
        let message = refuse(app);
        for word in words {
            assert!(message.contains(word), "{word}: {}", &message[..message.len().min(400)]);
        }
    }
    assert!(at("get", "/a/{x}").post("/a/{y}", async || "y").build().is_ok());
}

fn inner() -> AppService {
    App::new().build().expect("an app")
}
