//! Card numbers in texts: 13 to 19 digits with a valid check digit (ISO/IEC 7812, Luhn).

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::Profile;
use super::fold::digit;
use super::mask::Style;
use super::scan::{Found, ahead_of, rewrite, skip_char};

const SHORTEST: usize = 13;
const LONGEST: usize = 19;

/// A digit of a text, and what is between it and the digit before.
struct Digit {
    value: u32,
    gap: Gap,
    is_hidden: bool,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Gap {
    /// Nothing: both digits belong to one group.
    Nothing,
    /// This number of characters that may separate groups of a card number.
    Separators(u8),
    /// Anything else: a new row of digits begins.
    Other,
}

/// Replaces the middle digits of every card number by `*`, regardless of the separators of its
/// digits. If two numbers overlap, hiding one breaks the other, so no row of shown digits is a card
/// number afterwards.
pub(super) fn hide(text: &str) -> Cow<'_, str> {
    // Fast path: most texts have fewer digits than any card number.
    if text.chars().filter_map(digit).take(SHORTEST).count() < SHORTEST {
        return Cow::Borrowed(text);
    }
    let mut digits = digits(text);
    let in_groups = hide_in(&mut digits, true);
    let in_rows = hide_in(&mut digits, false);
    if !in_groups && !in_rows {
        return Cow::Borrowed(text);
    }
    let mut hidden = digits.iter().map(|digit| digit.is_hidden);
    let shown = |c: char| match digit(c) {
        Some(_) if hidden.next() == Some(true) => '*',
        _ => c,
    };
    Cow::Owned(text.chars().map(shown).collect())
}

/// Returns whether a text is exactly a card number.
pub(super) fn is_card(text: &str) -> bool {
    let values = || text.bytes().rev().map(|b| u32::from(b.wrapping_sub(b'0')));
    let sum = || values().enumerate().map(|(place, value)| luhn(value, place)).sum::<u32>();
    (SHORTEST..=LONGEST).contains(&text.len())
        && values().all(|value| value < 10)
        && sum().is_multiple_of(10)
}

fn digits(text: &str) -> Vec<Digit> {
    let mut digits = Vec::new();
    let mut gap = Gap::Other;
    for c in text.chars() {
        gap = match (digit(c), gap) {
            (Some(value), gap) => {
                digits.push(Digit { value, gap, is_hidden: false });
                Gap::Nothing
            }
            (None, Gap::Nothing) if separates(c) => Gap::Separators(1),
            (None, Gap::Separators(count @ ..3)) if separates(c) => {
                Gap::Separators(count.saturating_add(1))
            }
            (None, _) => Gap::Other,
        };
    }
    digits
}

const fn separates(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '.' | '/' | '_' | '\u{b7}' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// Hides the card number that ends at each digit, the shortest first; only whole groups if
/// `in_groups` is set.
fn hide_in(digits: &mut [Digit], in_groups: bool) -> bool {
    let mut any = false;
    for end in SHORTEST..=digits.len() {
        let ends_group = digits.get(end).is_none_or(|next| next.gap != Gap::Nothing);
        if (ends_group || !in_groups)
            && let Some((before, _)) = digits.split_at_mut_checked(end)
            && let Some(length) = card_at_end(before, in_groups)
        {
            let hidden = length.saturating_sub(10);
            before.iter_mut().rev().skip(4).take(hidden).for_each(|digit| digit.is_hidden = true);
            any = true;
        }
    }
    any
}

/// Returns the length of the shortest card number at the end of the digits.
fn card_at_end(digits: &[Digit], in_groups: bool) -> Option<usize> {
    let mut sum = 0_u32;
    for (place, digit) in digits.iter().rev().take(LONGEST).enumerate() {
        if digit.is_hidden {
            return None;
        }
        sum = sum.saturating_add(luhn(digit.value, place));
        let length = place.saturating_add(1);
        let is_whole = !in_groups || digit.gap != Gap::Nothing;
        if length >= SHORTEST && is_whole && sum.is_multiple_of(10) {
            return Some(length);
        }
        if digit.gap == Gap::Other {
            return None;
        }
    }
    None
}

/// Returns a digit's contribution to the sum, which must end in 0, by its place from the right.
const fn luhn(value: u32, place: usize) -> u32 {
    let doubled = if !place.is_multiple_of(2) { value.saturating_mul(2) } else { value };
    if doubled > 9 { doubled.saturating_sub(9) } else { doubled }
}

/// Masks by the portable rules: the first 13 to 19 digits of a row, if they are a card number;
/// single blanks and dashes may separate them.
pub(super) fn mask_in_rows(text: &str) -> Cow<'_, str> {
    rewrite(
        text,
        |c| c.is_ascii_digit(),
        |row, _| {
            let mut values = Vec::with_capacity(LONGEST);
            let mut rest = row;
            while let Some((value, after)) = next_digit(rest, values.is_empty())
                && values.len() < LONGEST
            {
                values.push(value);
                rest = after;
            }
            let sum = values
                .iter()
                .rev()
                .enumerate()
                .map(|(place, value)| luhn(*value, place))
                .sum::<u32>();
            if values.len() < SHORTEST || !sum.is_multiple_of(10) {
                return Some(Found::kept(rest));
            }
            let masked: String = Style::Card.mask(ahead_of(rest, row), Profile::Reference);
            Some(Found::replaced(masked, rest))
        },
    )
}

/// Returns the next digit of a row, and the rest.
fn next_digit(rest: &str, is_first: bool) -> Option<(u32, &str)> {
    let rest = if is_first { rest } else { rest.strip_prefix([' ', '-']).unwrap_or(rest) };
    Some((rest.chars().next()?.to_digit(10)?, skip_char(rest)))
}

#[cfg(test)]
mod tests {
    use alloc::borrow::Cow;

    use super::hide;

    #[test]
    fn card_numbers_are_hidden_wherever_they_stand() {
        for (text, expected) in [
            ("4111111111111111", "411111******1111"),
            ("4111 1111-1111.1111", "4111 11**-****.1111"),
            ("status 402 4111111111111111", "status 402 411111******1111"),
            ("4111111111111111 4111111111111111", "411111******1111 411111******1111"),
            ("2026-01-02 4111111111111111", "2026-01-02 411111******1111"),
            (
                "４１１１\u{a0}１１１１\u{a0}１１１１\u{a0}１１１１",
                "４１１１\u{a0}１１**\u{a0}****\u{a0}１１１１",
            ),
            ("x378282246310005y", "x378282*****0005y"),
        ] {
            assert_eq!(hide(text), expected);
        }
        for text in ["", "4111-1111-11112", "2026-01-02T03:04:05.123456789Z", "411111111111"] {
            assert!(matches!(hide(text), Cow::Borrowed(_)), "{text}");
        }
        assert_ne!(hide("94111111111111111"), "94111111111111111");
    }
}
