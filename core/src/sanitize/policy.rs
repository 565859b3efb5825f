//! The application's own sanitization rules.

mod any_case;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::Value as Json;

use self::any_case::AnyCase;
use super::Key;
use super::key::Action;
use crate::json::{self, JsonError, Misread};

/// The application's own rules: which members are shown, redacted or masked. They take precedence
/// over the built-in rules, except that an `authorization_id` is never shown.
///
/// Names match in any case, and with or without `_`, `-` or blanks between words. A rule with a
/// `parent_key` only applies directly inside that member, and takes precedence over rules without
/// one. Of two rules for the same name the later one applies, in the order `allowed_fields`,
/// `fully_redact_fields`, `partial_mask_fields`, `rules`.
///
/// ```
/// use apptheory_core::sanitize::{Policy, Sanitizer};
/// use serde_json::json;
///
/// let policy: Policy = serde_json::from_value(json!({
///     "fully_redact_fields": ["merchant_ref"],
///     "rules": [{"parent_key": "debug", "key": "token", "action": "allow"}],
/// }))?;
/// let sanitizer = Sanitizer::new().with_policy(policy);
/// let shown = sanitizer.field("order", json!({"merchantRef": "m", "debug": {"token": "t"}}));
/// assert_eq!(shown, json!({"merchantRef": "[REDACTED]", "debug": {"token": "t"}}));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(try_from = "AnyCase<Written>")]
pub struct Policy {
    /// By name, then by the name of the enclosing member; `""` is any member.
    rules: BTreeMap<String, Vec<(String, Action)>>,
}

/// A policy is invalid.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name in a rule or list is empty, or consists of separators.
    #[error("sanitization: invalid policy: missing key")]
    MissingKey,
    /// A rule's action is not one of `allow`, `redact`, `fully`, `fully_redact`, `mask`, `partial`
    /// and `partial_mask`.
    #[error("sanitization: invalid policy: invalid action {action:?}")]
    InvalidAction {
        /// The action.
        action: String,
    },
    /// The text is not a policy in any of the supported formats.
    #[error("sanitization: invalid policy text ({0})")]
    InvalidText(String),
    /// The name of the environment variable is blank.
    #[error("sanitization: policy env var name is required")]
    MissingVariable,
    /// The value of an environment variable is not a policy.
    #[error("sanitization: {name}: {error}")]
    InvalidVariable {
        /// The variable's name.
        name: String,
        /// The error of its value.
        error: alloc::boxed::Box<Self>,
    },
}

impl Policy {
    /// Reads a policy from JSON. An empty text and `null` give `None`. Names of members may be in
    /// any case. `null` for `allowed_fields` allows nothing. Unknown members are errors, and so is
    /// `null` for any other member.
    ///
    /// # Errors
    ///
    /// [`Error`] if the text is not a policy. It contains the place and what was expected there,
    /// but nothing from the text.
    ///
    /// ```
    /// use apptheory_core::sanitize::Policy;
    ///
    /// let error = Policy::from_json(r#"{"rules": [{"key": "token", "action": 7}]}"#).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "sanitization: invalid policy text (json: rules[0].action: expected a string)",
    /// );
    /// ```
    pub fn from_json(text: &str) -> Result<Option<Self>, Error> {
        let text = text.trim();
        if text.is_empty() || text.eq_ignore_ascii_case("null") {
            return Ok(None);
        }
        let written: AnyCase<Written> = json::read(text.as_bytes())
            .map_err(|misread| Error::InvalidText(format!("json: {}", reason(misread))))?;
        written.try_into().map(Some)
    }

    /// Reads a policy from a value, for example of a reader of another format; `null` gives `None`.
    ///
    /// # Errors
    ///
    /// [`Error`] if the value is not a policy, as for [`from_json`](Self::from_json).
    pub fn from_value(value: Json) -> Result<Option<Self>, Error> {
        if value.is_null() {
            return Ok(None);
        }
        let written: AnyCase<Written> =
            json::read_value(value).map_err(|misread| Error::InvalidText(reason(misread)))?;
        written.try_into().map(Some)
    }

    /// Reads the policy in an environment variable with `read`, for example
    /// [`from_json`](Self::from_json). Returns `None` if the variable is not set.
    ///
    /// ```
    /// use apptheory_core::sanitize::Policy;
    ///
    /// let look_up = |name: &str| {
    ///     (name == "SANITIZATION_POLICY").then(|| r#"{"allowed_fields": ["token"]}"#.to_owned())
    /// };
    /// let policy = Policy::from_env("SANITIZATION_POLICY", look_up, Policy::from_json)?;
    /// assert!(policy.is_some());
    /// # Ok::<(), apptheory_core::sanitize::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`] if the name is blank, or the variable's value is not a policy.
    pub fn from_env(
        name: &str,
        look_up: impl FnOnce(&str) -> Option<String>,
        read: impl FnOnce(&str) -> Result<Option<Self>, Error>,
    ) -> Result<Option<Self>, Error> {
        let name = name.trim();
        if name.is_empty() {
            return Err(Error::MissingVariable);
        }
        let Some(text) = look_up(name) else { return Ok(None) };
        read(&text)
            .map_err(|error| Error::InvalidVariable { name: name.into(), error: error.into() })
    }

