//! How a function ends, and how an invocation fails.

use core::error::Error;
use std::borrow::Cow;
use std::io;

use apptheory_core::events::UnknownMode;
use http::StatusCode;

use crate::app::InvokeError;
use crate::app::events::BoxError;

/// What ends a function. Exit with a failure: Lambda starts another process if it needs one.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// `AWS_LAMBDA_RUNTIME_API` is not set: this is no Lambda environment. Run the function under an
    /// emulator, or the application on a local port.
    #[error("AWS_LAMBDA_RUNTIME_API is not set: not in a Lambda environment")]
    NotInLambda,
    /// `AWS_LAMBDA_RUNTIME_API` is neither `host:port` nor an `http` URL.
    #[error("AWS_LAMBDA_RUNTIME_API is neither host:port nor an http URL")]
    InvalidRuntimeApi,
    /// `APPTHEORY_INVOKE_MODE` names no mode.
    #[error("APPTHEORY_INVOKE_MODE: {0}")]
    InvalidInvokeMode(#[from] UnknownMode),
    /// `AWS_LAMBDA_MAX_CONCURRENCY` is no number above zero.
    #[error("AWS_LAMBDA_MAX_CONCURRENCY is no number above zero")]
    InvalidMaxConcurrency,
    /// The Runtime API gives no more invocations: it answered with this status. The environment is
    /// being shut down, or is broken.
    #[error("the Runtime API gives no more invocations: {0}")]
    NoMoreInvocations(StatusCode),
    /// The connection to the Runtime API cannot be made, or closes again and again. The environment
    /// is being shut down, or `AWS_LAMBDA_RUNTIME_API` is wrong.
    #[error("the connection to the Runtime API is closed: {0}")]
    Closed(#[source] Box<dyn Error + Send + Sync>),
    /// The internal extension that a shutdown needs was refused, with this status. Extensions
    /// register while the environment starts, under a name that no other has; an emulator may know
    /// none: do without [`shutdown_on_sigterm`](super::Runtime::shutdown_on_sigterm) there.
    #[error("the internal extension cannot be registered: {0}")]
    NotRegistered(StatusCode),
    /// The internal extension was registered without an identifier: whatever listens at
    /// `AWS_LAMBDA_RUNTIME_API` is no Extensions API.
    #[error("the internal extension was given no identifier")]
    NoExtensionId,
    /// The process cannot wait for SIGTERM. Do without a shutdown, or find out who forbids signals.
    #[error("cannot wait for SIGTERM: {0}")]
    Signal(#[source] io::Error),
    /// The hook of [`App::before_snapshot`](crate::app::App::before_snapshot) failed or panicked.
    #[error("the hook before the snapshot failed: {0}")]
    BeforeSnapshot(#[source] BoxError),
    /// The hook of [`App::after_restore`](crate::app::App::after_restore) failed or panicked.
    #[error("the hook after the restore failed: {0}")]
    AfterRestore(#[source] BoxError),
    /// An invocation came without the id that it has to be answered under: whatever listens at
    /// `AWS_LAMBDA_RUNTIME_API` is no Runtime API.
    #[error("an invocation came without a request id")]
    NoRequestId,
}

/// An invocation that fails: there is no answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct FunctionError {
    /// `category.reason`, as Lambda recommends.
    pub(super) error_type: Cow<'static, str>,
    /// What the invoker is told.
    pub(super) message: String,
}

impl FunctionError {
    /// The answer is more than Lambda takes.
    pub(super) fn too_large() -> Self {
        Self::new("Function.ResponseSizeTooLarge", "the response is larger than Lambda takes")
    }

    /// The event was announced, and did not come.
    pub(super) fn not_received() -> Self {
        Self::invalid_event("the event was not received to its end")
    }

    /// Something panicked that is no handler.
    pub(super) fn panicked() -> Self {
        Self::new("Function.Panicked", "the function panicked")
    }

    /// A stream was given up before anything was sent.
    pub(super) fn aborted() -> Self {
        Self::new("Function.Aborted", "the response was given up")
    }

    /// The event is of no kind that is served, or not what its kind promises.
    pub(super) fn invalid_event(message: impl Into<String>) -> Self {
        Self::new("Function.InvalidEvent", message)
    }

    /// The answer is no JSON: a mistake of this crate.
    #[cfg(feature = "lambda_runtime")]
    pub(super) fn invalid_answer(error: &serde_json::Error) -> Self {
        Self::new("Function.InvalidAnswer", error.to_string())
    }

    fn new(error_type: &'static str, message: impl Into<String>) -> Self {
        Self { error_type: error_type.into(), message: message.into() }
    }
}

impl From<InvokeError> for FunctionError {
    fn from(error: InvokeError) -> Self {
        Self { error_type: error.error_type().to_owned().into(), message: error.told() }
    }
}
