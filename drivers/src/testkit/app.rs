//! An application in a test, which answers requests and events.

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

/// An application in a test: it answers requests and events in no time, however long they take by
/// its clock.
///
/// It has a [`TestEnv`], and a runtime of one thread. Whenever all tasks wait, time jumps to the
/// next instant that one of them sleeps until, by the clock of the
/// [context](crate::app::Context::clock) or the [store](Store::clock). Have handlers sleep by such
/// a clock. Waiting for tokio's own timers, for the network or for another thread takes real time,
/// while the application's time jumps on: a time-out around it may end at once.
///
/// Methods that take an expectation panic where it does not hold, and say what was sent, what came
/// and what differs.
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
    /// Calls the function that `main` calls with a store of its own, and builds the application.
    ///
    /// # Panics
    ///
    /// If the application does not build, or inside a runtime, such as that of `#[tokio::test]`:
    /// there, use a [`TestEnv`].
    #[must_use]
    #[track_caller]
    pub fn new<S: Send + Sync + 'static>(app: impl FnOnce(&Store) -> App<S>) -> Self {
        Self::within(TestEnv::new(), app)
    }

    /// As [`new`](Self::new), in an environment: with a store that has layers, or from another
    /// instant on.
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
            "a TestApp has a runtime of its own: use it in a plain `#[test]`, or take a \
             `TestEnv`, and `.await` what the service that it builds answers"
        );
        let failures = Failures::default();
        let app = env.around(app(env.store())).watch_failures(failures.hook());
        let service = match app.build() {
            Ok(service) => service,
            Err(error) => panic!("the application does not build: {error}"),
        };
        let clock = env.clock().clone();
        // When all tasks wait, time passes.
        let runtime = Builder::new_current_thread()
            .enable_all()
            .on_thread_park(move || {
                let _ = clock.jump();
            })
            .build()
            .unwrap_or_else(|error| panic!("the system has no runtime for the test: {error}"));
        Self { env, service, runtime, failures, time_limit: None }
    }

    /// Gives each invocation so much time, as the timeout of a function does on AWS. By default it
    /// has as much as it needs.
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

    /// Runs a future to its end on the application's runtime, in its time: to look at the store, or
    /// to call the [service](Self::service).
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Lets time pass, and with it run what waits for that long at most, each at its own instant:
    /// tasks that handlers have spawned.
    pub fn advance(&self, by: Duration) {
        self.run(self.env.clock().sleep(by));
    }

    /// Returns the built application, for what this type has no method for.
    #[must_use]
    pub const fn service(&self) -> &AppService {
        &self.service
    }

    /// Returns the clock.
    #[must_use]
    pub const fn clock(&self) -> &VirtualClock {
        self.env.clock()
    }

    /// Returns the source of ids. Requests without an id of their own get `test-id-1`, and so on.
    #[must_use]
    pub const fn ids(&self) -> &TestIds {
        self.env.ids()
    }

    /// Returns the store.
    #[must_use]
    pub const fn store(&self) -> &Store {
        self.env.store()
    }

    /// Begins a GET request.
    pub fn get(&self, path: &str) -> TestRequest<&Self> {
        self.request("GET", path)
    }

    /// Begins a POST request.
    pub fn post(&self, path: &str) -> TestRequest<&Self> {
        self.request("POST", path)
    }

    /// Begins a PUT request.
    pub fn put(&self, path: &str) -> TestRequest<&Self> {
        self.request("PUT", path)
    }

    /// Begins a PATCH request.
    pub fn patch(&self, path: &str) -> TestRequest<&Self> {
        self.request("PATCH", path)
    }

    /// Begins a DELETE request.
    pub fn delete(&self, path: &str) -> TestRequest<&Self> {
        self.request("DELETE", path)
    }

    /// Begins a request of any method. The path is percent-encoded, as a client sends it, and may
    /// have a query. It comes from the address [`CLIENT`](Self::CLIENT), unless it says another
    /// one.
    pub fn request(&self, method: &str, path: &str) -> TestRequest<&Self> {
        TestRequest::new(self, method, path).from_address(Self::CLIENT)
    }

    /// The address that requests come from: one that RFC 5737 keeps for documentation.
    pub const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

    /// Sends messages of an SQS queue.
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

    /// Sends messages of a log, as a subscription of CloudWatch Logs delivers them through a
    /// Kinesis stream.
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

    /// Sends an event of EventBridge.
    pub fn event_bridge(&self, entry: EventBridgeEntry) -> TestAnswer {
        self.invoke(&events::event_bridge(entry))
    }

    /// Sends the event of a rule that has a schedule.
    pub fn scheduled_rule(&self, name: &str) -> TestAnswer {
        self.invoke(&events::scheduled_rule(name))
    }

    /// Sends the event of a schedule of EventBridge Scheduler.
    pub fn schedule(&self, group: &str, name: &str) -> TestAnswer {
        self.invoke(&events::schedule(group, name))
    }

    /// Has CloudFormation ask for a change of a custom resource. The answer is what CloudFormation
    /// is told.
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
    /// let told: Value = app.custom_resource("Custom::Cache", &create).answer();
    /// assert_eq!((&told["Status"], &told["PhysicalResourceId"]), (&json!("SUCCESS"), &json!("cache-7")));
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
        if let Some(told) = self.env.take_told().pop() {
            answer.report.came.clone_from(&told);
            answer.answer = Ok(told);
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

    /// The next invocation: the first one is that of a cold start.
    pub(super) fn invocation(&self) -> Invocation {
        let deadline = self.time_limit.map(|limit| self.clock().now().saturating_add(limit));
        Invocation { deadline, is_cold_start: self.service.starts_cold(), ..Invocation::default() }
    }

    /// What the application was told of since it was last asked for.
    pub(super) const fn failures(&self) -> &Failures {
        &self.failures
    }
}

impl TestRequest<&TestApp> {
    /// Sends the request, and returns what its client gets.
    ///
    /// # Panics
    ///
    /// If the invocation fails: what the client gets then is the service's own. Requests always
    /// have an answer where the application has a handler of requests.
    #[track_caller]
    pub fn send(self) -> TestResponse {
        let event = self.event();
        let body = event["body"].as_str().unwrap_or_default();
        let blank = if body.is_empty() { "" } else { " " };
        let sent = format!("{}{blank}{body}", self.line());
        TestResponse::read(sent, self.via.source(), self.app.invoke(&event))
    }
}
