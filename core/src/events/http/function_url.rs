//! Lambda function URLs.

use alloc::string::String;

use serde::de::IgnoredAny;

use super::authorizer::Unread;
use super::payload_v2::{self, Event};
use super::write::{self, Body};
use crate::http::Provider;
use crate::http::{HttpResponse, RawRequest, UriPath};
use crate::json::ObjectWriter;

/// Function URLs have no stages: whatever the event calls one is not in its path.
pub(super) fn read(event: &str) -> Result<RawRequest<'_>, Unread> {
    payload_v2::read::<IgnoredAny>(event).map(request)
}

pub(super) fn request<F>(event: Event<'_, F>) -> RawRequest<'_> {
    event.into_request(Provider::FunctionUrl, UriPath::from_encoded).0
}

pub(super) fn write(response: &HttpResponse) -> String {
    let body = Body::of(response);
    let mut out = String::with_capacity(body.text.len().saturating_add(256));
    let mut object = ObjectWriter::begin(&mut out);
    write::status(response, &mut object);
    let mut headers = ObjectWriter::begin(object.member("headers"));
    write::joined(&response.headers, &mut headers);
    headers.end();
    object.text("body", &body.text);
    write::flag("isBase64Encoded", body.is_base64, &mut object);
    write::texts(&response.cookies, object.member("cookies"));
    object.end();
    out
}
