//! What replies of the management API mean for another attempt, and the causes of errors.

use std::borrow::Cow;

use apptheory_core::gateway::{self, ConnectionReply};
use bytes::Bytes;
use http::response::Parts;
use http::{Method, StatusCode};

use crate::lean::{MissingCredential, ServiceReply};

/// A reply.
pub(super) struct Replied {
    reply: ConnectionReply,
    request_id: String,
}

/// The service's error reply, by its status and request id: AWS Support asks for the id.
#[derive(Debug, thiserror::Error)]
#[error("the service replied with status {status} to the request with the id `{request_id}`")]
pub(super) struct Unsuccessful {
    status: u16,
    request_id: String,
}

/// There are no credentials in the environment. Nothing was sent.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "{0}; profiles, SSO and other sources of credentials need the feature `websocket` and \
     `AwsWebSocketClients`"
)]
pub(super) struct MissingCredentials(pub(super) MissingCredential);

impl Replied {
    /// Returns what `read` makes of the reply. An error says which request it belongs to.
    pub(super) fn read<T>(
        self,
        read: impl FnOnce(&ConnectionReply) -> Result<T, gateway::Error>,
    ) -> Result<T, gateway::Error> {
        let Self { reply, request_id } = self;
        let status = reply.status;
        read(&reply).map_err(|error| error.with_cause(Unsuccessful { status, request_id }))
    }
}

impl ServiceReply for Replied {
    fn read(head: &Parts, body: Bytes) -> Self {
        let field = |name| {
            let value = head.headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let error_type = field("x-amzn-errortype");
        let reply = ConnectionReply { status: head.status.as_u16(), error_type, body: body.into() };
        Self { reply, request_id: field("x-amzn-requestid") }
    }

    /// The status is enough, unless a connection was asked about and the body describes it.
    fn read_head(head: &Parts, method: &Method) -> Option<Self> {
        let is_needed = method == Method::GET && head.status.is_success();
        (!is_needed).then(|| ServiceReply::read(head, Bytes::new()))
    }

    fn error_code(&self) -> Option<Cow<'_, str>> {
        let is_success = (200..300).contains(&self.reply.status);
        (!is_success).then(|| self.reply.code())
    }

    /// The management API's errors of these statuses may lack a code.
    fn is_transient(status: StatusCode) -> bool {
        status == StatusCode::TOO_MANY_REQUESTS || status.as_u16() >= 500
    }
}
