//! Sanitizes values by the names of their members.

use alloc::borrow::{Cow, ToOwned as _};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde::Serialize;
use serde_json::{Map, Number, Value as Json};

use super::key::{Action, Key, not_allowed};
use super::mask::Style;
use super::{Profile, REDACTED, Sanitizer, card_numbers, log_string};
use crate::json;

/// The deepest nesting of values, including embedded ones; the same as for reading JSON.
const DEEPEST: usize = 128;

/// How often a `body` may contain JSON with another `body`. Without this bound, texts could grow
/// quadratically.
const MOST_BODIES: usize = 8;

/// Members that name the value in one of [`VALUES`] next to them.
const NAMES: [&str; 4] = ["name", "Name", "key", "Key"];
const VALUES: [&str; 2] = ["value", "Value"];

/// The place of a value.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The canonical name of the enclosing member.
    parent: &'a str,
    is_allowed: bool,
    depth: usize,
    bodies: Bodies,
    opened: usize,
}

/// What to do with JSON in a member `body`.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Bodies {
    /// Treat it as an ordinary string.
    Closed,
    /// Sanitize it inside its string.
    Texts,
    /// Sanitize it, and return a value.
    Values,
}

impl<'a> Place<'a> {
    pub(super) const fn root(bodies: Bodies) -> Self {
        Self { parent: "", is_allowed: false, depth: 0, bodies, opened: 0 }
    }

    const fn inside(self) -> Self {
        Self { depth: self.depth.saturating_add(1), ..self }
    }

    const fn of(self, parent: &'a str, is_allowed: bool) -> Self {
        Self { parent, is_allowed, ..self }
    }

    /// Returns the place of the root of a text at this place.
    const fn opened(self) -> Self {
        Self { parent: "", is_allowed: false, opened: self.opened.saturating_add(1), ..self }
    }
}

impl Sanitizer {
    /// Returns the sanitized value of a member with this name. Numbers and booleans become strings;
    /// objects and arrays are sanitized recursively. Use it for a field of a log record.
    ///
    /// A value that cannot be serialized, or is nested deeper than 128 levels, becomes
    /// `[REDACTED]`.
    ///
    /// ```
    /// use apptheory_core::sanitize::Sanitizer;
    /// use serde_json::json;
    ///
    /// let card = json!({"number": "4111111111111111", "cvv": 123});
    /// let shown = Sanitizer::new().field("card", card);
    /// assert_eq!(shown, json!({"number": "411111******1111", "cvv": "[REDACTED]"}));
    /// ```
    #[must_use]
    pub fn field(&self, name: &str, value: impl Serialize) -> Json {
        let mut value = serde_json::to_value(value).unwrap_or_else(|_| redacted());
        self.clean_member(name, &mut value, Place::root(Bodies::Closed));
        value
    }

