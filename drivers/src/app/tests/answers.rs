//! What leaves, whatever a handler answers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use apptheory_core::http::exchange::Cors;
use apptheory_core::{events::HttpSource, http::RawRequest};
use futures_util::stream;
use serde_json::{Value as Json, json};

use super::{builder, clock, get, serve};
use crate::app::*;
use crate::clock::VirtualClock;

/// An event of each provider that sends nothing but a method and a path.
fn event(source: HttpSource, method: &str, path: &str) -> String {
    let event = match source {
        HttpSource::ApiGatewayV2 | HttpSource::FunctionUrl => json!({
            "version": "2.0", "rawPath": path, "rawQueryString": "", "headers": {},
            "requestContext": {"http": {"method": method, "path": path}, "stage": "$default"},
        }),
        HttpSource::ApiGatewayV1 => json!({
            "resource": path, "path": path, "httpMethod": method, "headers": null,
            "multiValueHeaders": null, "queryStringParameters": null, "body": null,
            "requestContext": {"requestId": "r", "stage": "prod", "identity": {}},
        }),
        HttpSource::Alb => json!({
            "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:r:1:t"}},
            "httpMethod": method, "path": path, "queryStringParameters": {},
            "headers": {"origin": "https://a.example"}, "body": "", "isBase64Encoded": false,
        }),
    };
    event.to_string()
}

fn answer(
    app: &AppService,
    clock: &VirtualClock,
    source: HttpSource,
    method: &str,
    path: &str,
) -> Json {
    let event = event(source, method, path);
    let answer = clock.run(app.serve_event(source, &event, Invocation::default()));
    serde_json::from_str(&answer.unwrap()).unwrap()
}

#[test]
fn an_answer_is_as_large_as_its_front_end_takes() {
    let clock = clock();
    let sized = |masks: bool| {
        builder(&clock)
            .settings(move |settings| settings.masks_too_large_responses = masks)
            .get("/whole/{n}", async |Path(n): Path<usize>| "x".repeat(n))
            .get("/streamed/{n}", async |Path(n): Path<usize>| {
                Response::text(200, "").with_stream(BodyStream::from_chunks(["x".repeat(n)]))
            })
            .build()
            .unwrap()
    };
    let (app, masking) = (sized(false), sized(true));
    for (source, fits, exceeds) in [
        (HttpSource::Alb, 1_000_000, 2_000_000),
        (HttpSource::ApiGatewayV2, 6_000_000, 6_291_400),
        (HttpSource::FunctionUrl, 6_000_000, 6_291_400),
        (HttpSource::ApiGatewayV1, 6_000_000, 6_291_400),
    ] {
        for kind in ["whole", "streamed"] {
            let status = |app: &AppService, size: u32| {
                let path = format!("/{kind}/{size}");
                answer(app, &clock, source, "GET", &path)["statusCode"].clone()
            };
            assert_eq!(status(&app, fits), 200, "{source:?} {kind}");
            assert_eq!(status(&app, exceeds), 413, "{source:?} {kind}");
            assert_eq!(status(&masking, exceeds), 500, "{source:?} {kind}");
        }
    }
}

#[test]
fn what_is_added_to_every_answer_counts() {
    let clock = clock();
    let app = builder(&clock)
        .response_headers(|headers| headers.append("x-padding", "p".repeat(2_000)))
        .get("/{n}", async |Path(n): Path<usize>| "x".repeat(n))
        .get("/heads/{n}", async |Path(n): Path<usize>| {
            Response::text(200, "").with_header("x-large", "x".repeat(n))
        })
        .build()
        .unwrap();
    for source in HttpSource::ALL {
        let most = usize::try_from(source.max_answer_bytes()).unwrap();
        let invoke = |size: usize| {
            let event = event(source, "GET", &format!("/{size}"));
            clock.run(app.serve_event(source, &event, Invocation::default())).unwrap()
        };
        let fits = most - invoke(0).len();
        assert_eq!(invoke(fits).len(), most, "{source:?}");
        let refused = invoke(fits + 1);
        assert!(refused.len() < most && refused.contains("app.too_large"), "{source:?}");
        assert!(refused.contains(&"p".repeat(2_000)), "{source:?}");
        let head = answer(&app, &clock, source, "HEAD", &format!("/heads/{most}"));
        assert_eq!((&head["statusCode"], &head["body"]), (&json!(413), &json!("")));
    }
}

