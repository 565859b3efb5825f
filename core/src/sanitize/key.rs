//! What a member's name says about its value.

use alloc::borrow::Cow;
use alloc::string::String;

use super::fold::{lower, plain_name};
use super::mask::Style;
use super::scan::same_text;

/// What happens to a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Action {
    /// It is shown, without what must not reach a log.
    Allow,
    /// `[REDACTED]` stands for it.
    Redact,
    /// Its last characters are shown; of a card number, the first ones too.
    Mask,
}

/// A name, in the forms in which the rules look it up.
#[derive(Clone, Debug)]
pub(super) struct Key<'a> {
    name: &'a str,
    /// In lower case, without `_`, `-` and blanks.
    pub(super) canonical: String,
}

impl<'a> Key<'a> {
    /// `None` for a name that says nothing: `""`, `" - "`.
    pub(super) fn read(name: &'a str) -> Option<Self> {
        let name = name.trim();
        let kept = name.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
        let mut canonical = String::with_capacity(name.len());
        canonical.extend(kept.map(lower));
        (!canonical.is_empty()).then_some(Self { name, canonical })
    }

    /// What the lists say.
    pub(super) fn listed(&self) -> Option<Action> {
        listed(&self.canonical)
    }

    /// Whether one of its words names a secret, as the portable rules have it.
    pub(super) fn has_secret_word(&self) -> bool {
        let mut before = "";
        words(self.name, Split::Cases).any(|word| {
            let is_secret = is_one_of(word, &["password", "secret", "token"])
                || same_text(word, "key") && is_one_of(before, &["api", "private", "secret"]);
            before = word;
            is_secret
        })
    }

    /// What the strict rules say: the lists, for every spelling of a name, and parts of names. Only the
    /// name as it is can be allowed.
    pub(super) fn strictly(&self) -> Option<Action> {
        self.listed().or_else(|| {
            let plain = plain_name(self.name);
            let found = spelled(&plain, &self.squashed(&plain));
            // An escape may be none: `\\token` ends a path as well as a line.
            found.or_else(|| match &plain {
                Cow::Owned(_) => spelled(self.name, &self.squashed(self.name)),
                Cow::Borrowed(_) => None,
            })
        })
    }

    /// The name as letters and digits alone, with its escapes read.
    pub(super) fn in_any_spelling(&self) -> Cow<'_, str> {
        self.squashed(&plain_name(self.name))
    }

    fn squashed(&self, plain: &str) -> Cow<'_, str> {
        if self.canonical.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Cow::Borrowed(&self.canonical);
        }
        Cow::Owned(plain.chars().filter(|c| c.is_alphanumeric()).map(lower).collect())
    }

    /// How its value is masked.
    pub(super) fn style(&self) -> Style {
        match &*self.canonical {
            "cardnumber" | "number" | "pan" | "panvalue" | "primaryaccountnumber" => Style::Card,
            _ => Style::Restricted,
        }
    }

    /// Whether its value is an account number: of a card, if what encloses it says so, and if the name
    /// is not written with `_`.
    pub(super) fn is_card_in(&self, parent: &str) -> bool {
        self.canonical == "accountnumber"
            && !self.name.contains('_')
            && matches!(parent, "cardwithpandetails" | "cardpandetails" | "pandetails")
    }
}

/// An action but for the one that shows a value.
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

/// What the lists and the parts of a name say of one spelling of it; none of them allows.
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

/// No list and no policy can show it.
pub(super) const NEVER_ALLOWED: &str = "authorizationid";

/// Names that contain one of these name a secret, whatever else they say.
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

/// So do names with one of these as a word of its own; inside of others they mean nothing.
const SECRET_WORDS: &[&str] = &["cvc", "cvv", "iban", "jwt", "otp", "pin", "pins", "pwd"];

const MASKED_PARTS: &[&str] = &["accountnumber", "cardnumber"];
const MASKED_WORDS: &[&str] = &["ssn"];

fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|known| same_text(word, known))
}

/// Where words end besides at all that is neither letter nor digit.
#[derive(Clone, Copy)]
enum Split {
    /// Before a capital that follows a small letter or a digit: `csrfToken`.
    Cases,
    /// There, before the last capital of several if a small letter follows, and between letters and
    /// digits: `JWTToken`, `token2`.
    Kinds,
    /// Nowhere else.
    Marks,
}

/// The words of a name, in order.
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

    use super::{Action, Key, Split, words};

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
}
