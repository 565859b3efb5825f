//! Payload format 1.0: API Gateway's REST and WebSocket APIs, HTTP APIs with this format, and load
//! balancers.

use alloc::borrow::Cow;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use super::stage::without_stage;
use super::{bytes, either, platform};
use crate::document::{Object, Value};
use crate::http::query::push_pair;
use crate::http::{
    MultiMap, Provider, QueryString, RawRequest, SourceProvenance, UriPath, canonical_name,
};
use crate::json::JsonError;
use crate::percent::decode_form;

/// Reads a request of a REST API, or of an HTTP API in this format.
pub(super) fn api_gateway<'a>(event: Object<'a, '_>) -> Result<RawRequest<'a>, JsonError> {
    let context = event.object("requestContext")?;
    let method = either(event.text("httpMethod")?, context.text("httpMethod")?);
    let source_ip = context.object("identity")?.text("sourceIp")?;
    Ok(RawRequest {
        method: method.into_owned(),
        path: path(event, context)?,
        query: decoded_query(event)?,
        source_provenance: SourceProvenance::verified(Provider::ApiGatewayV1, &source_ip),
        provider_request_id: context.text("requestId")?.into_owned(),
        ..request(event)?
    })
}

/// Reads a request of a load balancer. Load balancers neither decode paths and queries nor verify
/// addresses: clients can forge the first entry of `x-forwarded-for`.
pub(super) fn load_balancer<'a>(event: Object<'a, '_>) -> Result<RawRequest<'a>, JsonError> {
    event.object("requestContext")?;
    Ok(RawRequest {
        path: UriPath::from_encoded(&event.text("path")?),
        query: encoded_query(event)?,
        ..request(event)?
    })
}

/// Reads the parts common to all senders, without path and query.
pub(in crate::events) fn request<'a>(event: Object<'a, '_>) -> Result<RawRequest<'a>, JsonError> {
    Ok(RawRequest {
        method: event.text("httpMethod")?.into_owned(),
        path: UriPath::from_encoded(""),
        query: QueryString::default(),
        headers: headers(event)?,
        body: bytes(event.text("body")?),
        is_base64: event.flag("isBase64Encoded")?,
        source_provenance: SourceProvenance::UNKNOWN,
        provider_request_id: String::new(),
        platform: platform(event.get("requestContext")?, event.get("stageVariables")?),
    })
}

fn path(event: Object<'_, '_>, context: Object<'_, '_>) -> Result<UriPath, JsonError> {
    let (own, in_context) = (event.text("path")?, context.text("path")?);
    let (stage, domain) = (context.text("stage")?, context.text("domainName")?);
    let without_stage = |path| without_stage(path, &stage, &domain);
    let path = if is_of_http_api(event)? {
        // HTTP APIs decode paths, and keep the stage in them (*API Gateway Developer Guide*,
        // "Create AWS Lambda proxy integrations for HTTP APIs").
        without_stage(UriPath::from_decoded(&either(own, in_context)))
    } else if own.is_empty() {
        // In a REST API, only the context's path contains the stage.
        without_stage(UriPath::from_encoded(&in_context))
    } else {
        UriPath::from_encoded(&own)
    };
    let matched = matched_resource(event, context)?;
    if SLASH_INSENSITIVE.contains(&matched.as_str()) {
        return Ok(path.without_trailing_slashes());
    }
    Ok(path)
}

/// REST APIs and load balancers send no version.
pub(super) fn is_of_http_api(event: Object<'_, '_>) -> Result<bool, JsonError> {
    Ok(event.text("version")? == "1.0")
}

/// Returns the [normalized](joined) resource that API Gateway matched: the event's own, or else
/// that of its context. Empty for the root.
pub(super) fn matched_resource(
    event: Object<'_, '_>,
    context: Object<'_, '_>,
) -> Result<String, JsonError> {
    let (own, in_context) = (event.text("resource")?, context.text("resourcePath")?);
    Ok(match joined(&own) {
        root if root.is_empty() => joined(&in_context),
        matched => matched,
    })
}

/// Returns a resource without blank segments and outer slashes.
pub(super) fn joined(resource: &str) -> String {
    let segments = resource.split('/').map(str::trim).filter(|segment| !segment.is_empty());
    segments.collect::<Vec<_>>().join("/")
}

/// The resources of remote MCP servers, whose clients differ in sending a slash at the end of
/// paths.
const SLASH_INSENSITIVE: [&str; 4] = [
    "mcp",
    "mcp/{actor}",
    ".well-known/oauth-protected-resource/mcp",
    ".well-known/oauth-protected-resource/mcp/{actor}",
];

/// Reads headers: the lists, and the single values of headers without a list in any case. API
/// Gateway sends both for each header, load balancers one of them as configured, and emulators only
/// single values.
fn headers(event: Object<'_, '_>) -> Result<MultiMap, JsonError> {
    let lists = event.object("multiValueHeaders")?.sorted(Value::texts)?;
    let single = event.object("headers")?.sorted(Value::text)?;
    let listed: BTreeSet<String> =
        lists.iter().map(|(name, _)| canonical_name(name).into_owned()).collect();
    let mut headers = MultiMap::of_lists(lists);
    for (name, value) in single {
        if !listed.contains(&*canonical_name(&name)) {
            headers.append(name, value);
        }
    }
    Ok(headers)
}

/// Reads the query of a provider that decodes it.
pub(in crate::events) fn decoded_query(event: Object<'_, '_>) -> Result<QueryString, JsonError> {
    let parameters = parameters(event, |name| Cow::Borrowed(name))?;
    Ok(QueryString::from(MultiMap::of_lists(parameters)))
}

/// Reads the query of a provider that splits it into names and values without decoding them.
fn encoded_query(event: Object<'_, '_>) -> Result<QueryString, JsonError> {
    let entries = parameters(event, decode_form)?;
    let mut raw = String::new();
    for (name, values) in &entries {
        values.iter().for_each(|value| push_pair(&mut raw, name, value));
    }
    let decoded = entries.iter().map(|(name, values)| {
        let values = values.iter().map(|value| decode_form(value));
        (decode_form(name), values.collect())
    });
    Ok(QueryString::new(MultiMap::of_lists::<_, Cow<'_, str>>(decoded), raw))
}

/// A name with its values.
type Parameter<'a> = (Cow<'a, str>, Vec<Cow<'a, str>>);

/// Reads the lists, and the single values of names without a list, and decodes them with `decode`.
fn parameters<'a>(
    event: Object<'a, '_>,
    decode: fn(&str) -> Cow<'_, str>,
) -> Result<Vec<Parameter<'a>>, JsonError> {
    let mut lists = event.object("multiValueQueryStringParameters")?.sorted(Value::texts)?;
    let single = event.object("queryStringParameters")?.sorted(Value::text)?;
    let listed: BTreeSet<String> =
        lists.iter().map(|(name, _)| decode(name).into_owned()).collect();
    let single = single.into_iter().filter(|(name, _)| !listed.contains(&*decode(name)));
    lists.extend(single.map(|(name, value)| (name, alloc::vec![value])));
    Ok(lists)
}
