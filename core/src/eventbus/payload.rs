//! What an event carries: one JSON text.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{Error, Reason};
use crate::json::{self, JsonError};

/// The JSON text that an event carries, or nothing.
///
/// Texts made here are compact and have the bytes that [`json`](crate::json) specifies. A payload
/// that was read from a store keeps the bytes found there, whatever they are. `Debug` shows the
/// length only: payloads do not belong in logs.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Payload(Vec<u8>);

impl Payload {
    /// The JSON of a value, with the members of every object sorted by name.
    ///
    /// # Errors
    ///
    /// [`Error`] of the kind [`Payload`](super::ErrorKind::Payload) when the value has no JSON form.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, Error> {
        let value = serde_json::to_value(value)
            .map_err(|error| Error(Reason::NotSerializable(error.to_string())))?;
        Ok(Self(json::to_text(&value).into_bytes()))
    }

    /// A JSON text, made compact; the order of members and the spelling of numbers stay.
    ///
    /// # Errors
    ///
    /// [`Error`] of the kind [`Payload`](super::ErrorKind::Payload) when the text is not exactly one JSON value.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let mut compact = String::with_capacity(text.len());
        json::write_compact(text, &mut compact).map_err(not_json)?;
        Ok(Self(compact.into_bytes()))
    }

    /// Bytes as a store held them, unchecked.
    #[must_use]
    pub const fn from_stored(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes; none when there is no payload.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether there is no payload.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the payload as a `T`.
    ///
    /// # Errors
    ///
    /// [`Error`] of the kind [`Payload`](super::ErrorKind::Payload) when it is empty, is not JSON, or is not the JSON of a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.0)
            .map_err(|error| Error(Reason::PayloadMismatch(JsonError::from(&error))))
    }

    /// Appends the payload's JSON, `null` when there is none.
    pub(super) fn write_json(&self, out: &mut String) -> Result<(), Error> {
        if self.is_empty() {
            out.push_str("null");
            return Ok(());
        }
        let not_text = |_| not_json(JsonError { line: 1, column: 1 });
        let text = core::str::from_utf8(&self.0).map_err(not_text)?;
        json::write_compact(text, out).map_err(not_json)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.0.len())
    }
}

/// The payload is not one JSON value: it was given, or stored by someone else, as something else.
const fn not_json(error: JsonError) -> Error {
    Error(Reason::PayloadNotJson(error))
}
