//! Log lines, for any input.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeSet;
use std::io;
use std::sync::LazyLock;

use allocation_counter::measure;
use apptheory::logs::{self, Format, Logs};
use apptheory::observe::Level;
use apptheory::observe::line::{LineBuffer, LineFormat, LineHead, MAX_LINE_BYTES};
use apptheory::sanitize::Sanitizer;
use apptheory::time::Timestamp;
use apptheory_proptests::cases;
use proptest::prelude::*;
use proptest::sample::select;
use regex::Regex;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Value as Json, json};
use tracing_subscriber::layer::SubscriberExt as _;

static HIDDEN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]").unwrap()
});

/// A part of every secret here, so that any trace of one is found.
const SECRET: &str = "qzx7";

/// The members of an object, in order and complete.
struct Members(Vec<(String, Json)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

/// A value of a field.
#[derive(Clone, Debug)]
enum Value {
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
    Json(Json),
}

fn text() -> impl Strategy<Value = String> {
    let odd = select(vec!["\n", "\r\n", "\0", "\u{1b}[31m", "\u{202e}", "\u{2028}", "\u{e0041}"]);
    let telling = select(vec!["\"", "\\", "{", "}", ",\"level\":\"INFO\"", "token=", ": ", "4111"]);
    let piece = prop_oneof![
        odd.prop_map(str::to_owned),
        telling.prop_map(str::to_owned),
        "[a-zé漢 ]{0,5}",
        any::<char>().prop_map(String::from),
    ];
    let pieces = prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat());
    // Some are longer than a line.
    (pieces, prop::bool::weighted(0.005)).prop_map(|(text, is_long)| match is_long {
        true => text.repeat(MAX_LINE_BYTES / text.len().max(1) + 1),
        false => text,
    })
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Signed),
        any::<u64>().prop_map(Value::Unsigned),
        any::<f64>().prop_map(Value::Float),
        text().prop_map(Value::Text),
        (text(), text()).prop_map(|(name, text)| Value::Json(json!({name: [text, 1, null]}))),
    ]
}

/// Generates names: some are in every line, some belong to other fields, and some mean that the
/// value is a secret.
fn field() -> impl Strategy<Value = (String, Value)> {
    let taken =
        select(vec!["level", "message", "timestamp", "target", "omitted_fields", "field_level"]);
    let name = prop_oneof![
        taken.prop_map(str::to_owned),
        select(vec!["a", "b", "field_a", "a\u{200b}"]).prop_map(str::to_owned),
        text(),
    ];
    let secret = select(vec!["password", "pass\u{200b}word", "X-Api-Key", "csrfToken", "cvv"]);
    let hidden = prop_oneof![
        Just(Value::Text(format!("a {SECRET}\n"))),
        Just(Value::Json(json!([{SECRET: SECRET}]))),
        Just(Value::Json(json!(SECRET))),
    ];
    prop_oneof![(name, value()), (secret.prop_map(str::to_owned), hidden)]
}

/// Writes a line.
fn line(format: LineFormat, message: &str, target: &str, fields: &[(String, Value)]) -> String {
    let sanitizer = Sanitizer::new();
    let mut buffer = LineBuffer::default();
    let head = LineHead { at: Timestamp::UNIX_EPOCH, level: Level::Info, target, message };
    let mut line = buffer.begin(format, &sanitizer, head);
    for (name, value) in fields {
        match value {
            Value::Bool(flag) => line.field(name, *flag),
            Value::Signed(number) => line.field(name, *number),
            Value::Unsigned(number) => line.field(name, *number),
            Value::Float(number) => line.field(name, *number),
            Value::Text(text) => line.field(name, text.as_str()),
            Value::Json(json) => line.field(name, json),
        }
    }
    line.end().to_owned()
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn a_line_is_one_json_object_that_shows_no_secret_and_has_each_name_once(
        message in text(),
        target in text(),
        fields in prop::collection::vec(field(), 0..12),
    ) {
        let line = line(LineFormat::Json, &message, &target, &fields);
        prop_assert!(!HIDDEN.is_match(&line), "{line}");
        prop_assert!(line.len() < MAX_LINE_BYTES, "{} bytes", line.len());
        prop_assert!(!line.contains(SECRET), "{line}");

        let Members(members) = serde_json::from_str(&line).unwrap();
        let names: BTreeSet<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        prop_assert_eq!(names.len(), members.len(), "{}", line);
        let heads: Vec<&str> = members.iter().take(3).map(|(name, _)| name.as_str()).collect();
        prop_assert_eq!(heads, ["timestamp", "level", "message"]);
        prop_assert_eq!(&members[1].1, &json!("INFO"));

        // No field is missing without being counted.
        let omitted = members.iter().find(|(name, _)| name == "omitted_fields");
        let omitted = omitted.map_or(0, |(_, count)| count.as_u64().unwrap());
        let of_head = 3 + usize::from(omitted > 0) + usize::from(names.contains("target"));
        prop_assert_eq!(members.len() - of_head + usize::try_from(omitted).unwrap(), fields.len());
    }

    #[test]
    fn a_line_of_text_is_one_line_that_shows_no_secret(
        message in text(),
        target in text(),
        fields in prop::collection::vec(field(), 0..12),
    ) {
        let format = LineFormat::Text { is_timed: true, is_colored: false };
        let line = line(format, &message, &target, &fields);
        prop_assert!(!HIDDEN.is_match(&line) && !line.contains(SECRET), "{line}");
        prop_assert!(line.len() < MAX_LINE_BYTES, "{} bytes", line.len());
    }
}

/// One allocation for each field whose name has to be looked up.
#[test]
fn a_line_allocates_for_the_names_of_its_fields_alone() {
    let sanitizer = Sanitizer::new();
    let mut buffer = LineBuffer::default();
    let mut write = || {
        let (at, level) = (Timestamp::UNIX_EPOCH, Level::Info);
        let head = LineHead { at, level, target: "shop::orders", message: "the order is paid" };
        let mut line = buffer.begin(LineFormat::Json, &sanitizer, head);
        line.field("request_id", "8f5e1a2b-3c4d-4e5f-8a9b-0c1d2e3f4a5b");
        line.field("route", "/orders/{id}");
        line.field("amount", 7);
        line.field("is_new", true);
        assert!(!line.end().is_empty());
    };
    write();
    let counted = measure(write);
    assert_eq!(counted.count_total, 4);
}

/// The names of its fields, and the list of spans around it.
#[test]
fn an_event_allocates_little() {
    let layer = Logs::from_env().format(Format::Json).writer(io::sink()).layer();
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(subscriber, || {
        let span = tracing::info_span!("invocation", request_id = "r1", route = "/orders/{id}");
        let _span = span.enter();
        let event = || tracing::info!(amount = 7, customer = "c1", "the order is paid");
        event();
        assert!(logs::flush());
        event();
        assert!(logs::flush());
        assert_eq!(measure(event).count_total, 4 + 1);
    });
}
