//! Serializes JSON bodies, with the bytes of the JSON writer.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;
use serde_json::Value as Json;

use crate::json::{self, next_special_in_html};

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
        let (len, differs) = if rest.starts_with('"') { string(rest) } else { number(rest) };
        let end = at.saturating_add(len);
        if differs {
            let token = text.get(at..end).unwrap_or_default();
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

/// Returns the length of the string at the beginning of `text`, including quotes, and whether it
/// has characters that are unsafe in HTML.
fn string(text: &str) -> (usize, bool) {
    let (mut len, mut differs) = (1, false);
    loop {
        len = next_special_in_html(text.as_bytes(), len);
        let next = text.get(len..).and_then(|rest| rest.chars().next());
        let taken = match next {
            // A backslash takes the next character along, which is ASCII.
            Some('\\') => 2,
            Some('"') | None => return (len.saturating_add(1).min(text.len()), differs),
            Some(c) => {
                differs |= json::is_unsafe_in_html(c);
                c.len_utf8()
            }
        };
        len = len.saturating_add(taken);
    }
}

/// Returns the length of the number at the beginning of `text`, and whether it may be written
/// differently: floats, and integers beyond 64 bits.
fn number(text: &str) -> (usize, bool) {
    let len = text.bytes().position(|b| matches!(b, b',' | b']' | b'}')).unwrap_or(text.len());
    let is_float = text.bytes().take(len).any(|b| matches!(b, b'.' | b'e' | b'E'));
    (len, len > U64_DIGITS || is_float)
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
