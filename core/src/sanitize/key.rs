//! Classifies values by the names of their members.

use alloc::borrow::Cow;
use alloc::string::String;

use super::fold::{lower, plain_name};
use super::mask::Style;
use super::scan::same_text;

/// What to do with a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Action {
    /// Show it, without unsafe characters.
    Allow,
    /// Replace it by `[REDACTED]`.
    Redact,
    /// Show its last characters, and for a card number also the first ones.
    Mask,
}

/// A name, in the forms used by the rules.
#[derive(Clone, Debug)]
pub(super) struct Key<'a> {
    name: &'a str,
    /// In lower case, without `_`, `-` and blanks.
    pub(super) canonical: String,
}

impl<'a> Key<'a> {
    /// Returns `None` for a name without letters and digits: `""`, `" - "`.
    pub(super) fn read(name: &'a str) -> Option<Self> {
        let name = name.trim();
        let kept = name.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
        let mut canonical = String::with_capacity(name.len());
        canonical.extend(kept.map(lower));
        (!canonical.is_empty()).then_some(Self { name, canonical })
    }

    /// Returns the action in the built-in lists.
    pub(super) fn listed(&self) -> Option<Action> {
        listed(&self.canonical)
    }

    /// Returns whether a word of the name indicates a secret, by the portable rules.
    pub(super) fn has_secret_word(&self) -> bool {
        let mut before = "";
        words(self.name, Split::Cases).any(|word| {
            let is_secret = is_one_of(word, &["password", "secret", "token"])
                || same_text(word, "key") && is_one_of(before, &["api", "private", "secret"]);
            before = word;
            is_secret
        })
    }

    /// Returns the action by the strict rules: the lists, for every spelling of a name, and parts
    /// of names. Only the exact name can be allowed.
    pub(super) fn strictly(&self) -> Option<Action> {
        self.listed().or_else(|| {
            let plain = plain_name(self.name);
            let found = spelled(&plain, &self.squashed(&plain));
            // This may not be an escape: `\\token` may end a path as well as a line.
            found.or_else(|| match &plain {
                Cow::Owned(_) => spelled(self.name, &self.squashed(self.name)),
                Cow::Borrowed(_) => None,
            })
        })
    }

    /// Returns the name as letters and digits only, with its escapes decoded.
    pub(super) fn in_any_spelling(&self) -> Cow<'_, str> {
        self.squashed(&plain_name(self.name))
    }

    fn squashed(&self, plain: &str) -> Cow<'_, str> {
        if self.canonical.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Cow::Borrowed(&self.canonical);
        }
        Cow::Owned(plain.chars().filter(|c| c.is_alphanumeric()).map(lower).collect())
    }

    /// Returns how the value is masked.
    pub(super) fn style(&self) -> Style {
        match &*self.in_any_spelling() {
            "cardnumber" | "number" | "pan" | "panvalue" | "primaryaccountnumber" => Style::Card,
            _ => Style::Restricted,
        }
    }

    /// Returns whether the value is a card's account number: if the enclosing member indicates a
    /// card, and the name is not written with `_`.
    pub(super) fn is_card_in(&self, parent: &str) -> bool {
        self.canonical == "accountnumber"
            && !self.name.contains('_')
            && matches!(parent, "cardwithpandetails" | "cardpandetails" | "pandetails")
    }
}

/// Returns an action, unless it shows the value.
pub(super) fn not_allowed(action: Option<Action>) -> Option<Action> {
    action.filter(|action| *action != Action::Allow)
}

/// The built-in lists, by canonical names.
fn listed(canonical: &str) -> Option<Action> {
    Some(match canonical {
        "acceptorid" | "cardbin" | "cardbrand" | "cardtype" | "merchantid" | "merchantuid"
        | "mid" | "terminalid" | "tid" | "transactionid" => Action::Allow,
        "accesstoken"
        | "apikey"
        | "apitoken"
        | "authorization"
        | "authorizationheader"
        | "cardholder"
        | "cardholdername"
        | "clientsecret"
        | "cvc"
        | "cvc2"
        | "cvv"
        | "cvv2"
        | "idtoken"
        | "password"
        | "privatekey"
        | "refreshtoken"
        | "secret"
        | "secretkey"
        | "securitycode"
        | "token"
        | NEVER_ALLOWED => Action::Redact,
        "accountnumber"
        | "apikeyid"
        | "cardnumber"
        | "ein"
        | "number"
        | "pan"
        | "panvalue"
        | "primaryaccountnumber"
        | "ssn"
        | "taxid"
        | "tin" => Action::Mask,
        _ => return None,
    })
}

/// Returns the action by the lists and the parts of one spelling of a name; never an allowing one.
fn spelled(plain: &str, squashed: &str) -> Option<Action> {
    let contains = |parts: &[&str]| parts.iter().any(|part| squashed.contains(part));
    let has_word = |parts: &[&str]| {
        let mut words = words(plain, Split::Kinds).chain(words(plain, Split::Marks));
        words.any(|word| is_one_of(word, parts))
    };
    not_allowed(listed(squashed)).or_else(|| {
        if contains(SECRET_PARTS) || has_word(SECRET_WORDS) {
            return Some(Action::Redact);
        }
        (contains(MASKED_PARTS) || has_word(MASKED_WORDS)).then_some(Action::Mask)
    })
}

