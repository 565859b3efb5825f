//! Request bodies: their encoding, and their size in an event.

use super::fields::{lists, tokens};
use crate::error::AppError;
use crate::http::MultiMap;

/// Refuses a body with a transfer coding other than `chunked`, which would be misread (RFC 9112
/// §6.1). Header names must be in lower case.
///
/// # Errors
///
/// 501 for another transfer coding, 400 for more than one `chunked`.
pub fn check_encoding(headers: &MultiMap) -> Result<(), AppError> {
    const FIELD: &str = "transfer-encoding";
    // Nearly no request has it.
    if !headers.contains(FIELD) {
        return Ok(());
    }
    let codings = || tokens(headers, FIELD);
    if !codings().all(|coding| coding.eq_ignore_ascii_case("chunked")) {
        let error = AppError::bad_request("the only supported transfer coding is chunked");
        return Err(error.with_status(501));
    }
    if codings().count() > 1 {
        return Err(AppError::bad_request("a body must be chunked only once"));
    }
    Ok(())
}

/// Returns whether a client accepts trailers (RFC 9110 §10.1.4). Header names must be in lower
/// case.
#[must_use]
pub fn takes_trailers(headers: &MultiMap) -> bool {
    lists(headers, "te", "trailers")
}

/// Returns the number of bytes of a body in an event: text as a JSON string, anything else in
/// base64. Header names must be in lower case.
#[must_use]
pub fn len_in_event(headers: &MultiMap, body: &[u8]) -> usize {
    let lens = match core::str::from_utf8(body) {
        Ok(text) if is_text(headers) => text.bytes().map(len_in_json),
        _ => return base64::encoded_len(body.len(), true).unwrap_or(usize::MAX),
    };
    lens.fold(0, usize::saturating_add)
}

/// Returns the number of bytes that a byte of text has in a JSON string.
const fn len_in_json(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..0x20 => 6,
        _ => 1,
    }
}

/// Returns whether a body with these headers is sent as text (*Elastic Load Balancing User Guide*,
/// Lambda functions as targets). Without a content type it may be either.
fn is_text(headers: &MultiMap) -> bool {
    let is_encoded = headers.contains("content-encoding");
    let Some(media_type) = headers.get("content-type") else { return !is_encoded };
    let media_type = media_type.to_ascii_lowercase();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    let is_text = media_type.starts_with("text/")
        || matches!(media_type, "application/json" | "application/javascript" | "application/xml");
    is_text && !is_encoded
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::{check_encoding, len_in_event};
    use crate::http::MultiMap;

    fn fields(fields: &[(&str, &str)]) -> MultiMap {
        fields.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn a_body_is_chunked_once_or_not_at_all() {
        let status = |lines: &[&str]| {
            let name = "transfer-encoding";
            let lines = lines.iter().map(|line| (name.to_string(), (*line).to_string()));
            check_encoding(&lines.collect()).map_err(|error| error.status())
        };
        for whole in [&[][..], &["chunked"], &["Chunked"], &[""], &[",chunked,"]] {
            assert_eq!(status(whole), Ok(()), "{whole:?}");
        }
        for coded in [&["gzip"][..], &["gzip, chunked"], &["chunked", "identity"], &["\u{e9}"]] {
            assert_eq!(status(coded), Err(501), "{coded:?}");
        }
        assert_eq!(status(&["chunked, chunked"]), Err(400));
        assert_eq!(status(&["chunked", "chunked"]), Err(400));
    }

    #[test]
    fn a_text_is_as_long_as_its_json_and_anything_else_as_its_base64() {
        let len = |named: &[(&str, &str)], body: &[u8]| len_in_event(&fields(named), body);
        let text = "a\"\\\n\u{1}é";
        let json = serde_json::to_string(text).unwrap().len() - 2;
        for text_type in ["text/plain", "Application/JSON; charset=utf-8", "application/xml"] {
            let typed = [("content-type", text_type)];
            assert_eq!(len(&typed, text.as_bytes()), json, "{text_type}");
        }
        assert_eq!(len(&[], text.as_bytes()), json);
        let base64 = text.len().div_ceil(3) * 4;
        for named in [
            &[("content-type", "application/octet-stream")][..],
            &[("content-type", "text/plain"), ("content-encoding", "gzip")],
            &[("content-encoding", "gzip")],
        ] {
            assert_eq!(len(named, text.as_bytes()), base64, "{named:?}");
        }
        assert_eq!(len(&[("content-type", "text/plain")], &[0xff]), 4);
    }
}
