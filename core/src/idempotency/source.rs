//! Where requests bring their keys.

use alloc::string::{String, ToString};

use serde_json::Value as Json;

use crate::http::Request;

/// Where the key of a request's work is found. Records of a batch need none: their identifiers are
/// keys.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeySource {
    /// A header field, such as `idempotency-key`.
    Header(String),
    /// A place in the JSON body (RFC 6901), such as `/order/id`.
    JsonPointer(String),
}

impl KeySource {
    /// The field that clients use for it (`drivers.md` §4).
    #[must_use]
    pub fn idempotency_key_header() -> Self {
        Self::Header("idempotency-key".to_string())
    }

    /// The key that a request brings: a header's first value, or a text or number of the body. None
    /// when there is no such thing or it is blank.
    #[must_use]
    pub fn read(&self, request: &Request) -> Option<String> {
        let key = match self {
            Self::Header(name) => request.headers.first(name).to_string(),
            Self::JsonPointer(pointer) => {
                let body: Json = serde_json::from_slice(&request.body).ok()?;
                match body.pointer(pointer)? {
                    Json::String(text) => text.clone(),
                    Json::Number(number) => number.to_string(),
                    Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => return None,
                }
            }
        };
        (!key.trim().is_empty()).then_some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::KeySource;
    use crate::http::Request;

    #[test]
    fn a_key_is_where_it_is_said_to_be() {
        let mut request = Request::default();
        request.headers.set("Idempotency-Key", "k 1");
        request.body = br#"{"order":{"id":"o1","n":7,"blank":" ","list":[1]}}"#.to_vec();
        let read = |source: KeySource| source.read(&request);
        assert_eq!(read(KeySource::idempotency_key_header()).as_deref(), Some("k 1"));
        assert_eq!(read(KeySource::Header("x".into())), None);
        for (pointer, key) in [
            ("/order/id", Some("o1")),
            ("/order/n", Some("7")),
            ("/order/blank", None),
            ("/order/list", None),
            ("/order/none", None),
        ] {
            assert_eq!(read(KeySource::JsonPointer(pointer.into())).as_deref(), key, "{pointer}");
        }
        let empty = Request::default();
        assert_eq!(KeySource::JsonPointer("/a".into()).read(&empty), None);
    }
}
