//! Responses of the management API.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::error::{ConnectionOperation, Error, ErrorKind};
use crate::document::Document;
use crate::json::ObjectWriter;
use crate::printing::prints;
use crate::time::Timestamp;

/// The state of a connection. Values that the service does not send are `None` or empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Connection {
    /// When the connection was opened.
    pub connected_at: Option<Timestamp>,
    /// When the connection was last used.
    pub last_active_at: Option<Timestamp>,
    /// The client's address.
    pub identity_ip: String,
    /// The client's `user-agent`.
    pub identity_agent: String,
}

/// An HTTP response of the management API.
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
    /// Returns the connection as JSON, with the service's member names.
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

impl ConnectionReply {
    /// Creates a response without a body. Status 200 means that data was sent, 204 that a
    /// connection was closed.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// Creates the response that describes a connection.
    #[must_use]
    pub fn of_connection(connection: &Connection) -> Self {
        Self { body: connection.to_json().into_bytes(), ..Self::of_status(200) }
    }

    /// Creates the response for an error. Errors without a status become 500.
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

    /// Interprets the response to an operation.
    ///
    /// # Errors
    ///
    /// [`Error`] for any status except 2xx.
    pub fn read(&self, operation: ConnectionOperation) -> Result<(), Error> {
        if (200..300).contains(&self.status) {
            return Ok(());
        }
        let code = self.code();
        let kind = match (&*code, self.status) {
            ("GoneException", _) | (_, 410) => ErrorKind::Gone,
            ("ForbiddenException", _) | ("", 403) => ErrorKind::Forbidden,
            ("LimitExceededException", _) | (_, 429) => ErrorKind::LimitExceeded,
            ("PayloadTooLargeException", _) | (_, 413) => ErrorKind::PayloadTooLarge,
            (code, status) => ErrorKind::Service { status, code: code.to_string() },
        };
        Err(Error::new(operation, kind).with_message(self.message()))
    }

    /// Reads the connection in the response to a
    /// [`GetConnection`](ConnectionOperation::GetConnection).
    ///
    /// # Errors
    ///
    /// [`Error`] for any status except 2xx, and for a body that is not a connection.
    pub fn read_connection(&self) -> Result<Connection, Error> {
        const OPERATION: ConnectionOperation = ConnectionOperation::GetConnection;
        self.read(OPERATION)?;
        self.connection().ok_or_else(|| {
            let kind = ErrorKind::Service { status: self.status, code: String::new() };
            Error::new(OPERATION, kind).with_message("unreadable answer")
        })
    }

    /// Returns the connection in the body; an empty body says nothing about it.
    fn connection(&self) -> Option<Connection> {
        if self.body.is_empty() {
            return Some(Connection::default());
        }
        let document = self.document()?;
        let body = document.object().ok()?;
        let identity = body.object("identity").ok()?;
        // An instant that is not RFC 3339 is read as missing, because no decision depends on it.
        let instant = |name| body.text(name).map(|text| text.trim().parse().ok());
        Some(Connection {
            connected_at: instant("connectedAt").ok()?,
            last_active_at: instant("lastActiveAt").ok()?,
            identity_ip: identity.text("sourceIp").ok()?.into_owned(),
            identity_agent: identity.text("userAgent").ok()?.into_owned(),
        })
    }

    fn document(&self) -> Option<Document<'_>> {
        Document::scan(core::str::from_utf8(&self.body).ok()?).ok()
    }

    /// Returns the error's code, from the field `x-amzn-errortype` or, where a proxy has left it
    /// out, from the body. The text is empty if neither has a code.
    #[must_use]
    pub fn code(&self) -> Cow<'_, str> {
        if !self.error_type.trim().is_empty() {
            return Cow::Borrowed(plain_code(&self.error_type));
        }
        let Some(document) = self.document() else { return Cow::default() };
        let body = document.root();
        let code = body.member("code").filled().unwrap_or_else(|| body.member("__type"));
        let code = code.text().unwrap_or_default();
        Cow::Owned(plain_code(&code).to_string())
    }

    /// Returns the service's message, whose member name varies.
    fn message(&self) -> String {
        let Some(document) = self.document() else { return String::new() };
        let body = document.root();
        let message = body.member("message").filled().unwrap_or_else(|| body.member("Message"));
        message.text().map(Cow::into_owned).unwrap_or_default()
    }
}

