//! Servers may close idle connections at any time: no complete response is lost then.

use apptheory::app::{App, AppService};
use apptheory::lambda::InvokeMode;
use serde_json::{Value as Json, json};

use super::server::{Exchange, RuntimeApi};
use super::url_event;

fn hello() -> AppService {
    App::new().get("/hello", async || "hello").build().unwrap()
}

/// Returns events, with the final kind of response: buffered responses and failures.
fn events() -> [(String, &'static str); 2] {
    [(url_event("/hello"), "response"), ("{}".to_owned(), "error")]
}

/// Reads a response to its end, and accepts it.
async fn accept(mut answer: Exchange) {
    if !answer.headers.contains_key("content-length") {
        let streamed = answer.accept().await;
        assert_eq!(streamed.chunks[2], b"hello");
        return;
    }
    let json: Json = answer.json().await;
    let fails = answer.resource().ends_with("/error");
    assert_eq!(if fails { &json["errorType"] } else { &json["body"] }, &{
        if fails { json!("Function.InvalidEvent") } else { json!("hello") }
    });
    answer.answer(202, &[], b"").await;
}

#[tokio::test]
async fn an_answer_is_sent_again_when_its_connection_was_closed() {
    for mode in [InvokeMode::Buffered, InvokeMode::Streaming] {
        for (event, what) in events() {
            let mut api = RuntimeApi::listen().await;
            let _function = api.start(hello(), mode);
            for round in 0..3 {
                let id = format!("r{round}");
                api.poll().await.hand_out(&id, &[], &event).await;
                let first = api.request().await;
                assert_eq!(first.resource(), format!("{id}/{what}"));
                // The connection is closed while the response is sent, before any reply.
                drop(first);
                let second = api.request().await;
                assert_eq!(second.resource(), format!("{id}/{what}"));
                accept(second).await;
            }
            api.poll().await;
        }
    }
}

#[tokio::test]
async fn a_server_that_closes_after_each_event_gets_every_answer_once() {
    for mode in [InvokeMode::Buffered, InvokeMode::Streaming] {
        let mut api = RuntimeApi::listen().await;
        let _function = api.start(hello(), mode);
        for round in 0..50 {
            let id = format!("r{round}");
            let fields = [("Lambda-Runtime-Aws-Request-Id", &*id)];
            let mut poll = api.poll().await;
            poll.answer_early(200, &fields, url_event("/hello").as_bytes()).await;
            drop(poll);
            let response = api.request().await;
            assert_eq!(response.resource(), format!("{id}/response"));
            accept(response).await;
        }
    }
}

#[tokio::test]
async fn an_answer_is_not_sent_again_once_anything_came_back() {
    for mode in [InvokeMode::Buffered, InvokeMode::Streaming] {
        let mut api = RuntimeApi::listen().await;
        let _function = api.start(hello(), mode);
        let mut response = api.invoke(&url_event("/hello")).await;
        response.write(b"HTTP/1.1 20").await;
        drop(response);
        api.poll().await;
    }
}

#[tokio::test]
async fn an_answer_is_sent_again_only_once() {
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(hello(), InvokeMode::Buffered);
    for _ in 0..2 {
        let response = api.invoke(&url_event("/hello")).await;
        drop(response);
        let again = api.request().await;
        assert_eq!(again.resource(), "r1/response");
        // A new connection: a server that closes it is gone, or does not want the response.
        drop(again);
    }
    api.poll().await;
}