/// A name that no list and no policy can allow.
pub(super) const NEVER_ALLOWED: &str = "authorizationid";

/// A name that contains one of these indicates a secret, regardless of its other parts.
const SECRET_PARTS: &[&str] = &[
    "accesskey",
    "apikey",
    "authorization",
    "bearer",
    "cardholder",
    "cookie",
    "credential",
    "encryptionkey",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "routingnumber",
    "secret",
    "securitycode",
    "sessionid",
    "signingkey",
    "socialsecurity",
    "token",
];

/// A name also indicates a secret with one of these as a separate word; inside other words they
/// mean nothing.
const SECRET_WORDS: &[&str] = &["cvc", "cvv", "iban", "jwt", "otp", "pin", "pins", "pwd"];

const MASKED_PARTS: &[&str] = &["accountnumber", "cardnumber"];
const MASKED_WORDS: &[&str] = &["ssn"];

fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|known| same_text(word, known))
}

/// Where words end, besides at all characters that are neither letters nor digits.
#[derive(Clone, Copy)]
enum Split {
    /// Before a capital letter after a small letter or a digit: `csrfToken`.
    Cases,
    /// As in [`Cases`](Self::Cases), and also before the last of several capital letters if a small
    /// letter follows, and between letters and digits: `JWTToken`, `token2`.
    Kinds,
    /// Nowhere else.
    Marks,
}

/// Yields the words of a name, in order.
fn words(name: &str, split: Split) -> impl Iterator<Item = &str> {
    let mut rest = name;
    core::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c| !is_letter_or_digit(c));
        let mut ahead = rest.char_indices();
        let (_, mut last) = ahead.next()?;
        let end = ahead.find_map(|(at, c)| {
            let next = rest.get(at..).and_then(|rest| rest.chars().nth(1));
            let ends = !is_letter_or_digit(c) || split.parts(last, c, next);
            last = c;
            ends.then_some(at)
        });
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        Some(word)
    })
}

impl Split {
    fn parts(self, last: char, c: char, next: Option<char>) -> bool {
        let starts_capitalised = c.is_uppercase() && (last.is_lowercase() || last.is_ascii_digit());
        match self {
            Self::Marks => false,
            Self::Cases => starts_capitalised,
            Self::Kinds => {
                starts_capitalised
                    || last.is_ascii_digit() != c.is_ascii_digit()
                    || last.is_uppercase()
                        && c.is_uppercase()
                        && next.is_some_and(char::is_lowercase)
            }
        }
    }
}

fn is_letter_or_digit(c: char) -> bool {
    c.is_alphabetic() || c.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{Action, Key, Split, Style, words};

    #[test]
    fn words_end_where_their_kind_says() {
        for (name, cases, kinds) in [
            ("csrfToken", &["csrf", "Token"][..], &["csrf", "Token"][..]),
            ("TOKENa", &["TOKENa"], &["TOKE", "Na"]),
            ("XAPIKey", &["XAPIKey"], &["XAPI", "Key"]),
            ("token2", &["token2"], &["token", "2"]),
            ("user1Password.x", &["user1", "Password", "x"], &["user", "1", "Password", "x"]),
            (" -- ", &[], &[]),
        ] {
            assert_eq!(words(name, Split::Cases).collect::<Vec<_>>(), cases, "{name}");
            assert_eq!(words(name, Split::Kinds).collect::<Vec<_>>(), kinds, "{name}");
        }
    }

    #[test]
    fn strict_rules_see_through_spellings() {
        for (name, expected) in [
            ("x-authorization", Some(Action::Redact)),
            ("p\\u0061ssword", Some(Action::Redact)),
            ("pass%77ord", Some(Action::Redact)),
            ("ｐａｓｓｗｏｒｄ", Some(Action::Redact)),
            ("p\u{200b}a.s/s w_ord", Some(Action::Redact)),
            ("𝐜𝐯𝐯２", Some(Action::Redact)),
            ("user_pin", Some(Action::Redact)),
            ("spinner", None),
            ("customerCardNumber", Some(Action::Mask)),
            ("card_bin", Some(Action::Allow)),
            ("card.bin", None),
            ("ok", None),
        ] {
            assert_eq!(Key::read(name).unwrap().strictly(), expected, "{name}");
        }
    }

    #[test]
    fn a_mask_is_chosen_by_a_name_in_any_spelling() {
        for name in ["cardNumber", "Card.Number", "number\u{7f}", "p%61n"] {
            assert_eq!(Key::read(name).unwrap().style(), Style::Card, "{name:?}");
        }
        assert_eq!(Key::read("ssn").unwrap().style(), Style::Restricted);
    }
}
