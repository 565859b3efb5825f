use alloc::format;
use alloc::string::ToString as _;

use serde_json::json;

use super::*;
use crate::sanitize::REDACTED;

const HEAD: LineHead<'_> =
    LineHead { at: Timestamp::UNIX_EPOCH, level: Level::Info, target: "here", message: "m" };

fn written(write: impl FnOnce(&mut Line<'_>)) -> Json {
    written_with("m", write)
}

fn written_with(message: &str, write: impl FnOnce(&mut Line<'_>)) -> Json {
    let sanitizer = Sanitizer::new();
    let mut buffer = LineBuffer::default();
    let head = LineHead { message, ..HEAD };
    let mut line = buffer.begin(LineFormat::Json, &sanitizer, head);
    write(&mut line);
    let text = line.end();
    assert!(text.len() < MAX_LINE_BYTES, "{} bytes", text.len());
    serde_json::from_str(text).unwrap()
}

#[test]
fn values_keep_their_types_and_sensitive_ones_are_hidden() {
    let line = written(|line| {
        line.field("flag", true);
        line.field("below", -7);
        line.field("most", u64::MAX);
        line.field("half", 0.5);
        line.field("odd", f64::NAN);
        line.field("path", "/a?b=<\"c\">\\");
        line.field("nothing", &Json::Null);
        line.field("order", &json!({"n": 1, "cvv": 7}));
        line.field("token", true);
        line.field("pin", 1234);
        line.field("ssn", 7.5);
    });
    let expected = json!({
        "timestamp": "1970-01-01T00:00:00.000Z", "level": "INFO", "message": "m", "target": "here",
        "flag": true, "below": -7, "most": u64::MAX, "half": 0.5, "odd": "NaN",
        "path": "/a?b=<\"c\">\\", "nothing": null, "order": {"n": "1", "cvv": REDACTED},
        "token": REDACTED, "pin": REDACTED, "ssn": REDACTED,
    });
    assert_eq!(line, expected);
}

#[test]
fn numbers_of_cards_are_hidden_and_times_and_durations_are_not() {
    let line = written(|line| {
        line.field("paid", 4_111_111_111_111_111_u64);
        line.field("elapsed_ns", 123_456_789);
        line.field("id", 41_111_111_111_111_111_u64);
        // Each has the check digit of a card number.
        line.field("at_ms", 1_764_372_822_122_u64);
        line.field("at_us", 1_764_372_822_123_003_u64);
    });
    assert_eq!(line["paid"], "411111******1111");
    assert_eq!(line["elapsed_ns"], 123_456_789);
    assert_eq!(line["id"], 41_111_111_111_111_111_u64);
    assert_eq!(line["at_ms"], 1_764_372_822_122_u64);
    assert_eq!(line["at_us"], 1_764_372_822_123_003_u64);
}

#[test]
fn ids_with_letters_are_not_masked_as_card_numbers() {
    let ids = [
        "8f5e4111-1111-4111-1111-11116a37c5d1",
        "fba99c4c281a4367b587219408758248",
        "1-41111111-11111111114e1fe46a994272",
    ];
    for id in ids {
        let line = written(|line| {
            line.field("request_id", id);
            line.field("text", &*format!("paid {id}"));
            line.field("token", id);
        });
        assert_eq!(line["request_id"], id);
        assert!(line["text"].as_str().unwrap().contains('*'), "{line}");
        assert_eq!(line["token"], REDACTED);
    }
    let digits = "41111111-1111-1111-1111-111111111111";
    assert_ne!(written(|line| line.field("id", digits))["id"], digits);
}

#[test]
fn a_name_is_there_once_and_no_value_is_lost() {
    let line = written(|line| {
        line.field("id", 1);
        line.field("id", 2);
        line.field("field_id", 3);
        line.field("i\u{200b}d", 4);
        line.field("level", 5);
        line.field("target", "t");
        line.field(OMITTED, 6);
    });
    assert_eq!(line["id"], 1);
    assert_eq!(line["field_id"], 2);
    assert_eq!(line["field_field_id"], 3);
    assert_eq!(line["field_field_field_id"], 4);
    assert_eq!((&line["level"], &line["field_level"]), (&json!("INFO"), &json!(5)));
    assert_eq!((&line["target"], &line["field_target"]), (&json!("here"), &json!("t")));
    assert_eq!(line["field_omitted_fields"], 6);
}

#[test]
fn what_is_too_long_is_cut_and_leaves_room_for_others() {
    let long = "ab é\" ".repeat(MAX_LINE_BYTES / 4);
    let line = written_with(&long, |line| {
        line.field("text", &*long);
        line.field("list", &json!([long, long]));
        line.field("id", 7);
    });
    for name in ["message", "text", "list"] {
        let shown = line[name].as_str().unwrap();
        assert!(
            shown.ends_with(CUT) && shown.len() > MAX_LINE_BYTES / 16,
            "{name}: {}",
            shown.len()
        );
    }
    assert!(long.starts_with(line["message"].as_str().unwrap().trim_end_matches(CUT)));
    assert_eq!(line["id"], 7);
}

#[test]
fn a_target_leaves_room_for_all_else() {
    let (target, sanitizer) = ("shop::".repeat(MAX_LINE_BYTES), Sanitizer::new());
    let mut buffer = LineBuffer::default();
    let line =
        buffer.begin(LineFormat::Json, &sanitizer, LineHead { target: &target, ..HEAD }).end();
    let line: Json = serde_json::from_str(line).unwrap();
    let shown = line["target"].as_str().unwrap();
    assert!(target.starts_with(shown) && shown.len() == MAX_TARGET_BYTES - 2, "{shown}");
    let text = LineFormat::Text { is_timed: true, is_colored: true };
    let line = buffer.begin(text, &sanitizer, LineHead { target: &target, ..HEAD }).end();
    assert!(line.len() < 2 * MAX_TARGET_BYTES, "{line}");
}

#[test]
fn a_secret_at_the_cut_is_not_shown_in_part() {
    for secret in ["4111 1111 1111 1111", "password=hunter2hunter2hunter2", "ada@example.com"] {
        for behind in 1..secret.len() {
            let plain = "a ".repeat((1000 - behind) / 2);
            let text = format!("{plain}{secret} and on");
            let head = head(&text, 1000);
            assert!(plain.starts_with(head), "{secret} {behind}");
            assert!(head.len() + 2 >= plain.len(), "{secret} {behind}");
        }
    }
    assert_eq!(written_with(&"x".repeat(MAX_LINE_BYTES + 1), |_| {})["message"], CUT);
}

#[test]
fn omitted_fields_are_counted() {
    let line = written(|line| {
        line.field(&"n".repeat(257), 1);
        for n in 0..130 {
            line.field(&n.to_string(), n);
        }
    });
    assert_eq!((&line["127"], line.get("128"), &line[OMITTED]), (&json!(127), None, &json!(3)));

    let long = "long ".repeat(MAX_LINE_BYTES / 4);
    let line = written(|line| (0..40).for_each(|n| line.field(&n.to_string(), &*long)));
    let omitted = line[OMITTED].as_u64().unwrap();
    assert!((20..35).contains(&omitted), "{omitted}");
}

#[test]
fn text_is_for_people() {
    let sanitizer = Sanitizer::new();
    let mut buffer = LineBuffer::default();
    let mut text = |format| {
        let head = LineHead { message: "no\nstock, token=t", ..HEAD };
        let mut line = buffer.begin(format, &sanitizer, head);
        line.field("n", 7);
        line.field("city", "Oslo");
        line.field("name", "a \"b\"");
        line.field("a b", "");
        line.field("n", &json!({"cvv": 1}));
        line.end().to_string()
    };
    let expected = r#"here: nostock, token=[REDACTED] n=7 city=Oslo name="a \"b\"" "a b"="" field_n={"cvv":"[REDACTED]"}"#;
    let (is_timed, is_colored) = (false, false);
    assert_eq!(text(LineFormat::Text { is_timed, is_colored }), format!(" INFO {expected}"));
    let is_timed = true;
    assert_eq!(
        text(LineFormat::Text { is_timed, is_colored }),
        format!("1970-01-01T00:00:00.000Z  INFO {expected}")
    );
    let is_colored = true;
    let colored = text(LineFormat::Text { is_timed, is_colored });
    assert!(colored.contains("\u{1b}[32m INFO\u{1b}[0m"), "{colored}");
}
