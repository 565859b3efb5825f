//! What was bound.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value as Json;

use crate::duration::write_duration_nanos;

/// A value of one of the [`Kind`](super::Kind)s.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text.
    Text(String),
    /// An integer within ±(2^53 − 1).
    Integer(i64),
    /// A finite number.
    Float(f64),
    /// A boolean.
    Bool(bool),
    /// A duration in nanoseconds, of whole microseconds; negative ones too.
    Duration(i64),
    /// Texts, in the order of the request.
    Texts(Vec<String>),
    /// JSON: an object, or any JSON, as declared.
    Json(Json),
}

/// As JSON of its type, and a duration as its text.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Integer(integer) => serializer.serialize_i64(*integer),
            Self::Float(float) => serializer.serialize_f64(*float),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Duration(nanos) => {
                serializer.serialize_str(&write_duration_nanos((*nanos).into()))
            }
            Self::Texts(texts) => serializer.collect_seq(texts),
            Self::Json(json) => json.serialize(serializer),
        }
    }
}

/// The values of a request, by the names of their fields. A field that the request does not have,
/// or that is null in its body, has none.
#[derive(Clone, Default, PartialEq)]
pub struct Bound(BTreeMap<String, Value>);

/// The names of what is bound; the values are the client's.
impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Bound {
    /// The value of a field. It is of the kind that the field was declared with.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The values, sorted by the names of their fields.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.0.insert(name.into(), value);
    }
}
