//! What is sent, whatever a handler returns.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use apptheory_core::http::exchange::Cors;
use futures_util::stream;
use serde_json::{Value as Json, json};

use crate::app::*;
use crate::testkit::{TestApp, Via};

#[test]
fn an_answer_is_as_large_as_its_front_end_takes() {
    let sized = |masks: bool| {
        TestApp::new(|_| {
            App::new()
                .settings(move |settings| settings.masks_too_large_responses = masks)
                .get("/whole/{n}", async |Path(n): Path<usize>| "x".repeat(n))
                .get("/streamed/{n}", async |Path(n): Path<usize>| {
                    Response::text(200, "").with_stream(BodyStream::from_chunks(["x".repeat(n)]))
                })
        })
    };
    let (app, masking) = (sized(false), sized(true));
    for (via, fits, exceeds) in [
        (Via::LoadBalancer, 1_000_000, 2_000_000),
        (Via::HttpApi, 6_000_000, 6_291_400),
        (Via::FunctionUrl, 6_000_000, 6_291_400),
        (Via::RestApi, 6_000_000, 6_291_400),
    ] {
        for kind in ["whole", "streamed"] {
            let status = |app: &TestApp, size: u32| {
                app.get(&format!("/{kind}/{size}")).via(via).send().status()
            };
            assert_eq!(status(&app, fits), 200, "{via:?} {kind}");
            assert_eq!(status(&app, exceeds), 413, "{via:?} {kind}");
            assert_eq!(status(&masking, exceeds), 500, "{via:?} {kind}");
        }
    }
}

#[test]
fn what_is_added_to_every_answer_counts() {
    let app = TestApp::new(|_| {
        App::new()
            .response_headers(|headers| headers.append("x-padding", "p".repeat(2_000)))
            .get("/{n}", async |Path(n): Path<usize>| "x".repeat(n))
            .get("/heads/{n}", async |Path(n): Path<usize>| {
                Response::text(200, "").with_header("x-large", "x".repeat(n))
            })
    });
    for via in Via::ALL {
        let most = usize::try_from(via.source().max_answer_bytes()).unwrap();
        let invoke = |size: usize| {
            let event = app.get(&format!("/{size}")).header("x-request-id", "r").via(via).event();
            app.invoke(&event).text().to_owned()
        };
        let fits = most - invoke(0).len();
        assert_eq!(invoke(fits).len(), most, "{via:?}");
        let refused = invoke(fits + 1);
        assert!(refused.len() < most && refused.contains("app.too_large"), "{via:?}");
        assert!(refused.contains(&"p".repeat(2_000)), "{via:?}");
        let head = app.request("HEAD", &format!("/heads/{most}")).via(via).send();
        head.assert_status(413).assert_text("");
    }
}

#[test]
fn responses_that_cannot_be_sent_are_a_reported_and_masked_500() {
    let app = TestApp::new(|_| {
        App::new()
            .get("/status/{n}", async |Path(n): Path<u16>| Response::text(n, "body"))
            .get("/name", async || Response::text(200, "body").with_header("x bad", "1"))
            .get("/value", async || Response::text(200, "body").with_header("x", "a\u{7}"))
            .get("/cookie", async || Response::text(200, "body").with_cookie("a=\u{e9}"))
            .get("/error", async || AppError::not_found().with_header("x bad", "1"))
    });
    let paths =
        ["/status/100", "/status/101", "/status/103", "/name", "/value", "/cookie", "/error"];
    for path in paths {
        for via in Via::ALL {
            let answer = app.get(path).via(via).send();
            answer.assert_status(500).assert_error_code("app.internal");
            assert_eq!(answer.failures().len(), 1, "{answer:?}");
        }
    }
}

#[test]
fn nothing_is_pulled_for_answers_without_a_body() {
    let pulled = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&pulled);
    let handler = move |Path(status): Path<u16>| {
        let counted = Arc::clone(&counted);
        let chunks = stream::repeat_with(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok::<_, AppError>("x")
        });
        let chunks = BodyStream::new(futures_util::StreamExt::take(chunks, 3));
        core::future::ready(Response::text(status, "body").with_stream(chunks))
    };
    let app = TestApp::new(|_| App::new().get("/{status}", handler));
    for (method, status) in [("GET", 204), ("GET", 205), ("GET", 304), ("HEAD", 200), ("HEAD", 404)]
    {
        let request = app.request(method, &format!("/{status}"));
        for via in Via::ALL {
            request.clone().via(via).send().assert_status(status).assert_text("");
        }
        request.stream().assert_status(status).assert_text("");
    }
    assert_eq!(pulled.load(Ordering::Relaxed), 0);
}

#[test]
fn hop_by_hop_headers_of_handlers_and_hooks_are_not_sent() {
    let app = TestApp::new(|_| {
        App::new().response_headers(|headers| headers.set("keep-alive", "timeout=5")).get(
            "/",
            async || {
                Response::text(200, "hi")
                    .with_header("transfer-encoding", "chunked")
                    .with_header("connection", "keep-alive, x-hop")
                    .with_header("x-hop", "1")
                    .with_header("content-length", "999")
            },
        )
    });
    for via in Via::ALL {
        let answer = app.get("/").via(via).send();
        let names: Vec<_> = answer.headers().iter().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(names, ["content-type", "x-request-id"], "{via:?}");
    }
    let streamed = app.get("/").stream();
    assert_eq!(streamed.headers().len(), 2);
}

#[test]
fn a_load_balancer_gets_every_value_of_a_field() {
    let app = TestApp::new(|_| {
        App::new()
            .cors(Cors::for_origins(["https://a.example"]))
            .get("/", async || Response::text(200, "v").with_header("vary", "accept-encoding"))
    });
    let request = app.get("/").header("origin", "https://a.example").via(Via::LoadBalancer);
    let answer: Json = app.invoke(&request.event()).answer();
    assert_eq!(answer["headers"]["vary"], "accept-encoding,origin");
    assert_eq!(answer["multiValueHeaders"]["vary"], json!(["accept-encoding", "origin"]));
    assert_eq!(answer["headers"]["access-control-allow-origin"], "https://a.example");
}
