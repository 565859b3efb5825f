//! Reports of failed expectations.

use core::fmt;
use core::fmt::Write as _;

use apptheory_core::http::HeaderMap;
use serde_json::Value;

/// What was sent, what was returned, and the failures that the application reported.
#[derive(Clone, Debug, Default)]
pub(super) struct Report {
    pub(super) sent: String,
    pub(super) got: String,
    pub(super) failures: Vec<String>,
}

impl Report {
    /// Panics with a report.
    #[track_caller]
    pub(super) fn fail(&self, differs: impl fmt::Display) -> ! {
        panic!("{}", self.of(differs))
    }

    /// Panics unless two values are equal.
    #[track_caller]
    pub(super) fn expect<T: PartialEq + fmt::Debug>(&self, what: &str, expected: &T, got: &T) {
        if expected != got {
            self.fail(format_args!("{what}: expected {expected:?}, got {got:?}"));
        }
    }

    /// Panics unless a header has a value.
    #[track_caller]
    pub(super) fn expect_field(&self, fields: &HeaderMap, name: &str, expected: &str) {
        let got = fields.get_all(name).to_vec();
        if !got.iter().any(|value| value == expected) {
            self.fail(format_args!("{name}: expected {expected:?}, got {got:?}"));
        }
    }

    /// Panics unless two JSON values are equal.
    #[track_caller]
    pub(super) fn expect_json(&self, expected: &Value, got: &Value) {
        let differences = differences(expected, got);
        if !differences.is_empty() {
            self.fail(differences.join("\n           "));
        }
    }

    fn of(&self, differs: impl fmt::Display) -> String {
        let Self { sent, got, failures } = self;
        let mut text = format!("\n  sent:    {sent}\n  got:     {got}\n  differs: {differs}");
        for failure in failures {
            // Writing to a `String` cannot fail.
            let _ = write!(text, "\n  failed:  {failure}");
        }
        text
    }
}

/// Lists the differences of two JSON values, each with its path from the root `$`.
fn differences(expected: &Value, got: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect("$", Some(expected), Some(got), &mut found);
    found
}

fn collect(path: &str, expected: Option<&Value>, got: Option<&Value>, found: &mut Vec<String>) {
    match (expected, got) {
        (Some(Value::Object(expected)), Some(Value::Object(got))) => {
            let names =
                expected.keys().chain(got.keys().filter(|name| !expected.contains_key(*name)));
            for name in names {
                collect(&member(path, name), expected.get(name), got.get(name), found);
            }
        }
        (Some(Value::Array(expected)), Some(Value::Array(got))) => {
            for index in 0..expected.len().max(got.len()) {
                collect(&format!("{path}[{index}]"), expected.get(index), got.get(index), found);
            }
        }
        (expected, got) if expected == got => {}
        (Some(expected), Some(got)) => {
            found.push(format!("{path}: expected {expected}, got {got}"));
        }
        (Some(expected), None) => found.push(format!("{path}: expected {expected}, got nothing")),
        (None, got) => {
            found.push(format!("{path}: expected nothing, got {}", got.unwrap_or(&Value::Null)));
        }
    }
}

fn member(path: &str, name: &str) -> String {
    let is_plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if is_plain { format!("{path}.{name}") } else { format!("{path}[{name:?}]") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::differences;

    #[test]
    fn differences_are_named_by_their_paths() {
        let expected = json!({"id": 1, "items": [{"name": "tea"}, 2], "a-b": null, "same": [0]});
        let got = json!({"id": 2, "items": [{"name": "milk"}], "new": true, "same": [0]});
        assert_eq!(
            differences(&expected, &got),
            [
                r#"$["a-b"]: expected null, got nothing"#,
                "$.id: expected 1, got 2",
                r#"$.items[0].name: expected "tea", got "milk""#,
                "$.items[1]: expected 2, got nothing",
                "$.new: expected nothing, got true",
            ]
        );
        assert_eq!(differences(&json!([]), &json!({})), ["$: expected [], got {}"]);
        assert!(differences(&expected, &expected).is_empty());
    }
}
