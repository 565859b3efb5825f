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
#[derive(Clone, Eq, PartialEq)]
pub struct Payload(Result<Vec<u8>, NotSerializable>);

/// Why a value has no JSON form.
#[derive(Clone, Eq, PartialEq)]
struct NotSerializable(String);

impl Default for Payload {
    fn default() -> Self {
        Self(Ok(Vec::new()))
    }
}

impl Payload {
    /// Makes the JSON of a value, with the members of every object sorted by name. What has no JSON
    /// form is no payload: [`check`](Self::check) and publishing say so.
    #[must_use]
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Self {
        let json = serde_json::to_value(value).map(|value| json::to_text(&value).into_bytes());
        Self(json.map_err(|error| NotSerializable(error.to_string())))
    }

    /// Checks that the value that it was made of has a JSON form.
    ///
    /// # Errors
    ///
    /// [`Error`] of the kind [`Payload`](super::ErrorKind::Payload) when it has none.
    pub fn check(&self) -> Result<(), Error> {
        self.bytes().map(drop)
    }

    fn bytes(&self) -> Result<&[u8], Error> {
        let bytes = self.0.as_deref();
        bytes.map_err(|NotSerializable(why)| Error(Reason::NotSerializable(why.clone())))
    }

    /// Takes a JSON text, made compact; the order of members and the spelling of numbers stay.
    ///
    /// # Errors
    ///
    /// [`Error`] of the kind [`Payload`](super::ErrorKind::Payload) when the text is not exactly one JSON value.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let mut compact = String::with_capacity(text.len());
        json::write_compact(text, &mut compact).map_err(not_json)?;
        Ok(Self(Ok(compact.into_bytes())))
    }

    /// Bytes as a store held them, unchecked.
    #[must_use]
    pub const fn from_stored(bytes: Vec<u8>) -> Self {
        Self(Ok(bytes))
    }

    /// Returns the bytes; empty when there is no payload.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }

    /// Returns whether there is no payload.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// Reads the payload as a `T`.
    ///
    /// # Errors
    ///
    /// [`Error`] of the kind [`Payload`](super::ErrorKind::Payload) when it is empty, is not JSON, or
    /// is not the JSON of a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(self.bytes()?)
            .map_err(|error| Error(Reason::PayloadMismatch(JsonError::from(&error))))
    }

    /// Appends the payload's JSON, `null` when there is none.
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

/// The payload is not one JSON value: it was given, or stored by someone else, as something else.
const fn not_json(error: JsonError) -> Error {
    Error(Reason::PayloadNotJson(error))
}