#[test]
fn what_cannot_be_sent_is_a_masked_500_that_is_told() {
    let failures = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&failures);
    let clock = clock();
    let app = builder(&clock)
        .on_failure(move |failure| told.lock().unwrap().push(failure.request_id.clone()))
        .get("/status/{n}", async |Path(n): Path<u16>| Response::text(n, "body"))
        .get("/name", async || Response::text(200, "body").with_header("x bad", "1"))
        .get("/value", async || Response::text(200, "body").with_header("x", "a\u{7}"))
        .get("/cookie", async || Response::text(200, "body").with_cookie("a=\u{e9}"))
        .get("/error", async || AppError::not_found().with_header("x bad", "1"))
        .build()
        .unwrap();
    let paths =
        ["/status/100", "/status/101", "/status/103", "/name", "/value", "/cookie", "/error"];
    for path in paths {
        for source in HttpSource::ALL {
            failures.lock().unwrap().clear();
            let answer = answer(&app, &clock, source, "GET", path);
            assert_eq!(answer["statusCode"], 500, "{path}");
            assert!(answer["body"].as_str().unwrap().contains("internal error"), "{answer}");
            assert_eq!(failures.lock().unwrap().len(), 1, "{path}");
        }
    }
}

#[test]
fn nothing_is_pulled_for_answers_without_a_body() {
    let pulled = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&pulled);
    let clock = clock();
    let app = builder(&clock)
        .get("/{status}", move |Path(status): Path<u16>| {
            let counted = Arc::clone(&counted);
            let chunks = stream::repeat_with(move || {
                counted.fetch_add(1, Ordering::Relaxed);
                Ok::<_, AppError>("x")
            });
            let chunks = BodyStream::new(futures_util::StreamExt::take(chunks, 3));
            core::future::ready(Response::text(status, "body").with_stream(chunks))
        })
        .build()
        .unwrap();
    for (method, status) in [("GET", 204), ("GET", 205), ("GET", 304), ("HEAD", 200), ("HEAD", 404)]
    {
        for source in HttpSource::ALL {
            let answer = answer(&app, &clock, source, method, &format!("/{status}"));
            assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(status), &json!("")));
        }
        let mut request = RawRequest::new(method, &format!("/{status}"));
        request.headers.append("accept", "*/*");
        let response = serve(&app, &clock, request);
        assert!(response.body.is_empty() && response.stream.is_none());
    }
    assert_eq!(pulled.load(Ordering::Relaxed), 0);
}

#[test]
fn what_speaks_of_the_connection_of_a_handler_is_not_sent() {
    let clock = clock();
    let app = builder(&clock)
        .response_headers(|headers| headers.set("keep-alive", "timeout=5"))
        .get("/", async || {
            Response::text(200, "hi")
                .with_header("transfer-encoding", "chunked")
                .with_header("connection", "keep-alive, x-hop")
                .with_header("x-hop", "1")
                .with_header("content-length", "999")
        })
        .build()
        .unwrap();
    for source in HttpSource::ALL {
        let answer = answer(&app, &clock, source, "GET", "/");
        let mut names: Vec<_> = answer["headers"].as_object().unwrap().keys().collect();
        names.retain(|name| *name != "x-request-id");
        assert_eq!(names, ["content-type"], "{source:?}");
    }
    let streamed = serve(&app, &clock, get("/"));
    assert_eq!(streamed.headers.len(), 2);
}

#[test]
fn a_load_balancer_gets_every_value_of_a_field() {
    let clock = clock();
    let app = builder(&clock)
        .cors(Cors::for_origins(["https://a.example"]))
        .get("/", async || Response::text(200, "v").with_header("vary", "accept-encoding"))
        .build()
        .unwrap();
    let answer = answer(&app, &clock, HttpSource::Alb, "GET", "/");
    assert_eq!(answer["headers"]["vary"], "accept-encoding,origin");
    assert_eq!(answer["multiValueHeaders"]["vary"], json!(["accept-encoding", "origin"]));
    assert_eq!(answer["headers"]["access-control-allow-origin"], "https://a.example");
}
