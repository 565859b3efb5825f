use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde_json::{Value as Json, json};

use super::names::SAFE;
use super::*;
use crate::observe::line::{CUT, MAX_LINE_BYTES, OMITTED};
use crate::observe::{Fields, Level};
use crate::sanitize::{Policy, Sanitizer};
use crate::time::Timestamp;

fn no_env(_: &str) -> Option<String> {
    None
}

fn built_in(name: &str) -> LoggingProfile {
    let config = ProfileConfig::built_in(name).unwrap();
    LoggingProfile::new(config, |name| Some(format!("the {name}"))).unwrap()
}

fn read(config: &Json) -> Result<ProfileConfig, ProfileError> {
    let mut all = json!({"schema_version": SCHEMA_VERSION, "profile": "legacy", "encoding": {"format": "json"}});
    all.as_object_mut().unwrap().extend(config.as_object().unwrap().clone());
    ProfileConfig::from_json(&all.to_string())
}

fn profile(config: &Json) -> LoggingProfile {
    LoggingProfile::new(read(config).unwrap(), no_env).unwrap()
}

/// Returns the texts of all violations.
fn wrong(config: &Json) -> Vec<String> {
    match read(config) {
        Err(ProfileError::Invalid(found)) => found.iter().map(Violation::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

fn event(message: &str) -> ProfileEvent<'_> {
    ProfileEvent::new(Timestamp::UNIX_EPOCH, Level::Error, message)
}

fn line(profile: &LoggingProfile, event: &ProfileEvent<'_>) -> Json {
    serde_json::from_str(&profile.encode(event).unwrap()).unwrap()
}

#[test]
fn built_in_profiles_can_be_used() {
    assert!(CATALOG.profiles.is_sorted());
    for name in CATALOG.profiles {
        let line = line(&built_in(name), &event("m"));
        assert_eq!((&line["level"], &line["message"]), (&json!("ERROR"), &json!("m")), "{name}");
    }
    let error = ProfileConfig::built_in(" odd\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "logging profile validation failed: profile: unsupported value odd"
    );
    let alert = ProfileConfig::built_in(" PayTheory-Alert-V1 ").unwrap();
    assert_eq!(alert.profile, "paytheory-alert-v1");
}

#[test]
fn what_is_required_and_missing_is_named() {
    let missing = |profile: &LoggingProfile| profile.encode(&event(" \n")).unwrap_err();
    assert_eq!(
        missing(&built_in("cloudwatch-json")).to_string(),
        "logging profile required fields missing: message"
    );
    let alert = ProfileConfig::built_in("paytheory-alert-v1").unwrap();
    let blank = |name: &str| (name != "STAGE").then(|| "".to_owned());
    let alert = LoggingProfile::new(alert, blank).unwrap();
    let MissingFields(fields) = missing(&alert);
    assert_eq!(fields, ["message", "service", "stage", "partner", "function", "aws_region"]);
}

#[test]
fn stack_traces_are_sanitized_by_line_and_hashed_before_sanitization() {
    let config = json!({"error_capture": {"include_stack_trace": true}});
    let (profile, mut event) = (profile(&config), event("m"));
    event.error.stack_trace = "a.rs:1\nat password=hunter2\u{202e}\r\nb.rs:2";
    let shown = line(&profile, &event);
    assert_eq!(shown["stack_trace"], "a.rs:1\nat password=[REDACTED]\nb.rs:2");
    event.error.stack_trace = "a.rs:1\nat password=hunter3\u{202e}\r\nb.rs:2";
    let other = line(&profile, &event);
    assert_eq!(shown["stack_trace"], other["stack_trace"]);
    assert_ne!(shown["stack_hash"], other["stack_hash"]);
    assert!(!profile.encode(&event).unwrap().contains('\n'));
}

#[test]
fn nothing_takes_the_place_of_a_lines_own_fields() {
    let own = "the line's own field, which nothing else can be written to";
    let config =
        json!({"enrichment": {"static": {"level": "x"}, "context": {"message": "request.path"}}});
    let expected =
        ["enrichment.static.level", "enrichment.context.message"].map(|at| format!("{at}: {own}"));
    assert_eq!(wrong(&config), expected);
    // If the line uses other names for these, they are ordinary fields.
    let config = json!({
        "encoding": {"format": "json", "timestamp_field": "ts", "message_field": "event"},
        "enrichment": {"static": {"timestamp": "x"}, "context": {"message": "request.path"}},
    });
    let profile = profile(&config);
    let mut event = event("m");
    event.request.path = "/p";
    let expected = json!({"ts": "1970-01-01T00:00:00Z", "level": "ERROR", "event": "m",
        "timestamp": "x", "message": "/p"});
    assert_eq!(line(&profile, &event), expected);
}

#[test]
fn callers_fields_are_sanitized_and_replace_nothing() {
    let fields = json!({
        "safe_x": 5, "safe_ann@example.com": "a", "safe_token": "t", "safe_zero": 0, "safe_null": null, "safe_\u{202e}bidi": "b",
        "level": "LOUD", "note": "n", "status": 200, "safe_note": "card 4111 1111 1111 1111",
    });
    let fields: Fields = serde_json::from_value(fields).unwrap();
    let event = ProfileEvent { fields: &fields, ..event("m") };
    let expected = json!({
        "timestamp": "1970-01-01T00:00:00Z", "level": "ERROR", "message": "m", "status": "200",
        "safe_x": "5", "safe_[REDACTED]": "a", "safe_token": "[REDACTED]", "safe_zero": "0", "safe_bidi": "b",
        "safe_note": "card 4111 11** **** 1111",
    });
    assert_eq!(line(&built_in("legacy"), &event), expected);
    let policy = Policy::from_json(r#"{"fully_redact_fields": ["status"]}"#).unwrap();
    let strict = built_in("legacy").with_sanitizer(Sanitizer::new().with_policy(policy));
    assert_eq!(line(&strict, &event)["status"], "[REDACTED]");
}

#[test]
fn what_is_unknown_of_an_event_comes_from_its_fields() {
    let fields = json!({"event": " ", "error.type": "T", "error_code": "C", "route": "GET /x",
        "status": 503, "correlation_id": "other", "stack_trace": "s", "job_name": 7});
    let fields: Fields = serde_json::from_value(fields).unwrap();
    let mut event = ProfileEvent { fields: &fields, ..event("m") };
    event.request.correlation_id = "c";
    let filled = event.filled_from_fields();
    assert_eq!((filled.event, filled.job_name), ("", ""));
    assert_eq!((filled.error.error_type, filled.error.code), ("T", "C"));
    assert_eq!((filled.request.route, filled.request.status), ("GET /x", Some(503)));
    assert_eq!((filled.request.correlation_id, filled.error.stack_trace), ("c", "s"));
}

#[test]
fn errors_give_the_path_of_an_invalid_profile() {
    let refused = |text: &str| ProfileConfig::from_json(text).unwrap_err().to_string();
    let start = "logging profile json: invalid json";
    for (text, expected) in [
        ("[1]", ": expected an object"),
        ("null", ": expected an object"),
        ("{", " at line 1, column 1"),
        (r#"{"encoding": ["json"]}"#, " of encoding: expected an object"),
        (r#"{"levels": {"info": 1}}"#, " of levels.info: expected a string"),
        (r#"{"profile": "a", "profile": "b"}"#, " of profile: expected one value"),
    ] {
        assert_eq!(refused(text), format!("{start}{expected}"));
    }
}

#[test]
fn all_errors_of_a_profile_are_reported_in_order() {
    let config = json!({
        "zz": 1,
        "schema_version": " ",
        "profile": " Legacy ",
        "encoding": {"format": "json ", "level_field": "lvl", "b": 1, "a": 1},
        "levels": {"warn": "", "WARN": "x"},
        "recommended_fields": ["ts", "", "x"],
        "field_map": {"level": "level", "event": ""},
        "enrichment": {"context": {"path": "", "color": "job.name"}},
        "alerting_hints": {"keeper_lookup_fields": ["service", "safe_x"], "c": 1},
    });
    let expected = [
        "alerting_hints.c: unsupported option",
        "encoding.a: unsupported option",
        "encoding.b: unsupported option",
        "zz: unsupported option",
        "schema_version: required",
        "encoding.format: unsupported value json ",
        "encoding.level_field: unsupported field lvl",
        "levels.WARN: unsupported level WARN",
        "levels.warn: required",
        "recommended_fields[1]: required",
        "recommended_fields[2]: unsupported field x",
        "field_map.event: required",
        "field_map.level: unsupported source level",
        "enrichment.context.color: unsupported field color",
        "enrichment.context.path: required",
        "alerting_hints.keeper_lookup_fields[1]: unsupported field safe_x",
    ];
    assert_eq!(wrong(&config), expected);
}

#[test]
fn a_line_is_bounded_and_says_what_had_no_room() {
    let long = "<a> ".repeat(MAX_LINE_BYTES / 2);
    let many = (0..9_000).map(|at| (format!("safe_{at:05}"), json!("x".repeat(20))));
    let fields: Fields = many.collect();
    let config = json!({"error_capture": {"include_stack_trace": true}});
    let mut event = ProfileEvent { fields: &fields, ..event(&long) };
    event.error.stack_trace = &long;
    let text = profile(&config).encode(&event).unwrap();
    assert!(text.len() < MAX_LINE_BYTES && text.len() > MAX_LINE_BYTES / 2, "{} bytes", text.len());
    let line: Json = serde_json::from_str(&text).unwrap();
    for cut in ["message", "stack_trace"] {
        assert!(line[cut].as_str().unwrap().ends_with(CUT), "{cut}");
    }
    let shown = line.as_object().unwrap().keys().filter(|name| name.starts_with(SAFE)).count();
    assert!(shown > 100 && line[OMITTED] == 9_000 - shown, "{shown} and {}", line[OMITTED]);
}
