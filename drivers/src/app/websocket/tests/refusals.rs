//! Messages that are refused: unauthenticated, too many, too large, too late.

use core::future::pending;
use core::num::NonZeroU64;
use core::time::Duration;

use apptheory_core::http::HeaderMap;
use apptheory_core::http::exchange::{Limits, PolicyDecision, PolicyStage, Principal};
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};

use super::super::*;
use super::{error, event, invoke};
use crate::app::{BodyStream, Context, ContextKind, RateLimit};
use crate::clock::Clock as _;
use crate::testkit::{TestApp, TestEnv};

#[test]
fn messages_are_limited_per_sender_and_route_key() {
    let app = TestApp::new(|store| {
        App::new()
            .layer(RateLimit::per_minute(1).fail_closed().on(store))
            .websocket("a", async || "done")
            .websocket("b", async || "done")
    });
    for (n, (route_key, user, address, status)) in [
        ("a", "ann", "192.0.2.1", 200),
        ("a", "ann", "192.0.2.2", 429),
        ("b", "ann", "192.0.2.1", 200),
        ("a", "bob", "192.0.2.1", 200),
        ("a", "", "192.0.2.1", 200),
        ("a", "", "192.0.2.1", 429),
        ("a", "", "192.0.2.2", 200),
        ("a", "", "", 500),
    ]
    .into_iter()
    .enumerate()
    {
        let mut event = event(route_key);
        // A client that reconnects has another connection id, and its own name does not count.
        event["requestContext"]["connectionId"] = format!("c{n}=").into();
        event["headers"] = json!({"x-api-key": format!("k{n}"), "x-tenant-id": format!("t{n}")});
        event["requestContext"]["authorizer"] = json!({"principalId": user});
        event["requestContext"]["identity"] = json!({"sourceIp": address});
        assert_eq!(invoke(&app, &event)["statusCode"], status, "{n}");
    }
}

/// Returns the caller that the authorizer of `$connect` returned.
async fn connected(context: Context) -> Result<Option<Principal>, AppError> {
    assert_eq!(context.kind(), ContextKind::Message);
    let socket = context.websocket().expect("a message has a connection");
    Ok(Some(Principal::new(&socket.connection().identity)))
}

fn of(user: &str, route_key: &str) -> Value {
    let mut event = event(route_key);
    event["requestContext"]["authorizer"] = json!({"principalId": user});
    event
}

#[test]
fn a_protected_route_refuses_messages_without_a_caller() {
    async fn who(context: Context) -> String {
        context.identity().to_owned()
    }
    let app = TestApp::new(|_| {
        App::new()
            .authenticate(connected)
            .websocket("$default", who.for_callers())
            .websocket("admin", who.for_scopes(["admin"]))
            .websocket("open", who)
    });
    let unauthorized = error("app.unauthorized", "unauthorized");
    for (user, route_key, status, body) in [
        ("", "$default", 401, &*unauthorized),
        ("ann", "$default", 200, "ann"),
        ("ann", "admin", 403, &error("app.forbidden", "forbidden")),
        ("ann", "open", 200, ""),
    ] {
        let answer = invoke(&app, &of(user, route_key));
        let shown = (answer["statusCode"].as_u64(), answer["body"].as_str());
        assert_eq!(shown, (Some(status), Some(body)), "{user} {route_key}");
    }
    let open = App::new().websocket("$default", who.for_callers());
    let refused = open.build().unwrap_err().to_string();
    assert!(refused.contains("nothing authenticates the callers"), "{refused}");
    assert!(refused.contains("WEBSOCKET $default"), "{refused}");
}

#[test]
fn a_policy_and_the_limit_of_a_body_are_for_messages_too() {
    async fn busy(context: Context) -> Result<Option<PolicyDecision>, AppError> {
        let socket = context.websocket().expect("a message has a connection");
        let is_busy = socket.connection().identity == "eve";
        Ok(is_busy.then(|| PolicyDecision::rate_limited(HeaderMap::new())))
    }
    let app = TestApp::new(|_| {
        App::new()
            .policy(PolicyStage::BeforeAuthentication, busy)
            .limits(Limits { max_request_bytes: NonZeroU64::new(4), ..Limits::default() })
            .websocket("say", async |context: Context| context.body().len().to_string())
    });
    assert_eq!(invoke(&app, &of("ann", "say"))["body"], "2");
    let limited = invoke(&app, &of("eve", "say"));
    assert_eq!(limited["body"], error("app.rate_limited", "rate limited"));
    let mut large = of("ann", "say");
    large["body"] = "12345".into();
    let refused = invoke(&app, &large);
    assert_eq!(refused["statusCode"], 413);
    assert_eq!(refused["body"], error("app.too_large", "request too large"));
}

#[test]
fn what_is_not_answered_in_time_fails_the_invocation() {
    async fn hanging(_: Context) -> Result<Option<Principal>, AppError> {
        pending().await
    }
    let endless = async || {
        let chunks = stream::pending::<Result<Bytes, AppError>>();
        Response::text(200, "").with_stream(BodyStream::new(chunks))
    };
    let slow = async || pending::<()>().await;
    let quick = async || "done";
    for (app, route_key) in [
        (App::new().websocket("slow", slow), "slow"),
        (App::new().websocket("endless", endless), "endless"),
        (App::new().authenticate(hanging).websocket("quick", quick.for_callers()), "quick"),
    ] {
        let app = TestApp::new(|_| app).time_limit(Duration::from_secs(6));
        let failed = app.invoke(&event(route_key));
        assert!(matches!(failed.error(), Some(InvokeError::TimedOut(_))), "{failed:?}");
        assert!(failed.failures()[0].ends_with("the event was not handled in time"), "{failed:?}");
        let spent = TestEnv::BEGINNING.until(app.clock().now());
        assert_eq!(spent, Duration::from_millis(5_500), "{route_key}");
    }
}
