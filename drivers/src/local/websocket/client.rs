//! A client, and the events that it causes.

use core::net::SocketAddr;

use apptheory_core::http::RawRequest;
use apptheory_core::time::Timestamp;
use serde_json::{Map, Value, json};

use super::socket::End;

/// Who is at the other end of a connection.
pub(super) struct Client {
    pub(super) id: String,
    pub(super) address: SocketAddr,
    /// Its `user-agent`.
    pub(super) agent: String,
    pub(super) connected_at: Timestamp,
    /// The domain that it connected to.
    pub(super) domain: String,
}

/// The stage that events name.
const STAGE: &str = "local";

/// The API that events name.
const API_ID: &str = "local";

impl Client {
    /// The event of a handshake: with its header fields and its query.
    pub(super) fn connect(&self, id: &str, now: Timestamp, request: &RawRequest<'_>) -> String {
        let mut event = self.event("$connect", "CONNECT", id, now);
        let fields = request.headers.iter();
        let (headers, multi_value_headers) = single_and_multiple(fields);
        event["headers"] = headers;
        event["multiValueHeaders"] = multi_value_headers;
        let query = request.query.parameters();
        if !query.is_empty() {
            let (parameters, multi_value_parameters) = single_and_multiple(query.iter());
            event["queryStringParameters"] = parameters;
            event["multiValueQueryStringParameters"] = multi_value_parameters;
        }
        event.to_string()
    }

    /// The event of a message on a route.
    pub(super) fn message(&self, route_key: &str, id: &str, now: Timestamp, body: &str) -> String {
        let mut event = self.event(route_key, "MESSAGE", id, now);
        event["requestContext"]["messageId"] = id.into();
        event["body"] = body.into();
        event.to_string()
    }

    /// The event of the end.
    pub(super) fn disconnect(&self, id: &str, now: Timestamp, end: &End) -> String {
        let mut event = self.event("$disconnect", "DISCONNECT", id, now);
        event["requestContext"]["disconnectStatusCode"] = end.code().into();
        event["requestContext"]["disconnectReason"] = end.reason().into();
        event.to_string()
    }

    /// What all events say. As on AWS there is no path and no method.
    fn event(&self, route_key: &str, event_type: &str, id: &str, now: Timestamp) -> Value {
        json!({
            "requestContext": {
                "routeKey": route_key,
                "eventType": event_type,
                "messageDirection": "IN",
                "connectionId": self.id,
                "connectedAt": unix_millis(self.connected_at),
                "requestTimeEpoch": unix_millis(now),
                "requestId": id,
                "extendedRequestId": id,
                "identity": {"sourceIp": self.address.ip().to_string(), "userAgent": self.agent},
                "domainName": self.domain,
                "stage": STAGE,
                "apiId": API_ID,
            },
            "isBase64Encoded": false,
        })
    }
}

/// Names with their last values, and names with all of them.
fn single_and_multiple<'a>(all: impl Iterator<Item = (&'a str, &'a [String])>) -> (Value, Value) {
    let (mut single, mut multiple) = (Map::new(), Map::new());
    for (name, values) in all {
        single.insert(name.to_owned(), values.last().cloned().unwrap_or_default().into());
        multiple.insert(name.to_owned(), values.into());
    }
    (single.into(), multiple.into())
}

fn unix_millis(at: Timestamp) -> i64 {
    // Every instant that a clock shows fits.
    i64::try_from(at.unix_nanos().div_euclid(1_000_000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use apptheory_core::events::{EventKind, WebSocketEvent, classify};

    use super::*;

    fn client() -> Client {
        Client {
            id: "c1".into(),
            address: (Ipv4Addr::LOCALHOST, 9).into(),
            agent: "test".into(),
            connected_at: Timestamp::from_unix_seconds(1),
            domain: "127.0.0.1:80".into(),
        }
    }

    #[test]
    fn events_are_those_of_websockets() {
        let (client, now) = (client(), Timestamp::from_unix_seconds(2));
        let mut request = RawRequest::new("GET", "/");
        request.headers.append("x-a", "1");
        request.headers.append("x-a", "2");
        let left = End::Left(None);
        for (event, route_key, event_type) in [
            (client.connect("r", now, &request), "$connect", "CONNECT"),
            (client.message("say", "r", now, "\"hi\""), "say", "MESSAGE"),
            (client.disconnect("r", now, &left), "$disconnect", "DISCONNECT"),
        ] {
            assert_eq!(classify(&event).unwrap(), EventKind::WebSocket);
            let read = WebSocketEvent::read(&event).unwrap();
            let connection = &read.connection;
            let routed = (&*connection.route_key, &*connection.event_type);
            assert_eq!(routed, (route_key, event_type));
            assert_eq!((&*connection.connection_id, &*read.request_id), ("c1", "r"));
            assert_eq!(connection.management_endpoint, "https://127.0.0.1:80");
            let request = read.into_request(None).unwrap();
            let is_handshake = route_key == "$connect";
            assert_eq!(request.headers.get_all("x-a").len(), if is_handshake { 2 } else { 0 });
            assert_eq!(request.body, if route_key == "say" { &b"\"hi\""[..] } else { b"" });
        }
        let event: Value = serde_json::from_str(&client.disconnect("r", now, &left)).unwrap();
        let context = &event["requestContext"];
        assert_eq!(context["disconnectStatusCode"], 1005);
        assert_eq!(
            (&context["connectedAt"], &context["requestTimeEpoch"]),
            (&json!(1_000), &json!(2_000))
        );
    }
}
