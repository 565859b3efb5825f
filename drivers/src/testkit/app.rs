//! Applications in tests.

use core::future::Future;
use core::net::Ipv4Addr;
use core::time::Duration;

#[cfg(feature = "cloudformation")]
use apptheory_core::events::ResourceChange;
use serde::Serialize;
use tokio::runtime::{Builder, Handle, Runtime};

use super::answer::TestAnswer;
use super::env::TestEnv;
use super::events::{self, EventBridgeEntry, ItemChange, KinesisEntry, SnsEntry, SqsEntry};
use super::failures::Failures;
use super::ids::TestIds;
use super::json_of;
use super::requests::TestRequest;
use super::response::TestResponse;
use crate::app::{App, AppService, Invocation};
use crate::clock::{Clock as _, VirtualClock};
use crate::store::Store;

/// Runs an application in a test: it serves requests and events in virtual time, so that a test
/// that waits for hours takes no time.
///
/// It has a [`TestEnv`], and a runtime with one thread. Whenever all tasks wait, the clock jumps to
/// the next instant that one of them sleeps until, by the clock of the
/// [context](crate::app::Context::clock) or the [store](Store::clock). Let handlers sleep on such a
/// clock. Waiting for tokio's own timers, for the network or for another thread takes real time
/// while the application's clock jumps ahead, so a timeout around it may fire at once.
///
/// Methods with an expectation panic if it fails, and report what was sent, what was returned and
/// what differs.
///
/// ```
/// use apptheory::prelude::*;
/// use apptheory::testkit::TestApp;
///
/// // The function that `main` calls, with `Store::aws().await`.
/// fn app(store: &Store) -> App {
///     App::new()
///         .layer(RateLimit::per_minute(2).fail_closed().on(store))
///         .get("/hello/{name}", async |Path(name): Path<String>| format!("hello {name}"))
///         .sqs("orders", async |Json(number): Json<u32>| println!("{number}"))
/// }
///
/// let app = TestApp::new(app);
/// for status in [200, 200, 429] {
///     app.get("/hello/ann").send().assert_status(status);
/// }
/// app.advance(Duration::from_secs(60));
/// app.get("/hello/ann").send().assert_status(200).assert_text("hello ann");
/// app.sqs("orders", ["3", "?"]).assert_failures(["msg-2"]);
/// ```
#[derive(Debug)]
pub struct TestApp {
    pub(super) env: TestEnv,
    pub(super) service: AppService,
    runtime: Runtime,
    failures: Failures,
    time_limit: Option<Duration>,
}

