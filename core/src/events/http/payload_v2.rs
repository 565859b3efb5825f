//! The events that API Gateway's HTTP APIs and function URLs share: payload format 2.0.

use alloc::string::String;
use alloc::vec::Vec;

use serde::de::{Deserialize, Deserializer, IgnoredAny};
use serde_json::value::RawValue;

use super::authorizer::{Unread, refuse_authorizer_event};
use super::{HttpSource, apigw_v2, function_url};
use crate::http::query;
use crate::http::{MultiMap, QueryString, RawRequest, UriPath};
use crate::http::{Provider, SourceProvenance};
use crate::json;
use crate::members::{Flag, List, Members, Object, Text};

/// An event; only the members that decide anything. `F` is what becomes of members that are those
/// of other events.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "F: Deserialize<'de> + Default"))]
pub(super) struct Event<'a, F = IgnoredAny> {
    #[serde(rename = "Records")]
    _records: F,
    #[serde(rename = "detail-type")]
    _detail_type: F,
    #[serde(rename = "detailType")]
    _camel_detail_type: F,
    #[serde(rename = "httpMethod")]
    _http_method: F,
    #[serde(borrow, rename = "type")]
    event_type: Option<&'a RawValue>,
    #[serde(borrow)]
    method_arn: Option<&'a RawValue>,
    #[serde(borrow)]
    route_arn: Option<&'a RawValue>,
    #[serde(borrow)]
    route_key: Option<&'a RawValue>,
    #[serde(borrow)]
    raw_path: Text<'a>,
    #[serde(borrow)]
    raw_query_string: Text<'a>,
    #[serde(borrow)]
    cookies: List<'a>,
    #[serde(borrow)]
    headers: Members<'a, Text<'a>>,
    #[serde(borrow)]
    query_string_parameters: Members<'a, Text<'a>>,
    #[serde(borrow)]
    request_context: Object<Context<'a>>,
    #[serde(borrow)]
    body: Text<'a>,
    is_base64_encoded: Flag,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Context<'a> {
    #[serde(borrow)]
    domain_name: Text<'a>,
    #[serde(borrow)]
    stage: Text<'a>,
    #[serde(borrow)]
    request_id: Text<'a>,
    #[serde(borrow)]
    http: Option<Object<Http<'a>>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Http<'a> {
    #[serde(borrow)]
    method: Text<'a>,
    #[serde(borrow)]
    path: Text<'a>,
    #[serde(borrow)]
    source_ip: Text<'a>,
}

/// The stage of an event's API, and the domain it was called by.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    pub(super) name: Text<'a>,
    pub(super) domain: Text<'a>,
}

/// Reads the event of a request.
pub(super) fn read<'a, F: Deserialize<'a> + Default>(
    event: &'a str,
) -> Result<Event<'a, F>, Unread> {
    let event: Event<'a, F> = json::read_object(event)?;
    refuse_authorizer_event(event.event_type, event.method_arn, event.route_arn)
        .map_err(Unread::Authorizer)?;
    Ok(event)
}

/// Reads an event of payload format 2.0 of either sender, and tells which it is. `None` for all other
/// events, for those of Lambda authorizers, and for those with members of wrong types.
///
/// [`classify`](crate::events::classify) and [`HttpSource::read_request`] say the same, and what
/// is wrong, but go over the event twice.
#[must_use]
pub fn read_payload_v2(event: &str) -> Option<(HttpSource, RawRequest<'_>)> {
    let event: Event<'_, Foreign> = read(event).ok()?;
    let context = &event.request_context.0;
    context.http.as_ref()?;
    let has_route_key = json::filled_text(event.route_key).is_some();
    let request = match is_function_url(has_route_key, context.domain_name.as_str()) {
        true => (HttpSource::FunctionUrl, function_url::request(event)),
        false => (HttpSource::ApiGatewayV2, apigw_v2::request(event)),
    };
    Some(request)
}

/// Whether an event of payload format 2.0 is from a function URL: it was called by the domain of one,
/// `{id}.lambda-url.{region}.on.aws`, or names no route.
pub(crate) fn is_function_url(has_route_key: bool, domain: &str) -> bool {
    let domain = domain.trim().to_ascii_lowercase();
    let domain = domain.strip_suffix('.').unwrap_or(&domain);
    !has_route_key || (domain.contains(".lambda-url.") && domain.ends_with(".on.aws"))
}

/// A member of other events: null at most.
#[derive(Debug, Default)]
struct Foreign;

impl<'de> Deserialize<'de> for Foreign {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <()>::deserialize(deserializer).map(|()| Self)
    }
}

impl<'a, F> Event<'a, F> {
    /// The request, whose path `read_path` reads: as it is sent, or decoded.
    pub(super) fn into_request(
        self,
        provider: Provider,
        read_path: fn(&str) -> UriPath,
    ) -> (RawRequest<'a>, Stage<'a>) {
        let Context { domain_name, stage, request_id, http } = self.request_context.0;
        let Http { method, path, source_ip } = http.unwrap_or_default().0;
        let stage = Stage { name: stage, domain: domain_name };
        let request = RawRequest {
            method: method.into_string(),
            path: read_path(self.raw_path.or(path).as_str()),
            query: read_query(self.raw_query_string, self.query_string_parameters),
            headers: headers(self.headers, self.cookies),
            body: self.body.into_bytes(),
            is_base64: self.is_base64_encoded.0,
            source_provenance: SourceProvenance::vouched(provider, source_ip.as_str()),
            provider_request_id: request_id.into_string(),
        };
        (request, stage)
    }
}

/// The raw string says more than the single values, in which repetitions are joined. It may start
/// with one `?` that is no part of it.
fn read_query(raw: Text<'_>, single: Members<'_, Text<'_>>) -> QueryString {
    match raw.as_str().strip_prefix('?').unwrap_or(raw.as_str()) {
        "" => {
            let single = single.0.into_iter();
            let decoded = single.map(|(k, v)| (k.into_owned(), v.into_string()));
            QueryString::from(decoded.collect::<MultiMap>())
        }
        text => QueryString::new(query::parse(text), raw.into_string()),
    }
}

/// The cookies of the list are those of the header field, which the provider also sends to some
/// functions: one of the two is enough.
fn headers(mut fields: Members<'_, Text<'_>>, cookies: List<'_>) -> MultiMap {
    const COOKIE: &str = "cookie";
    let cookies: Vec<String> = cookies.into_strings();
    if !cookies.is_empty() {
        fields.0.retain(|(name, _)| !name.eq_ignore_ascii_case(COOKIE));
    }
    let fields = fields.0.into_iter();
    let mut headers: MultiMap =
        fields.map(|(name, value)| (name.into_owned(), value.into_string())).collect();
    if !cookies.is_empty() {
        headers.set(COOKIE, cookies);
    }
    headers
}
