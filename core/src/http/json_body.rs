//! Serializes JSON bodies, with the bytes of the JSON writer.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;
use serde_json::Value as Json;

use crate::json::{self, first_byte};

/// Returns the JSON text of a value: compact, members in the value's order, numbers and escapes as
/// in [`json::write_value`].
///
/// # Errors
///
/// The error of the value's `Serialize`, or of a member name that is not a string.
pub(super) fn to_text<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string(value)?;
    let mut out = String::new();
    // Copies runs that are the same in both forms, up to the next difference.
    let mut taken = 0;
    let mut at = 0;
    let is_start = |b: u8| matches!(b, b'"' | b'-' | b'0'..=b'9');
    while let Some(between) = text.get(at..).and_then(|rest| rest.bytes().position(is_start)) {
        at = at.saturating_add(between);
        let rest = text.get(at..).unwrap_or_default();
        let (len, differs): (_, fn(&str) -> bool) = match rest.starts_with('"') {
            true => (string_len(rest), string_differs),
            false => (number_len(rest), number_differs),
        };
        let end = at.saturating_add(len);
        let token = text.get(at..end).unwrap_or_default();
        if differs(token) {
            out.push_str(text.get(taken..at).unwrap_or_default());
            json::write_value(&serde_json::from_str::<Json>(token)?, &mut out);
            taken = end;
        }
        at = end;
    }
    if taken == 0 {
        return Ok(text);
    }
    out.push_str(text.get(taken..).unwrap_or_default());
    Ok(out)
}

/// Returns JSON that is safe inside a `<script>` element: as
/// [`HttpResponse::json`](super::HttpResponse::json) writes it, but with the members of all objects
/// sorted by name.
///
/// # Errors
///
/// The error of the value's `Serialize`, or of a member name that is not a string.
pub fn safe_json_for_html<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    serde_json::to_value(value).map(|value| json::to_text(&value))
}

/// Returns the length of the string at the beginning of `text`, including quotes.
fn string_len(text: &str) -> usize {
    let mut len: usize = 1;
    loop {
        let rest = text.get(len..).unwrap_or_default();
        let Some(at) = first_byte(rest, |b| matches!(b, b'"' | b'\\')) else { return text.len() };
        let is_end = rest.as_bytes().get(at) == Some(&b'"');
        // A backslash takes the next character along.
        len = len.saturating_add(at).saturating_add(if is_end { 1 } else { 2 });
        if is_end {
            return len;
        }
    }
}

/// Returns the length of the number at the beginning of `text`.
fn number_len(text: &str) -> usize {
    text.bytes().position(|b| matches!(b, b',' | b']' | b'}')).unwrap_or(text.len())
}

fn string_differs(token: &str) -> bool {
    first_byte(token, |b| matches!(b, b'<' | b'>' | b'&' | 0xe2)).is_some()
        && token.contains(json::is_unsafe_in_html)
}

/// Returns whether a number may be written differently: floats, and integers beyond 64 bits.
fn number_differs(token: &str) -> bool {
    token.len() > U64_DIGITS || token.bytes().any(|b| matches!(b, b'.' | b'e' | b'E'))
}

/// Any integer with this many digits fits 64 bits.
const U64_DIGITS: usize = 19;

/// Returns the bytes of a JSON body.
pub(crate) fn to_bytes<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    to_text(value).map(String::into_bytes)
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use serde::Serialize;

    use super::{safe_json_for_html, to_text};

    #[derive(Serialize)]
    struct Order {
        name: &'static str,
        amount: f64,
        lines: Vec<f64>,
        big: u64,
        none: Option<u8>,
    }

    const ORDER: Order = Order {
        name: "a \"<b>\" \\ \u{2028}\u{1}",
        amount: 1.0,
        lines: Vec::new(),
        big: u64::MAX,
        none: None,
    };

    #[test]
    fn members_keep_their_order_and_numbers_their_form() {
        let order = Order { lines: vec![1e21, -1.5e-7, 1e20], ..ORDER };
        assert_eq!(
            to_text(&order).unwrap(),
            r#"{"name":"a \"\u003cb\u003e\" \\ \u2028\u0001","amount":1,"lines":[1e+21,-1.5e-7,100000000000000000000],"big":18446744073709551615,"none":null}"#
        );
        assert_eq!(to_text("x").unwrap(), r#""x""#);
        assert_eq!(to_text(&-2.0).unwrap(), "-2");
    }

    #[test]
    fn html_gets_sorted_members() {
        let text = safe_json_for_html(&ORDER).unwrap();
        assert!(text.starts_with(r#"{"amount":1,"big":"#) && !text.contains('<'));

        let value = serde_json::json!({
            "html": "</script><div>&</div><",
            "amp": "a&b",
            "ls": "line\u{2028}sep",
            "ps": "para\u{2029}sep",
        });
        assert_eq!(
            safe_json_for_html(&value).unwrap(),
            r#"{"amp":"a\u0026b","html":"\u003c/script\u003e\u003cdiv\u003e\u0026\u003c/div\u003e\u003c","ls":"line\u2028sep","ps":"para\u2029sep"}"#
        );
    }
}
