use alloc::string::String;
use alloc::vec::Vec;

use super::{
    Cancel, EndReason, FrameConfig, FrameEffect, FrameInput, FrameMachine, FrameState, Handled,
    Head, Outcome, Target,
};
use crate::error::AppError;
use crate::http::HttpResponse;

fn armed() -> FrameMachine {
    let mut machine = FrameMachine::new(FrameConfig::new(Target::FunctionUrl));
    machine.handle(FrameInput::begin(Head::new(200), true), &mut Vec::new()).unwrap();
    machine
}

fn outcome(out: &[FrameEffect]) -> &Outcome {
    match out.last() {
        Some(FrameEffect::Outcome(outcome)) => outcome,
        other => panic!("no outcome at the end: {other:?}"),
    }
}

fn prelude(head: &Head, target: Target) -> String {
    String::from_utf8(head.encode(target, usize::MAX).unwrap()).unwrap()
}

#[test]
fn preludes_are_written_as_specified() {
    let mut head = Head::new(200);
    assert_eq!(prelude(&head, Target::RestApi), r#"{"statusCode":200}"#);
    let empty = r#"{"statusCode":200,"headers":{},"cookies":[]}"#;
    assert_eq!(prelude(&head, Target::FunctionUrl), empty);

    head.headers.set_all("x-none", Vec::new());
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
    assert!(head.encode(Target::FunctionUrl, 136).is_ok());
    assert!(head.encode(Target::FunctionUrl, 135).is_err());
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
    let (mut machine, mut out) = (armed(), Vec::new());
    machine.handle(FrameInput::Chunk(Vec::new()), &mut out).unwrap();
    machine.handle(FrameInput::Fault(AppError::internal()), &mut out).unwrap();
    let body = "eyJlcnJvclR5cGUiOiJhcHAuaW50ZXJuYWwiLCJlcnJvck1lc3NhZ2UiOiJpbnRlcm5hbCBlcnJvciJ9";
    assert!(out.iter().any(|effect| matches!(
        effect,
        FrameEffect::Trailers { error_body_b64, .. } if error_body_b64 == body
    )));
}

#[test]
fn inputs_after_the_end_are_late_or_ignored() {
    let (mut machine, mut out) = (armed(), Vec::new());
    machine.handle(FrameInput::End, &mut out).unwrap();
    let effects = out.len();
    for (input, expected) in [
        (FrameInput::Chunk(Vec::new()), Handled::Late),
        (FrameInput::End, Handled::Late),
        (FrameInput::Fault(AppError::internal()), Handled::Late),
        (FrameInput::Cancel(Cancel::Deadline), Handled::Ignored),
        (FrameInput::WriteFailed, Handled::Ignored),
        (FrameInput::WriteOk, Handled::Taken),
    ] {
        assert_eq!(machine.handle(input, &mut out), Ok(expected));
    }
    let misuse = machine.handle(FrameInput::begin(Head::new(200), false), &mut out).unwrap_err();
    assert_eq!((misuse.state, misuse.input, out.len()), (FrameState::Done, "begin", effects));
}

#[test]
fn a_stream_that_is_stopped_counts_what_comes_later() {
    let mut config = FrameConfig::new(Target::FunctionUrl);
    config.transport_limit = core::num::NonZeroU64::new(2);
    let (mut machine, mut out) = (FrameMachine::new(config), Vec::new());
    machine.handle(FrameInput::begin(Head::new(200), true), &mut out).unwrap();
    for (chunk, expected) in [("ab", Handled::Taken), ("c", Handled::Taken), ("", Handled::Ignored)]
    {
        assert_eq!(machine.handle(FrameInput::Chunk(chunk.into()), &mut out), Ok(expected));
    }
    assert_eq!(machine.state(), FrameState::Overrun);
    machine.handle(FrameInput::WriteFailed, &mut out).unwrap();
    let outcome = outcome(&out);
    assert_eq!((outcome.refused, outcome.reason), (1, EndReason::TooLarge));
    assert_eq!(outcome.code, "app.too_large");
}
