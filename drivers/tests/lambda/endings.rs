//! The Runtime API's replies to a response, and how a function ends.

use apptheory::app::{App, AppService};
use apptheory::lambda::{InvokeMode, Runtime, RuntimeError};
use serde_json::json;

use super::server::{Exchange, RuntimeApi};
use super::{fed, url_event};

fn hello() -> AppService {
    App::new().get("/hello", async || "hello").build().unwrap()
}

/// Checks that a function still works.
async fn still_works(api: &mut RuntimeApi) {
    let mut response = api.invoke(&url_event("/hello")).await;
    assert_eq!(response.resource(), "r1/response");
    if response.headers.contains_key("content-length") {
        response.body().await;
        response.answer(202, &[], b"").await;
    } else {
        response.accept().await;
    }
    api.poll().await;
}

async fn is_too_large(mut error: Exchange) {
    assert_eq!(error.resource(), "r1/error");
    let error_type = "Function.ResponseSizeTooLarge";
    assert_eq!(error.headers["lambda-runtime-function-error-type"], error_type);
    assert_eq!(error.json().await["errorType"], error_type);
    error.answer(202, &[], b"").await;
}

#[tokio::test]
async fn refused_answers_are_given_up() {
    for status in [400, 403, 404, 410, 500] {
        let mut api = RuntimeApi::listen().await;
        let _function = api.start(hello(), InvokeMode::Buffered);
        let mut response = api.invoke(&url_event("/hello")).await;
        response.body().await;
        response.answer(status, &[], b"{}").await;
        still_works(&mut api).await;
    }
}

#[tokio::test]
async fn answers_that_are_too_large_fail_the_invocation() {
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(hello(), InvokeMode::Buffered);
    let mut response = api.invoke(&url_event("/hello")).await;
    response.body().await;
    response.answer(413, &[], b"{}").await;
    is_too_large(api.request().await).await;
    still_works(&mut api).await;
}

#[tokio::test]
async fn a_refused_stream_stops_its_producer() {
    for status in [400, 410, 413] {
        let (app, feed) = fed();
        let mut api = RuntimeApi::listen().await;
        let _function = api.start(app, InvokeMode::Streaming);
        feed.send("a");
        let mut response = api.invoke(&url_event("/")).await;
        response.answer_early(status, &[], b"{}").await;
        feed.dropped().await;
        if status == 413 {
            is_too_large(api.request().await).await;
        }
        response.drain().await;
        still_works(&mut api).await;
    }
}

#[tokio::test]
async fn a_stream_whose_reader_hangs_up_stops_its_producer() {
    let (app, feed) = fed();
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app, InvokeMode::Streaming);
    feed.send("a");
    let mut response = api.invoke(&url_event("/")).await;
    response.chunk().await.unwrap();
    drop(response);
    // Only a write notices the closed connection.
    feed.send("b");
    feed.dropped().await;
    still_works(&mut api).await;
}

#[tokio::test]
async fn emulators_accept_a_stream_before_its_end() {
    let (app, feed) = fed();
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app, InvokeMode::Streaming);
    feed.send("a");
    let mut response = api.invoke(&url_event("/")).await;
    response.answer_early(200, &[], b"").await;
    for _ in 0..2 {
        response.chunk().await.unwrap();
    }
    assert_eq!(response.text_chunk().await, "a");
    feed.send("b");
    assert_eq!(response.text_chunk().await, "b");
    drop(feed);
    assert_eq!(response.chunk().await, None);
    assert_eq!(response.trailers().await.map(|trailers| trailers.len()), Some(0));
    drop(response);
    still_works(&mut api).await;
}

#[tokio::test]
async fn a_function_ends_when_there_are_no_more_invocations() {
    for status in [403, 429, 500, 503] {
        let mut api = RuntimeApi::listen().await;
        let function = api.start(hello(), InvokeMode::Buffered);
        api.poll().await.answer(status, &[], b"{}").await;
        let ended = function.await.unwrap();
        assert!(
            matches!(&ended, Err(RuntimeError::NoMoreInvocations(s)) if s.as_u16() == status),
            "{ended:?}"
        );
    }
}

