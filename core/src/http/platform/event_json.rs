//! Members of an event that are kept as JSON texts, and values read from them.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use core::fmt;

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::REQUEST_CONTEXT;
use super::lenient::Lenient;
use crate::document::{Document, Value};
use crate::error::AppError;
use crate::printing::Hidden;

/// A member of an event, kept as its JSON text. Clones share the text; a member that is missing or
/// null is empty. `Debug` prints its length alone.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct EventJson(Option<Arc<str>>);

/// A value that the platform sent is not of the type that it is read as, or is missing in it. No
/// client can mend that: the type, or the configuration of the authorizer, has to change. As an
/// [`AppError`] it is a masked 500, and the place stands in the log.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{place}: expected {expected}")]
pub struct Error {
    /// The path of the value in the event, such as `requestContext.authorizer.jwt.claims.exp`.
    pub place: String,
    /// What had to be there.
    pub expected: Cow<'static, str>,
}

impl EventJson {
    /// Keeps a JSON text; an empty one is a missing member. It is not parsed before it is read.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Some(text).filter(|text| !text.is_empty()).map(Arc::from))
    }

    /// Returns the text, or an empty one.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    pub(crate) fn of(member: Value<'_, '_>) -> Self {
        Self::new(member.filled().map_or("", Value::json))
    }

    /// Reads the text of the member `name`; `None` for a missing one.
    pub(super) fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        self.0.as_deref().map(|text| read_json(text, name)).transpose()
    }
}

impl fmt::Debug for EventJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hidden(self.as_str().len()).fmt(f)
    }
}

/// A value in `requestContext`.
pub(super) struct Place<'a, 'd> {
    pub(super) value: Value<'a, 'd>,
    path: &'static [&'static str],
}

impl<'a, 'd> Place<'a, 'd> {
    /// `None` for a value that is missing or null.
    pub(super) fn find(
        document: &'d Document<'a>,
        path: &'static [&'static str],
    ) -> Result<Option<Self>, Error> {
        let mut value = document.root();
        for (depth, name) in path.iter().enumerate() {
            let around = Place { value, path: path.get(..depth).unwrap_or_default() };
            let object = value.object().map_err(|_| around.expected("an object"))?;
            value = object.get(name).map_err(|_| around.expected("each member once"))?;
        }
        Ok(value.filled().map(|value| Self { value, path }))
    }

    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        read_json(self.value.json(), &self.name())
    }

    /// Reads an object as if it did not have these members.
    pub(super) fn read_without<T: DeserializeOwned>(&self, names: &[&str]) -> Result<T, Error> {
        let mut members: serde_json::Map<String, Json> = self.read()?;
        for name in names {
            members.remove(*name);
        }
        read_value(&Json::Object(members), &self.name())
    }

    fn name(&self) -> String {
        [&[REQUEST_CONTEXT], self.path].concat().join(".")
    }

    fn expected(&self, expected: &'static str) -> Error {
        Error::new(&self.name(), expected)
    }
}

impl Error {
    pub(super) fn new(place: &str, expected: impl Into<Cow<'static, str>>) -> Self {
        Self { place: place.to_string(), expected: expected.into() }
    }
}

impl From<Error> for AppError {
    fn from(error: Error) -> Self {
        Self::internal().with_cause(error)
    }
}

/// Reads the JSON text of the member `name`.
pub(super) fn read_json<T: DeserializeOwned>(text: &str, name: &str) -> Result<T, Error> {
    let value: Json = serde_json::from_str(text).map_err(|_| Error::new(name, "JSON"))?;
    read_value(&value, name)
}

fn read_value<T: DeserializeOwned>(value: &Json, name: &str) -> Result<T, Error> {
    serde_path_to_error::deserialize(Lenient(value)).map_err(|error| {
        let path = error.path().to_string();
        let (member, expected) = error.into_inner().into_parts();
        let place = match path.as_str() {
            "." => name.to_string(),
            path if path.starts_with('[') => format!("{name}{path}"),
            path => format!("{name}.{path}"),
        };
        // The path ends at the object that has too few members, or too many.
        let place = member.map_or_else(|| place.clone(), |member| format!("{place}.{member}"));
        Error { place, expected }
    })
}
