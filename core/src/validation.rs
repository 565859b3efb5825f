//! Validation errors: the rules that a value breaks, and the error response that lists them.
//!
//! This module names broken rules and builds the response. How values are checked is left to the
//! application or a library.
//!
//! ```
//! use apptheory_core::error::{AppError, ErrorFormat};
//! use apptheory_core::validation::{ValueRule, Violations};
//!
//! fn check(items: &[&str], amount: u32) -> Result<(), AppError> {
//!     let mut violations = Violations::new();
//!     if items.is_empty() {
//!         violations.add("items", ValueRule::MinLength(1));
//!     }
//!     if amount > 10 {
//!         violations.add("amount", ValueRule::max(10));
//!     }
//!     violations.into_result()
//! }
//!
//! let error = check(&[], 12).unwrap_err();
//! let body = error.body(ErrorFormat::FlatLegacy, "", "");
//! assert!(body.contains(r#""field":"items","message":"items length must be \u003e= 1""#));
//! assert!(body.contains(r#""field":"amount","message":"amount must be \u003c= 10""#));
//! ```

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Display};

use serde_json::{Map, Value as Json, json};

use crate::error::{AppError, code};

/// A rule for a value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ValueRule {
    /// The value is present and not null. Zero, `false` and empty values are present.
    Required,
    /// The value is at least this number, in decimal digits. Built by [`ValueRule::min`].
    Min(String),
    /// The value is at most this number, in decimal digits. Built by [`ValueRule::max`].
    Max(String),
    /// The value has at least this length: characters of a text, or items of a list.
    MinLength(usize),
    /// The value has at most this length: characters of a text, or items of a list.
    MaxLength(usize),
    /// The value matches a pattern. Clients do not see the pattern: it may reveal more than they
    /// need.
    Pattern,
    /// The value equals one of these.
    OneOf(Vec<String>),
    /// Any other rule.
    Other {
        /// The rule's name, such as `email`.
        name: Cow<'static, str>,
        /// The rule's message, to follow the field's name: `must be an email address`.
        text: Cow<'static, str>,
    },
    /// A rule of the application, with the whole message for clients.
    Custom(String),
}

impl ValueRule {
    /// Returns the rule that a value is at least `number`.
    #[must_use]
    pub fn min(number: impl Display) -> Self {
        Self::Min(number.to_string())
    }

    /// Returns the rule that a value is at most `number`.
    #[must_use]
    pub fn max(number: impl Display) -> Self {
        Self::Max(number.to_string())
    }

    /// Returns the rule's name: `required`, `min`, `max`, `min_length`, `max_length`, `pattern`,
    /// `enum`, `custom`, or the name of an [`Other`](Self::Other) rule.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Required => "required",
            Self::Min(_) => "min",
            Self::Max(_) => "max",
            Self::MinLength(_) => "min_length",
            Self::MaxLength(_) => "max_length",
            Self::Pattern => "pattern",
            Self::OneOf(_) => "enum",
            Self::Other { name, .. } => name,
            Self::Custom(_) => "custom",
        }
    }

    /// Returns the message for a client whose value of `field` breaks the rule.
    fn message(&self, field: &str) -> String {
        let field = if field.is_empty() { "value" } else { field };
        match self {
            Self::Required => format!("{field} is required"),
            Self::Min(limit) => format!("{field} must be >= {limit}"),
            Self::Max(limit) => format!("{field} must be <= {limit}"),
            Self::MinLength(limit) => format!("{field} length must be >= {limit}"),
            Self::MaxLength(limit) => format!("{field} length must be <= {limit}"),
            Self::Pattern => format!("{field} must match pattern"),
            Self::OneOf(values) => format!("{field} must be one of {}", values.join(", ")),
            Self::Other { text, .. } => format!("{field} {text}"),
            Self::Custom(message) => message.clone(),
        }
    }
}

