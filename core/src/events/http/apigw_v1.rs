//! API Gateway, payload format 1.0: REST APIs, and the HTTP APIs that are set to it.

use alloc::string::String;
use alloc::vec::Vec;

use super::authorizer::Unread;
use super::payload_v1::{self, Event};
use super::stage::without_stage;
use super::write::{self, Body};
use crate::http::{HttpResponse, RawRequest, UriPath};
use crate::http::{Provider, SourceProvenance};
use crate::json::ObjectWriter;

pub(super) fn read(event: &str) -> Result<RawRequest<'_>, Unread> {
    let event: Event<'_> = payload_v1::read(event)?;
    let path = path(&event);
    let context = event.request_context.0;
    let source_ip = context.identity.0.source_ip;
    Ok(RawRequest {
        method: event.http_method.or(context.http_method).into_string(),
        path,
        query: payload_v1::decoded_query(
            event.multi_value_query_string_parameters,
            event.query_string_parameters,
        ),
        headers: payload_v1::headers(event.multi_value_headers, event.headers),
        body: event.body.into_bytes(),
        is_base64: event.is_base64_encoded.0,
        source_provenance: SourceProvenance::vouched(Provider::ApiGatewayV1, source_ip.as_str()),
        provider_request_id: context.request_id.into_string(),
    })
}

fn path(event: &Event<'_>) -> UriPath {
    let context = &event.request_context.0;
    let (own, in_context) = (event.path.as_str(), context.path.as_str());
    let without_stage =
        |path| without_stage(path, context.stage.as_str(), context.domain_name.as_str());
    let path = match own {
        // HTTP APIs decode paths, and leave the stage in them (*API Gateway Developer Guide*,
        // "Create AWS Lambda proxy integrations for HTTP APIs").
        "" if event.is_of_http_api() => without_stage(UriPath::from_decoded(in_context)),
        own if event.is_of_http_api() => without_stage(UriPath::from_decoded(own)),
        // Of a REST API, only the context's path has the stage.
        "" => without_stage(UriPath::from_encoded(in_context)),
        own => UriPath::from_encoded(own),
    };
    let matched = matched_resource(event.resource.as_str(), context.resource_path.as_str());
    if SLASH_INSENSITIVE.contains(&matched.as_str()) {
        return path.without_trailing_slashes();
    }
    path
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
/// paths.
const SLASH_INSENSITIVE: [&str; 4] = [
    "mcp",
    "mcp/{actor}",
    ".well-known/oauth-protected-resource/mcp",
    ".well-known/oauth-protected-resource/mcp/{actor}",
];

pub(super) fn write(response: &HttpResponse) -> String {
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
