//! Payload format 2.0: API Gateway's HTTP APIs, and function URLs.

use alloc::borrow::Cow;

use super::stage::without_stage;
use super::{HttpSource, bytes, either, platform};
use crate::document::{Object, Value};
use crate::http::{MultiMap, Provider, QueryString, RawRequest, SourceProvenance, UriPath, query};
use crate::json::JsonError;

pub(super) fn request<'a>(
    source: HttpSource,
    event: Object<'a, '_>,
) -> Result<RawRequest<'a>, JsonError> {
    let context = event.object("requestContext")?;
    let http = context.object("http")?;
    let path = either(event.text("rawPath")?, http.text("path")?);
    let (stage, domain) = (context.text("stage")?, context.text("domainName")?);
    let (provider, path) = if source == HttpSource::FunctionUrl {
        // Function URLs have no stage in their paths, even if the event has one.
        (Provider::FunctionUrl, UriPath::from_encoded(&path))
    } else {
        // HTTP APIs decode paths (*API Gateway Developer Guide*, "Create routes for HTTP APIs").
        let path = without_stage(UriPath::from_decoded(&path), &stage, &domain);
        (Provider::ApiGatewayV2, path)
    };
    Ok(RawRequest {
        method: http.text("method")?.into_owned(),
        path,
        query: read_query(event)?,
        headers: headers(event)?,
        body: bytes(event.text("body")?),
        is_base64: event.flag("isBase64Encoded")?,
        source_provenance: SourceProvenance::vouched(provider, &http.text("sourceIp")?),
        provider_request_id: context.text("requestId")?.into_owned(),
        platform: platform(event)?,
    })
}

/// Prefers the raw string, because in the single values repeated parameters are joined. The raw
/// string may begin with a `?`, which is not part of it.
fn read_query(event: Object<'_, '_>) -> Result<QueryString, JsonError> {
    let raw = event.text("rawQueryString")?;
    let single = event.object("queryStringParameters")?;
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
fn headers(event: Object<'_, '_>) -> Result<MultiMap, JsonError> {
    const COOKIE: &str = "cookie";
    let cookies = event.get("cookies")?;
    let fields = event.get("headers")?;
    // The JSON text is longer than the names and values.
    let bytes = fields.json().len().saturating_add(cookies.json().len());
    let mut fields = fields.object()?.sorted(Value::text)?;
    let cookies = cookies.texts()?;
    if !cookies.is_empty() {
        fields.retain(|(name, _)| !name.eq_ignore_ascii_case(COOKIE));
    }
    let cookies = cookies.into_iter().map(|cookie| (Cow::Borrowed(COOKIE), cookie));
    Ok(MultiMap::of_pairs(fields.into_iter().chain(cookies), bytes))
}
