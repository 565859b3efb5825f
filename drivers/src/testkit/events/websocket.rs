//! Events of WebSocket APIs.

use serde_json::{Value, json};

use super::DOMAIN;

/// Creates an event of a connection: its start for the route key `$connect`, its end for
/// `$disconnect`, and a message for any other.
#[must_use]
pub fn websocket(route_key: &str, connection_id: &str, body: &str) -> Value {
    let event_type = match route_key {
        "$connect" => "CONNECT",
        "$disconnect" => "DISCONNECT",
        _ => "MESSAGE",
    };
    json!({
        "path": "/",
        "httpMethod": "POST",
        "requestContext": {
            "routeKey": route_key,
            "eventType": event_type,
            "connectionId": connection_id,
            "domainName": DOMAIN,
            "stage": "dev",
            "requestId": "req-1",
        },
        "body": body,
        "isBase64Encoded": false,
    })
}
