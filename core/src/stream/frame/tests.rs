use alloc::string::String;

use super::prelude::most_bytes;
use super::{
    Cancel, EndReason, FrameConfig, FrameData, FrameEnd, FrameInput, FrameMachine, FrameOutput,
    FrameState, Head, Target,
};
use crate::error::AppError;
use crate::http::HttpResponse;

fn begun(config: FrameConfig) -> FrameMachine {
    let mut machine = FrameMachine::new(config);
    let begun = machine.handle(FrameInput::begin(Head::new(200), true));
    assert_eq!(begun, Ok(FrameOutput::default()));
    machine
}

fn armed() -> FrameMachine {
    begun(FrameConfig::new(Target::FunctionUrl))
}

fn prelude(head: &Head, target: Target) -> String {
    String::from_utf8(head.prelude(target)).unwrap()
}

#[test]
fn preludes_are_written_as_specified() {
    let mut head = Head::new(200);
    assert_eq!(prelude(&head, Target::RestApi), r#"{"statusCode":200}"#);
    let empty = r#"{"statusCode":200,"headers":{},"cookies":[]}"#;
    assert_eq!(prelude(&head, Target::FunctionUrl), empty);

    head.headers.set_all("x-none", [""; 0]);
    head.headers.set("content-length", "3");
    head.headers.append("x", "a<");
    head.headers.append("x", "b");
    assert_eq!(
        prelude(&head, Target::FunctionUrl),
        r#"{"statusCode":200,"headers":{"x":"a<,b"},"cookies":[]}"#
    );
    assert_eq!(
        prelude(&head, Target::RestApi),
        r#"{"statusCode":200,"headers":{"x":"a<"},"multiValueHeaders":{"x":["a<","b"]}}"#
    );
}

#[test]
fn the_prelude_of_the_specification_has_its_length() {
    let mut head = Head::new(200);
    head.headers.set("content-type", "text/html; charset=utf-8");
    head.headers.set("x-request-id", "req_test_123");
    head.cookies.push("a=b; Path=/".into());
    assert_eq!(prelude(&head, Target::FunctionUrl).len(), 128);
    assert!(head.check(Target::FunctionUrl, 136).is_ok());
    assert!(head.check(Target::FunctionUrl, 135).is_err());
}

/// The upper bound also holds for the worst heads.
#[test]
fn no_prelude_is_larger_than_its_bound() {
    for (names, value) in [(0, ""), (1, ""), (1, "a"), (40, "\"\\\t"), (7, "\"\"\"\"\"\"")] {
        let mut head = Head::new(200);
        for at in 0..names {
            head.headers.set_all(&alloc::format!("x-{at}"), [value, value]);
            head.cookies.push(value.into());
        }
        for target in [Target::FunctionUrl, Target::RestApi] {
            let len = head.prelude(target).len() + FrameOutput::DELIMITER.len();
            let most = most_bytes(&head.headers, &head.cookies);
            assert!(len <= most, "{len} {names} {value}");
        }
    }
}

/// What is said to pass does, unchanged, in the machine's first output.
#[test]
fn a_response_that_passes_whole_is_sent_as_it_is() {
    let mut config = FrameConfig::new(Target::FunctionUrl);
    config.transport_limit = core::num::NonZeroU64::new(5);
    config.max_prelude_bytes = 300;
    for (status, value, len, passes) in [
        (200, "a", 5, true),
        (404, "", 0, true),
        (200, "a", 6, false),
        (0, "a", 0, false),
        (200, "a\n", 0, false),
        (200, &*"a".repeat(300), 0, false),
    ] {
        let mut response: HttpResponse = HttpResponse::new(status).with_header("x", value);
        response.body = alloc::vec![b'a'; len];
        assert_eq!(config.passes_whole(&response), passes, "{status} {value:?} {len}");
        let head = Head::from(&response);
        let begin = FrameInput::Begin { head: head.clone(), prefix_len: len, has_stream: false };
        let output = FrameMachine::new(config.clone()).handle(begin).unwrap();
        let given = (len > 0).then_some(FrameData::Given);
        let sent = (output.open, output.data, output.end);
        assert_eq!(sent == (Some(head), given, Some(FrameEnd::Finish)), passes, "{status} {len}");
    }
    let mut response: HttpResponse = HttpResponse::new(200).with_cookie("a=\u{e9}");
    assert!(!config.passes_whole(&response));
    response.cookies.clear();
    assert!(config.passes_whole(&response));
}

#[test]
fn the_cookies_of_an_error_stay_apart() {
    let mut error = HttpResponse::new(401);
    error.headers.append("set-cookie", "a=1");
    error.headers.append("set-cookie", "b=2");
    let head = Head::new(200).of_error(&error);
    assert_eq!(head.cookies, ["a=1", "b=2"]);
    assert!(!head.headers.contains("set-cookie"));
}

#[test]
fn trailers_hold_the_error_in_base64() {
    let mut machine = armed();
    machine.handle(FrameInput::Chunk { len: 0 }).unwrap();
    let failed = machine.handle(FrameInput::Fault(AppError::internal())).unwrap();
    let body = "eyJlcnJvclR5cGUiOiJhcHAuaW50ZXJuYWwiLCJlcnJvck1lc3NhZ2UiOiJpbnRlcm5hbCBlcnJvciJ9";
    assert!(failed.stops_producer);
    assert!(matches!(
        failed.end,
        Some(FrameEnd::Trailers { error_body_b64, .. }) if error_body_b64 == body
    ));
}

#[test]
fn inputs_after_the_end_are_ignored() {
    let mut machine = armed();
    assert!(machine.handle(FrameInput::End).unwrap().outcome.is_some());
    for input in [
        FrameInput::Chunk { len: 0 },
        FrameInput::End,
        FrameInput::Fault(AppError::internal()),
        FrameInput::Cancel(Cancel::Deadline),
        FrameInput::WriteFailed,
    ] {
        assert_eq!(machine.handle(input), Ok(FrameOutput::default()));
    }
    let misuse = machine.handle(FrameInput::begin(Head::new(200), false)).unwrap_err();
    assert_eq!((misuse.state, misuse.input), (FrameState::Done, "begin"));
}

#[test]
fn a_stream_that_is_stopped_counts_what_comes_later() {
    let mut config = FrameConfig::new(Target::FunctionUrl);
    config.transport_limit = core::num::NonZeroU64::new(2);
    let mut machine = begun(config);
    for (len, stops) in [(2, false), (1, true), (0, false)] {
        let output = machine.handle(FrameInput::Chunk { len }).unwrap();
        assert_eq!(output.stops_producer, stops);
    }
    assert_eq!(machine.state(), FrameState::Overrun);
    let outcome = machine.handle(FrameInput::WriteFailed).unwrap().outcome.unwrap();
    assert_eq!((outcome.refused, outcome.reason), (1, EndReason::TooLarge));
    assert_eq!(outcome.code, "app.too_large");
}
