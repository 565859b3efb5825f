//! Direct resolvers of AppSync: the field that is asked for.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::NotTaken;
use crate::document::{Object, Value};
use crate::events::envelopes::or_empty;
use crate::events::raw::RawEvent;
use crate::printing::prints;

/// A field of a GraphQL schema.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AppSyncField {
    /// The type that has it, as `Query`.
    pub parent_type: String,
    /// Its name.
    pub name: String,
}

impl AppSyncField {
    /// Returns a field of a type. Names are trimmed.
    #[must_use]
    pub fn new(parent_type: &str, name: &str) -> Self {
        Self { parent_type: parent_type.trim().into(), name: name.trim().into() }
    }

    /// The field that an event asks for, by members that AppSync alone writes.
    pub(super) fn of(event: Object<'_, '_>) -> Option<Self> {
        event.get("arguments").ok().filter(|arguments| arguments.is_object())?;
        let info = event.get("info").ok()?.object().ok()?;
        let text = |name| info.get(name).ok().and_then(Value::filled_text);
        let (parent_type, name) = (text("parentTypeName")?, text("fieldName")?);
        Some(Self { parent_type: parent_type.into_owned(), name: name.into_owned() })
    }

    /// The field that each of a list asks for.
    pub(super) fn of_batch(event: Value<'_, '_>) -> Option<Self> {
        Self::of(event.list().ok()?.next()?.object().ok()?)
    }

    pub(super) fn is_blank(&self) -> bool {
        self.parent_type.is_empty() || self.name.is_empty()
    }
}

/// A field that AppSync asks for, with its arguments. It is not printed.
#[derive(Clone, Deserialize)]
pub struct AppSyncRequest {
    /// The field's arguments.
    pub arguments: Json,
    /// Who asks, in the form of the API's way of authorizing; null with an API key.
    #[serde(default)]
    pub identity: Json,
    /// The value of the parent that the field is of; null for the fields of `Query` and `Mutation`.
    #[serde(default)]
    pub source: Json,
    /// The request that the query came with.
    #[serde(default, deserialize_with = "or_empty")]
    pub request: AppSyncHeaders,
    /// What is asked for.
    pub info: AppSyncInfo,
    /// What the function before has left, in a pipeline.
    #[serde(default)]
    pub prev: Json,
    /// What all functions of a pipeline share.
    #[serde(default)]
    pub stash: Json,
}

prints!(AppSyncRequest: info);

/// The request of a client of AppSync.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct AppSyncHeaders {
    /// Header fields, with names in lower case.
    #[serde(deserialize_with = "or_empty")]
    pub headers: BTreeMap<String, String>,
}

impl fmt::Debug for AppSyncHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppSyncHeaders").finish_non_exhaustive()
    }
}

/// What a client of AppSync asks for.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppSyncInfo {
    /// The type that has the field.
    pub parent_type_name: String,
    /// The field.
    pub field_name: String,
    /// The paths of the fields below it that the client wants, as `author/name`.
    #[serde(default, deserialize_with = "or_empty")]
    pub selection_set_list: Vec<String>,
    /// The variables of the query.
    #[serde(default, deserialize_with = "or_empty")]
    pub variables: Map<String, Json>,
}

prints!(AppSyncInfo: parent_type_name, field_name);

/// As many values as fields are asked for, in their order.
pub(super) fn answer_batch(event: &RawEvent<'_>, output: Json) -> Result<Json, NotTaken> {
    let asked = event.root().list().map_or(0, Iterator::count);
    match output.as_array() {
        Some(values) if values.len() == asked => Ok(output),
        Some(_) | None => Err(NotTaken {
            service: "AppSync",
            why: "a list of exactly as many values as fields were asked for is expected",
        }),
    }
}
