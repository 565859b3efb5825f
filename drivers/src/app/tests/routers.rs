//! Routers: nesting, middleware, and access.

use std::sync::{Arc, Mutex};

use apptheory_core::error::AppError;
use apptheory_core::events::Rule;
use apptheory_core::http::RawRequest;
use apptheory_core::http::exchange::{Access, Cors, Principal};
use http::StatusCode;
use serde_json::json;

use super::{builder, clock, get, serve, text};
use crate::app::*;
use crate::clock::VirtualClock;

/// A middleware that records its name.
fn named(name: &'static str) -> impl Middleware {
    move |context: Context, next: Next| {
        context.add_stage(name);
        async move { Ok(next.run(context).await) }
    }
}

/// Responds with the names of the middleware.
async fn passed(context: Context) -> String {
    let stages = context.stages();
    let names = stages.iter().filter(|stage| stage.len() == 1);
    names.map(|stage| &**stage).collect()
}

fn ask(app: &AppService, clock: &VirtualClock, method: &str, path: &str) -> (u16, String) {
    let response = serve(app, clock, RawRequest::new(method, path));
    (response.status, text(&response).to_owned())
}

#[test]
fn a_nested_router_serves_below_its_prefix() {
    let clock = clock();
    let lines = Router::new()
        .get("/", async || "lines")
        .any("/{line}", async |Path((id, line)): Path<(u8, u8)>| format!("{line} of {id}"));
    let orders = Router::new()
        .get("/", async || "orders")
        .post("", async || "new")
        .head("/{id}", async || "head")
        .nest("/{id}/lines/", lines)
        .fallback(async |context: Context| {
            (StatusCode::NOT_FOUND, format!("no {}", context.path()))
        });
    let app = builder(&clock)
        .nest("orders", orders)
        .merge(Router::new().get("/health", async || "well"))
        .build()
        .unwrap();
    for (method, path, status, body) in [
        ("GET", "/orders", 200, "orders"),
        ("POST", "/orders", 200, "new"),
        ("GET", "/orders/", 404, "no /orders/"),
        ("GET", "/orders/7/lines", 200, "lines"),
        ("GET", "/orders/7/lines/2", 200, "2 of 7"),
        ("PATCH", "/orders/7/lines/2", 200, "2 of 7"),
        ("PURGE", "/orders/x/y", 404, "no /orders/x/y"),
        ("GET", "/health", 200, "well"),
    ] {
        assert_eq!(ask(&app, &clock, method, path), (status, body.into()), "{method} {path}");
    }
    assert_eq!(ask(&app, &clock, "GET", "/orders/7").0, 405);
    assert_eq!(ask(&app, &clock, "GET", "/nowhere").0, 404);
    assert_eq!(ask(&app, &clock, "GET", "/ordersx").0, 404);
}

#[test]
fn middleware_goes_around_from_the_application_to_the_handler() {
    let clock = clock();
    let inner = Router::new()
        .layer(named("c"))
        .get("/", passed.layer(named("e")).layer(named("f")))
        .layer(named("d"))
        .get("/plain", passed);
    let app = builder(&clock)
        .get("/", passed)
        .nest("/in", Router::new().merge(inner).layer(named("b")).fallback(passed))
        .layer(named("a"))
        .build()
        .unwrap();
    for (path, names) in [("/", "a"), ("/in", "abcdef"), ("/in/plain", "abcd"), ("/in/x", "ab")] {
        assert_eq!(ask(&app, &clock, "GET", path), (200, names.into()), "{path}");
    }
}

