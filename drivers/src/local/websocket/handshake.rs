//! The opening handshake (RFC 6455 §4.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::request::Parts;
use http::{Method, Response, StatusCode, Version};
use http_body_util::Full;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::local::fields::{lists, sole};

/// The version of the protocol (RFC 6455 §4.1).
const VERSION: &str = "13";

/// How many bytes a key stands for (RFC 6455 §4.1).
const KEY_BYTES: usize = 16;

/// Whether a request wants to become a WebSocket. HTTP/1.0 has no upgrades: there the wish is
/// ignored (RFC 9110 §7.8).
pub(in crate::local) fn is_upgrade(request: &Parts) -> bool {
    request.method == Method::GET
        && request.version >= Version::HTTP_11
        && lists(&request.headers, CONNECTION, "upgrade")
        && lists(&request.headers, UPGRADE, "websocket")
}

/// The answer to the key of a handshake, or the status that refuses it.
pub(super) fn accept(headers: &HeaderMap) -> Result<HeaderValue, StatusCode> {
    if sole(headers, SEC_WEBSOCKET_VERSION).is_none_or(|version| version != VERSION) {
        return Err(StatusCode::UPGRADE_REQUIRED);
    }
    let is_key =
        |key: &&HeaderValue| STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == KEY_BYTES);
    let key = sole(headers, SEC_WEBSOCKET_KEY).filter(is_key);
    let accept = key.map(|key| derive_accept_key(key.as_bytes()));
    // What is derived is Base64 again.
    accept.and_then(|accept| accept.try_into().ok()).ok_or(StatusCode::BAD_REQUEST)
}

/// Lets a client in, with the subprotocol that the application chose, if any.
pub(super) fn switch(accept: HeaderValue, protocol: Option<&str>) -> Response<Full<Bytes>> {
    let mut response = answer(StatusCode::SWITCHING_PROTOCOLS);
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    let protocol = protocol.and_then(|protocol| protocol.try_into().ok());
    headers.extend(protocol.map(|protocol: HeaderValue| (SEC_WEBSOCKET_PROTOCOL, protocol)));
    response
}

/// Refuses a client. One of another version learns which upgrade there is (RFC 9110 §15.5.22).
pub(super) fn refuse(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = answer(status);
    if status == StatusCode::UPGRADE_REQUIRED {
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION));
    }
    response
}

fn answer(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
