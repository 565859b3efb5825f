//! API Gateway, REST API proxy integration.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::authorizer::Unread;
use super::payload_v1::{self, Context, Event};
use super::stage::without_stage;
use super::write::{self, Body};
use crate::http::names::normalize_path;
use crate::http::provenance::{Provider, SourceProvenance};
use crate::http::{RawRequest, Response};
use crate::json::ObjectWriter;

pub(super) fn read(event: &str) -> Result<RawRequest<'_>, Unread> {
    let event: Event<'_> = payload_v1::read(event)?;
    let context = event.request_context.0;
    let path = path(event.path.0, event.resource.as_str(), &context);
    let source_ip = context.identity.0.source_ip;
    Ok(RawRequest {
        method: event.http_method.or(context.http_method).into_string(),
        path,
        query: Ok(payload_v1::query(
            event.multi_value_query_string_parameters,
            event.query_string_parameters,
            |text| text.into_owned(),
        )),
        headers: payload_v1::headers(event.multi_value_headers, event.headers),
        body: event.body.into_bytes(),
        is_base64: event.is_base64_encoded.0,
        source_provenance: SourceProvenance::vouched(Provider::ApiGatewayV1, source_ip.as_str()),
        provider_request_id: context.request_id.into_string(),
    })
}

/// The event's own path has no stage; that of its context has.
fn path(path: Cow<'_, str>, resource: &str, context: &Context<'_>) -> String {
    let path = if path.is_empty() {
        let path = Cow::Borrowed(context.path.as_str());
        without_stage(path, context.stage.as_str(), context.domain_name.as_str())
    } else {
        path
    };
    let matched = matched_resource(resource, context.resource_path.as_str());
    if SLASH_INSENSITIVE.contains(&matched.as_str()) {
        return match normalize_path(&path).trim_end_matches('/') {
            "" => "/".to_string(),
            path => path.to_string(),
        };
    }
    path.into_owned()
}

/// The resource that API Gateway matched, [joined](joined): the event's own, or else that of its
/// context. Empty for the root.
pub(super) fn matched_resource(resource: &str, in_context: &str) -> String {
    match joined(resource) {
        root if root.is_empty() => joined(in_context),
        matched => matched,
    }
}

/// A resource without blank segments and outer slashes.
pub(super) fn joined(resource: &str) -> String {
    let segments = resource.split('/').map(str::trim).filter(|segment| !segment.is_empty());
    segments.collect::<Vec<_>>().join("/")
}

/// The resources of remote MCP servers, whose clients do and do not send a slash at the end of
/// paths (`http-runtime.md` §9.1).
const SLASH_INSENSITIVE: [&str; 4] = [
    "mcp",
    "mcp/{actor}",
    ".well-known/oauth-protected-resource/mcp",
    ".well-known/oauth-protected-resource/mcp/{actor}",
];

pub(super) fn write(response: &Response) -> String {
    let body = Body::of(response);
    let headers = write::with_cookies(response);
    let mut out = String::with_capacity(body.text.len().saturating_add(256));
    let mut object = ObjectWriter::begin(&mut out);
    write::status(response, &mut object);
    let mut first = ObjectWriter::begin(object.member("headers"));
    write::first(&headers, &mut first);
    first.end();
    write::lists(&headers, object.member("multiValueHeaders"));
    object.text("body", &body.text);
    if body.is_base64 {
        object.member("isBase64Encoded").push_str("true");
    }
    object.end();
    out
}
