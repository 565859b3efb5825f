//! Errors of management clients, and of operations on connections.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt;

use crate::error::{AppError, Happened};
use crate::registry::MAX_TEXT_BYTES as MAX_ID_BYTES;

/// The operations on a connection.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ConnectionOperation {
    /// Sends data to a connection. *If the outcome is lost*: the client may have received the data.
    PostToConnection,
    /// Reads the state of a connection. *If the outcome is lost*: harmless.
    GetConnection,
    /// Closes a connection. *If the outcome is lost*: the connection may be closed.
    DeleteConnection,
}

impl ConnectionOperation {
    /// Returns the operation's name: `post_to_connection`, `get_connection` or `delete_connection`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PostToConnection => "post_to_connection",
            Self::GetConnection => "get_connection",
            Self::DeleteConnection => "delete_connection",
        }
    }

    /// Checks what the service would refuse, and returns the trimmed connection id.
    ///
    /// # Errors
    ///
    /// [`Error`] of the kind [`EmptyConnectionId`](ErrorKind::EmptyConnectionId) or
    /// [`LongConnectionId`](ErrorKind::LongConnectionId), or
    /// [`PayloadTooLarge`](ErrorKind::PayloadTooLarge) above
    /// [`MAX_DATA_BYTES`](super::MAX_DATA_BYTES).
    pub fn check<'i>(self, connection_id: &'i str, data: &[u8]) -> Result<&'i str, Error> {
        match connection_id.trim() {
            "" => Err(Error::new(self, ErrorKind::EmptyConnectionId)),
            id if id.len() > MAX_ID_BYTES => Err(Error::new(self, ErrorKind::LongConnectionId)),
            _ if data.len() > super::MAX_DATA_BYTES => {
                Err(Error::new(self, ErrorKind::PayloadTooLarge))
            }
            id => Ok(id),
        }
    }
}

/// Says why an operation on a connection failed, or why no client could be created. Contains no
/// data that was sent. Returned from a handler it is a masked 500, and the application's failure
/// hook runs.
#[derive(Clone, Debug)]
pub struct Error {
    operation: Option<ConnectionOperation>,
    kind: ErrorKind,
    message: String,
    cause: Option<Cause>,
}

type Cause = Arc<dyn core::error::Error + Send + Sync>;

/// Classifies an [`Error`] by its cause and what to do about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ErrorKind {
    /// The connection is closed, or not open yet: it opens once the `$connect` route has succeeded.
    /// Remove the connection from your records.
    Gone,
    /// A test client does not know the connection. Connect it first.
    NotFound,
    /// Access is denied. The role needs `execute-api:ManageConnections`, and the endpoint must be
    /// the API's, including the stage, in the region that the request is signed for.
    Forbidden,
    /// The rate of requests is too high, or the client reads too slowly. Try again later.
    LimitExceeded,
    /// The data exceeds [`MAX_DATA_BYTES`](super::MAX_DATA_BYTES). Send it in parts.
    PayloadTooLarge,
    /// There are no credentials, or their provider failed: a sign-in has expired or a credential
    /// process returned an error. The [source](core::error::Error::source) has the details. Nothing
    /// was sent.
    MissingCredentials,
    /// The connection id is blank. Nothing was sent.
    EmptyConnectionId,
    /// The connection id is longer than 1019 bytes, the registry's bound; those of API Gateway are
    /// shorter. Pass the id of an event unchanged. Nothing was sent.
    LongConnectionId,
    /// The service returned another error. Above 499, try again later.
    Service {
        /// The HTTP status.
        status: u16,
        /// The error's code; empty if the service sent none.
        code: String,
    },
    /// The service could not be reached, or did not respond. The operation may or may not have
    /// taken effect. Try again later.
    Transport,
    /// There is no endpoint. Outside of WebSocket events it has to be configured.
    MissingEndpoint,
    /// The endpoint is not a valid URL of the management API. Write it like `https://{api
    /// id}.execute-api.{region}.amazonaws.com/{stage}`.
    InvalidEndpoint,
    /// The region is unknown. Set it, or `AWS_REGION`; a custom domain does not contain it.
    MissingRegion,
    /// The region has characters other than lower-case letters, digits and dashes, or more than 63
    /// characters.
    InvalidRegion,
    /// There is no factory of clients. Set one, or enable the feature `websocket` or, without the
    /// AWS SDK, `aws-lean`.
    MissingFactory,
    /// The factory of clients failed. The [source](core::error::Error::source) has its error.
    Factory,
    /// The message cannot be serialized to JSON. Nothing was sent.
    UnwritableMessage,
    /// The text is not a supported route selection expression. Supported is `$request.body.`
    /// followed by member names with dots in between, or the same as `${request.body.…}`.
    InvalidRouteSelection,
}

impl Error {
    /// Creates an error of an operation, without a message.
    #[must_use]
    pub const fn new(operation: ConnectionOperation, kind: ErrorKind) -> Self {
        Self { operation: Some(operation), kind, message: String::new(), cause: None }
    }

    /// Creates the error of a factory of clients that failed. Its text is that of `cause`.
    #[must_use]
    pub fn factory(cause: impl core::error::Error + Send + Sync + 'static) -> Self {
        Self::from(ErrorKind::Factory).with_message(cause.to_string()).with_cause(cause)
    }

    /// Sets the service's message.
    #[must_use]
    pub fn with_message(self, message: impl Into<String>) -> Self {
        Self { message: message.into(), ..self }
    }

    /// Sets the cause.
    #[must_use]
    pub fn with_cause(self, cause: impl core::error::Error + Send + Sync + 'static) -> Self {
        Self { cause: Some(Arc::new(cause)), ..self }
    }

    /// Returns the failed operation; `None` if no operation was started.
    #[must_use]
    pub const fn operation(&self) -> Option<ConnectionOperation> {
        self.operation
    }

    /// Returns the kind.
    #[must_use]
    pub const fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// Returns the service's message, or an empty text.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the HTTP status; `None` if there was no response.
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
            | ErrorKind::LongConnectionId
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

    /// Returns the service's error code; empty if there is none.
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
            | ErrorKind::LongConnectionId
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

    /// Returns whether the connection does not exist or no longer exists.
    #[must_use]
    pub const fn is_gone(&self) -> bool {
        matches!(self.kind, ErrorKind::Gone | ErrorKind::NotFound)
    }

    /// Returns whether the same operation may succeed later. Try at most
    /// [`MAX_ATTEMPTS`](super::MAX_ATTEMPTS) times in total.
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
            | ErrorKind::LongConnectionId
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

    /// Returns whether the operation took effect.
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
            | ErrorKind::LongConnectionId
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

/// Creates an error without an operation.
impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self { operation: None, kind, message: String::new(), cause: None }
    }
}

/// Two errors are equal if their texts and kinds are; causes are not compared.
impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        (self.operation, &self.kind, &self.message)
            == (other.operation, &other.kind, &other.message)
    }
}

impl Eq for Error {}

/// Writes `apptheory: {operation} failed ({status}) {message}`, with the code in place of an empty
/// message.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            ErrorKind::EmptyConnectionId => "apptheory: websocket connection id is empty",
            ErrorKind::LongConnectionId => {
                return write!(
                    f,
                    "apptheory: websocket connection id is longer than {MAX_ID_BYTES} bytes: pass \
                     the id of an event unchanged"
                );
            }
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

/// Becomes a masked 500: clients do not learn about failed connections.
impl From<Error> for AppError {
    fn from(error: Error) -> Self {
        Self::from_error(error)
    }
}
