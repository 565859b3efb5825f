//! API Gateway, HTTP API.

use alloc::string::String;

use serde::de::IgnoredAny;

use super::authorizer::Unread;
use super::payload_v2::{self, Event};
use super::stage::without_stage;
use super::write::{self, Body};
use crate::http::Provider;
use crate::http::{HttpResponse, RawRequest, UriPath};
use crate::json::ObjectWriter;

pub(super) fn read(event: &str) -> Result<RawRequest<'_>, Unread> {
    payload_v2::read::<IgnoredAny>(event).map(request)
}

/// HTTP APIs decode paths before they hand them over (*API Gateway Developer Guide*, "Create routes
/// for HTTP APIs").
pub(super) fn request<F>(event: Event<'_, F>) -> RawRequest<'_> {
    let (mut request, stage) = event.into_request(Provider::ApiGatewayV2, UriPath::from_decoded);
    request.path = without_stage(request.path, stage.name.as_str(), stage.domain.as_str());
    request
}

/// The provider reads `headers` only, in which a list is one text with commas. `multiValueHeaders`
/// is there for readers of payload format 1.0.
pub(super) fn write(response: &HttpResponse) -> String {
    let body = Body::of(response);
    let mut out = String::with_capacity(body.text.len().saturating_add(256));
    let mut object = ObjectWriter::begin(&mut out);
    write::status(response, &mut object);
    let mut headers = ObjectWriter::begin(object.member("headers"));
    write::joined(&response.headers, &mut headers);
    headers.end();
    write::lists(&response.headers, object.member("multiValueHeaders"));
    object.text("body", &body.text);
    if body.is_base64 {
        object.member("isBase64Encoded").push_str("true");
    }
    write::texts(&response.cookies, object.member("cookies"));
    object.end();
    out
}
