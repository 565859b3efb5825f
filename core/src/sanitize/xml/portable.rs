//! XML by the portable rules.

use alloc::borrow::{Cow, ToOwned as _};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{XmlMask, XmlPattern};
use crate::sanitize::REDACTED;
use crate::sanitize::mask::starred;
use crate::sanitize::scan::{Found, ahead_of, rewrite, span, strip_prefix};

/// How a tag is written: plain or escaped.
struct Form {
    open: &'static str,
    close: &'static str,
}

const PLAIN: Form = Form { open: "<", close: ">" };
const ESCAPED: Form = Form { open: "&lt;", close: "&gt;" };

/// Masks the elements of a pattern by the portable rules: without a prefix, blanks and attributes,
/// plain or escaped once, and with only text inside.
pub(super) fn replace<'t>(text: &'t str, pattern: XmlPattern<'_>) -> Cow<'t, str> {
    rewrite(
        text,
        |c| matches!(c, '<' | '&'),
        |here, _| {
            let rest = behind_plain_element(here, pattern.element, &PLAIN)
                .or_else(|| behind_plain_element(here, pattern.element, &ESCAPED))?;
            let element = ahead_of(rest, here);
            Some(Found { with: masked(element, pattern.mask), rest })
        },
    )
}

fn behind_plain_element<'t>(text: &'t str, element: &str, form: &Form) -> Option<&'t str> {
    let tag = |text: &'t str| strip_prefix(strip_prefix(text, element)?, form.close);
    let inner = tag(strip_prefix(text, form.open)?)?;
    let (_, end) = span(inner, |c| !form.open.starts_with(c));
    tag(strip_prefix(end, form.open)?.strip_prefix('/')?)
}

/// Returns the element with its content masked; `None` if it stays unchanged.
fn masked(element: &str, mask: XmlMask) -> Option<String> {
    let (open, close) = if element.contains("&gt;") { ("&lt;", "&gt;") } else { ("<", ">") };
    let start = element.find(close).map_or(0, |at| at.saturating_add(close.len()));
    let content = element.get(start..element.rfind(open)?)?;
    let chars: Vec<char> = content.chars().collect();
    let shown = match (mask, chars.len()) {
        (XmlMask::Redact, _) => REDACTED.to_owned(),
        (_, ..=4) => return None,
        (XmlMask::Card, 11..) => starred(&chars, 6, 4),
        (XmlMask::LastFour, _) if element.contains("><") || element.contains("&gt;&lt;") => {
            return None;
        }
        (XmlMask::Card | XmlMask::LastFour, _) => starred(&chars, 0, 4),
    };
    let (before, rest) = element.split_at(start);
    Some(format!("{before}{shown}{}", rest.get(content.len()..)?))
}
