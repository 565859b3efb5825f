//! XML texts, by the names of elements.

use alloc::borrow::{Cow, ToOwned as _};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::card_numbers;
use super::mask::{Style, starred};
use super::scan::{Found, ahead_of, rewrite, same_text, skip_char, span, strip_prefix, then};
use super::{Profile, REDACTED, Sanitizer, log_text};

/// Which elements are not shown as they are, and what is shown of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct XmlPattern<'a> {
    /// The element's name, in any case and without its prefix.
    pub element: &'a str,
    /// What is shown.
    pub mask: XmlMask,
}

/// What is shown of an element.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum XmlMask {
    /// The first six and the last four digits of a card number.
    Card,
    /// `[REDACTED]`.
    Redact,
    /// The last four characters.
    LastFour,
}

impl<'a> XmlPattern<'a> {
    /// What is shown of an element.
    #[must_use]
    pub const fn new(element: &'a str, mask: XmlMask) -> Self {
        Self { element, mask }
    }
}

/// Elements of payment messages.
pub const PAYMENT_XML: &[XmlPattern<'static>] = &[
    XmlPattern::new("AcctNum", XmlMask::Card),
    XmlPattern::new("CardNum", XmlMask::Card),
    XmlPattern::new("CardNumber", XmlMask::Card),
    XmlPattern::new("TrackData", XmlMask::Redact),
    XmlPattern::new("CVV", XmlMask::Redact),
    XmlPattern::new("CVV2", XmlMask::Redact),
    XmlPattern::new("CVC", XmlMask::Redact),
    XmlPattern::new("ExpDate", XmlMask::Redact),
    XmlPattern::new("ExpiryDate", XmlMask::Redact),
    XmlPattern::new("Password", XmlMask::Redact),
    XmlPattern::new("TransArmorToken", XmlMask::LastFour),
];

/// Elements of messages to Rapid Connect: the same.
pub const RAPID_CONNECT_XML: &[XmlPattern<'static>] = PAYMENT_XML;

impl Sanitizer {
    /// Returns what may be logged of an XML text: of each element that `patterns` name, what its mask
    /// shows. Card numbers elsewhere are masked, too. Elements may have prefixes, attributes (which are
    /// dropped), sections and elements inside, and be escaped as text of others; one that is not closed
    /// is masked up to the end.
    ///
    /// ```
    /// use apptheory_core::sanitize::{PAYMENT_XML, Sanitizer};
    ///
    /// let text = r#"<p:CVV kind="2">123</p:CVV><CardNum>4111 1111 1111 1111</CardNum>"#;
    /// let shown = Sanitizer::new().xml(text, PAYMENT_XML);
    /// assert_eq!(shown, "<p:CVV>[REDACTED]</p:CVV><CardNum>411111******1111</CardNum>");
    /// ```
    #[must_use]
    pub fn xml<'t>(&self, text: &'t str, patterns: &[XmlPattern<'_>]) -> Cow<'t, str> {
        match self.profile {
            Profile::Reference => patterns.iter().fold(Cow::Borrowed(text), |text, pattern| {
                then(text, |text| replace(text, *pattern))
            }),
            Profile::Default => {
                let text = then(log_text(text), |text| mask_elements(text, patterns));
                then(text, card_numbers::hide)
            }
        }
    }
}

/// How a tag is written: as it is, or escaped once or twice.
struct Form {
    open: &'static str,
    close: &'static str,
}

const FORMS: [Form; 3] = [
    Form { open: "<", close: ">" },
    Form { open: "&lt;", close: "&gt;" },
    Form { open: "&amp;lt;", close: "&amp;gt;" },
];

/// Masks elements however they are written.
fn mask_elements<'t>(text: &'t str, patterns: &[XmlPattern<'_>]) -> Cow<'t, str> {
    rewrite(
        text,
        |c| matches!(c, '<' | '&'),
        |here, _| {
            let (form, after) =
                FORMS.iter().find_map(|form| Some((form, strip_prefix(here, form.open)?)))?;
            let (name, after) = span(after, is_name);
            let pattern = patterns.iter().find(|pattern| is_element(name, pattern.element))?;
            let head = format!("{}{name}", ahead_of(strip_prefix(here, form.open)?, here));
            let Some((attributes, inner)) = split_at_tag_end(after, form) else {
                return Some(Found::replaced(head, ""));
            };
            if closes_itself(attributes) {
                return Some(Found::replaced(format!("{head}/{}", form.close), inner));
            }
            let rest = behind_content(inner, pattern.element, form);
            let shown = shown_of(ahead_of(rest, inner), pattern.mask);
            Some(Found::replaced(format!("{head}{}{shown}", form.close), rest))
        },
    )
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, ':' | '_' | '-' | '.')
}

/// Whether a tag's name is that of an element, with any prefix.
fn is_element(name: &str, element: &str) -> bool {
    same_text(name.rsplit(':').next().unwrap_or(name), element)
}

/// The attributes of a tag, and what follows it.
fn split_at_tag_end<'t>(text: &'t str, form: &Form) -> Option<(&'t str, &'t str)> {
    text.match_indices(form.close.chars().next()?).find_map(|(at, _)| {
        let (attributes, end) = text.split_at(at);
        Some((attributes, strip_prefix(end, form.close)?))
    })
}

/// Whether the attributes end with the `/` of a tag that encloses nothing.
fn closes_itself(attributes: &str) -> bool {
    let before = attributes.trim_end().strip_suffix('/');
    before.is_some_and(|before| before.is_empty() || before.ends_with([' ', '"', '\'', ';']))
}

/// What follows an element's content, beginning with the tag that closes it. Elements of the same name
/// inside belong to it, and so do sections and comments.
fn behind_content<'t>(inner: &'t str, element: &str, form: &Form) -> &'t str {
    let mut depth = 1_usize;
    let mut rest = inner;
    while let Some(at) = rest.find(['<', '&']) {
        let (_, here) = rest.split_at(at);
        rest = skip_char(here);
        let Some(tag) = strip_prefix(here, form.open) else { continue };
        if let Some(section) = tag.strip_prefix("![CDATA[") {
            rest = behind(section, "]]", form);
        } else if let Some(comment) = tag.strip_prefix("!--") {
            rest = behind(comment, "--", form);
        } else if is_element(span(tag.strip_prefix('/').unwrap_or(tag), is_name).0, element) {
            depth = if tag.starts_with('/') {
                depth.saturating_sub(1)
            } else {
                depth.saturating_add(1)
            };
            if depth == 0 {
                return here;
            }
        }
    }
    ""
}

