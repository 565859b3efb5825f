//! Direct resolvers of AppSync.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::NotAccepted;
use crate::document::{Object, Value};
use crate::events::envelopes::or_empty;
use crate::events::raw::RawEvent;
use crate::printing::prints;

/// A field of a GraphQL schema.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AppSyncField {
    /// The type with the field, such as `Query`.
    pub parent_type: String,
    /// The field's name.
    pub name: String,
}

impl AppSyncField {
    /// Creates a field of a type. Names are trimmed.
    #[must_use]
    pub fn new(parent_type: &str, name: &str) -> Self {
        Self { parent_type: parent_type.trim().into(), name: name.trim().into() }
    }

    /// Returns the field that an event requests, by members that only AppSync writes.
    pub(super) fn of(event: Object<'_, '_>) -> Option<Self> {
        event.get("arguments").ok().filter(|arguments| arguments.is_object())?;
        let info = event.get("info").ok()?.object().ok()?;
        let text = |name| info.get(name).ok().and_then(Value::filled_text);
        let (parent_type, name) = (text("parentTypeName")?, text("fieldName")?);
        Some(Self { parent_type: parent_type.into_owned(), name: name.into_owned() })
    }

    /// Returns the field that each element of a list requests.
    pub(super) fn of_batch(event: Value<'_, '_>) -> Option<Self> {
        Self::of(event.list().ok()?.next()?.object().ok()?)
    }

    pub(super) fn is_blank(&self) -> bool {
        self.parent_type.is_empty() || self.name.is_empty()
    }
}

/// A request for the value of a field, with its arguments, which are not printed.
#[derive(Clone, Deserialize)]
pub struct AppSyncRequest {
    /// The field's arguments.
    pub arguments: Json,
    /// The caller, in the form of the API's authorization mode; null with an API key.
    #[serde(default)]
    pub identity: Json,
    /// The value of the field's parent; null for the fields of `Query` and `Mutation`.
    #[serde(default)]
    pub source: Json,
    /// The client's request.
    #[serde(default, deserialize_with = "or_empty")]
    pub request: AppSyncHeaders,
    /// Information about the requested field.
    pub info: AppSyncInfo,
    /// The result of the previous function, in a pipeline.
    #[serde(default)]
    pub prev: Json,
    /// The data that all functions of a pipeline share.
    #[serde(default)]
    pub stash: Json,
}

prints!(AppSyncRequest: info);

/// The request of an AppSync client.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct AppSyncHeaders {
    /// The headers, with names in lower case.
    #[serde(deserialize_with = "or_empty")]
    pub headers: BTreeMap<String, String>,
}

impl fmt::Debug for AppSyncHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppSyncHeaders").finish_non_exhaustive()
    }
}

/// Information about a requested field.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppSyncInfo {
    /// The type with the field.
    pub parent_type_name: String,
    /// The field's name.
    pub field_name: String,
    /// The paths of the nested fields that the client requests, such as `author/name`.
    #[serde(default, deserialize_with = "or_empty")]
    pub selection_set_list: Vec<String>,
    /// The variables of the query.
    #[serde(default, deserialize_with = "or_empty")]
    pub variables: Map<String, Json>,
}

prints!(AppSyncInfo: parent_type_name, field_name);

/// Checks that there is a value for each requested field, in order.
pub(super) fn answer_batch(event: &RawEvent<'_>, output: Json) -> Result<Json, NotAccepted> {
    let asked = event.root().list().map_or(0, Iterator::count);
    match output.as_array() {
        Some(values) if values.len() == asked => Ok(output),
        Some(_) | None => Err(NotAccepted {
            service: "AppSync",
            why: "a list of exactly as many values as fields were asked for is expected",
        }),
    }
}
