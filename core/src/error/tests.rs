//! Tests of what clients see of errors.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::error::Error as _;
use core::time::Duration;

use serde::Serialize;
use serde_json::json;

use super::{AppError, ErrorFormat, code};
use crate::time::Timestamp;

fn full() -> AppError {
    AppError::conflict("taken")
        .with_status(418)
        .with_details(&json!({"z": 1, "a": "<"}))
        .with_trace_id("t1")
        .with_stack_trace("main:1")
        .with_timestamp(Timestamp::from_unix_nanos(1_120_000_000).unwrap())
        .with_cause(core::fmt::Error)
}

#[test]
fn nested_bodies_show_what_is_set_sorted_and_escaped() {
    assert_eq!(
        full().body(ErrorFormat::Nested, "r1", "other"),
        r#"{"error":{"code":"app.conflict","details":{"a":"\u003c","z":1},"message":"taken","request_id":"r1","stack_trace":"main:1","status_code":418,"timestamp":"1970-01-01T00:00:01.12Z","trace_id":"t1"}}"#
    );
    assert_eq!(
        AppError::not_found().body(ErrorFormat::Nested, "", "t"),
        r#"{"error":{"code":"app.not_found","message":"not found","trace_id":"t"}}"#
    );
    assert_eq!((full().status(), AppError::not_found().status()), (418, 404));
}

#[test]
fn flat_bodies_have_no_ids() {
    assert_eq!(
        full().body(ErrorFormat::from_name("flat_legacy"), "r1", "t"),
        r#"{"code":"app.conflict","details":{"a":"\u003c","z":1},"message":"taken"}"#
    );
    assert_eq!(ErrorFormat::from_name(" flat_legacy"), ErrorFormat::Nested);
}

#[test]
fn older_codes_are_renamed_in_nested_bodies_and_records() {
    for (code, flat, nested) in [
        (code::EMPTY_BODY, "Request body is empty", "request body is empty"),
        (code::INVALID_JSON, "Invalid JSON in request body", "invalid json"),
    ] {
        let error = AppError::of(code).with_status(400);
        let expected = json!({"code": code, "message": flat});
        assert_eq!(error.body(ErrorFormat::FlatLegacy, "r", "t"), expected.to_string());
        let expected = json!({"error":
            {"code": "app.bad_request", "message": nested, "status_code": 400}});
        assert_eq!(error.body(ErrorFormat::Nested, "", ""), expected.to_string());
        assert_eq!((error.recorded_code(), AppError::of(code).status()), ("app.bad_request", 400));
    }
}

#[test]
fn a_status_of_zero_resets_to_the_default_of_the_code() {
    let error = AppError::conflict("taken").with_status(418).with_status(0);
    assert_eq!(error.status(), 409);
    assert!(!error.body(ErrorFormat::Nested, "", "").contains("status_code"));
}

#[test]
fn an_empty_code_is_internal_and_unknown_ones_are_500() {
    assert_eq!(AppError::new("", "m").to_string(), "app.internal: m");
    let own = AppError::new("orders.gone", "<m>");
    assert_eq!((own.status(), own.recorded_code()), (500, "orders.gone"));
    assert_eq!(
        (AppError::new(" ", "").code(), AppError::new(" ", "").recorded_code()),
        (" ", "app.internal")
    );
}

#[test]
fn printable_codes_are_trimmed_and_never_blank() {
    for (code, expected) in [
        (" my.code ", "my.code"),
        ("EMPTY_BODY", "EMPTY_BODY"),
        ("", "app.internal"),
        ("\t ", "app.internal"),
        ("a\r\nb", "app.internal"),
        ("é", "app.internal"),
    ] {
        assert_eq!(AppError::new(code, "m").printable_code(), expected, "{code:?}");
    }
    let shown = AppError::new("\u{1}", "kept").with_status(409).with_printable_code();
    assert_eq!((shown.to_string().as_str(), shown.status()), ("app.internal: kept", 409));
}

/// An error with an `AppError` as its source.
#[derive(Debug, thiserror::Error)]
#[error("while reading the order")]
struct Wrapped(#[source] AppError);

#[test]
fn foreign_errors_are_masked_and_wrapped_ones_found() {
    let foreign = AppError::from_error("boom");
    assert_eq!((foreign.code(), foreign.message()), ("app.internal", "internal error"));
    assert_eq!(foreign.source().map(ToString::to_string).as_deref(), Some("boom"));

    let boxed: Box<dyn core::error::Error + Send + Sync> = Wrapped(full()).into();
    let found = AppError::from(boxed);
    assert_eq!((found.status(), found.message()), (418, "taken"));
    let cause = found.source().map(ToString::to_string);
    assert_eq!(cause.as_deref(), Some("while reading the order"));
}

#[test]
fn the_cause_is_for_the_log() {
    assert!(full().source().is_some());
    assert!(!full().body(ErrorFormat::Nested, "", "").contains("Error"));
}

#[test]
fn every_common_status_has_a_constructor_and_a_code_of_its_own() {
    let errors = [
        (400, AppError::bad_request("m")),
        (401, AppError::unauthorized()),
        (403, AppError::forbidden()),
        (404, AppError::not_found()),
        (405, AppError::method_not_allowed(&["GET", "HEAD"])),
        (409, AppError::conflict("m")),
        (410, AppError::gone()),
        (412, AppError::precondition_failed()),
        (413, AppError::too_large()),
        (415, AppError::unsupported_media_type("m")),
        (422, AppError::unprocessable("m")),
        (429, AppError::too_many_requests()),
        (500, AppError::internal()),
        (501, AppError::not_implemented()),
        (502, AppError::bad_gateway()),
        (503, AppError::unavailable()),
        (504, AppError::timeout()),
    ];
    let mut codes: Vec<&str> = errors.iter().map(|(_, error)| error.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), errors.len());
    for (status, error) in &errors {
        assert_eq!(error.status(), *status, "{error}");
        assert_eq!(error.message() == "internal error", *status == 500, "{error}");
    }
    assert_eq!(errors[4].1.headers(), [("allow".to_string(), "GET, HEAD".to_string())]);
}

#[test]
fn details_accept_any_serializable_value() {
    #[derive(Serialize)]
    struct Field {
        field: &'static str,
    }
    let shown = |error: AppError| error.body(ErrorFormat::FlatLegacy, "", "");
    let error = || AppError::unprocessable("m");
    let with =
        |details: &str| format!(r#"{{"code":"app.validation_failed",{details}"message":"m"}}"#);
    let fields = error().with_details(&[Field { field: "items" }]);
    assert_eq!(shown(fields), with(r#""details":[{"field":"items"}],"#));
    for empty in [json!({}), json!(null)] {
        assert_eq!(shown(error().with_details(&json!(1)).with_details(&empty)), with(""));
    }
    // A map whose keys are not strings cannot be serialized to JSON.
    let broken = BTreeMap::from([((1, 2), 3)]);
    let broken = error().with_details(&json!(1)).with_details(&broken);
    assert!(broken.source().is_some_and(|cause| cause.to_string().contains("key")));
    assert_eq!(shown(broken), with(""));
}

#[test]
fn the_wait_is_sent_in_whole_seconds_and_never_too_short() {
    for (millis, seconds) in [(0, "0"), (1, "1"), (1_000, "1"), (1_001, "2")] {
        let error = AppError::unavailable().with_retry_after(Duration::from_millis(millis));
        assert_eq!(error.headers(), [("retry-after".to_string(), seconds.to_string())]);
    }
}