impl TestApp {
    /// Builds the application that `app` creates on a new store. Pass the function that `main`
    /// uses.
    ///
    /// # Panics
    ///
    /// If the application does not build, or inside of a runtime such as that of `#[tokio::test]`:
    /// use a [`TestEnv`] there.
    #[must_use]
    #[track_caller]
    pub fn new<S: Send + Sync + 'static>(app: impl FnOnce(&Store) -> App<S>) -> Self {
        Self::within(TestEnv::new(), app)
    }

    /// Builds the application in an environment of your own, for instance with layers on its store,
    /// or another initial time.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    #[must_use]
    #[track_caller]
    pub fn within<S: Send + Sync + 'static>(
        env: TestEnv,
        app: impl FnOnce(&Store) -> App<S>,
    ) -> Self {
        assert!(
            Handle::try_current().is_err(),
            "a TestApp has a runtime of its own: use it in a plain `#[test]`, or build the application \
              with a `TestEnv`, and `.await` its service"
        );
        let failures = Failures::default();
        let app = env.around(app(env.store())).watch_failures(failures.hook());
        let service = match app.build() {
            Ok(service) => service,
            Err(error) => panic!("the application does not build: {error}"),
        };
        let clock = env.clock().clone();
        // When all tasks wait, the clock jumps.
        let runtime = Builder::new_current_thread()
            .enable_all()
            .on_thread_park(move || {
                let _ = clock.jump();
            })
            .build()
            .unwrap_or_else(|error| panic!("cannot create the test's runtime: {error}"));
        Self { env, service, runtime, failures, time_limit: None }
    }

    /// Sets the time limit of each invocation, like the timeout of a function on AWS. By default
    /// there is none.
    ///
    /// ```
    /// use apptheory::prelude::*;
    /// use apptheory::testkit::TestApp;
    ///
    /// async fn report(context: Context) {
    ///     context.clock().sleep(Duration::from_secs(3600)).await;
    /// }
    ///
    /// let app = TestApp::new(|_| App::new().get("/report", report));
    /// app.time_limit(Duration::from_secs(30)).get("/report").send().assert_status(504);
    /// ```
    #[must_use]
    pub fn time_limit(self, limit: Duration) -> Self {
        Self { time_limit: Some(limit), ..self }
    }

    /// Runs a future to its end on the application's runtime, in virtual time. Use it to check the
    /// store, or to call the [service](Self::service).
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Advances the clock. Tasks that handlers have spawned, and that sleep for at most that long,
    /// run at their instants.
    pub fn advance(&self, by: Duration) {
        self.run(self.env.clock().sleep(by));
    }

    /// Returns the built application, for calls that this type does not have.
    #[must_use]
    pub const fn service(&self) -> &AppService {
        &self.service
    }

    /// Returns the clock.
    #[must_use]
    pub const fn clock(&self) -> &VirtualClock {
        self.env.clock()
    }

    /// Returns the source of ids. Requests without an id get `test-id-1`, and so on.
    #[must_use]
    pub const fn ids(&self) -> &TestIds {
        self.env.ids()
    }

    /// Returns the store.
    #[must_use]
    pub const fn store(&self) -> &Store {
        self.env.store()
    }

    /// Starts a GET request.
    pub fn get(&self, path: &str) -> TestRequest<&Self> {
        self.request("GET", path)
    }

    /// Starts a POST request.
    pub fn post(&self, path: &str) -> TestRequest<&Self> {
        self.request("POST", path)
    }

    /// Starts a PUT request.
    pub fn put(&self, path: &str) -> TestRequest<&Self> {
        self.request("PUT", path)
    }

    /// Starts a PATCH request.
    pub fn patch(&self, path: &str) -> TestRequest<&Self> {
        self.request("PATCH", path)
    }

    /// Starts a DELETE request.
    pub fn delete(&self, path: &str) -> TestRequest<&Self> {
        self.request("DELETE", path)
    }

    /// Starts a request with any method. The path is percent-encoded, as a client sends it, and may
    /// have a query. The client's address is [`CLIENT`](Self::CLIENT) unless set.
    pub fn request(&self, method: &str, path: &str) -> TestRequest<&Self> {
        TestRequest::new(self, method, path).from_address(Self::CLIENT)
    }

    /// The default address of clients, from a range reserved for documentation (RFC 5737).
    pub const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

    /// Sends messages of an SQS queue. Their ids are `msg-1`, `msg-2` and so on in each call. To
    /// send another message than before, give it [an id](SqsEntry::id).
    ///
    /// ```
    /// use apptheory::prelude::*;
    /// use apptheory::testkit::TestApp;
    ///
    /// let app = TestApp::new(|_| {
    ///     App::new().sqs("numbers", async |Json(n): Json<u8>| match n {
    ///         0 => Err(AppError::bad_request("zero")),
    ///         _ => Ok(()),
    ///     })
    /// });
    /// app.sqs("numbers", ["1", "0"]).assert_failures(["msg-2"]);
    /// ```
    pub fn sqs<M: Into<SqsEntry>>(
        &self,
        queue: &str,
        messages: impl IntoIterator<Item = M>,
    ) -> TestAnswer {
        self.invoke(&events::sqs(queue, messages))
    }

    /// Sends messages of a FIFO queue, each with its group. The queue's name ends with `.fifo`.
    pub fn sqs_fifo<G: AsRef<str>, M: Into<SqsEntry>>(
        &self,
        queue: &str,
        messages: impl IntoIterator<Item = (G, M)>,
    ) -> TestAnswer {
        self.invoke(&events::sqs_fifo(queue, messages))
    }

    /// Sends records of a Kinesis stream.
    pub fn kinesis<D: Into<KinesisEntry>>(
        &self,
        stream: &str,
        data: impl IntoIterator<Item = D>,
    ) -> TestAnswer {
        self.invoke(&events::kinesis(stream, data))
    }

    /// Sends log messages, as a CloudWatch Logs subscription delivers them through a Kinesis
    /// stream.
    pub fn cloudwatch_logs<M: Into<String>>(
        &self,
        stream: &str,
        messages: impl IntoIterator<Item = M>,
    ) -> TestAnswer {
        self.invoke(&events::cloudwatch_logs(stream, messages))
    }

    /// Sends changes of a DynamoDB table.
    pub fn dynamodb(
        &self,
        table: &str,
        changes: impl IntoIterator<Item = ItemChange>,
    ) -> TestAnswer {
        self.invoke(&events::dynamodb(table, changes))
    }

    /// Sends notifications of an SNS topic.
    pub fn sns<M: Into<SnsEntry>>(
        &self,
        topic: &str,
        messages: impl IntoIterator<Item = M>,
    ) -> TestAnswer {
        self.invoke(&events::sns(topic, messages))
    }

    /// Sends an EventBridge event.
    pub fn event_bridge(&self, entry: EventBridgeEntry) -> TestAnswer {
        self.invoke(&events::event_bridge(entry))
    }

    /// Sends the event of an EventBridge rule with a schedule.
    pub fn scheduled_rule(&self, name: &str) -> TestAnswer {
        self.invoke(&events::scheduled_rule(name))
    }

    /// Sends the event of an EventBridge Scheduler schedule.
    pub fn schedule(&self, group: &str, name: &str) -> TestAnswer {
        self.invoke(&events::schedule(group, name))
    }

    /// Sends a request of CloudFormation for a change of a custom resource. The result is what
    /// CloudFormation gets.
    ///
    /// Needs the feature `cloudformation`.
    ///
    /// ```
    /// use apptheory::app::App;
    /// use apptheory::error::AppError;
    /// use apptheory::events::{CustomResource, Done, ResourceChange};
    /// use apptheory::testkit::TestApp;
    /// use serde_json::{Value, json};
    ///
    /// async fn cache(resource: CustomResource<Value>) -> Result<Done, AppError> {
    ///     match resource.change {
    ///         ResourceChange::Create { .. } => Ok(Done::new("cache-7")),
    ///         _ => Err(AppError::conflict("it is in use")),
    ///     }
    /// }
    ///
    /// let app = TestApp::new(|_| App::new().cloudformation(cache));
    /// let create = ResourceChange::Create { properties: json!({"replicas": 3}) };
    /// let response: Value = app.custom_resource("Custom::Cache", &create).answer();
    /// assert_eq!(response["Status"], "SUCCESS");
    /// assert_eq!(response["PhysicalResourceId"], "cache-7");
    /// ```
    ///
    /// # Panics
    ///
    /// If the properties cannot be written as JSON.
    #[cfg(feature = "cloudformation")]
    pub fn custom_resource<T: Serialize>(
        &self,
        resource_type: &str,
        change: &ResourceChange<T>,
    ) -> TestAnswer {
        let mut answer = self.invoke(&events::custom_resource(resource_type, change));
        if let Some(reply) = self.env.take_replies().pop() {
            answer.report.got.clone_from(&reply);
            answer.answer = Ok(reply);
        }
        answer
    }

    /// Sends any event, as a direct invocation does.
    ///
    /// # Panics
    ///
    /// If the event cannot be written as JSON.
    pub fn invoke<T: Serialize + ?Sized>(&self, event: &T) -> TestAnswer {
        self.invoke_text(json_of(event).to_string())
    }

    pub(super) fn invoke_text(&self, event: String) -> TestAnswer {
        let answer = self.run(async {
            let answer = self.service.invoke(&event, self.invocation()).await;
            self.service.flush().await;
            answer
        });
        TestAnswer::new(event, answer, self.failures.take())
    }

    /// Returns the next invocation; the first one is a cold start.
    pub(super) fn invocation(&self) -> Invocation {
        let deadline = self.time_limit.map(|limit| self.clock().now().saturating_add(limit));
        Invocation { deadline, is_cold_start: self.service.starts_cold(), ..Invocation::default() }
    }

    /// Returns the failures that were reported to the application.
    pub(super) const fn failures(&self) -> &Failures {
        &self.failures
    }
}

impl TestRequest<&TestApp> {
    /// Sends the request, and returns the client's response.
    ///
    /// # Panics
    ///
    /// If the invocation fails, because the service then responds itself. An application with a
    /// handler of requests never fails one.
    #[track_caller]
    pub fn send(self) -> TestResponse {
        let event = self.event();
        let body = event["body"].as_str().unwrap_or_default();
        let blank = if body.is_empty() { "" } else { " " };
        let sent = format!("{}{blank}{body}", self.line());
        TestResponse::read(sent, self.via.source(), self.app.invoke(&event))
    }
}