/// What follows the end of a section or a comment.
fn behind<'t>(text: &'t str, marks: &str, form: &Form) -> &'t str {
    text.split_once(&*format!("{marks}{}", form.close)).map_or("", |(_, rest)| rest)
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

/// Masks the elements of one pattern as the portable rules have it: written without a prefix, blanks
/// and attributes, or escaped once, and with plain text inside.
fn replace<'t>(text: &'t str, pattern: XmlPattern<'_>) -> Cow<'t, str> {
    rewrite(
        text,
        |c| matches!(c, '<' | '&'),
        |here, _| {
            let [plain, escaped, _] = &FORMS;
            let rest = behind_plain_element(here, pattern.element, plain)
                .or_else(|| behind_plain_element(here, pattern.element, escaped))?;
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

/// The element with its content masked; `None` if it stays.
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

#[cfg(test)]
mod tests {
    use super::{PAYMENT_XML, Sanitizer};

    #[test]
    fn elements_are_masked_however_they_are_written() {
        for (text, expected) in [
            ("<CVV a=\"1\">123</CVV>", "<CVV>[REDACTED]</CVV>"),
            ("<CVV >123</CVV >", "<CVV>[REDACTED]</CVV >"),
            ("<ns:cvv>123</ns:cvv>", "<ns:cvv>[REDACTED]</ns:cvv>"),
            ("<CVV><![CDATA[</CVV>1]]></CVV>2", "<CVV>[REDACTED]</CVV>2"),
            ("<CVV><!-- </CVV> -->1</CVV>2", "<CVV>[REDACTED]</CVV>2"),
            ("<CVV>1&gt;2</CVV>", "<CVV>[REDACTED]</CVV>"),
            ("<CVV><CVV>1</CVV>2</CVV>3", "<CVV>[REDACTED]</CVV>3"),
            ("<CVV>12", "<CVV>[REDACTED]"),
            ("<CVV 12", "<CVV"),
            ("<CVV v=\"12\"/><a/>", "<CVV/><a/>"),
            (
                "&lt;Password&gt;a&amp;b&lt;/Password&gt;",
                "&lt;Password&gt;[REDACTED]&lt;/Password&gt;",
            ),
            (
                "&amp;lt;CVV&amp;gt;1&amp;lt;/CVV&amp;gt;",
                "&amp;lt;CVV&amp;gt;[REDACTED]&amp;lt;/CVV&amp;gt;",
            ),
            ("<AcctNum>\n4111 1111 1111 1111\n</AcctNum>", "<AcctNum>411111******1111</AcctNum>"),
            ("<AcctNum>1234</AcctNum>", "<AcctNum>****</AcctNum>"),
            (
                "<TransArmorToken>abcd</TransArmorToken>",
                "<TransArmorToken>[REDACTED]</TransArmorToken>",
            ),
            ("<C\u{200b}VV>1</CVV>", "<CVV>[REDACTED]</CVV>"),
            ("<a>4111111111111111</a>", "<a>411111******1111</a>"),
            ("<CVVX>1</CVVX><a>&lt;</a>", "<CVVX>1</CVVX><a>&lt;</a>"),
        ] {
            assert_eq!(Sanitizer::new().xml(text, PAYMENT_XML), expected);
        }
    }
}
