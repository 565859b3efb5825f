//! Where requests carry their idempotency keys.

use alloc::string::{String, ToString};

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::error::{Error, Reason};
use crate::hex::push_hex;
use crate::http::Request;
use crate::http::sending::is_token;

/// Says where the key of a request is found. Records of a batch need no source: their identifiers
/// are the keys.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeySource(Place);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Place {
    Header(String),
    JsonPointer(String),
}

impl KeySource {
    /// Takes the key from the header `idempotency-key`.
    #[must_use]
    pub fn idempotency_key_header() -> Self {
        Self(Place::Header("idempotency-key".to_string()))
    }

    /// Takes the key from a header, whose name is case-insensitive.
    ///
    /// # Errors
    ///
    /// [`Error`] for an invalid header name.
    pub fn header(name: &str) -> Result<Self, Error> {
        match is_token(name) {
            true => Ok(Self(Place::Header(name.to_string()))),
            false => Err(Error(Reason::HeaderName(name.to_string()))),
        }
    }

    /// Takes the key from the JSON body at a JSON pointer (RFC 6901), such as `/order/id`. The
    /// empty pointer selects the whole body.
    ///
    /// # Errors
    ///
    /// [`Error`] for an invalid pointer.
    pub fn json_pointer(pointer: &str) -> Result<Self, Error> {
        match pointer.is_empty() || pointer.starts_with('/') {
            true => Ok(Self(Place::JsonPointer(pointer.to_string()))),
            false => Err(Error(Reason::JsonPointer(pointer.to_string()))),
        }
    }

    /// Returns the key of a request: the header's first value, or a string or number in the body.
    /// `None` if it is missing or blank. Numbers beyond 64 bits are read as the nearest double, so
    /// use strings for long ids.
    #[must_use]
    pub fn read(&self, request: &Request) -> Option<String> {
        let key = match &self.0 {
            Place::Header(name) => request.headers.first(name).to_string(),
            Place::JsonPointer(pointer) => {
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

/// Returns the hash by which requests of one route are compared, in hexadecimal: over the path, the
/// query and the body. Headers are left out, because clients and proxies change them between
/// attempts.
#[must_use]
pub fn request_hash(request: &Request) -> String {
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        // The length prefix keeps parts apart.
        hash.update(length(part.len()));
        hash.update(part);
    };
    add(request.path.as_bytes());
    for (name, values) in request.query.iter() {
        add(name.as_bytes());
        add(&length(values.len()));
        values.iter().for_each(|value| add(value.as_bytes()));
    }
    add(&request.body);
    let mut text = String::with_capacity(64);
    push_hex(&mut text, &hash.finalize());
    text
}

/// Returns a length as bytes that are the same on every machine.
fn length(length: usize) -> [u8; 8] {
    u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::{Error, KeySource, Reason, request_hash};
    use crate::http::{Request, UriPath};

    #[test]
    fn a_key_is_read_from_its_header_or_json_pointer() {
        let mut request = Request::default();
        request.headers.set("Idempotency-Key", "k 1");
        request.body = br#"{"order":{"id":"o1","n":7,"blank":" ","list":[1]}}"#.to_vec();
        let read = |source: KeySource| source.read(&request);
        assert_eq!(read(KeySource::idempotency_key_header()).as_deref(), Some("k 1"));
        assert_eq!(read(KeySource::header("IDEMPOTENCY-KEY").unwrap()).as_deref(), Some("k 1"));
        assert_eq!(read(KeySource::header("x").unwrap()), None);
        for (pointer, key) in [
            ("/order/id", Some("o1")),
            ("/order/n", Some("7")),
            ("/order/blank", None),
            ("/order/list", None),
            ("/order/none", None),
        ] {
            assert_eq!(
                read(KeySource::json_pointer(pointer).unwrap()).as_deref(),
                key,
                "{pointer}"
            );
        }
        let empty = Request::default();
        assert_eq!(KeySource::json_pointer("/a").unwrap().read(&empty), None);
    }

    #[test]
    fn a_place_that_no_request_has_is_refused() {
        for name in ["", " ", "x y", "idempotency-key ", "x:", "\u{fc}"] {
            assert_eq!(KeySource::header(name), Err(Error(Reason::HeaderName(name.into()))));
        }
        for pointer in [" ", "order/id", "$.order.id", "#/order/id"] {
            let refused = Err(Error(Reason::JsonPointer(pointer.into())));
            assert_eq!(KeySource::json_pointer(pointer), refused);
        }
    }

    #[test]
    fn request_hashes_differ_by_path_query_and_body() {
        let of = |path: &str, query: &[(&str, &str)], body: &str| {
            let mut request = Request { path: UriPath::from_encoded(path), ..Request::default() };
            request.headers.set("x-attempt", body);
            for (name, value) in query {
                request.query.append(*name, *value);
            }
            request.body = body.into();
            request_hash(&request)
        };
        let hashes = [
            of("/a", &[], ""),
            of("/b", &[], ""),
            of("/a", &[], "b"),
            of("/a", &[("b", "")], ""),
            of("/a", &[("b", "c")], ""),
            of("/a", &[("b", ""), ("c", "")], ""),
            of("/a", &[("b", ""), ("b", "c")], ""),
        ];
        for (at, hash) in hashes.iter().enumerate() {
            assert!(!hashes[at + 1..].contains(hash), "{at}");
        }
        let mut again = Request { path: UriPath::from_encoded("/a"), ..Request::default() };
        again.headers.set("x-attempt", "2");
        assert_eq!(request_hash(&again), hashes[0]);
    }
}