#[tokio::test]
async fn idle_connections_may_close_but_not_for_good() {
    let mut api = RuntimeApi::listen().await;
    let function = api.start(hello(), InvokeMode::Buffered);
    for _ in 0..2 {
        drop(api.poll().await);
    }
    // After an invocation, the count starts over.
    let mut response = api.invoke(&url_event("/hello")).await;
    response.body().await;
    response.answer(202, &[("connection", "close")], b"").await;
    for _ in 0..3 {
        drop(api.poll().await);
    }
    assert!(matches!(function.await.unwrap(), Err(RuntimeError::Closed(_))));
}

#[tokio::test]
async fn a_function_ends_when_the_runtime_api_is_closed() {
    let mut api = RuntimeApi::listen().await;
    let function = api.start(hello(), InvokeMode::Buffered);
    let poll = api.poll().await;
    api.close().await;
    drop(poll);
    assert!(matches!(function.await.unwrap(), Err(RuntimeError::Closed(_))));
}

#[tokio::test]
async fn an_invocation_without_an_id_is_no_invocation() {
    for fields in [&[][..], &[("Lambda-Runtime-Aws-Request-Id", "a/../b")]] {
        let mut api = RuntimeApi::listen().await;
        let function = api.start(hello(), InvokeMode::Buffered);
        api.poll().await.answer(200, fields, b"{}").await;
        assert!(matches!(function.await.unwrap(), Err(RuntimeError::NoRequestId)));
    }
}

#[tokio::test]
async fn what_is_being_handled_is_answered_before_a_function_ends() {
    let (app, feed) = fed();
    let mut api = RuntimeApi::listen().await;
    let variables = [("AWS_LAMBDA_MAX_CONCURRENCY", "2"), ("APPTHEORY_INVOKE_MODE", "streaming")];
    let function = tokio::spawn(api.runtime(app, &variables).run());
    api.poll().await.hand_out("r1", &[], &url_event("/")).await;
    feed.send("a");
    // Either of the two may come first.
    let (first, second) = (api.request().await, api.request().await);
    let (poll, response) = if first.method == "GET" { (first, second) } else { (second, first) };
    poll.answer(500, &[], b"{}").await;
    feed.send("b");
    drop(feed);
    let data = response.accept().await.chunks;
    assert_eq!(data[2..], [b"a".to_vec(), b"b".to_vec()]);
    assert!(matches!(function.await.unwrap(), Err(RuntimeError::NoMoreInvocations(_))));
}

#[tokio::test]
async fn outside_of_lambda_nothing_runs() {
    let ended = Runtime::new(hello()).env(|_| None).run().await;
    assert!(matches!(ended, Err(RuntimeError::NotInLambda)));
}

#[tokio::test]
async fn invalid_settings_are_reported_as_an_init_error() {
    for (variable, value, why) in [
        ("APPTHEORY_INVOKE_MODE", "odd", "APPTHEORY_INVOKE_MODE: "),
        ("AWS_LAMBDA_MAX_CONCURRENCY", "0", "AWS_LAMBDA_MAX_CONCURRENCY is not a whole number"),
    ] {
        let mut api = RuntimeApi::listen().await;
        let function = tokio::spawn(api.runtime(hello(), &[(variable, value)]).run());
        let told = api.init_error().await;
        assert!(told.starts_with(why), "{told}");
        assert!(function.await.unwrap().is_err());
        assert!(api.try_request().is_none());
    }
}

#[tokio::test]
async fn a_function_that_cannot_say_why_it_does_not_start_ends_all_the_same() {
    let mut api = RuntimeApi::listen().await;
    let runtime = api.runtime(hello(), &[("APPTHEORY_INVOKE_MODE", "odd")]);
    api.close().await;
    assert!(matches!(runtime.run().await, Err(RuntimeError::InvalidInvokeMode(_))));
}

#[tokio::test]
async fn the_api_may_be_behind_a_path() {
    let mut api = RuntimeApi::listen().await;
    let url = format!("http://{}/.rt", api.address());
    let variable = move |name: &str| (name == "AWS_LAMBDA_RUNTIME_API").then(|| url.clone());
    let _function = tokio::spawn(Runtime::new(hello()).env(variable).run());
    let poll = api.request().await;
    assert_eq!(poll.path, "/.rt/2018-06-01/runtime/invocation/next");
    poll.hand_out("r1", &[], &json!({}).to_string()).await;
    assert_eq!(api.request().await.path, "/.rt/2018-06-01/runtime/invocation/r1/error");
}