/// The rules that a value breaks, each with the field that breaks it.
///
/// `Debug` and `Display` show fields and names of rules and are safe to log. Values, and messages,
/// which may quote values, are not shown.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Violations {
    /// The first violations, by the field's path.
    listed: Vec<(String, ValueRule)>,
    /// The number of further violations.
    omitted: usize,
}

impl Violations {
    /// The most violations that a response lists. A body may have any number of members; this keeps
    /// the response small.
    pub const MAX_REPORTED: usize = 100;

    /// The most bytes of a field's path in a response. Clients choose the names in a map.
    pub const MAX_FIELD_BYTES: usize = 256;

    /// Creates an empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self { listed: Vec::new(), omitted: 0 }
    }

    /// Adds a rule that a field breaks. `field` is the path as the client writes it, such as
    /// `lines[1].price`, or empty for the value as a whole. A long path is cut. Violations beyond
    /// [`MAX_REPORTED`](Self::MAX_REPORTED) are only counted.
    pub fn add(&mut self, field: impl Into<String>, rule: ValueRule) {
        if self.listed.len() < Self::MAX_REPORTED {
            self.listed.push((bounded(field.into()), rule));
        } else {
            self.omitted = self.omitted.saturating_add(1);
        }
    }

    /// Prefixes all fields with the place of the value, for example `detail` for the detail of an
    /// event.
    #[must_use]
    pub fn within(mut self, place: &str) -> Self {
        for (field, _) in &mut self.listed {
            let dot = if field.is_empty() || field.starts_with('[') { "" } else { "." };
            *field = bounded(format!("{place}{dot}{field}"));
        }
        self
    }

    /// Returns `Ok` if the value breaks no rule.
    ///
    /// # Errors
    ///
    /// A 422 [`code::VALIDATION_FAILED`]. Its details have `errors`, each with `field`, `rule` and
    /// `message`, and `omitted`, the number of violations that are not listed.
    pub fn into_result(self) -> Result<(), AppError> {
        if self.listed.is_empty() {
            return Ok(());
        }
        let error = AppError::of(code::VALIDATION_FAILED)
            .with_status(code::status(code::VALIDATION_FAILED))
            .with_details(&Json::Object(self.details()));
        Err(error.with_cause(self))
    }

    fn details(&self) -> Map<String, Json> {
        let errors = self.listed.iter().map(|(field, rule)| {
            json!({ "field": field, "rule": rule.name(), "message": rule.message(field) })
        });
        let mut details = Map::new();
        details.insert("errors".into(), errors.collect());
        if self.omitted > 0 {
            details.insert("omitted".into(), self.omitted.into());
        }
        details
    }
}

/// Cuts a path that is too long.
fn bounded(mut field: String) -> String {
    const MARK: char = '…';
    if field.len() > Violations::MAX_FIELD_BYTES {
        let room = Violations::MAX_FIELD_BYTES.saturating_sub(MARK.len_utf8());
        let end = (0..=room).rev().find(|at| field.is_char_boundary(*at));
        field.truncate(end.unwrap_or(0));
        field.push(MARK);
    }
    field
}

impl Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (field, rule)) in self.listed.iter().enumerate() {
            let (comma, of) =
                (if at > 0 { ", " } else { "" }, if field.is_empty() { "" } else { " of " });
            write!(f, "{comma}{}{of}{field}", rule.name())?;
        }
        if self.omitted > 0 {
            write!(f, " and {} more", self.omitted)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Violations({self})")
    }
}

impl core::error::Error for Violations {}

#[cfg(test)]
mod tests {
    use alloc::borrow::ToOwned as _;
    use alloc::format;
    use alloc::string::{String, ToString};
    use alloc::vec;
    use core::error::Error as _;

    use serde_json::{Value as Json, json};

    use super::{ValueRule, Violations};
    use crate::error::{AppError, ErrorFormat};

