//! AppTheory for AWS Lambda: everything that touches the world.
//!
//! What is decided without I/O is a crate of its own, which this one contains: each module is one
//! subject, with the decisions and with what carries them out.
//!
//! | Feature | For |
//! |---|---|
//! | `start`, on by default | [`start()`] and [`run()`]: on Lambda, or on a port of this machine |
//! | `lambda` | running on Lambda |
//! | `lambda_runtime` | running on Lambda under AWS's own runtime |
//! | `local` | running on a port of this machine |
//! | `embedded` | a DynamoDB in this process, in memory or in a file |
//! | `aws` | DynamoDB through the AWS SDK |
//! | `websocket` | sending to connections of WebSocket APIs |
//! | `cloudformation` | `App::cloudformation`: custom resources of CloudFormation, whose answers are always sent |
//! | `kinesis` | records to Kinesis data streams |
//! | `logs` | [`logs`]: `tracing` events as sanitized lines of JSON or text, structured loggers, notifications of errors; `start` includes it |
//! | `sns` | notifications of errors through Amazon SNS |
//! | `multipart` | bodies of several parts, such as uploads |
//! | `validation` | extractors that check what they read by rules of its type |
//! | `tower` | layers and services of tower |
//! | `testkit` | testing an application |
//! | `tracing` | spans of invocations, records and store effects, and what goes wrong, as of `tracing` |
//! | `yaml` | policies for logs as YAML |

#[doc(inline)]
pub use apptheory_core::{
    backoff, contract, duration, error, events, gateway, http, identity, invocation_time, json,
    naming, observe, percent, registry, size, step_functions, stream, time, utf8,
};

pub mod app;
mod causes;
pub mod clock;
mod env;
pub mod eventbus;
pub mod execute;
#[cfg(all(
    doc,
    feature = "aws",
    feature = "start",
    feature = "testkit",
    feature = "tower",
    feature = "websocket"
))]
pub mod guide;
#[cfg(feature = "_https")]
mod https;
pub mod idempotency;
pub mod ids;
pub mod kinesis;
#[cfg(feature = "lambda")]
pub mod lambda;
pub mod layer;
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
/// Derives [`FromRef`](trait@FromRef) for each field of a struct, so that a handler takes that part
/// of the application's state as its `State`.
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
/// The fields are cloned for each request. `#[from_ref(skip)]` leaves a field out. Two fields of one
/// type do not compile, as nothing says which of them a handler gets, and neither does a struct with
/// type parameters, for whose parts you implement the trait yourself.
pub use apptheory_macros::FromRef;
#[cfg(feature = "start")]
pub use start::{DEFAULT_PORT, IntoService, StartError, run, start};
pub use store::Store;

/// The README's examples.
#[cfg(all(doctest, feature = "aws", feature = "start", feature = "testkit", feature = "tower"))]
#[doc = include_str!("../../README.md")]
struct Readme;
