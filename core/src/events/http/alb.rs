//! Application load balancers.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};

use super::authorizer::Unread;
use super::payload_v1::{self, Event};
use super::write::{self, Body};
use crate::http::SourceProvenance;
use crate::http::status::phrase;
use crate::http::{HttpResponse, RawRequest, UriPath};
use crate::json::ObjectWriter;

/// Load balancers neither decode paths and queries nor vouch for addresses: the first entry of
/// `x-forwarded-for` is whatever the client wrote.
pub(super) fn read(event: &str) -> Result<RawRequest<'_>, Unread> {
    let event: Event<'_> = payload_v1::read(event)?;
    Ok(RawRequest {
        method: event.http_method.into_string(),
        path: UriPath::from_encoded(event.path.as_str()),
        query: payload_v1::encoded_query(
            event.multi_value_query_string_parameters,
            event.query_string_parameters,
        ),
        headers: payload_v1::headers(event.multi_value_headers, event.headers),
        body: event.body.into_bytes(),
        is_base64: event.is_base64_encoded.0,
        source_provenance: SourceProvenance::UNKNOWN,
        provider_request_id: String::new(),
    })
}

/// A target group sends either `headers` or `multiValueHeaders` on, as it is configured; both are
/// written. In `headers`, the values of a field are joined by commas (RFC 9110 §5.3), and further
/// cookies, which cannot be, hide behind other spellings of the field's name.
pub(super) fn write(response: &HttpResponse) -> String {
    let body = Body::of(response);
    let mut out = String::with_capacity(body.text.len().saturating_add(256));
    let mut object = ObjectWriter::begin(&mut out);
    write::status(response, &mut object);
    object.text("statusDescription", &description(response.status));
    let mut headers = ObjectWriter::begin(object.member("headers"));
    write::joined(&response.headers, &mut headers);
    for (index, cookie) in response.cookies.iter().take(SPELLINGS).enumerate() {
        headers.text(&spelling(index), cookie);
    }
    headers.end();
    write::lists(&write::with_cookies(response), object.member("multiValueHeaders"));
    object.text("body", &body.text);
    write::flag("isBase64Encoded", body.is_base64, &mut object);
    object.end();
    out
}

fn description(status: u16) -> Cow<'static, str> {
    Cow::Owned(match phrase(status) {
        Some(phrase) => format!("{status} {phrase}"),
        None => status.to_string(),
    })
}

/// The letters of `set-cookie`, from the left, in upper case where the binary digits of `index`,
/// from the lowest, are 1.
fn spelling(index: usize) -> String {
    let mut digits = index;
    let letters = "set-cookie".chars().map(|c| {
        if !c.is_ascii_lowercase() {
            return c;
        }
        let is_upper = digits & 1 == 1;
        digits >>= 1;
        if is_upper { c.to_ascii_uppercase() } else { c }
    });
    letters.collect()
}

/// How many spellings `set-cookie` has: two for each of its nine letters.
const SPELLINGS: usize = 1 << 9;