#[test]
fn the_fallback_of_the_longest_prefix_serves() {
    let clock = clock();
    let deep = Router::new().fallback(async || "deep").get("/known", async || "known");
    let app = builder(&clock)
        .cors(Cors::for_origins(["https://a.example"]))
        .fallback(async || "root")
        .nest("/a", Router::new().nest("/b", deep).fallback(async || "a"))
        .nest("/{x}", Router::new().fallback(async || "any"))
        .build()
        .unwrap();
    for (path, body) in [
        ("/", "root"),
        ("/a", "a"),
        ("/a/", "a"),
        ("/a/c", "a"),
        ("/a/b", "deep"),
        ("/a/b/c/d", "deep"),
        ("/a/b/known", "known"),
        ("/x/y", "any"),
    ] {
        assert_eq!(ask(&app, &clock, "GET", path), (200, body.into()), "{path}");
    }
    assert_eq!(ask(&app, &clock, "PUT", "/a/b/known").0, 405);
    // A preflight matches no route.
    let mut preflight = RawRequest::new("OPTIONS", "/x");
    preflight.headers.append("access-control-request-method", "PUT");
    let answer = serve(&app, &clock, preflight);
    assert!(!answer.headers.contains("access-control-allow-methods"));
}

#[test]
fn a_router_says_who_may_call_its_handlers() {
    let clock = clock();
    let admin = Router::new()
        .get("/own", (async || "own").for_scopes(["admin"]))
        .get("/any", async || "any")
        .fallback(async || "fallback")
        .for_scopes(["admin"]);
    let app = builder(&clock)
        .authenticate(async |context: Context| {
            let scopes = context.header("x-scopes").split(' ').map(String::from);
            let known = !context.header("x-scopes").is_empty();
            Ok(known.then(|| Principal::new("u").with_scopes(scopes)))
        })
        .nest("/admin", admin)
        .get("/callers", (async || "callers").for_callers())
        .get("/either", (async || "either").for_any_scope(["read", "write"]))
        .get("/public", async || "public")
        .build()
        .unwrap();
    for (path, scopes, status) in [
        ("/admin/own", "", 401),
        ("/admin/own", "read", 403),
        ("/admin/own", "read admin", 200),
        ("/admin/any", "read", 403),
        ("/admin/else", "read", 403),
        ("/admin/else", "admin", 200),
        ("/callers", "", 401),
        ("/callers", "x", 200),
        ("/either", "x", 403),
        ("/either", "write", 200),
        ("/public", "", 200),
    ] {
        let mut request = get(path);
        request.headers.append("x-scopes", scopes);
        assert_eq!(serve(&app, &clock, request).status, status, "{path} {scopes}");
    }
}

