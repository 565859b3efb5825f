//! Effects on connections: sending to one, asking about one, closing one.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Serialize;

use super::endpoint::RequestBase;
use super::error::{ConnectionOperation, Error, ErrorKind};
use super::reply::{Connection, ConnectionReply};
use crate::http::json_body;
use crate::machine::Effect;
use crate::percent;
use crate::printing::prints;

/// Sends data to a connection.
///
/// *If the outcome is lost*: the client may have got the data.
#[derive(Clone, Eq, PartialEq)]
pub struct PostToConnection {
    /// Where the API is.
    pub base: RequestBase,
    /// The connection.
    pub connection_id: String,
    /// The data, at most [`MAX_DATA_BYTES`](super::MAX_DATA_BYTES) bytes; none at all is allowed.
    pub data: Vec<u8>,
}

prints!(PostToConnection: base, connection_id);

/// Asks about a connection.
///
/// *If the outcome is lost*: nothing happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GetConnection {
    /// Where the API is.
    pub base: RequestBase,
    /// The connection.
    pub connection_id: String,
}

/// Closes a connection.
///
/// *If the outcome is lost*: the connection may be closed; closing it again answers
/// [gone](ErrorKind::Gone).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeleteConnection {
    /// Where the API is.
    pub base: RequestBase,
    /// The connection.
    pub connection_id: String,
}

impl PostToConnection {
    /// Sends a value as JSON: compact, the members of maps sorted, those of structures in their
    /// order, and safe inside HTML.
    ///
    /// # Errors
    ///
    /// [`MessageError`] when the value cannot be written as JSON.
    pub fn json<T: Serialize + ?Sized>(
        base: RequestBase,
        connection_id: &str,
        message: &T,
    ) -> Result<Self, MessageError> {
        let data = json_message(message)?;
        Ok(Self { base, connection_id: connection_id.to_string(), data })
    }
}

/// A value as the data of a message: the JSON of [`PostToConnection::json`].
///
/// # Errors
///
/// [`MessageError`] when the value cannot be written as JSON.
pub fn json_message<T: Serialize + ?Sized>(message: &T) -> Result<Vec<u8>, MessageError> {
    json_body::to_bytes(message).map_err(MessageError)
}

