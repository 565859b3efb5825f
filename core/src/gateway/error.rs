//! Why a client cannot be built, and why an operation on a connection failed.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

/// The client's configuration is unusable. Nothing was sent; nothing will be until it is mended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// There is no endpoint. Outside WebSocket events it has to be configured.
    #[error("apptheory: websocket management endpoint is empty")]
    MissingEndpoint,
    /// The endpoint is no URL that connections are managed under: write it like
    /// `https://{api id}.execute-api.{region}.amazonaws.com/{stage}`.
    #[error("apptheory: websocket management endpoint is invalid")]
    InvalidEndpoint,
    /// Nobody says the region: set it, or `AWS_REGION`. Custom domains do not tell it.
    #[error("apptheory: aws region is empty")]
    MissingRegion,
    /// The region has other than lower-case letters, digits and dashes, or more than 63 of them.
    #[error("apptheory: aws region is invalid")]
    InvalidRegion,
}

/// The operations on a connection.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ConnectionOperation {
    /// [`PostToConnection`](super::PostToConnection).
    PostToConnection,
    /// [`GetConnection`](super::GetConnection).
    GetConnection,
    /// [`DeleteConnection`](super::DeleteConnection).
    DeleteConnection,
}

impl ConnectionOperation {
    /// The operation's name: `post_to_connection`, `get_connection` or `delete_connection`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PostToConnection => "post_to_connection",
            Self::GetConnection => "get_connection",
            Self::DeleteConnection => "delete_connection",
        }
    }
}

/// An operation on a connection failed. Shows no data that was sent.
#[derive(Clone, Debug)]
pub struct Error {
    operation: ConnectionOperation,
    kind: ErrorKind,
    message: String,
    cause: Option<Cause>,
}

type Cause = Arc<dyn core::error::Error + Send + Sync>;

/// Why an operation on a connection failed, and what to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ErrorKind {
    /// The connection is closed, or was not established yet: until the route of `$connect` has
    /// answered there is none. Forget the connection.
    Gone,
    /// A client that only plays API Gateway knows no such connection: connect it first.
    NotFound,
    /// The caller may not do that: its role needs `execute-api:ManageConnections`, and the endpoint
    /// has to lead to the API, stage included, in the region that the request is signed for.
    Forbidden,
    /// Too much is sent, or the client reads too slowly. Try again later.
    LimitExceeded,
    /// The data has more than [`MAX_DATA_BYTES`](super::MAX_DATA_BYTES) bytes. Send it in parts.
    PayloadTooLarge,
    /// There are no credentials to sign with: no provider has any, or the one that should have
    /// failed, because a sign-in has expired or a credential process ended with an error. The
    /// [source](core::error::Error::source) says which. Nothing was sent.
    MissingCredentials,
    /// The connection id is blank. Nothing was sent.
    EmptyConnectionId,
    /// The service answers something else: above 499, try again later.
    Service {
        /// The HTTP status.
        status: u16,
        /// The error's code; empty when the service named none.
        code: String,
    },
    /// The service could not be reached, or did not answer: whether the operation took effect is
    /// not known. Try again later.
    Transport,
}

impl Error {
    /// An error of an operation, without a message of the service's.
    #[must_use]
    pub const fn new(operation: ConnectionOperation, kind: ErrorKind) -> Self {
        Self { operation, kind, message: String::new(), cause: None }
    }

    /// The same with the message that the service gave.
    #[must_use]
    pub fn with_message(self, message: impl Into<String>) -> Self {
        Self { message: message.into(), ..self }
    }

    /// The same with what led to it.
    #[must_use]
    pub fn with_cause(self, cause: impl core::error::Error + Send + Sync + 'static) -> Self {
        Self { cause: Some(Arc::new(cause)), ..self }
    }

    /// The operation that failed.
    #[must_use]
    pub const fn operation(&self) -> ConnectionOperation {
        self.operation
    }

    /// Why.
    #[must_use]
    pub const fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The message that the service gave, or an empty text.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The HTTP status; none when there was no answer.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self.kind {
            ErrorKind::Gone => Some(410),
            ErrorKind::Forbidden => Some(403),
            ErrorKind::LimitExceeded => Some(429),
            ErrorKind::PayloadTooLarge => Some(413),
            ErrorKind::Service { status, .. } => Some(status),
            ErrorKind::NotFound
            | ErrorKind::MissingCredentials
            | ErrorKind::EmptyConnectionId
            | ErrorKind::Transport => None,
        }
    }

    /// The service's code for it; empty when there is none.
    #[must_use]
    pub fn code(&self) -> &str {
        match &self.kind {
            ErrorKind::Gone => "GoneException",
            ErrorKind::Forbidden => "ForbiddenException",
            ErrorKind::LimitExceeded => "LimitExceededException",
            ErrorKind::PayloadTooLarge => "PayloadTooLargeException",
            ErrorKind::Service { code, .. } => code,
            ErrorKind::NotFound
            | ErrorKind::MissingCredentials
            | ErrorKind::EmptyConnectionId
            | ErrorKind::Transport => "",
        }
    }

    /// Whether the connection is not there, or not any more.
    #[must_use]
    pub const fn is_gone(&self) -> bool {
        matches!(self.kind, ErrorKind::Gone | ErrorKind::NotFound)
    }

    /// Whether the same operation may succeed when it is tried again, at most
    /// [`MAX_ATTEMPTS`](super::MAX_ATTEMPTS) times in all.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self.kind {
            ErrorKind::LimitExceeded | ErrorKind::Transport => true,
            ErrorKind::Service { status, .. } => status >= 500,
            ErrorKind::Gone
            | ErrorKind::NotFound
            | ErrorKind::Forbidden
            | ErrorKind::PayloadTooLarge
            | ErrorKind::MissingCredentials
            | ErrorKind::EmptyConnectionId => false,
        }
    }
}

/// `apptheory: {operation} failed ({status}) {message}`; the code where there is no message.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ErrorKind::EmptyConnectionId => {
                return f.write_str("apptheory: websocket connection id is empty");
            }
            ErrorKind::NotFound => return f.write_str("apptheory: connection not found"),
            ErrorKind::MissingCredentials => {
                return f.write_str(
                    "apptheory: missing aws credentials for websocket management client",
                );
            }
            ErrorKind::Gone
            | ErrorKind::Forbidden
            | ErrorKind::LimitExceeded
            | ErrorKind::PayloadTooLarge
            | ErrorKind::Service { .. }
            | ErrorKind::Transport => {}
        }
        write!(f, "apptheory: {} failed", self.operation.as_str())?;
        if let Some(status) = self.status() {
            write!(f, " ({status})")?;
        }
        let told = [self.message.as_str(), self.code(), "UnknownError"];
        write!(f, " {}", told.into_iter().find(|text| !text.is_empty()).unwrap_or_default())
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| -> &(dyn core::error::Error + 'static) { cause })
    }
}
