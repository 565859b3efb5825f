//! What the validation library finds, as violations of rules that clients know.

use core::fmt::Display;
use std::borrow::Cow;
use std::cell::RefCell;

use apptheory_core::validation::{Rule, Violations};
use garde::Validate;
use garde::i18n::{
    I18n, InvalidCreditCard, InvalidEmail, InvalidPhoneNumber, InvalidUrl, IpKind, with_i18n,
};
use serde::de::DeserializeOwned;

use super::names::wire_path;

/// Checks a value, and returns the rules that it breaks, each with its member as clients write it. Use
/// it for what no [`Valid`](crate::app::Valid) reaches, such as what an envelope holds.
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
    let mut found = report.iter().map(|(path, error)| (path, broken.rule(error.message())));
    let told = found.by_ref().take(Violations::MAX_TOLD);
    let mut told: Vec<_> =
        told.map(|(path, rule)| (wire_path::<T>(&path.to_string()), rule)).collect();
    // The library goes through members by their names, and clients read them as they are declared.
    told.sort_by(|((a, _), _), ((b, _), _)| a.cmp(b));
    for ((_, field), rule) in told {
        violations.add(field, rule);
    }
    // These are counted: nobody has to wait for their names.
    found.for_each(|(_, rule)| violations.add("", rule));
    violations
}

/// The rules that were broken. The library keeps a text of each, which says where in this list it is.
#[derive(Default)]
struct Broken(RefCell<Vec<Rule>>);

/// What those texts begin with. No rule of an application begins its text with it.
const MARK: char = '\0';

impl Broken {
    /// Keeps a rule once, however many members of a long list break it.
    fn keep(&self, rule: Rule) -> Cow<'static, str> {
        let mut rules = self.0.borrow_mut();
        let place = rules.iter().position(|known| *known == rule).unwrap_or(rules.len());
        if place == rules.len() {
            rules.push(rule);
        }
        format!("{MARK}{place}").into()
    }

    fn keep_other(
        &self,
        name: &'static str,
        text: impl Into<Cow<'static, str>>,
    ) -> Cow<'static, str> {
        self.keep(Rule::Other { name: name.into(), text: text.into() })
    }

    /// The rule with this text. What has none here is the application's own.
    fn rule(&self, text: &str) -> Rule {
        let place = text.strip_prefix(MARK).and_then(|place| place.parse::<usize>().ok());
        let kept = place.and_then(|place| self.0.borrow().get(place).cloned());
        kept.unwrap_or_else(|| Rule::Custom(text.to_owned()))
    }
}

impl I18n for Broken {
    fn required_not_set(&self) -> Cow<'static, str> {
        self.keep(Rule::Required)
    }

    fn range_lower_than(&self, min: &dyn Display) -> Cow<'static, str> {
        self.keep(Rule::min(min))
    }

    fn range_greater_than(&self, max: &dyn Display) -> Cow<'static, str> {
        self.keep(Rule::max(max))
    }

    fn length_lower_than(&self, min: usize) -> Cow<'static, str> {
        self.keep(Rule::MinLength(min))
    }

    fn length_greater_than(&self, max: usize) -> Cow<'static, str> {
        self.keep(Rule::MaxLength(max))
    }

    fn pattern_no_match(&self, _: &dyn Display) -> Cow<'static, str> {
        self.keep(Rule::Pattern)
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
        self.keep_other("matches", format!("must be the same as {member}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_kept_once_however_often_it_is_broken() {
        let broken = Broken::default();
        let texts = [1, 2, 1].map(|limit| broken.keep(Rule::min(limit)));
        assert_eq!((&texts[0], broken.0.borrow().len()), (&texts[2], 2));
        assert_eq!(broken.rule(&texts[1]), Rule::min(2));
    }
}
