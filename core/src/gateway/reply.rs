//! What the service answers.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::{ConnectionOperation, Error, ErrorKind};
use crate::json::{self, ObjectWriter};
use crate::members::{Object, Text};
use crate::printing::prints;
use crate::time::Timestamp;

/// What is known about a connection. What the service does not say is `None` or empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Connection {
    /// When it was established.
    pub connected_at: Option<Timestamp>,
    /// When it was last used.
    pub last_active_at: Option<Timestamp>,
    /// The client's address.
    pub identity_ip: String,
    /// The client's `user-agent`.
    pub identity_agent: String,
}

/// An HTTP answer to a [`ConnectionCall`](super::ConnectionCall).
#[derive(Clone, Default, Eq, PartialEq)]
pub struct ConnectionReply {
    /// The status.
    pub status: u16,
    /// The field `x-amzn-errortype`, or an empty text.
    pub error_type: String,
    /// The body.
    pub body: Vec<u8>,
}

prints!(ConnectionReply: status, error_type);

impl Connection {
    /// The JSON in which the service tells it.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        let mut object = ObjectWriter::begin(&mut out);
        for (name, at) in
            [("connectedAt", self.connected_at), ("lastActiveAt", self.last_active_at)]
        {
            if let Some(at) = at {
                object.text(name, &at.to_rfc3339());
            }
        }
        let mut identity = ObjectWriter::begin(object.member("identity"));
        identity.text("sourceIp", &self.identity_ip);
        identity.text("userAgent", &self.identity_agent);
        identity.end();
        object.end();
        out
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ConnectionBody<'a> {
    #[serde(borrow)]
    connected_at: Text<'a>,
    #[serde(borrow)]
    last_active_at: Text<'a>,
    #[serde(borrow)]
    identity: Object<Identity<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Identity<'a> {
    #[serde(borrow)]
    source_ip: Text<'a>,
    #[serde(borrow)]
    user_agent: Text<'a>,
}

/// An instant that is not RFC 3339 reads as none: nobody decides by it.
impl From<ConnectionBody<'_>> for Connection {
    fn from(body: ConnectionBody<'_>) -> Self {
        let identity = body.identity.0;
        Self {
            connected_at: body.connected_at.as_str().trim().parse().ok(),
            last_active_at: body.last_active_at.as_str().trim().parse().ok(),
            identity_ip: identity.source_ip.into_string(),
            identity_agent: identity.user_agent.into_string(),
        }
    }
}

impl ConnectionReply {
    /// The answer that stands for an error. Errors without a status answer 500.
    #[must_use]
    pub fn of_error(error: &Error) -> Self {
        let mut body = String::new();
        if !error.message().is_empty() {
            let mut object = ObjectWriter::begin(&mut body);
            object.text("message", error.message());
            object.end();
        }
        Self {
            status: error.status().unwrap_or(500),
            error_type: error.code().to_string(),
            body: body.into_bytes(),
        }
    }

    pub(super) fn check(&self, operation: ConnectionOperation) -> Result<(), Error> {
        if (200..300).contains(&self.status) {
            return Ok(());
        }
        let code = self.code();
        let kind = match (code, self.status) {
            ("GoneException", _) | (_, 410) => ErrorKind::Gone,
            ("ForbiddenException", _) | ("", 403) => ErrorKind::Forbidden,
            ("LimitExceededException", _) | (_, 429) => ErrorKind::LimitExceeded,
            ("PayloadTooLargeException", _) | (_, 413) => ErrorKind::PayloadTooLarge,
            (code, status) => ErrorKind::Service { status, code: code.to_string() },
        };
        Err(Error::new(operation, kind).with_message(self.message()))
    }

    /// The connection that the body tells.
    pub(super) fn connection(&self) -> Option<Connection> {
        let body = core::str::from_utf8(&self.body).ok()?;
        json::read_object::<ConnectionBody<'_>>(body).ok().map(Connection::from)
    }

    /// The error's code: the field may name a shape before `#`, and a URL after `:`.
    fn code(&self) -> &str {
        let code = self.error_type.split(':').next().unwrap_or_default();
        code.rsplit('#').next().unwrap_or_default().trim()
    }

    /// The service's message; its spelling differs.
    fn message(&self) -> String {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Body<'a> {
            #[serde(borrow)]
            message: Option<&'a RawValue>,
            #[serde(borrow, rename = "Message")]
            pascal_message: Option<&'a RawValue>,
        }

        let body = core::str::from_utf8(&self.body).unwrap_or_default();
        let Body { message, pascal_message } = json::read_object(body).unwrap_or_default();
        let message = message.or(pascal_message).map(RawValue::get);
        message.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}
