//! Responses to the opening handshake (RFC 6455 §4.2).

use apptheory_core::local::WEBSOCKET_VERSION;
use bytes::Bytes;
use http::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use http::{Response, StatusCode};
use http_body_util::Full;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Accepts a handshake, with the subprotocol that the application chose, if any.
pub(super) fn switch(key: &str, protocol: Option<&str>) -> Response<Full<Bytes>> {
    let mut response = answer(StatusCode::SWITCHING_PROTOCOLS);
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    // The derived key is Base64, a valid header value.
    let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes())).ok();
    headers.extend(accept.map(|accept| (SEC_WEBSOCKET_ACCEPT, accept)));
    let protocol = protocol.and_then(|protocol| protocol.try_into().ok());
    headers.extend(protocol.map(|protocol: HeaderValue| (SEC_WEBSOCKET_PROTOCOL, protocol)));
    response
}

/// Refuses a handshake. A client of another version learns the supported upgrade (RFC 9110
/// §15.5.22).
pub(super) fn refuse(status: u16) -> Response<Full<Bytes>> {
    // Callers pass only valid statuses.
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = answer(status);
    if status == StatusCode::UPGRADE_REQUIRED {
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(WEBSOCKET_VERSION));
    }
    response
}

fn answer(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