/// A message cannot be written as JSON: a map in it has names that are no texts, or what writes it
/// failed. Nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("apptheory: marshal websocket json message: {0}")]
pub struct MessageError(#[source] serde_json::Error);

/// An HTTP request on a connection, before it is signed for the service `execute-api`.
#[derive(Clone, Eq, PartialEq)]
pub struct ConnectionCall {
    /// `POST`, `GET` or `DELETE`.
    pub method: &'static str,
    /// The whole URL; the connection id in it is percent-encoded.
    pub url: String,
    /// The content type, when there is a body.
    pub content_type: Option<&'static str>,
    /// The body.
    pub body: Vec<u8>,
}

prints!(ConnectionCall: method, url);

/// An effect on a connection as the HTTP request that it is, and its outcome as the answer.
pub trait ConnectionEffect: Effect<Outcome = Result<Self::Answer, Error>> {
    /// What the service answers when nothing fails.
    type Answer;

    /// The operation.
    const OPERATION: ConnectionOperation;

    /// The connection's id as it is sent: trimmed.
    ///
    /// # Errors
    ///
    /// [`Error`] of the kind [`EmptyConnectionId`](ErrorKind::EmptyConnectionId), or
    /// [`PayloadTooLarge`](ErrorKind::PayloadTooLarge): the service would refuse it.
    fn check(&self) -> Result<&str, Error>;

    /// The request to send.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    fn to_call(&self) -> Result<ConnectionCall, Error>;

    /// The outcome that an answer means.
    fn read_reply(&self, reply: &ConnectionReply) -> Self::Outcome;

    /// The answer that stands for an outcome: what a server that plays API Gateway sends.
    fn to_reply(outcome: &Self::Outcome) -> ConnectionReply;
}

macro_rules! connection_effect {
    ($effect:ident, $answer:ty) => {
        impl Effect for $effect {
            type Outcome = Result<$answer, Error>;
        }
    };
}

connection_effect!(PostToConnection, ());
connection_effect!(GetConnection, Connection);
connection_effect!(DeleteConnection, ());

impl ConnectionEffect for PostToConnection {
    type Answer = ();

    const OPERATION: ConnectionOperation = ConnectionOperation::PostToConnection;

    fn check(&self) -> Result<&str, Error> {
        let id = trimmed(Self::OPERATION, &self.connection_id)?;
        if self.data.len() > super::MAX_DATA_BYTES {
            return Err(Error::new(Self::OPERATION, ErrorKind::PayloadTooLarge));
        }
        Ok(id)
    }

    fn to_call(&self) -> Result<ConnectionCall, Error> {
        let url = url(&self.base, self.check()?);
        let content_type = Some("application/octet-stream");
        Ok(ConnectionCall { method: "POST", url, content_type, body: self.data.clone() })
    }

    fn read_reply(&self, reply: &ConnectionReply) -> Self::Outcome {
        reply.check(Self::OPERATION)
    }

    fn to_reply(outcome: &Self::Outcome) -> ConnectionReply {
        match outcome {
            Ok(()) => ConnectionReply { status: 200, ..ConnectionReply::default() },
            Err(error) => ConnectionReply::of_error(error),
        }
    }
}

impl ConnectionEffect for GetConnection {
    type Answer = Connection;

    const OPERATION: ConnectionOperation = ConnectionOperation::GetConnection;

    fn check(&self) -> Result<&str, Error> {
        trimmed(Self::OPERATION, &self.connection_id)
    }

    fn to_call(&self) -> Result<ConnectionCall, Error> {
        let url = url(&self.base, self.check()?);
        Ok(ConnectionCall { method: "GET", url, content_type: None, body: Vec::new() })
    }

    fn read_reply(&self, reply: &ConnectionReply) -> Self::Outcome {
        reply.check(Self::OPERATION)?;
        reply.connection().ok_or_else(|| {
            let kind = ErrorKind::Service { status: reply.status, code: String::new() };
            Error::new(Self::OPERATION, kind).with_message("unreadable answer")
        })
    }

    fn to_reply(outcome: &Self::Outcome) -> ConnectionReply {
        match outcome {
            Ok(connection) => ConnectionReply {
                status: 200,
                body: connection.to_json().into_bytes(),
                ..ConnectionReply::default()
            },
            Err(error) => ConnectionReply::of_error(error),
        }
    }
}

impl ConnectionEffect for DeleteConnection {
    type Answer = ();

    const OPERATION: ConnectionOperation = ConnectionOperation::DeleteConnection;

    fn check(&self) -> Result<&str, Error> {
        trimmed(Self::OPERATION, &self.connection_id)
    }

    fn to_call(&self) -> Result<ConnectionCall, Error> {
        let url = url(&self.base, self.check()?);
        Ok(ConnectionCall { method: "DELETE", url, content_type: None, body: Vec::new() })
    }

    fn read_reply(&self, reply: &ConnectionReply) -> Self::Outcome {
        reply.check(Self::OPERATION)
    }

    fn to_reply(outcome: &Self::Outcome) -> ConnectionReply {
        match outcome {
            Ok(()) => ConnectionReply { status: 204, ..ConnectionReply::default() },
            Err(error) => ConnectionReply::of_error(error),
        }
    }
}

fn trimmed(operation: ConnectionOperation, connection_id: &str) -> Result<&str, Error> {
    match connection_id.trim() {
        "" => Err(Error::new(operation, ErrorKind::EmptyConnectionId)),
        id => Ok(id),
    }
}

fn url(base: &RequestBase, connection_id: &str) -> String {
    format!("{base}/@connections/{}", percent::encode(connection_id))
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::string::{String, ToString};
    use alloc::vec;
    use alloc::vec::Vec;

    use serde_json::json;

    use super::*;
    use crate::gateway::MAX_DATA_BYTES;

    fn post(id: &str, data: Vec<u8>) -> PostToConnection {
        let base = RequestBase::parse("https://e.com/dev/").unwrap();
        PostToConnection { base, connection_id: id.to_string(), data }
    }

    fn reply(status: u16, error_type: &str, body: &str) -> ConnectionReply {
        ConnectionReply { status, error_type: error_type.to_string(), body: body.into() }
    }

    #[test]
    fn ids_are_encoded_whole() {
        for (id, path) in [
            ("L0SM9cOFvHcCIhw=", "L0SM9cOFvHcCIhw%3D"),
            (" abc/../x y ", "abc%2F..%2Fx%20y"),
            ("é?#%", "%C3%A9%3F%23%25"),
        ] {
            let call = post(id, vec![1]).to_call().unwrap();
            assert_eq!(call.url, alloc::format!("https://e.com/dev/@connections/{path}"));
            assert_eq!((call.method, call.body), ("POST", vec![1]));
        }
    }

    #[test]
    fn a_value_is_sent_as_the_one_json_writer_writes_it() {
        let base = || RequestBase::parse("e.com").unwrap();
        let message = json!({"b": 1, "a": "<x>&\u{2028}é", "f": 1.0, "n": null});
        let post = PostToConnection::json(base(), "c", &message).unwrap();
        let text = r#"{"a":"\u003cx\u003e\u0026\u2028é","b":1,"f":1,"n":null}"#;
        assert_eq!(post.data, text.as_bytes());
        let nameless = BTreeMap::from([([1], 2)]);
        let error = PostToConnection::json(base(), "c", &nameless).unwrap_err();
        assert!(error.to_string().starts_with("apptheory: marshal websocket json message: "));
    }

    #[test]
    fn what_the_service_would_refuse_is_not_sent() {
        assert!(post("a", vec![0; MAX_DATA_BYTES]).to_call().is_ok());
        let error = post("a", vec![0; MAX_DATA_BYTES + 1]).to_call().unwrap_err();
        assert_eq!(
            error.to_string(),
            "apptheory: post_to_connection failed (413) PayloadTooLargeException"
        );
        let error = post(" ", Vec::new()).to_call().unwrap_err();
        assert_eq!(error.to_string(), "apptheory: websocket connection id is empty");
    }

    #[test]
    fn answers_mean_outcomes() {
        let read = |reply: ConnectionReply| post("a", Vec::new()).read_reply(&reply);
        assert!(read(reply(200, "", "")).is_ok());
        for (reply, text, retryable) in [
            (reply(410, "", ""), "(410) GoneException", false),
            (reply(410, "GoneException:http://x/", "{}"), "(410) GoneException", false),
            (reply(403, "ForbiddenException", r#"{"message":"no"}"#), "(403) no", false),
            (reply(429, "", r#"{"Message":"slow"}"#), "(429) slow", true),
            (reply(413, "x#PayloadTooLargeException", ""), "(413) PayloadTooLargeException", false),
            (reply(500, "", "<html>"), "(500) UnknownError", true),
            (reply(400, "BadRequestException", ""), "(400) BadRequestException", false),
        ] {
            let error = read(reply).unwrap_err();
            let expected = String::from("apptheory: post_to_connection failed ") + text;
            assert_eq!((error.to_string(), error.is_retryable()), (expected, retryable));
            assert_eq!(error.is_gone(), error.status() == Some(410));
        }
    }

    #[test]
    fn a_connection_is_told_and_read() {
        let get = GetConnection {
            base: RequestBase::parse("e.com").unwrap(),
            connection_id: "a".to_string(),
        };
        let read = |body: &str| get.read_reply(&reply(200, "", body));
        let known = Connection {
            connected_at: "2026-01-01T00:00:00Z".parse().ok(),
            last_active_at: None,
            identity_ip: "203.0.113.7".to_string(),
            identity_agent: String::new(),
        };
        assert_eq!(read(&known.to_json()).ok(), Some(known));
        assert_eq!(
            read(r#"{"connectedAt":null,"identity":null}"#).ok(),
            Some(Connection::default())
        );
        let error = read("[]").unwrap_err();
        assert_eq!(error.to_string(), "apptheory: get_connection failed (200) unreadable answer");
    }

    #[test]
    fn a_fault_in_the_way_is_transport() {
        let lost = Error::new(DeleteConnection::OPERATION, ErrorKind::Transport);
        let error = lost.with_message("timeout");
        assert!(error.is_retryable() && error.status().is_none());
        assert_eq!(error.to_string(), "apptheory: delete_connection failed timeout");
    }
}
