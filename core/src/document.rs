//! Scans a JSON text once and records where each of its values begins and ends.
//!
//! Readers then look up members in any order. Only names, and strings that are asked for, are read
//! a second time. Accepts exactly the texts that `serde_json` accepts.

mod scanner;
mod value;

use alloc::vec::Vec;
use core::fmt;

pub(crate) use value::{Object, Value};

use crate::json::JsonError;

/// How many levels of nesting are indexed, the outermost included. Events need this many: the bytes
/// of Kafka's headers are the deepest (`records`, partition, record, `headers`, header, value). A
/// deeper value is part of its parent's text.
const DEPTH: usize = 8;

/// A JSON text with the positions of its values.
#[derive(Clone)]
pub(crate) struct Document<'a> {
    text: &'a str,
    /// All values in the order in which they begin; each member's name precedes its value.
    nodes: Vec<Node>,
    /// Where the lines end, for error positions. Most events are a single line.
    line_ends: Vec<u32>,
}

/// One value: the bytes `start..end`.
#[derive(Clone, Copy, Debug)]
struct Node {
    kind: Kind,
    start: u32,
    end: u32,
    /// The index of the first node after this value and everything inside it.
    next: u32,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Null,
    True,
    False,
    Number,
    /// A string without escapes.
    Plain,
    /// A string with escapes.
    Escaped,
    List,
    Object,
}

impl<'a> Document<'a> {
    /// Scans a text.
    ///
    /// # Errors
    ///
    /// [`JsonError`] when it is not exactly one JSON value, or longer than 4 GiB.
    pub(crate) fn scan(text: &'a str) -> Result<Self, JsonError> {
        #[cfg(test)]
        scans::count(text);
        scanner::scan(text, DEPTH).map_err(|at| JsonError::at(text, at))
    }

    /// Returns the outermost value.
    pub(crate) const fn root(&self) -> Value<'a, '_> {
        Value::new(self, 0)
    }

    /// Returns the value at a [place](Value::place).
    pub(crate) const fn at(&self, place: usize) -> Value<'a, '_> {
        Value::new(self, place)
    }

    /// Returns the outermost value, which must be an object; null is refused as well.
    pub(crate) fn object(&self) -> Result<Object<'a, '_>, JsonError> {
        let root = self.root();
        if root.is_null() { Err(self.error_at(0)) } else { root.object() }
    }

    /// Returns the error for an unexpected byte at `at`. Line ends are indexed, so this costs the
    /// same for the last record of a large batch as for the first.
    fn error_at(&self, at: u32) -> JsonError {
        let ends = self.line_ends.partition_point(|end| *end < at);
        let (before, _) = self.line_ends.split_at_checked(ends).unwrap_or_default();
        let start = before.last().map_or(0, |end| end.saturating_add(1));
        let column = usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX);
        JsonError { line: ends.saturating_add(1), column: column.saturating_add(1) }
    }
}

/// Prints no contents: the text belongs to somebody else.
impl fmt::Debug for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

/// Counts the bytes that a test scanned.
#[cfg(test)]
pub(crate) mod scans {
    extern crate std;

    use core::cell::Cell;

    std::thread_local!(static BYTES: Cell<usize> = const { Cell::new(0) });

    pub(super) fn count(text: &str) {
        BYTES.set(BYTES.get().saturating_add(text.len()));
    }

    /// Runs `work`; returns its result and how many bytes it scanned.
    pub(crate) fn of<T>(work: impl FnOnce() -> T) -> (T, usize) {
        let before = BYTES.get();
        let done = work();
        (done, BYTES.get().wrapping_sub(before))
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "the tests step through short texts")]
mod tests {
    use alloc::format;
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;

    use serde::de::IgnoredAny;
    use serde_json::{Map, Value as Json};

    use super::{Document, Value};

