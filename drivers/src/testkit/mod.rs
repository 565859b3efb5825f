//! Testing an application: it answers requests and events in a test as it does on AWS, in no time.
//!
//! A [`TestApp`] calls the function that `main` calls, with a store in memory, a clock whose time
//! passes only while everybody waits, and ids in order. Requests and events go to it as AWS sends
//! them, and expectations look at what AWS is answered.
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
//! | To test | use |
//! |---|---|
//! | requests of function URLs, HTTP and REST APIs, load balancers and VPC Lattice, with their callers | [`TestApp::get`] and its like, [`TestRequest`], [`Via`] |
//! | streamed answers and server-sent events | [`TestRequest::stream`] |
//! | queues, streams, tables, topics, buckets, mails, buses, schedules, direct invocations | [`TestApp::sqs`] and its like, [`TestApp::invoke`] |
//! | tumbling windows of streams and tables | [`TestApp::kinesis_window`], [`TestApp::dynamodb_window`] |
//! | authorizers, triggers of Cognito, resolvers of AppSync | [`TestRequest::authorize`], [`TestApp::cognito`], [`TestApp::appsync`] |
//! | agents, bots, contact flows, alarms, rotations, jobs and other services that ask for one answer | [`TestApp::bedrock_agent`], [`TestApp::lex`], [`TestApp::connect`], [`TestApp::cloudwatch_alarm`], [`TestApp::secrets_rotation`] and their like |
//! | WebSockets and rooms | [`TestApp::websocket`] |
//! | what takes long | [`TestApp::advance`], or nothing: waiting takes no time |
//! | a store that fails, or answers as one did in production | [`TestEnv::layer`] with [`FaultPlan`](crate::layer::FaultPlan), [`Recording`](crate::layer::Recording) and [`Replay`](crate::layer::Replay) |
//! | what holds however callers come in between each other | [`World`] and [`Schedules`]; [`model`] for what they are held against |
//! | lines of logs | `log_lines`, with the feature `logs`; [`TestLogger`](crate::logs::TestLogger) where code is given its logger |
//! | metrics | [`TestWriter`] |
//! | messages to Amazon SNS | `FakeSnsClient`, with the feature `sns` |
//! | with a runtime of your own | [`TestEnv`], [`requests`] and [`events`] |
//!
//! Names of the test kits for Go, TypeScript and Python are here:
//!
//! | There | Here |
//! |---|---|
//! | `TestEnv`, `Env` | [`TestEnv`], at the beginning of 2026 unless it is made [`at`](TestEnv::at) 1970; [`TestApp`] with a runtime |
//! | `ManualClock` | [`TestApp::clock`] and [`TestApp::advance`]; [`ManualClock`](crate::clock::ManualClock) where nothing sleeps |
//! | `ManualIdGenerator` | [`TestIds`] |
//! | `APIGatewayV2Request`, `LambdaFunctionURLRequest`, `ALBTargetGroupRequest` and their like | [`requests`], [`TestRequest::event`] |
//! | `SQSEvent`, `sqs_event` and their like | [`events`] |
//! | `InvokeSQS`, `invoke_sqs` and their like | [`TestApp::sqs`] and its like, [`TestApp::invoke`] |
//! | `InvokeStreaming`, `StreamResult` | [`TestRequest::stream`], [`TestStream`] |
//! | `StepFunctionsTaskTokenEvent` | [`task_token_event`](crate::step_functions::task_token_event) |
//! | `FakeSNSClient` | `FakeSnsClient`, with the feature `sns` |
//! | `TestLogger` | [`TestLogger`](crate::logs::TestLogger) |
//! | `FakeWebSocketManagementClient` and its factory | [`FakeWebSocketManagementClient`](crate::websocket::FakeWebSocketManagementClient), [`FakeWebSocketClients`](crate::websocket::FakeWebSocketClients) |
#![expect(clippy::panic, reason = "a test ends where an expectation does not hold")]

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

/// A value as JSON. Tests end where it cannot be.
fn json_of<T: Serialize + ?Sized>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_else(|error| panic!("not to be written as JSON: {error}"))
}