/// Returns a code without the shape before `#`, and the URL after `:`.
fn plain_code(text: &str) -> &str {
    let code = text.split(':').next().unwrap_or_default();
    code.rsplit('#').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};
    use alloc::vec;

    use super::*;
    use crate::error::Happened;
    use crate::gateway::MAX_DATA_BYTES;

    const POST: ConnectionOperation = ConnectionOperation::PostToConnection;

    fn reply(status: u16, error_type: &str, body: &str) -> ConnectionReply {
        ConnectionReply { status, error_type: error_type.to_string(), body: body.into() }
    }

    #[test]
    fn what_the_service_would_refuse_is_not_sent() {
        assert_eq!(POST.check(" a ", &vec![0; MAX_DATA_BYTES]), Ok("a"));
        let error = POST.check("a", &vec![0; MAX_DATA_BYTES + 1]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "apptheory: post_to_connection failed (413) PayloadTooLargeException"
        );
        let error = POST.check(" ", &[]).unwrap_err();
        assert_eq!(error.to_string(), "apptheory: websocket connection id is empty");
        let longest = "c".repeat(1_019);
        assert_eq!(POST.check(&longest, &[]), Ok(&*longest));
        let error = POST.check(&(longest + "c"), &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "apptheory: websocket connection id is longer than 1019 bytes: pass the id of an event \
             unchanged"
        );
    }

    #[test]
    fn answers_mean_outcomes() {
        assert!(reply(200, "", "").read(POST).is_ok());
        for (reply, text, retryable) in [
            (reply(410, "", ""), "(410) GoneException", false),
            (reply(410, "GoneException:http://x/", "{}"), "(410) GoneException", false),
            (reply(403, "ForbiddenException", r#"{"message":"no"}"#), "(403) no", false),
            (reply(429, "", r#"{"Message":"slow"}"#), "(429) slow", true),
            (reply(413, "x#PayloadTooLargeException", ""), "(413) PayloadTooLargeException", false),
            (reply(400, " ", r#"{"__type":"x#GoneException"}"#), "(410) GoneException", false),
            (
                reply(400, "", r#"{"code":"LimitExceededException"}"#),
                "(429) LimitExceededException",
                true,
            ),
            (reply(500, "", "<html>"), "(500) UnknownError", true),
            (reply(400, "BadRequestException", ""), "(400) BadRequestException", false),
        ] {
            let error = reply.read(POST).unwrap_err();
            let expected = String::from("apptheory: post_to_connection failed ") + text;
            assert_eq!((error.to_string(), error.is_retryable()), (expected, retryable));
            assert_eq!(error.is_gone(), error.status() == Some(410));
            assert_eq!(error.happened() == Happened::Unknown, error.status() == Some(500));
        }
    }

    #[test]
    fn a_connection_reply_reads_back_as_the_connection() {
        let known = Connection {
            connected_at: "2026-01-01T00:00:00Z".parse().ok(),
            last_active_at: None,
            identity_ip: "203.0.113.7".to_string(),
            identity_agent: String::new(),
        };
        assert_eq!(ConnectionReply::of_connection(&known).read_connection(), Ok(known));
        let unknown = reply(200, "", r#"{"connectedAt":null,"identity":null}"#);
        assert_eq!(unknown.read_connection(), Ok(Connection::default()));
        let empty = ConnectionReply::of_status(200);
        assert_eq!(empty.read_connection(), Ok(Connection::default()));
        let error = reply(200, "", "[]").read_connection().unwrap_err();
        assert_eq!(error.to_string(), "apptheory: get_connection failed (200) unreadable answer");
    }

    #[test]
    fn a_lost_answer_may_have_happened() {
        let lost = Error::new(ConnectionOperation::DeleteConnection, ErrorKind::Transport);
        let error = lost.with_message("timeout");
        assert!(error.is_retryable() && error.status().is_none());
        assert_eq!(error.happened(), Happened::Unknown);
        assert_eq!(error.to_string(), "apptheory: delete_connection failed timeout");
    }
}
