//! Applications as Lambda functions: buffered, streaming, concurrent.
//!
//! Needs the feature `lambda`.
//!
//! This module takes invocations from the [Runtime API] and sends their responses, buffered or
//! streamed, within their deadline, so that every invocation gets a response. The [`AppService`]
//! makes the responses, and [`FrameMachine`](apptheory_core::stream::FrameMachine) divides them
//! into frames.
//!
//! ```no_run
//! use apptheory::app::App;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn core::error::Error>> {
//! let app = App::new().get("/", async || "hello").build()?;
//! apptheory::lambda::run(app).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Environment
//!
//! | Variable | Meaning |
//! |---|---|
//! | `AWS_LAMBDA_RUNTIME_API` | the address of the Runtime API: `host:port`, or an `http` URL that may have a path |
//! | `APPTHEORY_INVOKE_MODE` | the [`InvokeMode`]: `buffered` (the default), `streaming` or `force` |
//! | `AWS_LAMBDA_MAX_CONCURRENCY` | how many invocations are handled concurrently; 1 by default |
//! | `AWS_LAMBDA_INITIALIZATION_TYPE` | `snap-start` if Lambda takes a snapshot |
//! | `AWS_LAMBDA_FUNCTION_NAME` and the like | the [function](crate::app::Function) that handlers see |
//!
//! # How an invocation ends
//!
//! | What happens | Result |
//! |---|---|
//! | a handler fails or panics | its error is the response |
//! | the event is malformed or has no handler | the invocation fails, as `Function.InvalidEvent` |
//! | a handler of an event of [any kind](crate::app::Router::on) fails or panics | the invocation fails, with the error's code as its type |
//! | anything else panics | the invocation fails, as `Function.Panicked` |
//! | a handler of a request is not done a [reserve] before the deadline | it is dropped: 504, `app.timeout` |
//! | a batch is not done by then | records in progress are dropped, and the rest fails: they are retried |
//! | the handler of any other event is not done by then | it is dropped; the invocation fails, as `Function.TimedOut` |
//! | the response is larger than Lambda accepts (413) | the invocation fails, as `Function.ResponseSizeTooLarge` |
//! | a stream fails before its first chunk | its error is the response |
//! | a stream fails later | the part that was sent stands; the error follows in trailers |
//! | a stream is not done by then | its producer is dropped: 504 before its first chunk, `app.timeout` in trailers later |
//! | a response is not read by the deadline | its connection is closed |
//! | the connection was closed before any reply to a response | the response is sent again, once, if it is complete |
//! | a stream is not done when a shutdown begins | the same, as `app.internal`; before its first chunk the invocation fails, as `Function.Aborted` |
//! | anything else is not done [`DRAIN_TIME`] later | it is dropped without a response: Lambda ends the process |
//! | Lambda has ended the invocation (410), refuses the response, or disconnects | it is logged; the producer is dropped |
//!
//! Then the work registered with [`after`](crate::app::Context::after) runs, logs and metrics are
//! [flushed](crate::app::App::on_flush), until the deadline at most, and the next invocation is
//! taken. Without a deadline there is no time limit. A handler that blocks its thread cannot be
//! dropped, and keeps its worker for as long as it blocks. Only [`RuntimeError`]s end the function,
//! and a shutdown, if enabled: [`Runtime::shutdown_on_sigterm`].
//!
//! Logs are [`tracing`] events. Those of an invocation are in a span `invocation`, whose fields are
//! `request_id`, `cold_start` and, if known, `trace_id` (of X-Ray), `tenant_id` (if the function
//! isolates its tenants) and `route`; those of a record are in a span `record` with `source`,
//! `name` and `id`. They never contain events or responses.
//!
//! # How a function fails to start
//!
//! An error before the first invocation is reported to Lambda as `Function.InitFailed`, with its
//! sources, sanitized: by [`Runtime::run`] its own errors, and by [`start`](crate::start()) those
//! before.
//!
//! # Before the first invocation
//!
//! Clients of [DynamoDB](crate::store) that exist by then, such as those of `Store::aws`, load
//! their credentials and connect, so that no decision has to wait for that within its budget. Each
//! sends `GET /` to its endpoint, which DynamoDB answers without authentication. That takes as long
//! as a TLS handshake, costs no capacity and needs no permission. A failure is logged as a warning,
//! and after 1 s the function starts anyway; the first call then tries again. Create stores in the
//! closure of [`start`](crate::start()), or at least before [`Runtime::run`], not in a handler.
//!
//! If `AWS_LAMBDA_INITIALIZATION_TYPE` is `snap-start`, Lambda takes a snapshot of the process
//! before the first invocation, and starts many processes from it, each of which connects by
//! itself. Use the hooks [`before_snapshot`](crate::app::App::before_snapshot) and
//! [`after_restore`](crate::app::App::after_restore); a failure of the latter is reported as
//! `Function.RestoreFailed`.
//!
//! [reserve]: crate::app::App::reserve
//! [Runtime API]: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

mod address;
mod api;
mod connection;
mod error;
mod extension;
mod frames;
mod head;
mod init;
mod runtime;
#[cfg(feature = "lambda_runtime")]
mod service;
mod settings;
mod worker;

pub use apptheory_core::events::{InvokeMode, UnknownMode};
pub use error::RuntimeError;
#[cfg(feature = "start")]
pub(crate) use init::report_failed_init;
pub use runtime::{DRAIN_TIME, Runtime};
#[cfg(feature = "lambda_runtime")]
pub(crate) use service::invocation;
#[cfg(feature = "lambda_runtime")]
pub use service::{LambdaService, ServiceError, service};
#[cfg(feature = "start")]
pub(crate) use settings::MAX_CONCURRENCY;
#[cfg(any(feature = "aws", feature = "aws-lean", feature = "start"))]
pub(crate) use settings::RUNTIME_API;

use crate::app::AppService;

/// Runs an application as a Lambda function, configured by the process's environment.
/// [`start`](crate::start()) calls it on Lambda.
///
/// It needs a tokio runtime with I/O and time enabled.
///
/// # Errors
///
/// [`RuntimeError`], after which the process should exit with a failure, so that Lambda starts
/// another one.
pub async fn run(app: AppService) -> Result<(), RuntimeError> {
    Runtime::new(app).run().await
}
