//! Sanitizes XML texts by the names of elements.

mod portable;
mod strict;

use alloc::borrow::Cow;

use super::scan::then;
use super::{Profile, Sanitizer};

/// An element that is not shown unchanged, and its mask.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct XmlPattern<'a> {
    /// The element's name, in any case and without a prefix.
    pub element: &'a str,
    /// What is shown of the element.
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
    /// Creates a pattern.
    #[must_use]
    pub const fn new(element: &'a str, mask: XmlMask) -> Self {
        Self { element, mask }
    }
}

/// The elements of payment messages.
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

/// The elements of Rapid Connect messages: the same.
pub const RAPID_CONNECT_XML: &[XmlPattern<'static>] = PAYMENT_XML;

impl Sanitizer {
    /// Returns a sanitized XML text. Of each element and attribute in `patterns` its mask is shown.
    /// Those with other sensitive names are hidden like members of these names, and card numbers
    /// are hidden everywhere. Elements may have prefixes, attributes (which are dropped), CDATA
    /// sections and nested elements, and may be escaped any number of times; an element that is not
    /// closed is masked to the end.
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
                then(text, |text| portable::replace(text, *pattern))
            }),
            Profile::Default => self.strict_xml(text, patterns),
        }
    }
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
            ("<token4111111111111111", "<token411111"),
            ("<token4111111111111111>x</a>", "<token411111>[REDACTED]"),
            ("<CVV v=\"12\"/><a/>", "<CVV/><a/>"),
            (
                "&lt;Password&gt;a&amp;b&lt;/Password&gt;",
                "&lt;Password&gt;[REDACTED]&lt;/Password&gt;",
            ),
            (
                "&amp;lt;CVV&amp;gt;1&amp;lt;/CVV&amp;gt;",
                "&amp;lt;CVV&amp;gt;[REDACTED]&amp;lt;/CVV&amp;gt;",
            ),
            (
                "&amp;amp;#60;CVV&amp;#38;gt;1&amp;amp;lt;/CVV&amp;amp;gt;",
                "&amp;amp;#60;CVV&amp;#38;gt;[REDACTED]&amp;amp;lt;/CVV&amp;amp;gt;",
            ),
            ("&#60;CVV&#x3E;1&#x3c;/CVV&#062;2", "&#60;CVV&#x3E;[REDACTED]&#x3c;/CVV&#062;2"),
            ("&lt;CVV&gt;1&amp;lt;/CVV&amp;gt;2&lt;/CVV&gt;", "&lt;CVV&gt;[REDACTED]&lt;/CVV&gt;"),
            ("<a>&#52;111&#x31;1111111&amp;#49;111</a>", "<a>411111******1111</a>"),
            ("<a>&#5&#50;;</a>", "<a>&#5&#50;;</a>"),
            ("&#4111111111111111&#52;", "&#411111******1111&#52;"),
            ("&#411111******1111&#52;", "&#411111******1111&#52;"),
            ("card #&#52;111111111111111", "card #411111******1111"),
            ("#*&#52;111111111111111", "#*411111******1111"),
            (
                "<s:apiKey>x</s:apiKey><Ssn>123-45-6789</Ssn>",
                "<s:apiKey>[REDACTED]</s:apiKey><Ssn>*******6789</Ssn>",
            ),
            ("<AcctNum>\n4111 1111 1111 1111\n</AcctNum>", "<AcctNum>411111******1111</AcctNum>"),
            ("<AcctNum>1234</AcctNum>", "<AcctNum>****</AcctNum>"),
            (
                "<TransArmorToken>abcd</TransArmorToken>",
                "<TransArmorToken>[REDACTED]</TransArmorToken>",
            ),
            ("<C\u{200b}VV>1</CVV>", "<CVV>[REDACTED]</CVV>"),
            ("<a>4111111111111111</a>", "<a>411111******1111</a>"),
            ("<a pin='7' b='c'/>", "<a pin='[REDACTED]' b='c'/>"),
            (
                "<a x:PassWord = \"y z\"> token=\"",
                "<a x:PassWord = \"[REDACTED]\"> token=\"[REDACTED]",
            ),
            ("<a cardNumber='4111 1111 1111 1111'>", "<a cardNumber='411111******1111'>"),
            (
                "&lt;a token=&quot;y &amp;quot; z&quot; b=&quot;c&quot;/&gt;",
                "&lt;a token=&quot;[REDACTED]&quot; b=&quot;c&quot;/&gt;",
            ),
            ("<a token=\\\"y\\\" b=1>", "<a token=\\\"[REDACTED]\\\" b=1>"),
            ("<CVVX>1</CVVX><a>&lt;</a>", "<CVVX>1</CVVX><a>&lt;</a>"),
        ] {
            assert_eq!(Sanitizer::new().xml(text, PAYMENT_XML), expected);
        }
    }
}
