//! Converting the validation library's report to rules that clients know.

use core::fmt::Display;
use std::borrow::Cow;
use std::cell::RefCell;

use apptheory_core::validation::{ValueRule, Violations};
use garde::Validate;
use garde::i18n::{
    I18n, InvalidCreditCard, InvalidEmail, InvalidPhoneNumber, InvalidUrl, IpKind, with_i18n,
};
use serde::de::DeserializeOwned;

use super::names::wire_path;

/// Validates a value, and returns the broken rules, with the members' names as clients write them.
/// Use it where [`Valid`](crate::app::Valid) cannot be used, for instance for the content of an
/// envelope.
///
/// Needs the feature `validation`.
///
/// ```
/// use apptheory::events::Sns;
/// use apptheory::prelude::*;
/// use apptheory::validation::check;
///
/// #[derive(serde::Deserialize, garde::Validate)]
/// struct Order {
///     #[garde(length(min = 1))]
///     items: Vec<String>,
/// }
///
/// async fn ship(Json(notification): Json<Sns<Order>>) -> Result<(), AppError> {
///     check(&notification.message).within("Message").into_result()
/// }
///
/// let app = App::new().sqs("orders", ship).build()?;
/// # Ok::<(), BuildError>(())
/// ```
#[must_use]
pub fn check<T>(value: &T) -> Violations
where
    T: Validate<Context: Default> + DeserializeOwned,
{
    let broken = Broken::default();
    let mut violations = Violations::new();
    let Err(report) = with_i18n(&broken, || value.validate()) else { return violations };
    let mut found = report.iter().map(|(path, error)| (path, broken.found(error.message())));
    let reported = found.by_ref().take(Violations::MAX_REPORTED);
    let mut reported: Vec<_> = reported
        .map(|(path, found)| {
            let path = path.to_string();
            (wire_path::<T>(&path), found.rule::<T>(&path))
        })
        .collect();
    // The library reports members by name, and clients expect the order of their declaration.
    reported.sort_by(|((a, _), _), ((b, _), _)| a.cmp(b));
    for ((_, field), rule) in reported {
        violations.add(field, rule);
    }
    // These are only counted, so their names and rules are not needed.
    found.for_each(|_| violations.add("", ValueRule::Required));
    violations
}

/// The broken rules. The library's report holds texts that refer to this list.
#[derive(Default)]
struct Broken(RefCell<Vec<Found>>);

/// A broken rule.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Found {
    Breaks(ValueRule),
    /// The value differs from this other member, given by its Rust name.
    Differs(String),
}

/// The first character of these texts. Texts of an application's own rules do not start with it.
const MARK: char = '\0';

impl Broken {
    /// Adds a broken rule once, however many elements of a long list break it.
    fn keep(&self, found: Found) -> Cow<'static, str> {
        let mut kept = self.0.borrow_mut();
        let place = kept.iter().position(|known| *known == found).unwrap_or(kept.len());
        if place == kept.len() {
            kept.push(found);
        }
        format!("{MARK}{place}").into()
    }

    fn keep_rule(&self, rule: ValueRule) -> Cow<'static, str> {
        self.keep(Found::Breaks(rule))
    }

    fn keep_other(
        &self,
        name: &'static str,
        text: impl Into<Cow<'static, str>>,
    ) -> Cow<'static, str> {
        self.keep_rule(ValueRule::Other { name: name.into(), text: text.into() })
    }

    /// Returns the broken rule that a text refers to. Other texts are the application's own.
    fn found(&self, text: &str) -> Found {
        let place = text.strip_prefix(MARK).and_then(|place| place.parse::<usize>().ok());
        let kept = place.and_then(|place| self.0.borrow().get(place).cloned());
        kept.unwrap_or_else(|| Found::Breaks(ValueRule::Custom(text.to_owned())))
    }
}

impl Found {
    /// Returns the rule that the member at this path breaks, as clients see it.
    fn rule<T: DeserializeOwned>(self, path: &str) -> ValueRule {
        match self {
            Self::Breaks(rule) => rule,
            Self::Differs(other) => {
                let beside = match path.rsplit_once('.') {
                    Some((parent, _)) => format!("{parent}.{other}"),
                    None => other,
                };
                let (_, beside) = wire_path::<T>(&beside);
                let other = beside.rsplit('.').next().unwrap_or_default();
                let text = format!("must be the same as {other}");
                ValueRule::Other { name: "matches".into(), text: text.into() }
            }
        }
    }
}

