//! The payload of an event: one JSON text.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{Error, Reason};
use crate::json::{self, JsonError};

/// The JSON text of an event's contents, or no payload.
///
/// Texts created here are compact and have the bytes that [`json`](crate::json) specifies. A
/// payload from a store keeps the stored bytes, even if they are not JSON. `Debug` shows only the
/// length, because payloads do not belong in logs.
#[derive(Clone, Eq, PartialEq)]
pub struct Payload(Result<Vec<u8>, NotSerializable>);

/// Why a value cannot be serialized to JSON.
#[derive(Clone, Eq, PartialEq)]
struct NotSerializable(String);

impl Default for Payload {
    fn default() -> Self {
        Self(Ok(Vec::new()))
    }
}

impl Payload {
    /// Serializes a value to JSON, with the members of every object sorted by name. If this fails,
    /// [`check`](Self::check) and publishing return the error.
    #[must_use]
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Self {
        let json = serde_json::to_value(value).map(|value| json::to_text(&value).into_bytes());
        Self(json.map_err(|error| NotSerializable(error.to_string())))
    }

    /// Checks that the value of [`of`](Self::of) could be serialized.
    ///
    /// # Errors
    ///
    /// [`Error`] of the kind [`Payload`](super::ErrorKind::Payload) if it could not.
    pub fn check(&self) -> Result<(), Error> {
        self.bytes().map(drop)
    }

    fn bytes(&self) -> Result<&[u8], Error> {
        let bytes = self.0.as_deref();
        bytes.map_err(|NotSerializable(why)| Error(Reason::NotSerializable(why.clone())))
    }

    /// Creates a payload from a JSON text, made compact. The order of members and the digits of
    /// numbers stay.
    ///
    /// # Errors
    ///
    /// [`Error`] of the kind [`Payload`](super::ErrorKind::Payload) if the text is not exactly one
    /// JSON value.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let mut compact = String::with_capacity(text.len());
        json::write_compact(text, &mut compact).map_err(not_json)?;
        Ok(Self(Ok(compact.into_bytes())))
    }

    /// Creates a payload from stored bytes, without checking them.
    #[must_use]
    pub const fn from_stored(bytes: Vec<u8>) -> Self {
        Self(Ok(bytes))
    }

    /// Returns the bytes; empty if there is no payload.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }

    /// Returns whether there is no payload.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// Deserializes the payload as a `T`.
    ///
    /// # Errors
    ///
    /// [`Error`] of the kind [`Payload`](super::ErrorKind::Payload) if it is empty, is not JSON, or
    /// is not the JSON of a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(self.bytes()?)
            .map_err(|error| Error(Reason::PayloadMismatch(JsonError::from(&error))))
    }

    /// Appends the payload's JSON, or `null` if there is no payload.
    pub(super) fn write_json(&self, out: &mut String) -> Result<(), Error> {
        let bytes = self.bytes()?;
        if bytes.is_empty() {
            out.push_str("null");
            return Ok(());
        }
        let not_text = |_| not_json(JsonError { line: 1, column: 1 });
        let text = core::str::from_utf8(bytes).map_err(not_text)?;
        json::write_compact(text, out).map_err(not_json)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.as_bytes().len())
    }
}

/// The payload is not one JSON value: the caller passed, or another writer stored, something else.
const fn not_json(error: JsonError) -> Error {
    Error(Reason::PayloadNotJson(error))
}