    /// Builds the JSON value of a document by reading it member by member.
    fn json_of(value: Value<'_, '_>) -> Json {
        match value.json().as_bytes().first() {
            Some(b'{') => {
                let members = value.object().unwrap().members();
                let members = members
                    .map(|(name, value)| (name.text().unwrap().into_owned(), json_of(value)));
                Json::Object(members.collect::<Map<_, _>>())
            }
            Some(b'[') => Json::Array(value.list().unwrap().map(json_of).collect()),
            Some(b'"') => Json::String(value.text().unwrap().into_owned()),
            Some(b't' | b'f') => Json::Bool(value.flag().unwrap()),
            _ => serde_json::from_str(value.json()).unwrap(),
        }
    }

    /// Yields all concatenations of at most `most` pieces.
    fn texts(pieces: &[&str], most: u32) -> impl Iterator<Item = String> {
        let count = pieces.len();
        (0..count.pow(most)).map(move |n| {
            let digits = (0..most).scan(n, |rest, _| {
                let digit = *rest % count;
                *rest /= count;
                Some(digit)
            });
            digits.map(|digit| pieces[digit]).collect()
        })
    }

    #[test]
    fn scan_accepts_exactly_the_texts_that_serde_json_accepts() {
        let structure = ["", "{", "}", "[", "]", ",", ":", "\"a\"", "null"];
        let strings =
            ["", "\"", "\\u00e9", "\\ud83d", "\\ude00", "\\", "u", "n", "00g0", "\u{e9}", "\u{1}"];
        let numbers = ["", "-", "0", "1", ".", "e", "E", "+", "true", "fals", "\n"];
        let quoted = texts(&strings, 4).map(|text| format!("\"{text}"));
        for text in texts(&structure, 5).chain(quoted).chain(texts(&numbers, 4)) {
            let taken = serde_json::from_str::<IgnoredAny>(&text).is_ok();
            let document = Document::scan(&text);
            assert_eq!(document.is_ok(), taken, "{text}");
            if let (Ok(document), true) = (document, text.starts_with('"')) {
                let read = document.root().text().ok();
                let expected = serde_json::from_str::<String>(&text).ok();
                assert_eq!(read.as_deref(), expected.as_deref(), "{text}");
            }
        }
    }

    #[test]
    fn documents_read_as_the_same_values_as_with_serde_json() {
        for text in [
            r#"{"a":[1,-2.5e3,{"b":"x\ny\u00e9"},[]],"c":{"d":{"e":true}},"\u0066":null,"g":false}"#,
            r#" [ "" , "\"" , { } , { "a" : [ [ ] ] } , 0 ] "#,
            "\"\u{1f600}\\ud83d\\ude00\"",
            "null",
        ] {
            let expected: Json = serde_json::from_str(text).unwrap();
            assert_eq!(json_of(Document::scan(text).unwrap().root()), expected, "{text}");
        }
    }

