//! Testing an application: its requests and events, put together by hand.
#![expect(clippy::panic, reason = "a test ends where it is set up wrong")]

pub mod events;
pub mod requests;
#[cfg(test)]
mod tests;

use serde::Serialize;
use serde_json::Value;

pub use requests::{TestRequest, Via};

/// A value as JSON. Tests end where it cannot be.
fn json_of<T: Serialize + ?Sized>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_else(|error| panic!("not to be written as JSON: {error}"))
}
