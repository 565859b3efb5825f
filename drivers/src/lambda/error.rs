//! Errors that end a function, and failures of invocations.

use core::error::Error;
use std::borrow::Cow;
use std::io;

use apptheory_core::events::UnknownMode;
use http::StatusCode;

use crate::app::InvokeError;
use crate::app::events::BoxError;
use crate::see::See;

/// An error that ends the function. Exit with a failure; Lambda starts another process when it
/// needs one.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// `AWS_LAMBDA_RUNTIME_API` is not set: the process does not run on Lambda. Run it under an
    /// emulator, or serve the application on a local port.
    #[error(
        "AWS_LAMBDA_RUNTIME_API is not set: not in a Lambda environment. Run the function under an \
         emulator, or call `apptheory::start`, which serves it on a local port; {}",
        See("getting_started")
    )]
    NotInLambda,
    /// `AWS_LAMBDA_RUNTIME_API` is neither `host:port` nor an `http` URL.
    #[error(
        "AWS_LAMBDA_RUNTIME_API is neither host:port nor an http URL: leave it to Lambda, or set it to \
         the address of an emulator; {}",
        See("deployment")
    )]
    InvalidRuntimeApi,
    /// `APPTHEORY_INVOKE_MODE` is not a mode.
    #[error("APPTHEORY_INVOKE_MODE: {0}; {see}", see = See("streaming"))]
    InvalidInvokeMode(#[from] UnknownMode),
    /// `AWS_LAMBDA_MAX_CONCURRENCY` is not a number above zero.
    #[error(
        "AWS_LAMBDA_MAX_CONCURRENCY is not a whole number above zero: leave it to Lambda, or set it to \
         one; {}",
        See("deployment")
    )]
    InvalidMaxConcurrency,
    /// The Runtime API refused to give another invocation, with this status. The environment is
    /// shutting down, or is broken.
    #[error(
        "the Runtime API answered {0} instead of an invocation: the environment is shut down, or is \
         broken; {see}",
        see = See("deployment")
    )]
    NoMoreInvocations(StatusCode),
    /// The connection to the Runtime API cannot be opened, or is closed repeatedly. The environment
    /// is shutting down, or `AWS_LAMBDA_RUNTIME_API` is wrong.
    #[error(
        "the connection to the Runtime API is closed: {0}; the environment is shut down, or \
         AWS_LAMBDA_RUNTIME_API is wrong; {see}",
        see = See("deployment")
    )]
    Closed(#[source] Box<dyn Error + Send + Sync>),
    /// The internal extension for the shutdown was refused, with this status. Extensions register
    /// during the environment's start, under unique names. An emulator may not support them: do not
    /// call [`shutdown_on_sigterm`](super::Runtime::shutdown_on_sigterm) there.
    #[error(
        "the internal extension that a shutdown needs cannot be registered: {0}. An emulator may not \
         have extensions: leave `shutdown_on_sigterm` out there; {see}",
        see = See("deployment")
    )]
    NotRegistered(StatusCode),
    /// The internal extension was registered without an identifier: the server at
    /// `AWS_LAMBDA_RUNTIME_API` is not an Extensions API.
    #[error(
        "the internal extension was given no identifier: AWS_LAMBDA_RUNTIME_API is not the address of \
         an Extensions API; {}",
        See("deployment")
    )]
    NoExtensionId,
    /// The process cannot wait for SIGTERM. Do not call
    /// [`shutdown_on_sigterm`](super::Runtime::shutdown_on_sigterm), or find out what forbids
    /// signal handlers.
    #[error(
        "the system does not let the process wait for SIGTERM: {0}. Allow it, or leave \
         `shutdown_on_sigterm` out; {see}",
        see = See("deployment")
    )]
    Signal(#[source] io::Error),
    /// The hook of [`App::before_snapshot`](crate::app::App::before_snapshot) failed or panicked.
    #[error("the hook before the snapshot failed: {0}")]
    BeforeSnapshot(#[source] BoxError),
    /// The hook of [`App::after_restore`](crate::app::App::after_restore) failed or panicked.
    #[error("the hook after the restore failed: {0}")]
    AfterRestore(#[source] BoxError),
    /// An invocation arrived without a request id: the server at `AWS_LAMBDA_RUNTIME_API` is not a
    /// Runtime API.
    #[error(
        "an invocation came without a request id: AWS_LAMBDA_RUNTIME_API is not the address of a \
         Runtime API; {}",
        See("deployment")
    )]
    NoRequestId,
}

/// A failed invocation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct FunctionError {
    /// The error type: `category.reason`, as Lambda recommends.
    pub(super) error_type: Cow<'static, str>,
    /// The error message for the invoker.
    pub(super) message: String,
}

impl FunctionError {
    /// The response is larger than Lambda accepts.
    pub(super) fn too_large() -> Self {
        Self::new("Function.ResponseSizeTooLarge", "the response is larger than Lambda accepts")
    }

    /// The event was announced, but did not arrive completely.
    pub(super) fn not_received() -> Self {
        Self::invalid_event("the event was not received to its end")
    }

    /// Code other than a handler panicked.
    pub(super) fn panicked() -> Self {
        Self::new("Function.Panicked", "the function panicked")
    }

    /// A response was aborted before anything was sent.
    pub(super) fn aborted() -> Self {
        Self::new("Function.Aborted", "the response was aborted")
    }

    /// The event is malformed, or of a kind without a handler.
    pub(super) fn invalid_event(message: impl Into<String>) -> Self {
        Self::new("Function.InvalidEvent", message)
    }

    /// The result is not JSON: a bug in this crate.
    #[cfg(feature = "lambda_runtime")]
    pub(super) fn invalid_answer(error: &serde_json::Error) -> Self {
        Self::new("Function.InvalidAnswer", error.to_string())
    }

    /// The page of the guide about it.
    pub(super) fn see(&self) -> See {
        See(match &*self.error_type {
            "Function.InvalidEvent" => "events",
            "Function.TimedOut" => "deployment",
            "Function.ResponseSizeTooLarge" | "Function.Aborted" => "streaming",
            _ => "errors",
        })
    }

    fn new(error_type: &'static str, message: impl Into<String>) -> Self {
        Self { error_type: error_type.into(), message: message.into() }
    }
}

impl From<InvokeError> for FunctionError {
    fn from(error: InvokeError) -> Self {
        Self { error_type: error.error_type().to_owned().into(), message: error.message() }
    }
}
