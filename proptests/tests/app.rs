//! An application responds to any event or returns an error, and whatever its handlers do, its
//! responses can be sent.
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests")]

use core::num::NonZeroU64;
use std::sync::Arc;

use apptheory::app::{
    Answer, App, AppService, BodyStream, Context, Handler as _, Invocation, Next, Response,
};
use apptheory::error::AppError;
use apptheory::events::HttpSource;
use apptheory::http::RawRequest;
use apptheory::http::exchange::{Access, Limits, Principal};
use apptheory_proptests::cases;
use futures_util::{FutureExt as _, StreamExt as _};
use proptest::prelude::*;
use serde_json::Value as Json;

use crate::http_adapters::generators::{any_event, any_text, source};

/// What a handler may do, valid or not.
#[derive(Clone, Debug)]
enum Deed {
    Answer { status: u16, name: String, value: String, cookie: String, body: String },
    Fail { status: u16, code: String, message: String, name: String, value: String },
    Stream { chunks: Vec<String>, fails: bool },
    Panic,
}

fn deed() -> impl Strategy<Value = Deed> {
    let status = prop_oneof![100_u16..600, any::<u16>()];
    prop_oneof![
        (status.clone(), any_text(), any_text(), any_text(), any_text()).prop_map(
            |(status, name, value, cookie, body)| Deed::Answer {
                status,
                name,
                value,
                cookie,
                body
            }
        ),
        (status, any_text(), any_text(), any_text(), any_text()).prop_map(
            |(status, code, message, name, value)| Deed::Fail {
                status,
                code,
                message,
                name,
                value
            }
        ),
        (prop::collection::vec(any_text(), 0..4), any::<bool>())
            .prop_map(|(chunks, fails)| Deed::Stream { chunks, fails }),
        Just(Deed::Panic),
    ]
}

fn perform(deed: &Deed) -> Answer {
    match deed.clone() {
        Deed::Answer { status, name, value, cookie, body } => {
            let response = Response::text(status, body);
            Ok(response.with_header(&name, value).with_cookie(cookie))
        }
        Deed::Fail { status, code, message, name, value } => {
            Err(AppError::new(&code, message).with_status(status).with_header(&name, value))
        }
        Deed::Stream { chunks, fails } => {
            let chunks = chunks.into_iter().map(Ok);
            let fault = fails.then(|| Err(AppError::conflict("late")));
            let items = futures_util::stream::iter(chunks.chain(fault).collect::<Vec<_>>());
            Ok(Response::html_stream(200, BodyStream::new(items)))
        }
        Deed::Panic => panic!("boom"),
    }
}

fn app(deed: Deed) -> AppService {
    async fn around(context: Context, next: Next) -> Answer {
        Ok(next.run(context).await.with_header("x-layer", "1"))
    }
    let deed = Arc::new(deed);
    let limits =
        Limits { max_request_bytes: NonZeroU64::new(16), max_response_bytes: NonZeroU64::new(64) };
    let handler = move |_: Context| {
        let deed = Arc::clone(&deed);
        async move { perform(&deed) }
    };
    App::new()
        .limits(limits)
        .layer(around)
        .authenticate(async |context: Context| Ok(Some(Principal::new(context.header("host")))))
        .get("/{path+}", handler.clone())
        .post("/{path+}", handler.access(Access::Optional))
        .on_failure(|_| {})
        .build()
        .expect("an app")
}

/// Checks what all responses of adapters have in common.
fn check(answer: &str) -> Result<(), TestCaseError> {
    let answer: Json = serde_json::from_str(answer).expect("JSON");
    let status = answer["statusCode"].as_u64().expect("a status");
    prop_assert!((100..=599).contains(&status), "{answer}");
    let singles = answer["headers"].as_object().expect("fields").iter();
    let singles = singles.map(|(name, value)| (name, value.as_str().expect("a text")));
    for (name, value) in singles {
        let texts = [name.as_str(), value];
        prop_assert!(!texts.iter().any(|text| text.contains(['\r', '\n', '\0'])), "{answer}");
    }
    prop_assert!(answer["headers"]["x-request-id"].is_string(), "{answer}");
    Ok(())
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn any_event_is_answered_or_refused(source in source(), event in any_event(), deed in deed()) {
        let (app, event) = (app(deed), event.to_string());
        let invocation = Invocation::default;
        let answer = app.serve_event(source, &event, invocation()).now_or_never();
        let invoked = app.invoke(&event, invocation()).now_or_never();
        if let Ok(answer) = answer.expect("nothing to wait for") {
            check(&answer)?;
        }
        if let Ok(answer) = invoked.expect("nothing to wait for") {
            check(&answer)?;
        }
    }

    #[test]
    fn a_collected_stream_is_the_streamed_bytes(
        prefix in any_text(),
        chunks in prop::collection::vec(any_text(), 0..6),
        most in prop::option::of(1_u64..64),
    ) {
        let limits = Limits { max_response_bytes: most.and_then(NonZeroU64::new), ..Limits::default() };
        let (given, first) = (chunks.clone(), prefix.clone());
        let app = App::new()
            .limits(limits)
            .get("/", move |_: Context| {
                let stream = BodyStream::from_chunks(given.clone());
                core::future::ready(Response::text(200, first.clone()).with_stream(stream))
            })
            .build()
            .expect("an app");
        let request = || RawRequest::new("GET", "/");
        let response = app.serve(request(), Invocation::default()).now_or_never();
        let (mut streamed, rest) = response.expect("nothing to wait for").split_stream();
        let mut failed = None;
        let rest = rest.map(|rest| rest.collect::<Vec<_>>().now_or_never());
        for chunk in rest.into_iter().flatten().flatten() {
            match chunk {
                Ok(chunk) => streamed.body.extend_from_slice(&chunk),
                Err(error) => failed = Some(error.status()),
            }
        }
        let whole = app.serve_whole(request(), Invocation::default()).now_or_never();
        let whole = whole.expect("nothing to wait for");
        let all = [&[prefix][..], &chunks].concat().concat();
        let is_too_large = most.is_some_and(|most| all.len() as u64 > most);
        prop_assert_eq!(whole.status, if is_too_large { 413 } else { 200 });
        if !is_too_large {
            prop_assert_eq!((failed, &streamed.body), (None, &whole.body));
            prop_assert_eq!(whole.body, all.into_bytes());
        }
    }

    #[test]
    fn every_result_of_a_handler_becomes_a_valid_response(
        source in source(),
        method in prop::sample::select(vec!["GET", "POST", "OPTIONS", ""]),
        deed in deed(),
        origin in any_text(),
        id in any_text(),
    ) {
        let app = app(deed);
        let mut request = RawRequest::new(method, "/a");
        request.headers.append("origin", origin);
        request.headers.append("x-request-id", id);
        let whole = app.serve_whole(request, Invocation::default()).now_or_never();
        let whole = whole.expect("nothing to wait for");
        check(&HttpSource::write_response(source, &whole))?;
    }
}