#[test]
fn what_does_not_fit_together_names_both_sides() {
    let hello = async || "hello";
    let known = || App::new().authenticate(async |_: Context| Ok(None));
    let orders = || Router::new().get("/{id}", hello);
    for (app, expected) in [
        (
            App::new().get("/orders/{order}", hello).nest("/orders", orders()),
            "duplicate route: GET /orders/{id} matches the same paths as GET /orders/{order}, which \
             was registered first: remove one of the two, or change its pattern (the route is nested \
             at /orders)",
        ),
        (
            App::new()
                .nest("/shop", Router::new().nest("/orders", orders()))
                .nest("/shop/orders", Router::new().any("/{x}", hello)),
            "duplicate route: GET /shop/orders/{x} matches the same paths as GET /shop/orders/{id}, \
             which was registered first: remove one of the two, or change its pattern (nested at \
             /shop/orders, and the first route at /shop/orders)",
        ),
        (
            App::new().nest("/a", orders()).get("/a/{b}", hello),
            "duplicate route: GET /a/{b} matches the same paths as GET /a/{id}, which was registered \
             first: remove one of the two, or change its pattern (the first route is nested at /a)",
        ),
        (
            App::new().nest("/{id}", orders()),
            "invalid route pattern: GET /{id}/{id}: two parameters have the same name: rename one \
             of them (the route is nested at /{id})",
        ),
        (
            App::new().nest("/files", Router::new().get("/{*rest}", hello)),
            "invalid route pattern: GET /files/{*rest}: the rest of a path is written `{name+}`, one \
             segment `{name}`, and names consist of letters, digits, `_` and `-` (the route is nested \
             at /files)",
        ),
        (
            App::new().route("GE T", "/a", hello),
            "invalid route method: \"GE T\" of /a is not a token such as GET or POST",
        ),
        (
            App::new().fallback(hello).merge(Router::new().fallback(hello)),
            "duplicate route: FALLBACK / matches the same paths as FALLBACK /, which was registered \
             first: remove one of the two, or change its pattern",
        ),
        (
            App::new().nest("/mine", Router::new().get("/", hello).for_callers()),
            "nothing authenticates the callers of the protected route GET /mine: set an \
             authentication, or make the route public (the route is nested at /mine)",
        ),
        (
            known().get("/", hello.for_scopes([""; 0])),
            "the scopes of the route GET / are empty or have a blank entry: list them, or \
             ask for any caller who is known",
        ),
        (
            known().merge(Router::new().fallback(hello).for_any_scope(["a", " "])),
            "the scopes of the route FALLBACK / are empty or have a blank entry: list them, or \
             ask for any caller who is known",
        ),
        (
            known().merge(
                Router::new().get("/", hello.for_scopes(["a", "b"])).for_any_scope(["a", "b"]),
            ),
            "route(GET /) is for callers with the scopes a and b by itself, and for callers with a \
             scope of a or b by a router around it: say one of the two",
        ),
        (
            known().any("/", hello.access(Access::Public)).for_callers(),
            "any(/) is for anybody by itself, and for callers with an identity by a router around it: \
             say one of the two",
        ),
        (
            known().get("/", hello.for_scopes(["admin"]).for_callers()),
            "route(GET /) is for callers with the scopes admin, and at the same place for callers with \
             an identity: say one of the two; several scopes belong in one list",
        ),
        (
            known().merge(Router::new().fallback(hello).for_scopes(["a"]).for_scopes(["b"])),
            "fallback(/) is for callers with the scopes a, and at the same place for callers with the \
             scopes b: say one of the two; several scopes belong in one list",
        ),
        (
            known().merge(Router::new().sqs("q", async || ()).for_callers()),
            "sqs(\"q\") is in a router that is for certain callers, and nothing says who sends a \
             record: register it with a router of its own",
        ),
        (
            App::new().sqs("q", async || ()).nest("/a", Router::new().sqs(" q ", async || ())),
            "sqs(\" q \") would never run its handler: the queue \"q\" has a handler already; remove \
             one of the two, or let one handler do the work of both",
        ),
        (
            App::new().merge(Router::new().kinesis("", async || ())),
            "kinesis(\"\") would never run its handler: the stream is blank; name one, or remove the \
             handler",
        ),
    ] {
        let error = app.build().unwrap_err();
        let told = error.to_string();
        assert_eq!(told.split_once("; see apptheory::guide::").unwrap().0, expected);
        assert_eq!(AppError::from(error).status(), 400);
    }
}

#[test]
fn records_pass_what_is_around_their_router_and_share_the_state() {
    type Seen = Arc<Mutex<Vec<String>>>;
    async fn note(State(seen): State<Seen>, context: Context) {
        let kind = format!("{:?} ", context.kind());
        let passed = passed(context).await;
        seen.lock().unwrap().push(kind + &passed);
    }
    let clock = clock();
    let seen = Seen::default();
    let events = Router::new()
        .sqs("q", note.layer(named("d")))
        .event_bridge(Rule::source("shop"), note)
        .websocket("$default", note)
        .layer(named("c"));
    let app = App::with_state(Arc::clone(&seen))
        .clock(clock.clone())
        .layer(named("a"))
        .nest("/ignored", events.layer(named("b")))
        .get("/", note)
        .build()
        .unwrap();
    for event in [
        json!({"Records": [{"eventSource": "aws:sqs", "messageId": "1",
            "eventSourceARN": "a:q", "body": ""}]}),
        json!({"source": "shop", "detail-type": "t", "detail": {}}),
        json!({"requestContext": {"routeKey": "$default", "connectionId": "c1=", "stage": "dev",
            "domainName": "a.execute-api.us-east-1.amazonaws.com"}}),
        json!({"rawPath": "/", "requestContext": {"http": {"method": "GET"}}}),
    ] {
        clock.run(app.invoke(&event.to_string(), Invocation::default())).unwrap();
    }
    let expected = ["Record acbd", "Record acb", "Message acb", "Request a"];
    assert_eq!(*seen.lock().unwrap(), expected);
}
