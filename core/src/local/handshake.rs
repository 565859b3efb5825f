//! The opening handshake of WebSockets (RFC 6455 §4.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::fields::{lists, sole};
use crate::http::RawRequest;

/// The version of the protocol (RFC 6455 §4.1).
pub const WEBSOCKET_VERSION: &str = "13";

/// The number of bytes that a key encodes (RFC 6455 §4.1).
const KEY_BYTES: usize = 16;

/// Returns whether a request asks to become a WebSocket. Not for HTTP/1.0, in which `upgrade` is
/// ignored (RFC 9110 §7.8).
#[must_use]
pub fn is_upgrade(request: &RawRequest<'_>) -> bool {
    request.method == "GET"
        && lists(&request.headers, "connection", "upgrade")
        && lists(&request.headers, "upgrade", "websocket")
}

/// Returns the key of a handshake, from which its response is derived.
///
/// # Errors
///
/// The status that refuses the handshake: 426 for another version, 400 for a malformed key.
pub fn handshake_key<'r>(request: &'r RawRequest<'_>) -> Result<&'r str, u16> {
    if sole(&request.headers, "sec-websocket-version") != Some(WEBSOCKET_VERSION) {
        return Err(426);
    }
    let is_key = |key: &&str| STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == KEY_BYTES);
    sole(&request.headers, "sec-websocket-key").filter(is_key).ok_or(400)
}

#[cfg(test)]
mod tests {
    use super::{handshake_key, is_upgrade};
    use crate::http::RawRequest;

    fn request(fields: &[(&str, &str)]) -> RawRequest<'static> {
        let mut request = RawRequest::new("GET", "/");
        for (name, value) in fields {
            request.headers.append(*name, *value);
        }
        request
    }

    #[test]
    fn a_websocket_upgrade_needs_get_and_both_upgrade_headers() {
        let wishes = [("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket")];
        assert!(is_upgrade(&request(&wishes)));
        for fields in [&wishes[..1], &wishes[1..], &[("upgrade", "h2c"), wishes[0]]] {
            assert!(!is_upgrade(&request(fields)), "{fields:?}");
        }
        let post = RawRequest { method: "POST".into(), ..request(&wishes) };
        assert!(!is_upgrade(&post));
    }

    #[test]
    fn a_key_is_sixteen_bytes_given_once() {
        let (version, key) = ("sec-websocket-version", "sec-websocket-key");
        let good = "dGhlIHNhbXBsZSBub25jZQ==";
        for (fields, expected) in [
            (&[(version, "13"), (key, good)][..], Ok(good)),
            (&[(version, "8"), (key, good)], Err(426)),
            (&[(version, "13"), (version, "13"), (key, good)], Err(426)),
            (&[(key, good)], Err(426)),
            (&[(version, "13")], Err(400)),
            (&[(version, "13"), (key, good), (key, good)], Err(400)),
            (&[(version, "13"), (key, "dGhl")], Err(400)),
            (&[(version, "13"), (key, "!")], Err(400)),
        ] {
            assert_eq!(handshake_key(&request(fields)), expected, "{fields:?}");
        }
    }
}