    fn shown(error: &AppError) -> Json {
        serde_json::from_str(&error.body(ErrorFormat::Nested, "", "")).unwrap()
    }

    fn of(field: &str, rule: ValueRule) -> AppError {
        let mut violations = Violations::new();
        violations.add(field, rule);
        violations.into_result().unwrap_err()
    }

    #[test]
    fn every_rule_has_a_name_and_a_text() {
        let other =
            ValueRule::Other { name: "email".into(), text: "must be an email address".into() };
        for (rule, name, message) in [
            (ValueRule::Required, "required", "f is required"),
            (ValueRule::min(18), "min", "f must be >= 18"),
            (ValueRule::max(-0.5), "max", "f must be <= -0.5"),
            (ValueRule::MinLength(2), "min_length", "f length must be >= 2"),
            (ValueRule::MaxLength(5), "max_length", "f length must be <= 5"),
            (ValueRule::Pattern, "pattern", "f must match pattern"),
            (ValueRule::OneOf(vec!["a".into(), "b".into()]), "enum", "f must be one of a, b"),
            (other, "email", "f must be an email address"),
            (ValueRule::Custom("sold out".into()), "custom", "sold out"),
        ] {
            let expected = json!({"error": {"code": "app.validation_failed",
                "message": "validation failed", "status_code": 422,
                "details": {"errors": [{"field": "f", "rule": name, "message": message}]}}});
            assert_eq!(shown(&of("f", rule)), expected);
        }
        let whole = shown(&of("", ValueRule::Required));
        assert_eq!(whole["error"]["details"]["errors"][0]["message"], "value is required");
    }

    #[test]
    fn no_violations_are_a_success() {
        assert!(Violations::new().into_result().is_ok());
    }

    #[test]
    fn the_log_gets_members_and_rules_alone() {
        let mut violations = Violations::new();
        violations.add("lines[1].price", ValueRule::min(1));
        violations.add("", ValueRule::Custom("secret".into()));
        violations.add("name", ValueRule::OneOf(vec!["secret".into()]));
        let error = violations.into_result().unwrap_err();
        let cause = error.source().unwrap();
        assert_eq!(cause.to_string(), "min of lines[1].price, custom, enum of name");
        assert!(!format!("{cause:?}").contains("secret"));
    }

    #[test]
    fn an_answer_stays_small_and_says_what_it_omits() {
        let mut violations = Violations::new();
        for at in 0..Violations::MAX_REPORTED + 2 {
            violations.add(format!("[{at}].{}", "é".repeat(4000)), ValueRule::Required);
        }
        let error = violations.into_result().unwrap_err();
        let details = shown(&error)["error"]["details"].clone();
        assert_eq!(details["errors"].as_array().map(vec::Vec::len), Some(Violations::MAX_REPORTED));
        assert_eq!(details["omitted"], 2);
        let field = details["errors"][0]["field"].as_str().unwrap();
        assert!(field.starts_with("[0].é") && field.ends_with("é…"), "{field}");
        assert!((250..=Violations::MAX_FIELD_BYTES).contains(&field.len()));
        assert!(error.source().unwrap().to_string().ends_with("é… and 2 more"));
    }

    #[test]
    fn a_value_within_another_has_a_longer_path() {
        for (field, expected) in [("id", "detail.id"), ("[0].id", "detail[0].id"), ("", "detail")] {
            let mut violations = Violations::new();
            violations.add(field, ValueRule::Required);
            let error = violations.within("detail").into_result().unwrap_err();
            let told = shown(&error)["error"]["details"]["errors"][0]["field"].clone();
            assert_eq!(told, Json::String(expected.to_owned()));
        }
        let long = "a".repeat(Violations::MAX_FIELD_BYTES);
        let mut violations = Violations::new();
        violations.add(long, ValueRule::Required);
        let told: String = violations.within("detail").to_string();
        assert!(told.contains("detail.aaa") && told.ends_with("a…"), "{told}");
    }
}
