//! Payload format 2.0: API Gateway's HTTP APIs, and function URLs.

use super::stage::without_stage;
use super::{HttpSource, bytes, either, platform};
use crate::document::{Object, Value};
use crate::http::{MultiMap, Provider, QueryString, RawRequest, SourceProvenance, UriPath, query};
use crate::json::JsonError;

pub(super) fn request<'a>(
    source: HttpSource,
    event: Object<'a, '_>,
) -> Result<RawRequest<'a>, JsonError> {
    let [context, raw_path, raw_query, query, cookies, headers, body, is_base64, variables] = event
        .get_each([
            "requestContext",
            "rawPath",
            "rawQueryString",
            "queryStringParameters",
            "cookies",
            "headers",
            "body",
            "isBase64Encoded",
            "stageVariables",
        ]);
    let event_context = context?;
    let [http, stage, domain, request_id] =
        event_context.object()?.get_each(["http", "stage", "domainName", "requestId"]);
    let [method, path, source_ip] = http?.object()?.get_each(["method", "path", "sourceIp"]);
    let path = either(raw_path?.text()?, path?.text()?);
    let (stage, domain) = (stage?.text()?, domain?.text()?);
    let (provider, path) = if source == HttpSource::FunctionUrl {
        // Function URLs have no stage in their paths, even if the event has one.
        (Provider::FunctionUrl, UriPath::from_encoded(&path))
    } else {
        // HTTP APIs decode paths (*API Gateway Developer Guide*, "Create routes for HTTP APIs").
        let path = without_stage(UriPath::from_decoded(&path), &stage, &domain);
        (Provider::ApiGatewayV2, path)
    };
    Ok(RawRequest {
        method: method?.text()?.into_owned(),
        path,
        query: read_query(raw_query?, query?)?,
        headers: read_headers(headers?, cookies?)?,
        body: bytes(body?.text()?),
        is_base64: is_base64?.flag()?,
        source_provenance: SourceProvenance::verified(provider, &source_ip?.text()?),
        provider_request_id: request_id?.text()?.into_owned(),
        platform: platform(event_context, variables?),
    })
}

/// Prefers the raw string, because in the single values repeated parameters are joined. The raw
/// string may begin with a `?`, which is not part of it.
fn read_query(raw: Value<'_, '_>, single: Value<'_, '_>) -> Result<QueryString, JsonError> {
    let (raw, single) = (raw.text()?, single.object()?);
    Ok(match raw.strip_prefix('?').unwrap_or(&raw) {
        "" => {
            let single = single.sorted(Value::text)?;
            QueryString::from(MultiMap::of_pairs(single, 0))
        }
        text => QueryString::new(query::parse(text), raw.into_owned()),
    })
}

/// Reads headers and cookies. The list of cookies and the header, which some functions get as well,
/// are the same, so one of them is enough.
fn read_headers(fields: Value<'_, '_>, cookies: Value<'_, '_>) -> Result<MultiMap, JsonError> {
    const COOKIE: &str = "cookie";
    // The JSON text is longer than the names and values.
    let bytes = fields.json().len().saturating_add(cookies.json().len());
    let (fields, cookies) = (fields.object()?, cookies.texts()?);
    let count = fields.most_members().saturating_add(cookies.len());
    let mut headers = MultiMap::with_capacity(count, bytes);
    let has_list = !cookies.is_empty();
    let mut cookies = has_list.then_some(cookies);
    for (name, value) in fields.members() {
        let (name, value) = (name.text()?, value.text()?);
        if has_list && name.eq_ignore_ascii_case(COOKIE) {
            continue;
        }
        // API Gateway sorts the headers. With the cookies in place the map need not be sorted.
        if let Some(cookies) = cookies.take_if(|_| *name > *COOKIE) {
            headers.push(COOKIE, cookies);
        }
        headers.push(&name, [value]);
    }
    if let Some(cookies) = cookies {
        headers.push(COOKIE, cookies);
    }
    Ok(headers.sorted_last())
}
