//! Testing an application without a server: it serves requests and events as on AWS, in virtual
//! time.
//!
//! Needs the feature `testkit`.
//!
//! A [`TestApp`] builds the application that `main` builds, with a store in memory, a clock that
//! jumps while all tasks wait, and sequential ids. It is sent requests and events in AWS's form,
//! and assertions check what AWS gets back.
//!
//! ```
//! use apptheory::prelude::*;
//! use apptheory::testkit::TestApp;
//!
//! // The function that `main` calls, with `Store::aws().await`.
//! fn app(store: &Store) -> App<EventBus> {
//!     App::with_state(EventBus::on(store))
//!         .post("/orders", async |State(bus): State<EventBus>, Json(items): Json<Vec<String>>| {
//!             let event = Event::new("shop", "order.created").payload(&items);
//!             bus.publish(event).await.map(|_| StatusCode::CREATED)
//!         })
//!         .sqs("orders", async |Json(items): Json<Vec<String>>| println!("{items:?}"))
//! }
//!
//! let app = TestApp::new(app);
//! app.post("/orders").json(&["tea"]).send().assert_status(201);
//! app.sqs("orders", [r#"["tea"]"#, "?"]).assert_failures(["msg-2"]);
//!
//! let bus = EventBus::on(app.store());
//! let events: Vec<_> = app.run(bus.query("shop").events().try_collect())?;
//! assert_eq!(events.len(), 1);
//! # Ok::<(), apptheory::eventbus::Error>(())
//! ```
//!
//! | To test | Use |
//! |---|---|
//! | requests of function URLs, HTTP and REST APIs, load balancers and VPC Lattice, with callers | [`TestApp::get`] and the like, [`TestRequest`], [`Via`] |
//! | streamed responses and server-sent events | [`TestRequest::stream`] |
//! | queues, streams, tables, topics, buckets, mails, buses, schedules, direct invocations | [`TestApp::sqs`] and the like, [`TestApp::invoke`] |
//! | tumbling windows of streams and tables | [`TestApp::kinesis_window`], [`TestApp::dynamodb_window`] |
//! | authorizers, Cognito triggers, AppSync resolvers | [`TestRequest::authorize`], [`TestApp::cognito`], [`TestApp::appsync`] |
//! | agents, bots, contact flows, alarms, rotations, jobs and other services with a single result | [`TestApp::bedrock_agent`], [`TestApp::lex`], [`TestApp::connect`], [`TestApp::cloudwatch_alarm`], [`TestApp::secrets_rotation`] and the like |
//! | WebSockets and rooms | [`TestApp::websocket`] |
//! | long waits | [`TestApp::advance`], or nothing: sleeping takes no time |
//! | a store that fails, or that repeats recorded replies | [`TestEnv::layer`] with [`FaultPlan`](crate::layer::FaultPlan), [`Recording`](crate::layer::Recording) and [`Replay`](crate::layer::Replay) |
//! | every interleaving of concurrent callers | [`World`] and [`Schedules`]; [`model`] for the expected results |
//! | log lines | `log_lines`, with the feature `logs`; [`TestLogger`](crate::logs::TestLogger) in code that is passed its logger |
//! | metrics | [`TestWriter`] |
//! | messages to Amazon SNS | `FakeSnsClient`, with the feature `sns` |
//! | an application in a runtime of your own | [`TestEnv`], [`requests`] and [`events`] |
//!
//! Names in the test kits for Go, TypeScript and Python:
//!
//! | There | Here |
//! |---|---|
//! | `TestEnv`, `Env` | [`TestEnv`], which begins in 2026 unless created [`at`](TestEnv::at) another time; [`TestApp`] with a runtime |
//! | `ManualClock` | [`TestApp::clock`] and [`TestApp::advance`]; [`ManualClock`](crate::clock::ManualClock) in tests without concurrency |
//! | `ManualIdGenerator` | [`TestIds`] |
//! | `APIGatewayV2Request`, `LambdaFunctionURLRequest`, `ALBTargetGroupRequest` and the like | [`requests`], [`TestRequest::event`] |
//! | `SQSEvent`, `sqs_event` and the like | [`events`] |
//! | `InvokeSQS`, `invoke_sqs` and the like | [`TestApp::sqs`] and the like, [`TestApp::invoke`] |
//! | `InvokeStreaming`, `StreamResult` | [`TestRequest::stream`], [`TestStream`] |
//! | `StepFunctionsTaskTokenEvent` | [`task_token_event`](crate::step_functions::task_token_event) |
//! | `FakeSNSClient` | `FakeSnsClient`, with the feature `sns` |
//! | `TestLogger` | [`TestLogger`](crate::logs::TestLogger) |
//! | `FakeWebSocketManagementClient` and its factory | [`FakeWebSocketManagementClient`](crate::websocket::FakeWebSocketManagementClient), [`FakeWebSocketClients`](crate::websocket::FakeWebSocketClients) |
#![expect(clippy::panic, reason = "a failed expectation ends a test")]

mod answer;
mod app;
mod course;
mod env;
pub mod events;
mod failures;
mod ids;
#[cfg(feature = "logs")]
mod lines;
pub mod model;
mod report;
pub mod requests;
mod response;
mod schedules;
#[cfg(feature = "sns")]
mod sns;
mod socket;
mod sources;
mod stream;
#[cfg(test)]
mod tests;
mod world;

use serde::Serialize;
use serde_json::Value;

pub use answer::TestAnswer;
pub use app::TestApp;
pub use env::TestEnv;
pub use ids::TestIds;
#[cfg(feature = "logs")]
pub use lines::log_lines;
pub use requests::{TestRequest, Via};
pub use response::TestResponse;
pub use schedules::{Run, Schedule, Schedules};
#[cfg(feature = "sns")]
pub use sns::{FakeSnsClient, PublishedMessage};
pub use socket::{TestHandshake, TestSocket};
pub use stream::TestStream;
pub use world::{Sent, World};

pub use crate::test_writer::TestWriter;

/// Returns a value as JSON. Panics if that is not possible.
fn json_of<T: Serialize + ?Sized>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_else(|error| panic!("cannot be written as JSON: {error}"))
}
