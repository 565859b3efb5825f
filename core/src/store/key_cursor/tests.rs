use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use base64::Engine as _;
use serde_json::json;

use super::{CursorError, KeyCursor, PADDED};
use crate::store::{Item, Value};

fn decode_json(json: &str) -> Result<Option<KeyCursor>, CursorError> {
    KeyCursor::decode(&PADDED.encode(json))
}

fn with_pk(value: &str) -> Result<Option<KeyCursor>, CursorError> {
    decode_json(&format!(r#"{{"lastKey":{{"pk":{value}}}}}"#))
}

fn x() -> KeyCursor {
    KeyCursor { last_key: Item::new().with("pk", Value::from("x")), index: None, sort: None }
}

/// Key, index, order, and the cursor that every implementation of the contract writes for them.
#[test]
fn known_cursors_are_written_and_read() {
    let corpus = [
        (
            json!({"PK":{"S":"USER#1"},"SK":{"S":"PROFILE"}}),
            "gsi-email",
            "ASC",
            "eyJsYXN0S2V5Ijp7IlBLIjp7IlMiOiJVU0VSIzEifSwiU0siOnsiUyI6IlBST0ZJTEUifX0sImluZGV4IjoiZ3NpLWVtYWlsIiwic29ydCI6IkFTQyJ9",
        ),
        (
            json!({"PK":{"S":"BIN#1"},"blob":{"B":"AQID"}}),
            "gsi-blob",
            "",
            "eyJsYXN0S2V5Ijp7IlBLIjp7IlMiOiJCSU4jMSJ9LCJibG9iIjp7IkIiOiJBUUlEIn19LCJpbmRleCI6ImdzaS1ibG9iIn0=",
        ),
        (
            json!({"PK":{"S":"USER#score"},"score":{"N":"9007199254740993"}}),
            "gsi-score",
            "DESC",
            "eyJsYXN0S2V5Ijp7IlBLIjp7IlMiOiJVU0VSI3Njb3JlIn0sInNjb3JlIjp7Ik4iOiI5MDA3MTk5MjU0NzQwOTkzIn19LCJpbmRleCI6ImdzaS1zY29yZSIsInNvcnQiOiJERVNDIn0=",
        ),
        (
            json!({"pk":{"S":"tenant_1#partner.created"},"published_at":{"S":"2026-01-01T12:00:00Z"},"sk":{"S":"1767268800000000000#evt_1"},"tenant_id":{"S":"tenant_1"}}),
            "tenant-timestamp-index",
            "DESC",
            "eyJsYXN0S2V5Ijp7InBrIjp7IlMiOiJ0ZW5hbnRfMSNwYXJ0bmVyLmNyZWF0ZWQifSwicHVibGlzaGVkX2F0Ijp7IlMiOiIyMDI2LTAxLTAxVDEyOjAwOjAwWiJ9LCJzayI6eyJTIjoiMTc2NzI2ODgwMDAwMDAwMDAwMCNldnRfMSJ9LCJ0ZW5hbnRfaWQiOnsiUyI6InRlbmFudF8xIn19LCJpbmRleCI6InRlbmFudC10aW1lc3RhbXAtaW5kZXgiLCJzb3J0IjoiREVTQyJ9",
        ),
        (
            json!({"PartitionKey":{"S":"t1#e"},"SortKey":{"S":"1767323045120000000#evt_1"}}),
            "",
            "DESC",
            "eyJsYXN0S2V5Ijp7IlBhcnRpdGlvbktleSI6eyJTIjoidDEjZSJ9LCJTb3J0S2V5Ijp7IlMiOiIxNzY3MzIzMDQ1MTIwMDAwMDAwI2V2dF8xIn19LCJzb3J0IjoiREVTQyJ9",
        ),
        (
            json!({"pk":{"S":"x\u{2028}y\u{2029}z"}}),
            "",
            "",
            "eyJsYXN0S2V5Ijp7InBrIjp7IlMiOiJ4XHUyMDI4eVx1MjAyOXoifX19",
        ),
        (
            json!({"pk":{"S":"q\"b\\s/"}}),
            "",
            "",
            "eyJsYXN0S2V5Ijp7InBrIjp7IlMiOiJxXCJiXFxzLyJ9fX0=",
        ),
        (json!({"pk":{"S":"\u{8}\u{c}"}}), "", "", "eyJsYXN0S2V5Ijp7InBrIjp7IlMiOiJcYlxmIn19fQ=="),
        (
            json!({"pk":{"S":"\u{0}\u{1}\u{1f}\u{7f}"}}),
            "",
            "",
            "eyJsYXN0S2V5Ijp7InBrIjp7IlMiOiJcdTAwMDBcdTAwMDFcdTAwMWZ_In19fQ==",
        ),
        (json!({"pk":{"S":"é漢😀"}}), "", "", "eyJsYXN0S2V5Ijp7InBrIjp7IlMiOiLDqea8ovCfmIAifX19"),
        (
            json!({"a<b":{"S":"1"}}),
            "i&x",
            "ASC",
            "eyJsYXN0S2V5Ijp7ImFcdTAwM2NiIjp7IlMiOiIxIn19LCJpbmRleCI6ImlcdTAwMjZ4Iiwic29ydCI6IkFTQyJ9",
        ),
        (
            json!({"10":{"S":"4"},"9":{"S":"5"},"B":{"S":"3"},"_":{"S":"6"},"a":{"S":"2"},"b":{"S":"1"},"é":{"S":"7"}}),
            "",
            "",
            "eyJsYXN0S2V5Ijp7IjEwIjp7IlMiOiI0In0sIjkiOnsiUyI6IjUifSwiQiI6eyJTIjoiMyJ9LCJfIjp7IlMiOiI2In0sImEiOnsiUyI6IjIifSwiYiI6eyJTIjoiMSJ9LCLDqSI6eyJTIjoiNyJ9fX0=",
        ),
        (
            json!({"\u{ff5e}":{"S":"1"},"😀":{"S":"2"}}),
            "",
            "",
            "eyJsYXN0S2V5Ijp7Iu-9niI6eyJTIjoiMSJ9LCLwn5iAIjp7IlMiOiIyIn19fQ==",
        ),
        (
            json!({"b":{"B":""},"f":{"BOOL":false},"n":{"N":"-1.5E+3"},"s":{"S":""},"t":{"BOOL":true},"z":{"NULL":true}}),
            "",
            "",
            "eyJsYXN0S2V5Ijp7ImIiOnsiQiI6IiJ9LCJmIjp7IkJPT0wiOmZhbHNlfSwibiI6eyJOIjoiLTEuNUUrMyJ9LCJzIjp7IlMiOiIifSwidCI6eyJCT09MIjp0cnVlfSwieiI6eyJOVUxMIjp0cnVlfX19",
        ),
        (
            json!({"bs":{"BS":["/+8=","AA=="]},"ns":{"NS":["2","1"]},"ss":{"SS":["b","a","b"]}}),
            "",
            "",
            "eyJsYXN0S2V5Ijp7ImJzIjp7IkJTIjpbIi8rOD0iLCJBQT09Il19LCJucyI6eyJOUyI6WyIyIiwiMSJdfSwic3MiOnsiU1MiOlsiYiIsImEiLCJiIl19fX0=",
        ),
        (
            json!({"l":{"L":[{"S":"x"},{"N":"9"},{"L":[]},{"M":{}}]}}),
            "",
            "",
            "eyJsYXN0S2V5Ijp7ImwiOnsiTCI6W3siUyI6IngifSx7Ik4iOiI5In0seyJMIjpbXX0seyJNIjp7fX1dfX19",
        ),
        (
            json!({"m":{"M":{"a":{"M":{"b":{"BOOL":true},"y":{"NULL":true}}},"z":{"S":"1"}}}}),
            "",
            "",
            "eyJsYXN0S2V5Ijp7Im0iOnsiTSI6eyJhIjp7Ik0iOnsiYiI6eyJCT09MIjp0cnVlfSwieSI6eyJOVUxMIjp0cnVlfX19LCJ6Ijp7IlMiOiIxIn19fX19",
        ),
        (
            json!({"pk":{"S":"???>>>~~~"}}),
            "",
            "",
            "eyJsYXN0S2V5Ijp7InBrIjp7IlMiOiI_Pz9cdTAwM2VcdTAwM2VcdTAwM2V-fn4ifX19",
        ),
        (
            json!({"pk":{"S":"x"}}),
            "",
            "desc",
            "eyJsYXN0S2V5Ijp7InBrIjp7IlMiOiJ4In19LCJzb3J0IjoiZGVzYyJ9",
        ),
        (json!({"n":{"N":"007.10"}}), "", "", "eyJsYXN0S2V5Ijp7Im4iOnsiTiI6IjAwNy4xMCJ9fX0="),
    ];
    for (last_key, index, sort, text) in corpus {
        let non_empty = |text: &str| Some(String::from(text)).filter(|text| !text.is_empty());
        let cursor = KeyCursor {
            last_key: Item::from_json(&last_key).unwrap(),
            index: non_empty(index),
            sort: non_empty(sort),
        };
        assert_eq!(cursor.encode(), text);
        assert_eq!(KeyCursor::decode(text), Ok(Some(cursor)));
    }
    assert_eq!(KeyCursor::default().encode(), "");
    assert_eq!(KeyCursor::decode(""), Ok(None));
}

#[test]
fn what_is_written_is_read_at_once() {
    for (index, sort) in [(None, None), (Some("i"), None), (None, Some("ASC"))] {
        let (index, sort) = (index.map(String::from), sort.map(String::from));
        let last_key = x().last_key.with("sk", Value::from("é"));
        let cursor = KeyCursor { last_key, index, sort };
        let json = String::from_utf8(PADDED.decode(cursor.encode()).unwrap()).unwrap();
        assert_eq!(KeyCursor::read_usual(&json), Some(cursor));
    }
}

/// Both paths give the same result for every text that the fast one reads.
#[test]
fn both_ways_of_reading_agree() {
    let agree = |json: &str| {
        let read = KeyCursor::read_usual(json);
        let is_read = read.is_some();
        if let Some(cursor) = read {
            assert_eq!(KeyCursor::read_values(json), Ok(cursor), "{json}");
        }
        usize::from(is_read)
    };
    let usual = r#"{"lastKey":{"pk":{"S":"x"},"sk":{"S":""}},"index":"i","sort":"DESC"}"#;
    assert_eq!(agree(usual), 1);
    for at in 0..usual.len() {
        let (before, after) = (&usual[..at], &usual[at + 1..]);
        for c in "\"\\{}:,x\n\u{7f}\u{e9}".chars() {
            agree(&format!("{before}{c}{after}"));
            agree(&format!("{before}{c}{}", &usual[at..]));
        }
        agree(&format!("{before}{after}"));
        agree(before);
    }
    let values = [
        r#"{"S":"x"}"#,
        r#"{"S":"\u00e9\n"}"#,
        r#"{"S":"\ud800"}"#,
        r#"{"S":1}"#,
        r#"{"S":null}"#,
        r#"{"S":"x","S":"y"}"#,
        r#"{"S":"x","N":"1"}"#,
        r#"{"s":"x"}"#,
        r#"{"N":"1"}"#,
        r#"["x"]"#,
        r#""S""#,
        "{}",
        "null",
    ];
    let keys = |value| {
        [
            format!(r#"{{"pk":{value}}}"#),
            format!(r#"{{"pk":{value},"pk":{{"S":"z"}}}}"#),
            format!(r#"{{"pk":{{"S":"z"}},"":{value}}}"#),
            format!(r#"[{value}]"#),
            String::from("{}"),
        ]
    };
    let mut read = 0;
    for key in values.into_iter().flat_map(keys) {
        for json in [
            format!(r#"{{"lastKey":{key}}}"#),
            format!(r#"{{"lastKey":{key},"index":null,"sort":""}}"#),
            format!(r#" {{"v":[1e999],"sort":"a","lastKey":{key},"index":"i"}} "#),
            format!(r#"{{"lastKey":{key},"lastKey":{key}}}"#),
            format!(r#"{{"lastKey":{key},"sort":1}}"#),
            format!(r#"{{"lastKey":{key},"\ud800":1}}"#),
            format!(r#"{{"lastKey":{key},"v":"\ud800"}}"#),
            format!(r#"{{"lastKey":{key}}}x"#),
            format!(r#"[{key},"i","DESC"]"#),
        ] {
            read += agree(&json);
        }
    }
    assert!(read > 0);
}

#[test]
fn attributes_come_in_any_order_and_the_last_of_a_name_counts() {
    let names = (0..20_000).rev().map(|n| format!("a{n:05}"));
    let attributes: Vec<String> = names
        .flat_map(|name| ["x", "y"].map(|text| format!(r#""{name}":{{"S":"{text}"}}"#)))
        .collect();
    let json = format!(r#"{{"lastKey":{{{}}}}}"#, attributes.join(","));
    let cursor = KeyCursor::read_usual(&json).unwrap();
    let names: Vec<String> = cursor.last_key.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(names.len(), 20_000);
    assert!(names.is_sorted());
    assert!(cursor.last_key.iter().all(|(_, value)| value.as_text() == Some("y")));
    assert_eq!(KeyCursor::read_values(&json), Ok(cursor));
}

#[test]
fn harmless_variations_are_read() {
    for json in [
        r#"{"lastKey":{"pk":{"S":"x"}},"v":1e999,"INDEX":"i"}"#,
        r#"{"lastKey":{"pk":{"S":"x"}},"index":null,"sort":""}"#,
        " \n{ \"lastKey\" : {\"pk\":{\"S\":\"x\"}} }\t",
    ] {
        assert_eq!(decode_json(json), Ok(Some(x())), "{json}");
    }
    let text = x().encode();
    assert_eq!(KeyCursor::decode(&format!("{}\r\n{}\n", &text[..9], &text[9..])), Ok(Some(x())));
    let stray_bits = "eyJsYXN0S2V5Ijp7InBrIjp7IlMiOiJhYiJ9fX1=";
    assert_eq!(KeyCursor::decode(stray_bits), with_pk(r#"{"S":"ab"}"#));
    for (written, same) in [
        (r#"{"NULL":"x"}"#, r#"{"NULL":true}"#),
        (r#"{"B":"AB=="}"#, r#"{"B":"AA=="}"#),
        ("{\"B\":\"AQ\\r\\nID\"}", r#"{"B":"AQID"}"#),
        (r#"{"BS":["/+9="]}"#, r#"{"BS":["/+8="]}"#),
    ] {
        assert!(with_pk(written).is_ok());
        assert_eq!(with_pk(written), with_pk(same), "{written}");
    }
    let lossy = [&b"{\"lastKey\":{\"pk\":{\"S\":\"\xff\xe2\x82"[..], b"\"}}}"].concat();
    assert_eq!(
        KeyCursor::decode(&PADDED.encode(lossy)),
        with_pk("{\"S\":\"\u{fffd}\u{fffd}\u{fffd}\"}")
    );
}

#[test]
fn what_no_encoder_writes_is_refused() {
    for text in [
        "   ",
        " eyJ9",
        "!!",
        "====",
        "bm90IGpzb24=",
        "bnVsbA==",
        "e30=",
        "W10=",
        "Ingi",
        "eyJsYXN0S2V5Ijp7InBrIjp7IlMiOiJhYiJ9fX0",
        "eyJsYXN0S2V5Ijp7InBrIjp7IlMiOiJhYmMifX19=",
        "eyJsYXN0S2V5Ijp7InBrIjp7IlMiOiI/Pz8+Pj5+fn4ifX19",
    ] {
        assert!(KeyCursor::decode(text).is_err(), "{text}");
    }
    for json in [
        r#"{"lastKey":null}"#,
        r#"{"lastKey":{}}"#,
        r#"{"lastKey":[]}"#,
        r#"{"LASTKEY":{"pk":{"S":"x"}}}"#,
        r#"[{"pk":{"S":"x"}},"i","DESC"]"#,
        r#"{"lastKey":{"pk":{"S":"x"}},"index":1}"#,
        r#"{"lastKey":{"pk":{"S":"x"}},"\ud800":1}"#,
        r#"{"lastKey":{"pk":{"S":"x"}}}x"#,
        r#"{"lastKey":{"pk":"#,
        "\u{feff}{\"lastKey\":{\"pk\":{\"S\":\"x\"}}}",
        "{\"lastKey\":{\"pk\":{\"S\":\"\n\"}}}",
    ] {
        assert!(decode_json(json).is_err(), "{json}");
    }
    for value in [
        r#""x""#,
        "null",
        "5",
        "[]",
        "{}",
        r#"{"S":"x","N":"1"}"#,
        r#"{"Z":"nope"}"#,
        r#"{"s":"x"}"#,
        r#"{"S":1}"#,
        r#"{"N":1}"#,
        r#"{"B":1}"#,
        r#"{"BOOL":"true"}"#,
        r#"{"B":"not-base64!"}"#,
        r#"{"B":"-_-_"}"#,
        r#"{"B":"AA"}"#,
        r#"{"L":"x"}"#,
        r#"{"M":"x"}"#,
        r#"{"SS":["a",1]}"#,
        r#"{"SS":null}"#,
        r#"{"NS":"1"}"#,
        r#"{"BS":["!"]}"#,
        r#"{"L":[{"S":1}]}"#,
        r#"{"M":{"a":{"Z":1}}}"#,
    ] {
        assert!(with_pk(value).is_err(), "{value}");
    }
    let deep = format!("{}{}", r#"{"L":["#.repeat(10_000), "]}".repeat(10_000));
    assert_eq!(with_pk(&deep), Err(CursorError::NotAnObject));
}
