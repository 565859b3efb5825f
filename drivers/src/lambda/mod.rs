//! An application as a Lambda function: buffered, streaming, concurrent.
//!
//! This module decides how invocations are taken from the [Runtime API] and how their responses are
//! sent: in one piece or while they are made, within their deadline, and never leaving an
//! invocation unanswered. What the answer is, is the [`AppService`]'s to decide; how it is cut into frames,
//! [`FrameMachine`](apptheory_core::stream::FrameMachine)'s. It refuses to know events.
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
//! | `AWS_LAMBDA_RUNTIME_API` | where the Runtime API is: `host:port`, or an `http` URL that may have a path |
//! | `APPTHEORY_INVOKE_MODE` | [`InvokeMode`]: `buffered` (without one), `streaming` or `force` |
//! | `AWS_LAMBDA_MAX_CONCURRENCY` | how many invocations are handled at the same time; 1 without one |
//! | `AWS_LAMBDA_INITIALIZATION_TYPE` | whether a snapshot is taken: `snap-start` |
//! | `AWS_LAMBDA_FUNCTION_NAME` and the like | the [function](crate::app::Function) that handlers are told of |
//!
//! # How an invocation ends
//!
//! | What happens | What becomes of it |
//! |---|---|
//! | a handler fails or panics | its error is the answer |
//! | the event is no event | it fails, as `Function.InvalidEvent` |
//! | a handler of an event of [any kind](crate::app::Router::on) fails or panics | it fails, with the error's code as its type |
//! | anything else panics | it fails, as `Function.Panicked` |
//! | a handler of a request is not done a [reserve] before the deadline | it is dropped: 504, `app.timeout` |
//! | a batch is not done by then | what runs is dropped, and the rest fails: it comes again |
//! | the handler of any other event is not done by then | it is dropped; it fails, as `Function.TimedOut` |
//! | the response is larger than Lambda takes (413) | it fails, as `Function.ResponseSizeTooLarge` |
//! | a stream fails before its first chunk | its error is the answer |
//! | a stream fails later | what was sent stands; the error follows in trailers |
//! | a stream is not done by then | its producer is dropped: 504 before its first chunk, `app.timeout` in trailers later |
//! | an answer is not read by the deadline | it is given up: its connection is closed |
//! | the connection was closed before anything came back for an answer | it is sent again, once, if all of it is there |
//! | a stream is not done when a shutdown begins | the same, as `app.internal`; before its first chunk it fails, as `Function.Aborted` |
//! | anything else is not done [`DRAIN_TIME`] later | it is dropped, unanswered: Lambda ends the process |
//! | Lambda gave it up (410), refuses the response, or hangs up | it is logged; the producer is dropped |
//!
//! Then what its handlers left for [after](crate::app::Context::after) the answer is done, what it
//! logged and measured is [flushed](crate::app::App::on_flush), until the deadline at most, and the
//! next one is taken. An invocation without a deadline has no end of its own. A handler that
//! blocks its thread cannot be dropped: under concurrency it keeps its worker for as long as it
//! blocks. Only [`RuntimeError`]s end the function, and a shutdown, if it was
//! asked for: [`Runtime::shutdown_on_sigterm`].
//!
//! Logs are [`tracing`] events. Those of an invocation are in a span `invocation`, whose fields are
//! `request_id`, `cold_start` and, where they are known, `trace_id` (of X-Ray), `tenant_id` (where the
//! function isolates its tenants) and `route`; those of a record are in a span `record` with `source`,
//! `name` and `id`. They never hold events or responses.
//!
//! # How a function fails to start
//!
//! What goes wrong before the first invocation is asked for is reported to Lambda as
//! `Function.InitFailed`, with the error and its sources, without what looks like a secret: by
//! [`Runtime::run`] what it finds itself, and by [`start`](crate::start()) what goes wrong before.
//!
//! # What is done before the first invocation
//!
//! Clients of [DynamoDB](crate::store) that there are by then, those of `Store::aws` for example, load
//! their credentials and connect, so that no decision has to wait for that in its budget: each asks its
//! endpoint for `GET /`, which DynamoDB answers to anybody. That takes as long as a TLS handshake, costs
//! no capacity and needs no permission. What fails is logged as a warning, and after 1 s the function
//! starts without; the first call then tries again. Make stores in the closure of
//! [`start`](crate::start()), or at least before [`Runtime::run`], and not in a handler.
//!
//! Where `AWS_LAMBDA_INITIALIZATION_TYPE` is `snap-start`, Lambda takes a snapshot of the process before
//! the first invocation, and runs many processes from it, each of which connects by itself. Around that
//! there are hooks:
//! [`before_snapshot`](crate::app::App::before_snapshot), and
//! [`after_restore`](crate::app::App::after_restore), whose failure is reported as
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
#[cfg(any(feature = "aws", feature = "start"))]
pub(crate) use settings::RUNTIME_API;

use crate::app::AppService;

/// Runs an application as a Lambda function, as the environment of the process says.
///
/// It needs a tokio runtime with I/O and time enabled.
///
/// # Errors
///
/// [`RuntimeError`], after which the process should exit with a failure: Lambda then starts
/// another one.
pub async fn run(app: AppService) -> Result<(), RuntimeError> {
    Runtime::new(app).run().await
}