    /// Returns the sanitized text of a member with this name. Works as [`field`](Self::field), but
    /// does not copy a text that is shown unchanged. A UUID, a trace id with as many hexadecimal
    /// digits, or the root of an X-Ray trace is shown completely if the name has no special
    /// meaning: one in two hundred contains a card number by chance, and searching by an id needs
    /// all of it.
    ///
    /// ```
    /// use apptheory_core::sanitize::Sanitizer;
    ///
    /// let sanitizer = Sanitizer::new();
    /// assert_eq!(sanitizer.field_text("city", "Oslo"), "Oslo");
    /// assert_eq!(sanitizer.field_text("pin", "1234"), "[REDACTED]");
    /// ```
    #[must_use]
    pub fn field_text<'t>(&self, name: &str, text: &'t str) -> Cow<'t, str> {
        let root = Place::root(Bodies::Closed);
        let Some(key) = Key::read(name) else { return self.text(text, root) };
        match self.action(&key, root.parent) {
            Some(Action::Redact) => Cow::Borrowed(REDACTED),
            Some(Action::Mask) => Cow::Owned(self.mask(&key, root.parent, text)),
            None if is_generated_id(text) => Cow::Borrowed(text),
            action @ (Some(Action::Allow) | None) => {
                self.text(text, root.of(&key.canonical, action.is_some()))
            }
        }
    }

    /// Returns what replaces a number or boolean with this name, or `None` if it is shown. A number
    /// that is exactly a card number is masked under any name that is not allowed. Other rules for
    /// texts would hide too much: nine digits are a duration more often than a social security
    /// number, and most 64-bit ids contain a card number.
    pub(crate) fn instead_of_scalar(&self, name: &str, text: &str) -> Option<Cow<'static, str>> {
        let action = Key::read(name).and_then(|key| self.action(&key, ""));
        match action {
            Some(Action::Redact | Action::Mask) => Some(Cow::Borrowed(REDACTED)),
            Some(Action::Allow) => None,
            None => (card_numbers::is_card(text) && !is_instant(text))
                .then(|| Cow::Owned(Style::Card.mask(text, self.profile))),
        }
    }

    pub(super) fn clean(&self, value: &mut Json, place: Place<'_>) {
        match value {
            Json::Null => {}
            Json::Bool(flag) => *value = Json::String(flag.to_string()),
            Json::Number(number) => *value = Json::String(self.number(number, place)),
            Json::String(text) => {
                if let Cow::Owned(clean) = self.text(text, place) {
                    *text = clean;
                }
            }
            Json::Array(_) | Json::Object(_) if place.depth >= DEEPEST => *value = redacted(),
            Json::Array(elements) => {
                if let [Json::String(name), value] = elements.as_mut_slice()
                    && self.hides_paired(name, place)
                {
                    *value = redacted();
                }
                for element in elements {
                    self.clean(element, place.inside());
                }
            }
            Json::Object(members) => {
                let named = NAMES.iter().find_map(|name| members.get(*name)?.as_str());
                if named.is_some_and(|name| self.hides_paired(name, place)) {
                    let values = VALUES.iter().filter(|name| members.contains_key(**name));
                    for name in values.copied().collect::<Vec<_>>() {
                        members.insert(name.to_owned(), redacted());
                    }
                }
                for (name, value) in members.iter_mut() {
                    self.clean_member(name, value, place.inside());
                }
                self.clean_names(members);
            }
        }
    }

    /// Returns whether the value next to this name is hidden: headers, tags and variables are also
    /// written as `["pin", "1234"]` and `{"name": "pin", "value": "1234"}`.
    fn hides_paired(&self, name: &str, place: Place<'_>) -> bool {
        self.profile == Profile::Default
            && Key::read(name)
                .is_some_and(|key| not_allowed(self.action(&key, place.parent)).is_some())
    }

    fn clean_member(&self, name: &str, value: &mut Json, place: Place<'_>) {
        let Some(key) = Key::read(name) else { return self.clean(value, place) };
        let action = self.action(&key, place.parent);
        match action {
            Some(Action::Redact) => *value = redacted(),
            Some(Action::Mask) => {
                let masked = value.as_str().map(|text| self.mask(&key, place.parent, text));
                *value = masked.map_or_else(redacted, Json::String);
            }
            Some(Action::Allow) | None => {
                let place = place.of(&key.canonical, action.is_some());
                if name != "body" || !self.open(value, place) {
                    self.clean(value, place);
                }
            }
        }
    }

    /// Sanitizes a body that is JSON; returns whether it is. The portable rules also accept scalars
    /// as JSON.
    fn open(&self, body: &mut Json, place: Place<'_>) -> bool {
        let takes_scalars = self.profile == Profile::Reference;
        let text = match body {
            _ if place.bodies == Bodies::Closed => return false,
            Json::String(text) => log_string(text, self.profile),
            Json::Bool(flag) if takes_scalars => flag.to_string(),
            Json::Number(number) if takes_scalars => self.number(number, place),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
                return false;
            }
        };
        let Ok(mut inner) = serde_json::from_str::<Json>(&text) else { return false };
        if !takes_scalars && !inner.is_object() && !inner.is_array() {
            return false;
        }
        if place.opened >= MOST_BODIES {
            *body = redacted();
            return true;
        }
        self.clean(&mut inner, place.opened());
        *body = match place.bodies {
            Bodies::Values => inner,
            Bodies::Closed | Bodies::Texts => Json::String(json::to_text(&inner)),
        };
        true
    }

    fn mask(&self, key: &Key<'_>, parent: &str, text: &str) -> String {
        let in_card = self.profile == Profile::Reference && key.is_card_in(parent);
        let style = if in_card { Style::Card } else { key.style() };
        style.mask(text, self.profile)
    }

    /// Sanitizes names, which by default are texts like others. Of two that become equal the later
    /// one is kept.
    fn clean_names(&self, members: &mut Map<String, Json>) {
        let is_unclean = |name: &String| matches!(self.free_text(name), Cow::Owned(_));
        if self.profile == Profile::Default && members.keys().any(is_unclean) {
            let named = core::mem::take(members).into_iter();
            *members =
                named.map(|(name, value)| (self.free_text(&name).into_owned(), value)).collect();
        }
    }

    fn text<'t>(&self, text: &'t str, place: Place<'_>) -> Cow<'t, str> {
        match self.profile {
            Profile::Reference => super::without_line_breaks(text),
            Profile::Default if place.is_allowed => super::log_text(text),
            Profile::Default => self.free_text(text),
        }
    }

    fn number(&self, number: &Number, place: Place<'_>) -> String {
        if self.profile == Profile::Reference
            && let Some(float) = number.as_f64()
        {
            return as_go_prints(float);
        }
        let text = json::to_text(&Json::Number(number.clone()));
        self.text(&text, place).into_owned()
    }
}

/// Returns whether digits are milliseconds, microseconds or nanoseconds since 1970, before 2033. A
/// tenth of them have a valid check digit of a card number, but no card number of these lengths
/// begins with 1.
fn is_instant(digits: &str) -> bool {
    digits.starts_with('1') && matches!(digits.len(), 13 | 16 | 19)
}

/// Returns whether a text is a UUID (with or without hyphens), a trace id (also 32 digits), or the
/// root of an X-Ray trace. A text of decimal digits only is not.
fn is_generated_id(text: &str) -> bool {
    let groups = || text.split('-').map(str::len);
    let is_shaped = groups().eq([8, 4, 4, 4, 12]) || groups().eq([32]) || groups().eq([1, 8, 24]);
    is_shaped
        && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
        && text.contains(|c: char| c.is_ascii_alphabetic())
}

pub(super) fn redacted() -> Json {
    Json::String(REDACTED.to_owned())
}

/// Returns the fewest digits that read back the same, with an exponent below 10^-4 and from 10^6
/// on.
fn as_go_prints(float: f64) -> String {
    let magnitude = float.abs();
    if magnitude == 0.0 || (1e-4..1e6).contains(&magnitude) {
        return float.to_string();
    }
    let text = format!("{float:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    match exponent.strip_prefix('-') {
        Some(exponent) => format!("{digits}e-{exponent:0>2}"),
        None => format!("{digits}e+{exponent:0>2}"),
    }
}
