//! Sanitizes data of clients for logs.
//!
//! A [`Sanitizer`] has one set of rules for all kinds of input: [fields](Sanitizer::field) by their
//! names, [JSON](Sanitizer::json), [XML](Sanitizer::xml) and [messages](Sanitizer::free_text). An
//! application adds its own rules with a [`Policy`]. By default the rules are strict: anything that
//! may be a secret is hidden, regardless of how its name is written, and card numbers are hidden
//! everywhere.
//!
//! All functions accept any input, in time linear in its length. By default, sanitizing twice has
//! the same result as sanitizing once.
//!
//! ```
//! use apptheory_core::sanitize::Sanitizer;
//! use serde_json::json;
//!
//! let sanitizer = Sanitizer::new();
//! assert_eq!(sanitizer.field("csrfToken", "t"), json!("[REDACTED]"));
//! let shown = sanitizer.field("ok", json!({"n": 7, "cvv": 1}));
//! assert_eq!(shown, json!({"n": "7", "cvv": "[REDACTED]"}));
//! assert_eq!(sanitizer.free_text("bad password: hunter2"), "bad password: [REDACTED]");
//! ```

mod card_numbers;
mod fold;
mod free_text;
mod hidden;
mod json;
mod key;
mod markup;
mod mask;
mod pairs;
mod policy;
mod scan;
mod secret;
mod value;
mod xml;

use alloc::borrow::Cow;
use alloc::string::String;

use self::hidden::is_hidden;
use self::key::{Action, Key, NEVER_ALLOWED, not_allowed};
pub use self::mask::mask_first_last;
pub use self::policy::{Error, Policy};
pub use self::secret::{Redacted, Secret};
pub use self::xml::{PAYMENT_XML, RAPID_CONNECT_XML, XmlMask, XmlPattern};
use crate::ascii::is_printable;
use crate::percent;

/// Replaces a value that is not shown.
pub const REDACTED: &str = "[REDACTED]";

/// Selects the rules.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Profile {
    /// The strict rules.
    #[default]
    Default,
    /// The rules of the portable cases: only usual spellings of names are recognized, texts with
    /// other names are shown, and only CR and LF are removed.
    Reference,
}

/// Sanitizes data for logs, with one set of rules for all kinds of input.
///
/// ```
/// use apptheory_core::sanitize::Sanitizer;
///
/// let sanitizer = Sanitizer::new();
/// assert_eq!(sanitizer.json(r#"{"pin": "1234"}"#), "{\n  \"pin\": \"[REDACTED]\"\n}");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Sanitizer {
    profile: Profile,
    policy: Option<Policy>,
}

impl Sanitizer {
    /// Creates a sanitizer with the strict rules.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_profile(Profile::Default)
    }

    /// Creates a sanitizer with the rules of a profile.
    #[must_use]
    pub const fn with_profile(profile: Profile) -> Self {
        Self { profile, policy: None }
    }

    /// Adds the application's own rules, which take precedence.
    #[must_use]
    pub fn with_policy(self, policy: impl Into<Option<Policy>>) -> Self {
        Self { policy: policy.into(), ..self }
    }

    /// Returns the action for a member's value, by its name and by the canonical name of the
    /// enclosing member; `None` for a name without meaning. Under the portable rules a policy
    /// replaces the search for words.
    fn action(&self, key: &Key<'_>, parent: &str) -> Option<Action> {
        let is_strict = self.profile == Profile::Default;
        let spelled =
            if is_strict { key.in_any_spelling() } else { Cow::Borrowed(&*key.canonical) };
        if spelled == NEVER_ALLOWED {
            return Some(Action::Redact);
        }
        let ruled = self.policy.as_ref().and_then(|policy| {
            let hidden = not_allowed(policy.action(parent, &spelled));
            policy.action(parent, &key.canonical).or(hidden)
        });
        ruled.or_else(|| match self.profile {
            Profile::Default => key.strictly(),
            Profile::Reference => key.listed().or_else(|| {
                (self.policy.is_none() && key.has_secret_word()).then_some(Action::Redact)
            }),
        })
    }
}

/// Returns the text without the characters that a profile removes.
#[must_use]
pub fn log_string(text: &str, profile: Profile) -> String {
    match profile {
        Profile::Reference => without_line_breaks(text).into_owned(),
        Profile::Default => log_text(text).into_owned(),
    }
}

fn without_line_breaks(text: &str) -> Cow<'_, str> {
    if !text.contains(is_line_break) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(is_line_break, ""))
}

const fn is_line_break(c: char) -> bool {
    matches!(c, '\r' | '\n')
}

/// Returns the text without characters that break lines, reorder what a reader sees, or hide in it:
/// control characters, line and paragraph separators, format characters (bidirectional controls,
/// zero-width characters, tags), variation selectors, and others that displays ignore. A tab
/// becomes a space, so that words stay separate. A text without such characters is not copied.
///
/// Emoji that are joined by such characters fall apart.
///
/// ```
/// use apptheory_core::sanitize::log_text;
///
/// assert_eq!(log_text("user=\u{202e}gnp.exe\u{202c}\tok\n"), "user=gnp.exe ok");
/// ```
#[must_use]
pub fn log_text(text: &str) -> Cow<'_, str> {
    if is_printable(text) || !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let shown = text.chars().map(|c| if c == '\t' { ' ' } else { c });
    Cow::Owned(shown.filter(|c| !is_hidden(*c)).collect())
}

/// Returns the text as a value for a line `name=value name=value`, from which it can be read back:
/// `%`, `=`, white space and all characters that [`log_text`] removes are percent-encoded.
#[must_use]
pub fn log_safe_value(text: &str) -> String {
    let ends_value = |c: char| matches!(c, '%' | '=') || c.is_whitespace() || is_hidden(c);
    percent::encode_where(text, ends_value)
}

#[cfg(test)]
mod tests {
    use alloc::borrow::Cow;

    use super::{log_safe_value, log_text};

    #[test]
    fn separators_and_invisible_characters_of_a_value_are_encoded() {
        for (text, expected) in [
            ("100%", "100%25"),
            ("\u{a0}\u{85}\u{2028}\u{3000}\u{7f}", "%C2%A0%C2%85%E2%80%A8%E3%80%80%7F"),
            ("é\u{200b}\u{feff}\"", "é%E2%80%8B%EF%BB%BF\""),
            ("\u{202e}\u{e0041}", "%E2%80%AE%F3%A0%81%81"),
        ] {
            assert_eq!(log_safe_value(text), expected);
        }
    }

    #[test]
    fn what_shows_nothing_is_removed() {
        for (text, expected) in [
            ("user=\u{202e}gnp.exe\u{202c} ok", "user=gnp.exe ok"),
            ("x\u{2066}admin\u{2069}", "xadmin"),
            ("a\u{200b}b\u{feff}c\u{ad}d", "abcd"),
            ("\u{e0001}\u{e0041}tag\u{e007f}", "tag"),
            ("\u{2764}\u{fe0f}\u{e0100}", "\u{2764}"),
            ("a\tb\u{1b}[31m\r\n", "a b[31m"),
        ] {
            assert_eq!(log_text(text), expected);
        }
        for plain in ["", "a b", "é \u{a0}\u{3000}", "\u{5d0}\u{627}"] {
            assert!(matches!(log_text(plain), Cow::Borrowed(_)), "{plain}");
        }
    }
}