    #[test]
    fn values_below_the_depth_limit_are_kept_as_text_only() {
        let text = r#"{"1":{"2":{"3":{"4":{"5":{"6":{"7":[8]}}}}},"also":1},"then":2}"#;
        let document = Document::scan(text).unwrap();
        let names = ["1", "2", "3", "4", "5", "6"];
        let six = names.into_iter().fold(document.root(), Value::member);
        assert_eq!((six.json(), six.member("7").json()), (r#"{"7":[8]}"#, "[8]"));
        assert_eq!(six.member("7").list().unwrap().count(), 0);
        assert_eq!(document.root().member("1").member("also").integer(), 1);
        assert_eq!(document.root().member("then").integer(), 2);
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(Document::scan(&nested(100_000)).is_ok());
        assert!(Document::scan(&nested(100_000)[1..]).is_err());
    }

    #[test]
    fn errors_are_in_the_line_and_column_where_the_value_begins() {
        let text = "[1,\n\n 2 ,\r\n{\"a\":\n3}\n, \"b\\n\", \"\u{e9}\", 4\n]";
        let document = Document::scan(text).unwrap();
        let mut values: Vec<_> = document.root().list().unwrap().collect();
        values.push(values[2].member("a"));
        values.push(document.root());
        for value in values {
            let at = value.json().as_ptr().addr() - text.as_ptr().addr();
            let error = value.object().err().unwrap_or_else(|| value.error());
            let before = &text[..at];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap().len() + 1;
            assert_eq!((error.line, error.column), (line, column), "{}", value.json());
        }
    }

    #[test]
    fn names_of_one_length_are_told_apart_wherever_they_differ() {
        for len in 1..=40 {
            let name = "a".repeat(len);
            for at in 0..len {
                let other = format!("{}b{}", "a".repeat(at), "a".repeat(len - at - 1));
                let text = format!(r#"{{"{other}":1,"{name}":2}}"#);
                let document = Document::scan(&text).unwrap();
                let read = [&name, &other].map(|name| document.root().member(name).integer());
                assert_eq!(read, [2, 1], "{text}");
            }
        }
    }

    #[test]
    fn members_that_come_twice_are_errors_or_the_last_one() {
        let document = Document::scan(r#"{"a":1,"b":"x","\u0061":2}"#).unwrap();
        let object = document.object().unwrap();
        assert_eq!(object.get("a").unwrap_err().to_string(), {
            "not the expected JSON (line 1, column 16)"
        });
        assert_eq!(object.text("b").as_deref(), Ok("x"));
        assert!(object.get("c").unwrap().is_null());
        assert_eq!(document.root().member("a").integer(), 2);
        let sorted = object.sorted(Ok).unwrap();
        let sorted: Vec<_> = sorted.iter().map(|(name, value)| (&**name, value.json())).collect();
        assert_eq!(sorted, [("a", "2"), ("b", "\"x\"")]);
    }

    #[test]
    fn several_members_are_read_at_once_in_any_order() {
        let text = r#"{"c":{"a":9},"\u0062":null,"aa":5,"a":1,"c":2,"":4,"c":3}"#;
        let document = Document::scan(text).unwrap();
        let again = text.find(r#""c":2"#).unwrap() + 1;
        let names = ["a", "b", "c", "d", ""];
        let read = document.object().unwrap().get_each(names);
        let read = read.map(|member| member.map(Value::json).map_err(|error| error.column));
        assert_eq!(read, [Ok("1"), Ok("null"), Err(again), Ok(""), Ok("4")]);
        let read = document.root().members_or_twice(names);
        let read = read.map(|(member, twice)| (member.json(), twice.map(|error| error.column)));
        let expected = [("1", None), ("null", None), ("3", Some(again)), ("", None), ("4", None)];
        assert_eq!(read, expected);
        for text in ["null", "[\"a\",1]", "\"a\"", "{}"] {
            let document = Document::scan(text).unwrap();
            let [(member, twice)] = document.root().members_or_twice(["a"]);
            assert_eq!((member.json(), twice), ("", None), "{text}");
        }
    }

    #[test]
    fn values_of_another_type_are_located_errors_or_read_as_defaults() {
        let text = "{\"text\": 5,\n \"object\": [], \"list\": {}, \"flag\": \"true\"}";
        let document = Document::scan(text).unwrap();
        let object = document.object().unwrap();
        let places = [
            object.text("text").map(|_| ()),
            object.object("object").map(|_| ()),
            object.list("list").map(|_| ()),
            object.flag("flag").map(|_| ()),
        ];
        let places = places.map(|read| read.map_err(|error| (error.line, error.column)));
        assert_eq!(places, [Err((1, 10)), Err((2, 12)), Err((2, 24)), Err((2, 36))]);

        let read = |json: &str| {
            let document = Document::scan(json).unwrap();
            (document.root().trimmed().into_owned(), document.root().integer())
        };
        for (json, text, number) in [
            (r#"" a\u0020""#, "a", 0),
            (r#""\ud800""#, "", 0),
            (r#"" ""#, "", 0),
            ("3.9", "", 3),
            ("-2.9", "", -2),
            ("1e3", "", 1000),
            ("9223372036854775807", "", i64::MAX),
            ("9223372036854775808", "", 0),
            ("1e30", "", 0),
            ("1e999", "", 0),
            ("true", "", 0),
            (r#"["a"]"#, "", 0),
        ] {
            assert_eq!(read(json), (text.into(), number), "{json}");
        }
    }
}
