//! The events and responses of a local WebSocket API.

use alloc::borrow::ToOwned as _;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use core::net::SocketAddr;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::gateway::Connection;
use crate::http::{RawRequest, Values};
use crate::percent;
use crate::time::Timestamp;

/// The client of a connection.
#[derive(Clone, Debug)]
pub struct WebSocketPeer {
    /// The connection's id.
    pub id: String,
    /// The client's address.
    pub address: SocketAddr,
    /// The client's `user-agent`.
    pub agent: String,
    /// When the client opened the connection.
    pub connected_at: Timestamp,
    /// The domain to which the client connected.
    pub domain: String,
}

/// The stage in events.
const STAGE: &str = "local";

/// The API id in events.
const API_ID: &str = "local";

impl WebSocketPeer {
    /// Returns the state of the new connection for the management API.
    #[must_use]
    pub fn connection(&self) -> Connection {
        Connection {
            connected_at: Some(self.connected_at),
            last_active_at: Some(self.connected_at),
            identity_ip: self.address.ip().to_string(),
            identity_agent: self.agent.clone(),
        }
    }

    /// Returns the event of a handshake, with its headers and query.
    #[must_use]
    pub fn connect(&self, id: &str, now: Timestamp, request: &RawRequest<'_>) -> String {
        let mut event = self.event("$connect", "CONNECT", id, now);
        let fields = request.headers.iter();
        let (headers, multi_value_headers) = single_and_multiple(fields);
        event.set("headers", headers);
        event.set("multiValueHeaders", multi_value_headers);
        let query = request.query.parameters();
        if !query.is_empty() {
            let (parameters, multi_value_parameters) = single_and_multiple(query.iter());
            event.set("queryStringParameters", parameters);
            event.set("multiValueQueryStringParameters", multi_value_parameters);
        }
        event.write()
    }

    /// Returns the event of a message with a route key.
    #[must_use]
    pub fn message(&self, route_key: &str, id: &str, now: Timestamp, body: &str) -> String {
        let mut event = self.event(route_key, "MESSAGE", id, now);
        event.set_in_context("messageId", id);
        event.set("body", body);
        event.write()
    }

    /// Returns the event of a closed connection, with a status code (RFC 6455 §7.4) and an optional
    /// reason.
    #[must_use]
    pub fn disconnect(&self, id: &str, now: Timestamp, code: u16, reason: &str) -> String {
        let mut event = self.event("$disconnect", "DISCONNECT", id, now);
        event.set_in_context("disconnectStatusCode", code);
        event.set_in_context("disconnectReason", reason);
        event.write()
    }

    /// Returns the message that API Gateway sends to a client whose message was not handled.
    #[must_use]
    pub fn notice(&self, id: &str, message: &str) -> String {
        json!({"message": message, "connectionId": self.id, "requestId": id}).to_string()
    }

    /// Returns the common part of all events. As on AWS there is no path and no method.
    fn event(&self, route_key: &str, event_type: &str, id: &str, now: Timestamp) -> Event {
        let identity = json!({"sourceIp": self.address.ip().to_string(), "userAgent": self.agent});
        let mut event = Event::default();
        event.set("isBase64Encoded", false);
        event.set_in_context("routeKey", route_key);
        event.set_in_context("eventType", event_type);
        event.set_in_context("messageDirection", "IN");
        event.set_in_context("connectionId", &*self.id);
        event.set_in_context("connectedAt", unix_millis(self.connected_at));
        event.set_in_context("requestTimeEpoch", unix_millis(now));
        event.set_in_context("requestId", id);
        event.set_in_context("extendedRequestId", id);
        event.set_in_context("identity", identity);
        event.set_in_context("domainName", &*self.domain);
        event.set_in_context("stage", STAGE);
        event.set_in_context("apiId", API_ID);
        event
    }
}

/// An event under construction.
#[derive(Default)]
struct Event {
    context: Map<String, Value>,
    members: Map<String, Value>,
}

impl Event {
    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.members.insert(name.to_owned(), value.into());
    }

    fn set_in_context(&mut self, name: &str, value: impl Into<Value>) {
        self.context.insert(name.to_owned(), value.into());
    }

    fn write(mut self) -> String {
        let context = core::mem::take(&mut self.context);
        self.set("requestContext", context);
        Value::Object(self.members).to_string()
    }
}

