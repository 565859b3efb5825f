//! XML by the strict rules: elements and attributes in any notation and escaping.

use alloc::borrow::{Cow, ToOwned as _};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::{XmlMask, XmlPattern};
use crate::sanitize::markup::{behind, bracket, ends, is_name, local, unescaped};
use crate::sanitize::mask::{Style, starred};
use crate::sanitize::pairs::Shown;
use crate::sanitize::scan::{Found, ahead_of, rewrite, same_text, skip_char, span, then};
use crate::sanitize::{Profile, REDACTED, Sanitizer, card_numbers, log_text};

impl Sanitizer {
    pub(super) fn strict_xml<'t>(
        &self,
        text: &'t str,
        patterns: &[XmlPattern<'_>],
    ) -> Cow<'t, str> {
        let text = then(log_text(text), plain_digits);
        let text = then(text, |text| self.mask_elements(text, patterns));
        let text = then(text, |text| self.mask_attributes(text, patterns));
        then(text, card_numbers::hide)
    }

    fn mask_elements<'t>(&self, text: &'t str, patterns: &[XmlPattern<'_>]) -> Cow<'t, str> {
        rewrite(
            text,
            |c| matches!(c, '<' | '&'),
            |here, _| {
                let (depth, tag) = bracket(here, '<')?;
                let (name, after) = span(tag, is_name);
                // If a name contains a card number, its beginning is shown, and determines the
                // mask.
                let hidden = card_numbers::hide(name);
                let (shown, _) = span(&hidden, is_name);
                let mask =
                    self.mask_of(name, patterns).or_else(|| self.mask_of(shown, patterns))?;
                let head = format!("{}{shown}", ahead_of(tag, here));
                let Some(Tag { attributes, close, rest }) = Tag::read(after, depth) else {
                    return Some(Found::replaced(head, ""));
                };
                if closes_itself(attributes) {
                    return Some(Found::replaced(format!("{head}/{close}"), rest));
                }
                let behind = behind_content(rest, local(shown), depth);
                let shown = shown_of(ahead_of(behind, rest), mask);
                Some(Found::replaced(format!("{head}{close}{shown}"), behind))
            },
        )
    }

    /// Masks attributes anywhere: text that looks like an attribute may be part of a quoted
    /// document.
    fn mask_attributes<'t>(&self, text: &'t str, patterns: &[XmlPattern<'_>]) -> Cow<'t, str> {
        rewrite(text, is_name, |here, _| {
            let (name, after) = span(here, is_name);
            let masked = || {
                let value = after.trim_start().strip_prefix('=')?.trim_start();
                let (_, quote) = span(value, |c| c == '\\');
                let (_, _, body) = unescaped(quote).filter(|(c, ..)| matches!(c, '"' | '\''))?;
                let mask = self.mask_of(name, patterns)?;
                let content = body.split(ahead_of(body, value)).next()?;
                let kept = ahead_of(body, here);
                let rest = body.get(content.len()..)?;
                Some(Found::replaced(format!("{kept}{}", shown_of(content, mask)), rest))
            };
            Some(masked().unwrap_or_else(|| Found::kept(after)))
        })
    }

    /// Returns what is shown of an element or attribute: by its pattern, or as for a member of this
    /// name.
    fn mask_of(&self, name: &str, patterns: &[XmlPattern<'_>]) -> Option<XmlMask> {
        let name = local(name);
        let pattern = patterns.iter().find(|pattern| same_text(name, pattern.element));
        pattern.map(|pattern| pattern.mask).or_else(|| {
            Some(match self.named(["", "", name])? {
                Shown::Nothing => XmlMask::Redact,
                Shown::Masked(Style::Card) => XmlMask::Card,
                Shown::Masked(Style::Restricted) => XmlMask::LastFour,
            })
        })
    }
}

/// Decodes entities of digits, so that card numbers are recognized. An entity that would complete
/// another one stays, even if `*` hides digits of that one.
fn plain_digits(text: &str) -> Cow<'_, str> {
    rewrite(
        text,
        |c| c == '&',
        |here, _| {
            let (digit, _, rest) = unescaped(here).filter(|(c, ..)| c.is_ascii_digit())?;
            let before = ahead_of(here, text);
            let is_code = |c: char| c.is_ascii_hexdigit() || matches!(c, 'x' | 'X' | '*');
            let stem = before.trim_end_matches(is_code);
            let is_within = stem.ends_with("&#") || stem.ends_with(";#");
            (!is_within).then(|| Found::replaced(digit.to_string(), rest))
        },
    )
}

/// A tag after its name.
struct Tag<'t> {
    attributes: &'t str,
    close: &'t str,
    rest: &'t str,
}

impl<'t> Tag<'t> {
    fn read(text: &'t str, depth: usize) -> Option<Self> {
        ends(text, depth).next().map(|(attributes, rest)| {
            let end = text.get(attributes.len()..).unwrap_or_default();
            Self { attributes, close: ahead_of(rest, end), rest }
        })
    }
}

/// Returns whether the attributes end with the `/` of an empty element.
fn closes_itself(attributes: &str) -> bool {
    let before = attributes.trim_end().strip_suffix('/');
    before.is_some_and(|before| before.is_empty() || before.ends_with([' ', '"', '\'', ';']))
}

/// Returns what follows an element's content, beginning with its closing tag. Nested elements of
/// the same name belong to the content, and so do CDATA sections and comments.
fn behind_content<'t>(inner: &'t str, element: &str, depth: usize) -> &'t str {
    let mut open = 1_usize;
    let mut rest = inner;
    while let Some(at) = rest.find(['<', '&']) {
        let (_, here) = rest.split_at(at);
        rest = skip_char(here);
        let Some((_, tag)) = bracket(here, '<').filter(|(found, _)| *found == depth) else {
            continue;
        };
        if let Some(section) = tag.strip_prefix("![CDATA[") {
            rest = behind(section, "]]", depth);
        } else if let Some(comment) = tag.strip_prefix("!--") {
            rest = behind(comment, "--", depth);
        } else if same_text(local(span(tag.strip_prefix('/').unwrap_or(tag), is_name).0), element) {
            open =
                if tag.starts_with('/') { open.saturating_sub(1) } else { open.saturating_add(1) };
            if open == 0 {
                return here;
            }
        }
    }
    ""
}

fn shown_of(content: &str, mask: XmlMask) -> String {
    match mask {
        XmlMask::Redact => REDACTED.to_owned(),
        XmlMask::Card => Style::Card.mask(content, Profile::Default),
        XmlMask::LastFour => {
            let chars: Vec<char> = content.trim().chars().collect();
            if content == REDACTED || chars.len() < 9 || content.contains(['<', '&']) {
                return REDACTED.to_owned();
            }
            starred(&chars, 0, 4)
        }
    }
}
