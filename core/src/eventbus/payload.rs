//! What an event carries: one JSON text.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

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
    /// [`PayloadError::NotSerializable`] when the value has no JSON form.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, PayloadError> {
        let value = serde_json::to_value(value)
            .map_err(|error| PayloadError::NotSerializable(error.to_string()))?;
        Ok(Self(json::to_text(&value).into_bytes()))
    }

    /// A JSON text, made compact; the order of members and the spelling of numbers stay.
    ///
    /// # Errors
    ///
    /// [`PayloadError::NotJson`] when the text is not exactly one JSON value.
    pub fn from_json(text: &str) -> Result<Self, PayloadError> {
        let mut compact = String::with_capacity(text.len());
        json::write_compact(text, &mut compact)?;
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
    /// [`PayloadError::Mismatch`] when it is empty, is not JSON, or is not the JSON of a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, PayloadError> {
        serde_json::from_slice(&self.0)
            .map_err(|error| PayloadError::Mismatch(JsonError::from(&error)))
    }

    /// Appends the payload's JSON, `null` when there is none.
    pub(super) fn write_json(&self, out: &mut String) -> Result<(), PayloadError> {
        if self.is_empty() {
            out.push_str("null");
            return Ok(());
        }
        let text = core::str::from_utf8(&self.0).map_err(|_| JsonError { line: 1, column: 1 })?;
        json::write_compact(text, out)?;
        Ok(())
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.0.len())
    }
}

/// Why a payload could not be written or read. Quotes nothing of what it holds.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PayloadError {
    /// The value has no JSON form, such as a map whose keys are not texts. Carries what its
    /// serializer said.
    #[error("failed to marshal payload: {0}")]
    NotSerializable(String),
    /// The payload is not one JSON value: it was given, or stored by someone else, as something
    /// else.
    #[error("the payload is {0}")]
    NotJson(#[from] JsonError),
    /// The payload is not the JSON of the type asked for: missing, cut off, or of another shape.
    #[error("the payload does not have the shape asked for (line {}, column {})", .0.line, .0.column)]
    Mismatch(JsonError),
}
