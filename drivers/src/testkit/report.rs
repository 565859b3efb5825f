//! What is said where an expectation does not hold.

use core::fmt;
use core::fmt::Write as _;

use apptheory_core::http::HeaderMap;
use serde_json::Value;

/// What was sent, what came, and what the application was told of.
#[derive(Clone, Debug, Default)]
pub(super) struct Report {
    pub(super) sent: String,
    pub(super) came: String,
    pub(super) failures: Vec<String>,
}

impl Report {
    /// Ends the test.
    #[track_caller]
    pub(super) fn fail(&self, differs: impl fmt::Display) -> ! {
        panic!("{}", self.of(differs))
    }

    /// Ends the test unless two values are equal.
    #[track_caller]
    pub(super) fn expect<T: PartialEq + fmt::Debug>(&self, what: &str, expected: &T, came: &T) {
        if expected != came {
            self.fail(format_args!("{what}: expected {expected:?}, came {came:?}"));
        }
    }

    /// Ends the test unless a header field has a value.
    #[track_caller]
    pub(super) fn expect_field(&self, fields: &HeaderMap, name: &str, expected: &str) {
        let came = fields.get_all(name).to_vec();
        if !came.iter().any(|value| value == expected) {
            self.fail(format_args!("{name}: expected {expected:?}, came {came:?}"));
        }
    }

    /// Ends the test unless two JSON values are equal.
    #[track_caller]
    pub(super) fn expect_json(&self, expected: &Value, came: &Value) {
        let differences = differences(expected, came);
        if !differences.is_empty() {
            self.fail(differences.join("\n           "));
        }
    }

    fn of(&self, differs: impl fmt::Display) -> String {
        let Self { sent, came, failures } = self;
        let mut text = format!("\n  sent:    {sent}\n  came:    {came}\n  differs: {differs}");
        for failure in failures {
            // Writing to a `String` cannot fail.
            let _ = write!(text, "\n  failed:  {failure}");
        }
        text
    }
}

/// Where two JSON values differ, each place by its path from the root `$`.
fn differences(expected: &Value, came: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect("$", Some(expected), Some(came), &mut found);
    found
}

fn collect(path: &str, expected: Option<&Value>, came: Option<&Value>, found: &mut Vec<String>) {
    match (expected, came) {
        (Some(Value::Object(expected)), Some(Value::Object(came))) => {
            let names =
                expected.keys().chain(came.keys().filter(|name| !expected.contains_key(*name)));
            for name in names {
                collect(&member(path, name), expected.get(name), came.get(name), found);
            }
        }
        (Some(Value::Array(expected)), Some(Value::Array(came))) => {
            for index in 0..expected.len().max(came.len()) {
                collect(&format!("{path}[{index}]"), expected.get(index), came.get(index), found);
            }
        }
        (expected, came) if expected == came => {}
        (Some(expected), Some(came)) => {
            found.push(format!("{path}: expected {expected}, came {came}"));
        }
        (Some(expected), None) => found.push(format!("{path}: expected {expected}, came nothing")),
        (None, came) => {
            found.push(format!("{path}: expected nothing, came {}", came.unwrap_or(&Value::Null)));
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
        let came = json!({"id": 2, "items": [{"name": "milk"}], "new": true, "same": [0]});
        assert_eq!(
            differences(&expected, &came),
            [
                r#"$["a-b"]: expected null, came nothing"#,
                "$.id: expected 1, came 2",
                r#"$.items[0].name: expected "tea", came "milk""#,
                "$.items[1]: expected 2, came nothing",
                "$.new: expected nothing, came true",
            ]
        );
        assert_eq!(differences(&json!([]), &json!({})), ["$: expected [], came {}"]);
        assert!(differences(&expected, &expected).is_empty());
    }
}
