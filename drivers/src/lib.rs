//! AppTheory is a Rust framework for AWS Lambda: HTTP APIs, WebSockets, streaming, queues and other
//! event sources, rate limiting, an event bus and idempotency.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use apptheory::prelude::*;
//!
//! fn main() -> ExitCode {
//!     apptheory::start(async || App::new().get("/", async || "Hello!"))
//! }
//! ```
//!
//! [`start()`] runs the application on Lambda if Lambda started the process, and on a port of
//! this machine otherwise. The [guide] has a page for each subject: begin with
//! [getting started](guide::getting_started).
//!
//! # Where to look
//!
//! | Subject | Module |
//! |---|---|
//! | applications: routes, handlers, extractors, middleware, responses | [`app`] |
//! | handlers of queues, streams, schedules and other event sources | [`app::events`], [`events`] |
//! | rate limits | [`limiter`] |
//! | publishing events and reading them page by page | [`eventbus`] |
//! | running the work of a request or record once | [`idempotency`] |
//! | where services keep their data: in memory, embedded, on DynamoDB | [`store`] |
//! | sending to WebSocket connections | [`websocket`] |
//! | server-sent events and other streams | [`app::Sse`], [`app::BodyStream`] |
//! | errors that clients see | [`error`] |
//! | clocks and ids, real ones and those for tests | [`clock`], [`ids`] |
//! | metrics, traces and what may be logged | [`metrics`], [`trace`], [`sanitize`] |
//!
//! The decisions (which route matches, whether a limit admits, what a query returns) are made
//! without I/O by the crate `apptheory_core`. Its items are exported by these modules, next to the
//! code that runs them. Programs need only this crate.
//!
//! # Features
//!
//! An item that needs a feature says which. "Crates" is how many the feature adds to the 50 that
//! are always compiled, by `cargo tree`; features share many of theirs.
//! [Performance](guide::performance) lists what some cost in size and time to build.
//!
//! | Feature | For | Crates |
//! |---|---|---|
//! | `start`, on by default | [`start()`] and [`run()`]: on Lambda, or on a port of this machine | 37 |
//! | `lambda` | running on Lambda | 16 |
//! | `lambda_runtime` | running on Lambda under AWS's own runtime | 39 |
//! | `local` | serving on a port of this machine | 28 |
//! | `embedded` | a DynamoDB in this process, in memory or in a file | 19 |
//! | `aws` | DynamoDB through the AWS SDK | 114 |
//! | `aws-lean` | DynamoDB, and sending to WebSocket connections, without the AWS SDK, for smaller functions that start sooner | 48 |
//! | `websocket` | sending to connections of API Gateway WebSocket APIs, through the AWS SDK | 114 |
//! | `cloudformation` | `App::cloudformation`: custom resources of CloudFormation | 55 |
//! | `kinesis` | sending records to Kinesis data streams | 121 |
//! | `logs` | [`logs`]: log lines as JSON or text, structured loggers, error notifications; part of `start` | 7 |
//! | `sns` | notifications of errors through Amazon SNS | 125 |
//! | `multipart` | reading bodies of several parts, such as uploads | 9 |
//! | `validation` | extractors that validate their value | 13 |
//! | `tower` | tower layers, and tower services as handlers | 8 |
//! | `testkit` | testing an application without a server | 0 |
//! | `tracing` | `tracing` spans of invocations, records and store effects, and events of failures | 3 |
//! | `yaml` | sanitizer policies as YAML | 14 |

#[doc(inline)]
pub use apptheory_core::{
    backoff, contract, duration, error, events, gateway, http, identity, invocation_time, json,
    naming, observe, percent, registry, size, step_functions, stream, time, utf8,
};

pub mod app;
mod causes;
pub mod clock;
#[cfg(any(feature = "aws-lean", feature = "lambda"))]
mod connection;
mod env;
pub mod eventbus;
pub mod execute;
#[cfg(doc)]
// Without these features some links lead nowhere, and some examples do not compile.
#[cfg_attr(
    not(all(
        feature = "aws",
        feature = "aws-lean",
        feature = "start",
        feature = "testkit",
        feature = "tower",
        feature = "websocket"
    )),
    allow(rustdoc::broken_intra_doc_links),
    cfg(not(doctest))
)]
pub mod guide;
#[cfg(feature = "_trust")]
mod https;
pub mod idempotency;
pub mod ids;
pub mod kinesis;
#[cfg(feature = "lambda")]
pub mod lambda;
pub mod layer;
#[cfg(feature = "aws-lean")]
mod lean;
pub mod limiter;
#[cfg(feature = "local")]
pub mod local;
#[cfg(feature = "logs")]
pub mod logs;
pub mod machine;
pub mod metrics;
pub mod prelude;
pub mod sanitize;
#[cfg(feature = "_aws_sdk")]
mod sdk_error;
mod see;
mod snapshot;
#[cfg(feature = "start")]
mod start;
pub mod store;
#[cfg(any(test, feature = "testkit"))]
mod test_writer;
#[cfg(feature = "testkit")]
pub mod testkit;
#[cfg(feature = "tower")]
pub mod tower;
pub mod trace;
pub mod validation;
pub mod websocket;

#[cfg(feature = "tower")]
pub use app::tower;
pub use app::{
    Answer, App, AppService, BoxFuture, BuildError, Context, FromContext, FromRef, Handler,
    IntoAnswer, Json, Middleware, Next, Path, Query, RateLimit, Response, Router, State,
};
/// Derives [`FromRef`](trait@FromRef) for each field of a struct, so that a handler can take that
/// field alone as its `State`.
///
/// ```
/// use apptheory::app::{App, State};
/// use apptheory::FromRef;
///
/// #[derive(Clone)]
/// struct Greeting(&'static str);
///
/// #[derive(Clone, FromRef)]
/// struct Shop {
///     greeting: Greeting,
///     #[from_ref(skip)]
///     opened_in: u16,
/// }
///
/// async fn greet(State(greeting): State<Greeting>) -> &'static str {
///     greeting.0
/// }
///
/// let shop = Shop { greeting: Greeting("good morning"), opened_in: 1998 };
/// let app = App::with_state(shop).get("/", greet).build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
///
/// The field is cloned for each request. `#[from_ref(skip)]` leaves a field out. Two fields of the
/// same type do not compile, because a handler could not say which of the two it wants. A struct
/// with type parameters does not compile either: implement [`FromRef`](trait@FromRef) by hand for
/// its fields.
pub use apptheory_macros::FromRef;
#[cfg(feature = "start")]
pub use start::{DEFAULT_PORT, IntoService, StartError, run, start};
pub use store::Store;

/// The README's examples.
#[cfg(all(doctest, feature = "aws", feature = "start", feature = "testkit", feature = "tower"))]
#[doc = include_str!("../../README.md")]
struct Readme;
