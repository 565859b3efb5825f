//! The events that API Gateway's REST and WebSocket APIs and load balancers share: payload format
//! 1.0.

use alloc::borrow::Cow;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::authorizer::{Unread, refuse_authorizer_event};
use crate::http::query::push_pair;
use crate::http::{MultiMap, QueryString, canonical_name};
use crate::json;
use crate::members::{Flag, List, Members, Object, Text};
use crate::percent::decode_form;

/// An event with a context of some kind; only the members that decide anything.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "C: Deserialize<'de> + Default"))]
pub(crate) struct Event<'a, C = Context<'a>> {
    #[serde(borrow, rename = "type")]
    event_type: Option<&'a RawValue>,
    #[serde(borrow)]
    method_arn: Option<&'a RawValue>,
    #[serde(borrow)]
    route_arn: Option<&'a RawValue>,
    /// `1.0` for HTTP APIs, whose events may have this format, too. REST APIs and load balancers
    /// send none.
    #[serde(borrow)]
    pub(crate) version: Text<'a>,
    #[serde(borrow)]
    pub(crate) resource: Text<'a>,
    #[serde(borrow)]
    pub(crate) http_method: Text<'a>,
    #[serde(borrow)]
    pub(crate) path: Text<'a>,
    #[serde(borrow)]
    pub(crate) headers: Members<'a, Text<'a>>,
    #[serde(borrow)]
    pub(crate) multi_value_headers: Members<'a, List<'a>>,
    #[serde(borrow)]
    pub(crate) query_string_parameters: Members<'a, Text<'a>>,
    #[serde(borrow)]
    pub(crate) multi_value_query_string_parameters: Members<'a, List<'a>>,
    pub(crate) request_context: Object<C>,
    #[serde(borrow)]
    pub(crate) body: Text<'a>,
    pub(crate) is_base64_encoded: Flag,
}

impl<C> Event<'_, C> {
    pub(crate) fn is_of_http_api(&self) -> bool {
        self.version.as_str() == "1.0"
    }
}

/// Load balancers send none of these.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Context<'a> {
    #[serde(borrow)]
    pub(crate) http_method: Text<'a>,
    #[serde(borrow)]
    pub(crate) path: Text<'a>,
    #[serde(borrow)]
    pub(crate) resource_path: Text<'a>,
    #[serde(borrow)]
    pub(crate) stage: Text<'a>,
    #[serde(borrow)]
    pub(crate) domain_name: Text<'a>,
    #[serde(borrow)]
    pub(crate) request_id: Text<'a>,
    #[serde(borrow)]
    pub(crate) identity: Object<Identity<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Identity<'a> {
    #[serde(borrow)]
    pub(crate) source_ip: Text<'a>,
}

/// Reads the event of a request.
pub(crate) fn read<'a, C: Deserialize<'a> + Default>(
    event: &'a str,
) -> Result<Event<'a, C>, Unread> {
    let event: Event<'a, C> = json::read_object(event)?;
    refuse_authorizer_event(event.event_type, event.method_arn, event.route_arn)
        .map_err(Unread::Authorizer)?;
    Ok(event)
}

/// Header fields: the lists, and the single values of fields that have no list in any spelling.
pub(crate) fn headers(lists: Members<'_, List<'_>>, single: Members<'_, Text<'_>>) -> MultiMap {
    let listed: BTreeSet<String> =
        lists.0.iter().map(|(name, _)| canonical_name(name).into_owned()).collect();
    let single = single.0.into_iter().filter(|(name, _)| !listed.contains(&*canonical_name(name)));
    let lists = lists.0.into_iter().map(|(name, list)| (name.into_owned(), list.into_strings()));
    let mut headers: MultiMap = lists.collect();
    for (name, value) in single {
        headers.append(name, value.into_string());
    }
    headers
}

/// The query of a provider that decodes it.
pub(crate) fn decoded_query(
    lists: Members<'_, List<'_>>,
    single: Members<'_, Text<'_>>,
) -> QueryString {
    let entries = parameters(lists, single, |name| Cow::Borrowed(name)).into_iter();
    let owned = entries.map(|(name, values)| {
        (name.into_owned(), values.into_iter().map(Text::into_string).collect::<Vec<_>>())
    });
    QueryString::from(owned.collect::<MultiMap>())
}

/// The query of a provider that splits it into names and values, and leaves those as they were
/// sent.
pub(crate) fn encoded_query(
    lists: Members<'_, List<'_>>,
    single: Members<'_, Text<'_>>,
) -> QueryString {
    let entries = parameters(lists, single, decode_form);
    let mut raw = String::new();
    for (name, values) in &entries {
        values.iter().for_each(|value| push_pair(&mut raw, name, value.as_str()));
    }
    let decoded = entries.iter().map(|(name, values)| {
        let values = values.iter().map(|value| decode_form(value.as_str()).into_owned());
        (decode_form(name).into_owned(), values.collect::<Vec<_>>())
    });
    QueryString::new(decoded.collect(), raw)
}

/// The lists, and the single values of names that have no list, once `decode` has read them.
fn parameters<'a>(
    lists: Members<'a, List<'a>>,
    single: Members<'a, Text<'a>>,
    decode: fn(&str) -> Cow<'_, str>,
) -> Vec<(Cow<'a, str>, Vec<Text<'a>>)> {
    let listed: BTreeSet<String> =
        lists.0.iter().map(|(name, _)| decode(name).into_owned()).collect();
    let lists = lists.0.into_iter().map(|(name, List(values))| (name, values));
    let single = single.0.into_iter().filter(|(name, _)| !listed.contains(&*decode(name)));
    lists.chain(single.map(|(name, value)| (name, alloc::vec![value]))).collect()
}
