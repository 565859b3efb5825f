//! Bodies of requests: read in time, and no further than a function would get them.

use core::pin::pin;

use apptheory_core::error::{AppError, code};
use apptheory_core::http::RequestError;
use apptheory_core::stream::StreamLimits;
use futures_util::future::{Either, select};
use http::StatusCode;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, TRANSFER_ENCODING};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};

use super::fields::tokens;
use super::transport::READ_TIME;
use crate::app::App;
use crate::clock::Clock as _;

/// The most bytes that the body of a request may have, however large the application lets it be:
/// 6 MB, as an invocation on Lambda (*AWS Lambda Developer Guide*, quotas). It is measured as it
/// travels in an event: a text as a JSON string, anything else in Base64, of which three quarters
/// are left.
#[expect(clippy::cast_possible_truncation, reason = "6 MB fit in every usize that tokio runs on")]
pub const MAX_BODY_BYTES: usize = StreamLimits::MAX_BUFFERED_BYTES as usize;

/// Refuses a body that is encoded in more than chunks: it would be read as something else than what
/// was sent (RFC 9112 §6.1).
pub(super) fn check_encoding(headers: &HeaderMap) -> Result<(), AppError> {
    let is_chunked = |coding: &str| coding.eq_ignore_ascii_case("chunked");
    let is_text = headers.get_all(TRANSFER_ENCODING).iter().all(|line| line.to_str().is_ok());
    if !is_text || !tokens(headers, TRANSFER_ENCODING).all(is_chunked) {
        let error = AppError::bad_request("no transfer coding but chunked is implemented");
        return Err(error.with_status(StatusCode::NOT_IMPLEMENTED.as_u16()));
    }
    if tokens(headers, TRANSFER_ENCODING).count() > 1 {
        return Err(AppError::bad_request("a body is chunked once"));
    }
    Ok(())
}

/// Reads a body, but no more than it takes to see that it is too large, and not for ever.
pub(super) async fn read(
    app: &App,
    headers: &HeaderMap,
    body: Incoming,
) -> Result<Vec<u8>, AppError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > MAX_BODY_BYTES {
        return Err(RequestError::TooLarge.into());
    }
    let whole = pin!(Limited::new(body, MAX_BODY_BYTES).collect());
    match select(whole, pin!(app.clock().sleep(READ_TIME))).await {
        Either::Left((Ok(body), _)) => {
            let body = Vec::from(body.to_bytes());
            let fits = len_in_event(headers, &body) <= MAX_BODY_BYTES;
            fits.then_some(body).ok_or_else(|| RequestError::TooLarge.into())
        }
        Either::Left((Err(error), _)) if error.is::<LengthLimitError>() => {
            Err(RequestError::TooLarge.into())
        }
        // It is malformed, or its client is gone; one that is still there is told.
        Either::Left((Err(_), _)) => Err(AppError::bad_request("malformed body")),
        Either::Right(_) => {
            let error = AppError::new(code::TIMEOUT, "the body took longer than 60 s");
            Err(error.with_status(StatusCode::REQUEST_TIMEOUT.as_u16()))
        }
    }
}

/// How many bytes a body has in an event.
fn len_in_event(headers: &HeaderMap, body: &[u8]) -> usize {
    let lens = match core::str::from_utf8(body) {
        Ok(text) if is_text(headers) => text.bytes().map(len_in_json),
        _ => return base64::encoded_len(body.len(), true).unwrap_or(usize::MAX),
    };
    lens.fold(0, usize::saturating_add)
}

/// How many bytes one of a text has in a JSON string.
const fn len_in_json(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..0x20 => 6,
        _ => 1,
    }
}

/// Whether a body with these fields travels as text (*Elastic Load Balancing User Guide*, Lambda
/// functions as targets). One without a type may be either.
fn is_text(headers: &HeaderMap) -> bool {
    let Some(media_type) = headers.get(CONTENT_TYPE) else {
        return !headers.contains_key(CONTENT_ENCODING);
    };
    let media_type = media_type.to_str().unwrap_or_default().to_ascii_lowercase();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    let is_text = media_type.starts_with("text/")
        || matches!(media_type, "application/json" | "application/javascript" | "application/xml");
    is_text && !headers.contains_key(CONTENT_ENCODING)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::HeaderName;

    use super::*;

    fn len(fields: &[(HeaderName, &'static str)], body: &[u8]) -> usize {
        let fields = fields.iter().cloned();
        let fields = fields.map(|(name, value)| (name, HeaderValue::from_static(value)));
        len_in_event(&fields.collect(), body)
    }

    #[test]
    fn a_text_is_as_long_as_its_json_and_anything_else_as_its_base64() {
        let text = "a\"\\\n\u{1}é";
        let json = serde_json::to_string(text).unwrap().len() - 2;
        for text_type in ["text/plain", "Application/JSON; charset=utf-8", "application/xml"] {
            assert_eq!(len(&[(CONTENT_TYPE, text_type)], text.as_bytes()), json, "{text_type}");
        }
        assert_eq!(len(&[], text.as_bytes()), json);
        let base64 = text.len().div_ceil(3) * 4;
        for fields in [
            &[(CONTENT_TYPE, "application/octet-stream")][..],
            &[(CONTENT_TYPE, "text/plain"), (CONTENT_ENCODING, "gzip")],
            &[(CONTENT_ENCODING, "gzip")],
        ] {
            assert_eq!(len(fields, text.as_bytes()), base64, "{fields:?}");
        }
        assert_eq!(len(&[(CONTENT_TYPE, "text/plain")], &[0xff]), 4);
    }
}
