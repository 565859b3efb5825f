//! Members of an event that are kept as JSON text, and values read from them.

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

/// A member of an event, kept as JSON text. Clones share the text; a missing or null member is
/// empty. `Debug` prints only its length.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct EventJson(Option<Arc<str>>);

/// A value from the platform is missing or does not have the expected type. Clients cannot fix
/// this: change the type, or the configuration of the authorizer. Converts to an [`AppError`]: a
/// masked 500, with the path of the value in the log.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{place}: expected {expected}")]
pub struct Error {
    /// The path of the value in the event, such as `requestContext.authorizer.jwt.claims.exp`.
    pub place: String,
    /// What was expected.
    pub expected: Cow<'static, str>,
}

impl EventJson {
    /// Creates a member from JSON text; an empty text is a missing member. The text is parsed
    /// later.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Some(text).filter(|text| !text.is_empty()).map(Arc::from))
    }

    /// Returns the text, or an empty text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    pub(crate) fn of(member: Value<'_, '_>) -> Self {
        Self::new(member.filled().map_or("", Value::json))
    }

    /// Deserializes this text as the member `name`; `None` if it is missing.
    pub(super) fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        self.0.as_deref().map(|text| read_json(text, name)).transpose()
    }
}

impl fmt::Debug for EventJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hidden(self.as_str().len()).fmt(f)
    }
}

/// A value in `requestContext`, with its path.
pub(super) struct Place<'a, 'd> {
    pub(super) value: Value<'a, 'd>,
    path: &'static [&'static str],
}

impl<'a, 'd> Place<'a, 'd> {
    /// Finds a value; `None` if it is missing or null.
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

    /// Deserializes an object, ignoring some members.
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

/// Deserializes JSON text as the member `name`.
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
        // For a wrong number of members, the path ends at the object.
        let place = member.map_or_else(|| place.clone(), |member| format!("{place}.{member}"));
        Error { place, expected }
    })
}
