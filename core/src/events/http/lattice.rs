//! VPC Lattice: both versions of its events.

use alloc::string::String;

use super::{bytes, platform};
use crate::document::{Object, Value};
use crate::http::{MultiMap, QueryString, RawRequest, SourceProvenance, UriPath};
use crate::json::JsonError;

/// Version 1: single values, and its own member names.
pub(super) fn v1<'a>(event: Object<'a, '_>) -> Result<RawRequest<'a>, JsonError> {
    let (path, query) = target(&event.text("raw_path")?, single(event, "query_string_parameters")?);
    Ok(RawRequest {
        method: event.text("method")?.into_owned(),
        path,
        query,
        headers: single(event, "headers")?,
        body: bytes(event.text("body")?),
        is_base64: event.flag("is_base64_encoded")?,
        // Events contain the client's address only in a header that clients can forge.
        source_provenance: SourceProvenance::UNKNOWN,
        provider_request_id: String::new(),
        platform: platform(event.get("requestContext")?, event.get("stageVariables")?),
    })
}

/// Version 2: lists of values.
pub(super) fn v2<'a>(event: Object<'a, '_>) -> Result<RawRequest<'a>, JsonError> {
    let (path, query) = target(&event.text("path")?, lists(event, "queryStringParameters")?);
    Ok(RawRequest {
        method: event.text("method")?.into_owned(),
        path,
        query,
        headers: lists(event, "headers")?,
        body: bytes(event.text("body")?),
        is_base64: event.flag("isBase64Encoded")?,
        source_provenance: SourceProvenance::UNKNOWN,
        provider_request_id: String::new(),
        platform: platform(event.get("requestContext")?, event.get("stageVariables")?),
    })
}

/// Returns the path and the query. A query inside the path is the client's original text.
fn target(path: &str, parameters: MultiMap) -> (UriPath, QueryString) {
    match path.split_once('?') {
        Some((path, query)) => (UriPath::from_encoded(path), QueryString::parse(query)),
        None => (UriPath::from_encoded(path), QueryString::from(parameters)),
    }
}

fn single(event: Object<'_, '_>, name: &str) -> Result<MultiMap, JsonError> {
    Ok(MultiMap::of_pairs(event.object(name)?.sorted(Value::text)?, 0))
}

fn lists(event: Object<'_, '_>, name: &str) -> Result<MultiMap, JsonError> {
    Ok(MultiMap::of_lists(event.object(name)?.sorted(Value::texts)?))
}
