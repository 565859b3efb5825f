//! Sanitizer policies as text: JSON or YAML.

use apptheory_core::sanitize::{Error, Policy};
use serde_json::Value as Json;
use serde_saphyr::{Options, budget, options};

use crate::env::process_env;

/// Parses a policy from JSON or YAML; an empty text and `null` give `None`. Unknown members are
/// refused, and so are members without a value, except `allowed_fields`, which then allows nothing.
///
/// Needs the feature `yaml`.
///
/// YAML may be nested 16 levels deep and have 10,000 nodes, and as many through aliases: a short
/// text whose aliases expand to a long one is refused.
///
/// ```
/// use apptheory::prelude::json;
/// use apptheory::sanitize::{Sanitizer, policy_from_text};
///
/// let policy = policy_from_text("
/// fully_redact_fields: [merchant_ref]
/// rules:
///   - {parent_key: debug, key: token, action: allow}
/// ")?;
/// let sanitizer = Sanitizer::new().with_policy(policy);
/// let shown = sanitizer.field("order", json!({"merchantRef": "m", "debug": {"token": "t"}}));
/// assert_eq!(shown, json!({"merchantRef": "[REDACTED]", "debug": {"token": "t"}}));
/// # Ok::<(), apptheory::sanitize::Error>(())
/// ```
///
/// # Errors
///
/// [`Error`] if the text is not a policy in either format. For each format it says what was
/// expected where, and never quotes the text.
pub fn policy_from_text(text: &str) -> Result<Option<Policy>, Error> {
    match Policy::from_json(text) {
        Err(Error::InvalidText(json)) => from_yaml(text).map_err(|error| {
            let Error::InvalidText(yaml) = &error else { return error };
            Error::InvalidText(format!("{json}, yaml: {yaml}"))
        }),
        read => read,
    }
}

/// Parses the policy in a variable of the process's environment, as [`policy_from_text`] does.
/// Returns `None` if the variable is not set, or not UTF-8.
///
/// Needs the feature `yaml`.
///
/// ```
/// use apptheory::sanitize::{Sanitizer, policy_from_env};
///
/// let sanitizer = Sanitizer::new().with_policy(policy_from_env("SANITIZATION_POLICY")?);
/// # Ok::<(), apptheory::sanitize::Error>(())
/// ```
///
/// # Errors
///
/// [`Error`] if the name is blank, or the value is not a policy.
pub fn policy_from_env(name: &str) -> Result<Option<Policy>, Error> {
    Policy::from_env(name, process_env, policy_from_text)
}

fn from_yaml(text: &str) -> Result<Option<Policy>, Error> {
    let value: Json = serde_saphyr::from_str_with_options(text, bounds()).map_err(|error| {
        let at = error.location();
        let place = at.map(|at| format!(" at line {}, column {}", at.line(), at.column()));
        Error::InvalidText(format!("not YAML, or too large{}", place.unwrap_or_default()))
    })?;
    Policy::from_value(value)
}

/// A policy has four levels, and each of its members a few nodes.
fn bounds() -> Options {
    let mut bounds = options! {
        budget: budget! {
            max_depth: DEEPEST,
            max_nodes: MOST_NODES,
            max_events: MOST_NODES,
        },
    };
    bounds.alias_limits.max_total_replayed_events = MOST_NODES;
    bounds
}

const DEEPEST: usize = 16;
const MOST_NODES: usize = 10_000;

#[cfg(test)]
mod tests {
    use apptheory_core::sanitize::Sanitizer;
    use serde_json::json;

    use super::*;

    fn refused(text: &str) -> String {
        policy_from_text(text).unwrap_err().to_string()
    }

    #[test]
    fn a_policy_is_the_same_in_both_formats() {
        let json = r#"{"allowed_fields": ["max_tokens"], "partial_mask_fields": ["vat_id"],
            "rules": [{"parent_key": "a", "key": "b", "action": "redact"}]}"#;
        let yaml = "\
# comments are allowed
allowed_fields:
  - max_tokens
partial_mask_fields: [ vat_id ]
rules:
- parent_key: a
  key: b
  action: redact
";
        let policy = policy_from_text(yaml).unwrap().unwrap();
        assert_eq!(Some(&policy), policy_from_text(json).unwrap().as_ref());
        let sanitizer = Sanitizer::new().with_policy(policy);
        assert_eq!(sanitizer.field("max_tokens", 9), json!("9"));
        assert_eq!(sanitizer.field("a", json!({"b": 1})), json!({"b": "[REDACTED]"}));
        let shared = "rules: [&r {key: x, action: mask}, *r]";
        let written = r#"{"rules": [{"key": "x", "action": "mask"}]}"#;
        assert_eq!(policy_from_text(shared), policy_from_text(written));
    }

    #[test]
    fn an_empty_policy_text_gives_no_policy() {
        for text in ["", " \n", "null", " NULL ", "~", "---\n", "# nothing\n"] {
            assert_eq!(policy_from_text(text), Ok(None), "{text:?}");
        }
    }

    #[test]
    fn errors_of_a_policy_text_quote_no_input() {
        let members =
            "one of `allowed_fields`, `fully_redact_fields`, `partial_mask_fields`, `rules`";
        for (text, yaml) in [
            ("hunter2", "expected an object with the members of a policy".to_owned()),
            ("hunter2: 1", format!("expected {members}")),
            ("rules: hunter2", "rules: expected a sequence".to_owned()),
        ] {
            let json = "no JSON at line 1, column 1";
            let expected =
                format!("sanitization: invalid policy text (json: {json}, yaml: {yaml})");
            assert_eq!(refused(text), expected);
        }
        for text in ["rules:\n- key: [hunter2", "rules: []\nrules: [hunter2]"] {
            let refused = refused(text);
            let place = "yaml: not YAML, or too large at line 2, column ";
            assert!(refused.contains(place) && !refused.contains("hunter2"), "{refused}");
        }
        let missing = "sanitization: invalid policy: missing key";
        assert_eq!(refused("allowed_fields: ['-']"), missing);
        assert_eq!(refused(r#"{"allowed_fields": [""]}"#), missing);
    }

    #[test]
    fn a_text_that_stands_for_a_very_long_one_is_refused() {
        let levels: String = (1..10)
            .map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", ")))
            .collect();
        let bomb = format!("a0: &a0 [x, x]\n{levels}");
        assert!(bomb.len() < 800);
        assert!(refused(&bomb).contains("not YAML, or too large"));
        let deep = format!("rules: {}{}", "[".repeat(20), "]".repeat(20));
        assert!(refused(&deep).contains("not YAML, or too large"));
        let deeper = "[".repeat(100_000);
        assert!(refused(&deeper).contains("not YAML, or too large"));
        let wide = format!("allowed_fields: [{}]", "x,".repeat(10_000));
        assert!(refused(&wide).contains("not YAML, or too large"));
        let large = format!("allowed_fields: [{}]", "x,".repeat(4_000));
        assert!(policy_from_text(&large).is_ok());
    }

    #[test]
    fn a_variable_is_looked_up_by_its_name() {
        let error = policy_from_env(" ").unwrap_err();
        assert_eq!(error.to_string(), "sanitization: policy env var name is required");
        assert_eq!(policy_from_env("APPTHEORY_TEST_OF_NO_POLICY"), Ok(None));
        let error = Policy::from_env("P", |_| Some("hunter2: 1".to_owned()), policy_from_text);
        let text = error.unwrap_err().to_string();
        assert!(text.starts_with("sanitization: P: sanitization: invalid policy text ("), "{text}");
    }
}
