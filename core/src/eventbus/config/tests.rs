use core::time::Duration;

use alloc::format;
use alloc::string::ToString;

use super::{BusConfig, Setting};

#[test]
fn the_table_name_is_the_first_one_set() {
    const A: &str = "APPTHEORY_EVENTBUS_TABLE_NAME";
    const B: &str = "EVENTBUS_TABLE_NAME";
    const C: &str = "AUTHEORY_EVENTBUS_TABLE_NAME";
    const D: &str = "AUTHEORY_TABLE_NAME";
    type Variables = [(&'static str, &'static str)];
    let cases: [(Option<&str>, &Variables, &str); 8] = [
        (None, &[], "apptheory-events"),
        (None, &[(D, " base ")], "base-events"),
        (None, &[(D, "base"), (C, "c")], "c"),
        (None, &[(C, "c"), (B, "b")], "b"),
        (None, &[(C, "c"), (B, "b"), (A, "a"), (D, "d")], "a"),
        (None, &[(A, " "), (B, "b")], "b"),
        (Some("mine"), &[(A, "a")], "mine"),
        (Some(" "), &[(A, "a")], "a"),
    ];
    for (explicit, env, expected) in cases {
        let env = |name: &str| {
            env.iter().find(|(variable, _)| *variable == name).map(|(_, v)| (*v).into())
        };
        let mut builder = BusConfig::builder().env(env);
        if let Some(name) = explicit {
            builder = builder.table_name(name);
        }
        assert_eq!(builder.build().unwrap().table_name().as_ref(), expected);
    }
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let builder = BusConfig::builder;
    for (refused, setting) in [
        (builder().ttl(Some(Duration::ZERO)), Setting::TtlTooShort),
        (builder().read_budget(0), Setting::NoReadBudget),
        (builder().cursor_secret("s").cursor_secret(""), Setting::EmptyCursorSecret),
    ] {
        assert_eq!(refused.build().unwrap_err(), setting.into());
    }
}

#[test]
fn data_is_read_like_the_builder_and_refused_like_it() {
    let read = |json: &str| serde_json::from_str::<BusConfig>(json);
    let plain = read("{}").unwrap();
    assert_eq!(format!("{plain:?}"), format!("{:?}", BusConfig::builder().build().unwrap()));
    let set = read(
        r#"{"table_name": " t ", "attribute_style": "table_theory", "payload_encoding": "byte_list",
        "timestamp_format": "trimmed", "ttl": null, "retry_attempts": 1,
        "retry_base_delay": "1.5s", "read_budget": 2, "allow_separator_in_keys": true,
        "enable_metrics": false, "metrics_namespace": "n", "cursor_secret": "s"}"#,
    );
    let built = BusConfig::builder()
        .table_name("t")
        .attribute_style(crate::store::AttributeStyle::TableTheory)
        .payload_encoding(crate::eventbus::PayloadEncoding::ByteList)
        .timestamp_format(crate::eventbus::TimestampFormat::Trimmed)
        .ttl(None)
        .retry_attempts(1)
        .retry_base_delay(Duration::from_millis(1_500))
        .read_budget(2)
        .allow_separator_in_keys(true)
        .enable_metrics(false)
        .metrics_namespace("n")
        .cursor_secret("s");
    assert_eq!(format!("{:?}", set.unwrap()), format!("{:?}", built.build().unwrap()));
    for (json, text) in [
        (r#"{"ttl": "1ms"}"#, "ttl must be at least one second"),
        (r#"{"cursor_secret": ["a", ""]}"#, "cursor_secret must not be empty"),
        (r#"{"cursor_secret": []}"#, "cursor_secret must not be empty"),
        (r#"{"retry_base_delay": "-1ms"}"#, "-1ms is negative"),
        (r#"{"read_budge": 1}"#, "unknown field `read_budge`"),
    ] {
        assert!(read(json).unwrap_err().to_string().contains(text), "{json}");
    }
}