    /// Returns the action for a member of a parent, both by canonical names.
    pub(super) fn action(&self, parent: &str, name: &str) -> Option<Action> {
        let rules = self.rules.get(name)?;
        let of = |parent: &str| rules.iter().find(|rule| rule.0 == parent).map(|rule| rule.1);
        of(parent).or_else(|| of(""))
    }

    fn set(&mut self, parent: &str, name: &str, action: Action) -> Result<(), Error> {
        let canonical = |name: &str| Key::read(name).map(|key| key.canonical);
        let rules = self.rules.entry(canonical(name).ok_or(Error::MissingKey)?).or_default();
        let parent = canonical(parent).unwrap_or_default();
        rules.retain(|rule| rule.0 != parent);
        rules.push((parent, action));
        Ok(())
    }
}

/// Returns the place and what was expected there. An unknown member is not named, because it may be
/// anything.
fn reason(misread: Misread) -> String {
    match misread {
        Misread::NotJson(JsonError { line, column }) => {
            format!("no JSON at line {line}, column {column}")
        }
        Misread::OtherShape { path, expected } => {
            let is_named = !path.is_empty() && !expected.starts_with("one of `");
            let place = if is_named { format!("{path}: ") } else { String::new() };
            format!("{place}expected {expected}")
        }
    }
}

/// A policy as it is deserialized; missing members are empty. Null is refused, because it could
/// show more than intended, except for the allowed fields.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "an object with the members of a policy")]
struct Written {
    allowed_fields: Option<Vec<String>>,
    fully_redact_fields: Vec<String>,
    partial_mask_fields: Vec<String>,
    rules: Vec<AnyCase<Rule>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with key and action")]
struct Rule {
    #[serde(default)]
    parent_key: String,
    key: String,
    action: String,
}

impl TryFrom<AnyCase<Written>> for Policy {
    type Error = Error;

    fn try_from(AnyCase(written): AnyCase<Written>) -> Result<Self, Error> {
        let mut policy = Self::default();
        for (names, action) in [
            (written.allowed_fields.unwrap_or_default(), Action::Allow),
            (written.fully_redact_fields, Action::Redact),
            (written.partial_mask_fields, Action::Mask),
        ] {
            for name in names {
                policy.set("", &name, action)?;
            }
        }
        for AnyCase(Rule { parent_key, key, action }) in written.rules {
            policy.set(&parent_key, &key, read_action(&action)?)?;
        }
        Ok(policy)
    }
}

fn read_action(text: &str) -> Result<Action, Error> {
    match &*text.trim().to_ascii_lowercase() {
        "allow" => Ok(Action::Allow),
        "fully" | "redact" | "fully_redact" => Ok(Action::Redact),
        "partial" | "mask" | "partial_mask" => Ok(Action::Mask),
        _ => Err(Error::InvalidAction { action: text.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString as _;

    use super::Policy;

    #[test]
    fn errors_of_a_policy_quote_no_input() {
        let members =
            "one of `allowed_fields`, `fully_redact_fields`, `partial_mask_fields`, `rules`";
        for (text, reason) in [
            ("hunter2", "no JSON at line 1, column 1".to_string()),
            ("{\n\"rules\": [hunter2", "no JSON at line 2, column 11".to_string()),
            ("\"hunter2\"", "expected an object with the members of a policy".to_string()),
            ("{\"hunter2\": 1}", format!("expected {members}")),
            ("{\"hunter2.x.y\": 1}", format!("expected {members}")),
            ("{\"rules\": \"hunter2\"}", "rules: expected a sequence".to_string()),
            (
                "{\"rules\": [{\"hunter2\": 1}]}",
                "expected one of `parent_key`, `key`, `action`".to_string(),
            ),
            ("{\"rules\": [{\"key\": \"a\"}]}", "rules[0].action: expected a value".to_string()),
            (
                "{\"fully_redact_fields\": null}",
                "fully_redact_fields: expected a sequence".to_string(),
            ),
            (
                "{\"rules\": [{\"parent_key\": null, \"key\": \"a\", \"action\": \"allow\"}]}",
                "rules[0].parent_key: expected a string".to_string(),
            ),
            ("{\"rules\": [], \"rules\": []}", "rules: expected one value".to_string()),
            ("{\"rules\": [], \"RULES\": []}", "rules: expected one value".to_string()),
            ("[[\"hunter2\"]]", "expected an object with the members of a policy".to_string()),
            (
                "{\"rules\": [[\"\", \"a\", \"allow\"]]}",
                "rules[0]: expected an object with key and action".to_string(),
            ),
        ] {
            let text_error = format!("sanitization: invalid policy text (json: {reason})");
            assert_eq!(Policy::from_json(text).unwrap_err().to_string(), text_error, "{text}");
        }
    }
}