/// Returns the connection id in a path of the management API.
#[must_use]
pub fn managed_connection(path: &str) -> Option<String> {
    // An id that is not UTF-8 belongs to no connection.
    Some(percent::decode(path.strip_prefix("/@connections/")?).into_owned())
}

/// The part of the response to `$connect` that API Gateway uses.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConnectAnswer {
    /// The status of the handshake's response; 2xx accepts the client.
    pub status: u16,
    /// The selected subprotocol, if any.
    pub protocol: Option<String>,
}

impl ConnectAnswer {
    /// Accepts every client, as an API without the route does.
    pub const WELCOME: Self = Self { status: 200, protocol: None };

    /// Reads an invocation's response; `None` stands for a failed invocation. A failure, or a
    /// response without a final status, becomes a 502.
    #[must_use]
    pub fn read(answer: Option<&str>) -> Self {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Read {
            status_code: u16,
            #[serde(default)]
            headers: BTreeMap<String, String>,
        }

        let read = answer.and_then(|answer| serde_json::from_str(answer).ok());
        match read {
            Some(Read { status_code: status @ 200..=999, mut headers }) => {
                Self { status, protocol: headers.remove("sec-websocket-protocol") }
            }
            Some(_) | None => Self { status: 502, protocol: None },
        }
    }

    /// Returns whether the client is accepted.
    #[must_use]
    pub const fn lets_in(&self) -> bool {
        matches!(self.status, 200..=299)
    }
}

/// Returns names with their last values, and names with all values.
fn single_and_multiple<'a>(all: impl Iterator<Item = (&'a str, Values<'a>)>) -> (Value, Value) {
    let (mut single, mut multiple) = (Map::new(), Map::new());
    for (name, values) in all {
        single.insert(name.to_owned(), values.iter().next_back().unwrap_or_default().into());
        multiple.insert(name.to_owned(), values.iter().collect());
    }
    (single.into(), multiple.into())
}

fn unix_millis(at: Timestamp) -> i64 {
    // Every instant of a clock fits.
    i64::try_from(at.unix_nanos().div_euclid(1_000_000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;
    use crate::events::LambdaEvent;

    fn client() -> WebSocketPeer {
        WebSocketPeer {
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
        for (event, route_key, event_type) in [
            (client.connect("r", now, &request), "$connect", "CONNECT"),
            (client.message("say", "r", now, "\"hi\""), "say", "MESSAGE"),
            (client.disconnect("r", now, 1005, ""), "$disconnect", "DISCONNECT"),
        ] {
            let LambdaEvent::WebSocket(read) = LambdaEvent::read(&event).unwrap() else {
                panic!("{event}")
            };
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
        let event: Value = serde_json::from_str(&client.disconnect("r", now, 1005, "")).unwrap();
        let context = &event["requestContext"];
        assert_eq!(context["disconnectStatusCode"], 1005);
        assert_eq!(
            (&context["connectedAt"], &context["requestTimeEpoch"]),
            (&json!(1_000), &json!(2_000))
        );
    }

    #[test]
    fn paths_of_the_management_api_name_a_connection() {
        assert_eq!(managed_connection("/@connections/a%3D").as_deref(), Some("a="));
        assert_eq!(managed_connection("/connections/a"), None);
    }

    #[test]
    fn an_answer_without_a_final_status_is_a_failure() {
        let read = |text| ConnectAnswer::read(Some(text));
        let chosen = read(r#"{"statusCode":201,"headers":{"sec-websocket-protocol":"chat"}}"#);
        assert_eq!(chosen, ConnectAnswer { status: 201, protocol: Some("chat".into()) });
        assert!(chosen.lets_in() && ConnectAnswer::WELCOME.lets_in());
        assert_eq!(read(r#"{"statusCode":403}"#), ConnectAnswer { status: 403, protocol: None });
        for failed in
            ["{}", "", r#"{"statusCode":101}"#, r#"{"statusCode":0}"#, r#"{"statusCode":"200"}"#]
        {
            assert_eq!(read(failed), ConnectAnswer::read(None), "{failed}");
            assert_eq!(read(failed).status, 502);
        }
    }
}