impl I18n for Broken {
    fn required_not_set(&self) -> Cow<'static, str> {
        self.keep_rule(ValueRule::Required)
    }

    fn range_lower_than(&self, min: &dyn Display) -> Cow<'static, str> {
        self.keep_rule(ValueRule::min(min))
    }

    fn range_greater_than(&self, max: &dyn Display) -> Cow<'static, str> {
        self.keep_rule(ValueRule::max(max))
    }

    fn length_lower_than(&self, min: usize) -> Cow<'static, str> {
        self.keep_rule(ValueRule::MinLength(min))
    }

    fn length_greater_than(&self, max: usize) -> Cow<'static, str> {
        self.keep_rule(ValueRule::MaxLength(max))
    }

    fn pattern_no_match(&self, _: &dyn Display) -> Cow<'static, str> {
        self.keep_rule(ValueRule::Pattern)
    }

    fn email_invalid(&self, _: InvalidEmail) -> Cow<'static, str> {
        self.keep_other("email", "must be an email address")
    }

    fn url_invalid(&self, _: InvalidUrl) -> Cow<'static, str> {
        self.keep_other("url", "must be a URL")
    }

    fn ip_invalid(&self, kind: IpKind) -> Cow<'static, str> {
        match kind {
            IpKind::Any => self.keep_other("ip", "must be an IP address"),
            IpKind::V4 => self.keep_other("ipv4", "must be an IPv4 address"),
            IpKind::V6 => self.keep_other("ipv6", "must be an IPv6 address"),
        }
    }

    fn credit_card_invalid(&self, _: InvalidCreditCard) -> Cow<'static, str> {
        self.keep_other("credit_card", "must be the number of a credit card")
    }

    fn phone_number_invalid(&self, _: InvalidPhoneNumber) -> Cow<'static, str> {
        self.keep_other("phone_number", "must be a phone number")
    }

    fn ascii_invalid(&self) -> Cow<'static, str> {
        self.keep_other("ascii", "must be ASCII")
    }

    fn alphanumeric_invalid(&self) -> Cow<'static, str> {
        self.keep_other("alphanumeric", "must be letters and digits")
    }

    fn contains_missing(&self, text: &dyn Display) -> Cow<'static, str> {
        self.keep_other("contains", format!("must contain {text}"))
    }

    fn prefix_missing(&self, text: &dyn Display) -> Cow<'static, str> {
        self.keep_other("prefix", format!("must begin with {text}"))
    }

    fn suffix_missing(&self, text: &dyn Display) -> Cow<'static, str> {
        self.keep_other("suffix", format!("must end with {text}"))
    }

    fn matches_field_mismatch(&self, member: &dyn Display) -> Cow<'static, str> {
        self.keep(Found::Differs(member.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, Validate)]
    #[serde(rename_all = "camelCase")]
    struct Account {
        #[garde(dive)]
        new_passwords: Vec<Password>,
    }

    #[derive(Deserialize, Validate)]
    #[serde(rename_all = "kebab-case")]
    struct Password {
        #[garde(skip)]
        first_entry: String,
        #[garde(matches(first_entry))]
        second_entry: String,
    }

    #[test]
    fn another_member_has_the_name_that_clients_write() {
        let password = |first: &str, second: &str| Password {
            first_entry: first.to_owned(),
            second_entry: second.to_owned(),
        };
        let new_passwords = vec![password("a", "a"), password("a", "b")];
        let mut expected = Violations::new();
        let matches = ValueRule::Other {
            name: "matches".into(),
            text: "must be the same as first-entry".into(),
        };
        expected.add("newPasswords[1].second-entry", matches.clone());
        assert!(check(&Account { new_passwords }) == expected);
        let mut expected = Violations::new();
        expected.add("second-entry", matches);
        assert!(check(&password("a", "b")) == expected);
    }

    #[test]
    fn a_rule_is_kept_once_however_often_it_is_broken() {
        let broken = Broken::default();
        let texts = [1, 2, 1].map(|limit| broken.keep_rule(ValueRule::min(limit)));
        assert_eq!((&texts[0], broken.0.borrow().len()), (&texts[2], 2));
        assert_eq!(broken.found(&texts[1]), Found::Breaks(ValueRule::min(2)));
    }
}
