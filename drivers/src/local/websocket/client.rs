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
        if let Ok(query) = &request.query
            && query.iter().next().is_some()
        {
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
