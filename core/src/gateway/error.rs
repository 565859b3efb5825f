//! Why there is no client, and why an operation on a connection failed.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt;

use crate::error::{AppError, Happened};

/// The operations on a connection.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ConnectionOperation {
    /// Sends data to a connection. *If the outcome is lost*: the client may have got the data.
    PostToConnection,
    /// Asks about a connection. *If the outcome is lost*: nothing happened.
    GetConnection,
    /// Closes a connection. *If the outcome is lost*: the connection may be closed.
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

    /// Checks what the service would refuse, and returns the id as it is sent: trimmed.
    ///
    /// # Errors
    ///
    /// [`Error`] of the kind [`EmptyConnectionId`](ErrorKind::EmptyConnectionId), or
    /// [`PayloadTooLarge`](ErrorKind::PayloadTooLarge) above
    /// [`MAX_DATA_BYTES`](super::MAX_DATA_BYTES).
    pub fn check<'i>(self, connection_id: &'i str, data: &[u8]) -> Result<&'i str, Error> {
        match connection_id.trim() {
            "" => Err(Error::new(self, ErrorKind::EmptyConnectionId)),
            _ if data.len() > super::MAX_DATA_BYTES => {
                Err(Error::new(self, ErrorKind::PayloadTooLarge))
            }
            id => Ok(id),
        }
    }
}

/// A connection was not reached, or not even a client made. Shows no data that was sent. As the
/// answer of a handler it is a masked 500, and the application's failure hook is told.
#[derive(Clone, Debug)]
pub struct Error {
    operation: Option<ConnectionOperation>,
    kind: ErrorKind,
    message: String,
    cause: Option<Cause>,
}

type Cause = Arc<dyn core::error::Error + Send + Sync>;

/// What went wrong, and what to do.
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
    /// There is no endpoint. Outside WebSocket events it has to be configured.
    MissingEndpoint,
    /// The endpoint is no URL that connections are managed under: write it like
    /// `https://{api id}.execute-api.{region}.amazonaws.com/{stage}`.
    InvalidEndpoint,
    /// The region is not known: set it, or `AWS_REGION`. A custom domain does not name it.
    MissingRegion,
    /// The region has other than lower-case letters, digits and dashes, or more than 63 of them.
    InvalidRegion,
    /// Nothing makes clients: name a factory, or turn the feature `websocket` on.
    MissingFactory,
    /// The factory of clients failed for a reason of its own, which is the
    /// [source](core::error::Error::source).
    Factory,
    /// The message cannot be written as JSON. Nothing was sent.
    UnwritableMessage,
    /// The text is not `$request.body.` and the names of members with dots in between, bare or as
    /// `${request.body.…}`. Other route selection expressions are not understood.
    InvalidRouteSelection,
}

impl Error {
    /// Makes an error of an operation, without a message of the service's.
    #[must_use]
    pub const fn new(operation: ConnectionOperation, kind: ErrorKind) -> Self {
        Self { operation: Some(operation), kind, message: String::new(), cause: None }
    }

    /// Makes the error of a factory of clients that failed for a reason of its own. It reads as its
    /// cause does.
    #[must_use]
    pub fn factory(cause: impl core::error::Error + Send + Sync + 'static) -> Self {
        Self::from(ErrorKind::Factory).with_message(cause.to_string()).with_cause(cause)
    }

    /// Keeps the message that the service gave.
    #[must_use]
    pub fn with_message(self, message: impl Into<String>) -> Self {
        Self { message: message.into(), ..self }
    }

    /// Keeps what led to the error.
    #[must_use]
    pub fn with_cause(self, cause: impl core::error::Error + Send + Sync + 'static) -> Self {
        Self { cause: Some(Arc::new(cause)), ..self }
    }

    /// The operation that failed, if it came to one.
    #[must_use]
    pub const fn operation(&self) -> Option<ConnectionOperation> {
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
            | ErrorKind::Transport
            | ErrorKind::MissingEndpoint
            | ErrorKind::InvalidEndpoint
            | ErrorKind::MissingRegion
            | ErrorKind::InvalidRegion
            | ErrorKind::MissingFactory
            | ErrorKind::Factory
            | ErrorKind::UnwritableMessage
            | ErrorKind::InvalidRouteSelection => None,
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
            | ErrorKind::Transport
            | ErrorKind::MissingEndpoint
            | ErrorKind::InvalidEndpoint
            | ErrorKind::MissingRegion
            | ErrorKind::InvalidRegion
            | ErrorKind::MissingFactory
            | ErrorKind::Factory
            | ErrorKind::UnwritableMessage
            | ErrorKind::InvalidRouteSelection => "",
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
            | ErrorKind::EmptyConnectionId
            | ErrorKind::MissingEndpoint
            | ErrorKind::InvalidEndpoint
            | ErrorKind::MissingRegion
            | ErrorKind::InvalidRegion
            | ErrorKind::MissingFactory
            | ErrorKind::Factory
            | ErrorKind::UnwritableMessage
            | ErrorKind::InvalidRouteSelection => false,
        }
    }

    /// Returns what became of the operation.
    #[must_use]
    pub const fn happened(&self) -> Happened {
        match self.kind {
            ErrorKind::Transport | ErrorKind::Service { status: 500.., .. } => Happened::Unknown,
            ErrorKind::Gone
            | ErrorKind::NotFound
            | ErrorKind::Forbidden
            | ErrorKind::LimitExceeded
            | ErrorKind::PayloadTooLarge
            | ErrorKind::MissingCredentials
            | ErrorKind::EmptyConnectionId
            | ErrorKind::Service { .. }
            | ErrorKind::MissingEndpoint
            | ErrorKind::InvalidEndpoint
            | ErrorKind::MissingRegion
            | ErrorKind::InvalidRegion
            | ErrorKind::MissingFactory
            | ErrorKind::Factory
            | ErrorKind::UnwritableMessage
            | ErrorKind::InvalidRouteSelection => Happened::No,
        }
    }
}

/// An error that came to no operation.
impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self { operation: None, kind, message: String::new(), cause: None }
    }
}

/// Errors are equal when they say the same, whatever led to them.
impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        (self.operation, &self.kind, &self.message)
            == (other.operation, &other.kind, &other.message)
    }
}

impl Eq for Error {}

/// `apptheory: {operation} failed ({status}) {message}`; the code where there is no message.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            ErrorKind::EmptyConnectionId => "apptheory: websocket connection id is empty",
            ErrorKind::NotFound => "apptheory: connection not found",
            ErrorKind::MissingCredentials => {
                "apptheory: missing aws credentials for websocket management client"
            }
            ErrorKind::MissingEndpoint => "apptheory: websocket management endpoint is empty",
            ErrorKind::InvalidEndpoint => "apptheory: websocket management endpoint is invalid",
            ErrorKind::MissingRegion => "apptheory: aws region is empty",
            ErrorKind::InvalidRegion => "apptheory: aws region is invalid",
            ErrorKind::MissingFactory => "apptheory: missing websocket client factory",
            ErrorKind::Factory => &self.message,
            ErrorKind::UnwritableMessage => {
                return write!(f, "apptheory: marshal websocket json message: {}", self.message);
            }
            ErrorKind::InvalidRouteSelection => {
                return write!(f, "no route selection expression: {}", self.message);
            }
            ErrorKind::Gone
            | ErrorKind::Forbidden
            | ErrorKind::LimitExceeded
            | ErrorKind::PayloadTooLarge
            | ErrorKind::Service { .. }
            | ErrorKind::Transport => return self.fmt_failed(f),
        })
    }
}

impl Error {
    fn fmt_failed(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = self.operation.map_or("websocket operation", ConnectionOperation::as_str);
        write!(f, "apptheory: {operation} failed")?;
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

/// Masked: what went wrong with a connection is no client's business.
impl From<Error> for AppError {
    fn from(error: Error) -> Self {
        Self::from_error(error)
    }
}
