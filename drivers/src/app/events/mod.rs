//! Handlers of events: queues, streams, topics, buses, tables, and single events of other services.
//!
//! This module runs handlers and middleware, limits a panic to its record, and reports failures to
//! the application. [`apptheory_core::events`] decides which handler a record is for, in which
//! order records run, and what is returned so that no record is lost.
//!
//! ```
//! use std::sync::Arc;
//! use apptheory::app::events::SqsMessage;
//! use apptheory::app::{App, Invocation};
//! use apptheory::error::AppError;
//!
//! async fn ship(message: Arc<SqsMessage>) -> Result<(), AppError> {
//!     if message.body == "tea" { Ok(()) } else { Err(AppError::conflict("out of stock")) }
//! }
//!
//! let app = App::new().sqs("orders", ship).build()?;
//! let event = r#"{"Records":[
//!     {"eventSource":"aws:sqs","messageId":"1","eventSourceARN":"a:orders","body":"tea"},
//!     {"eventSource":"aws:sqs","messageId":"2","eventSourceARN":"a:orders","body":"ink"}]}"#;
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let answer = app.invoke(event, Invocation::default()).await?;
//! assert_eq!(answer, r#"{"batchItemFailures":[{"itemIdentifier":"2"}]}"#);
//! # Ok::<(), apptheory::app::InvokeError>(())
//! # }).unwrap();
//! # Ok::<(), apptheory::app::BuildError>(())
//! ```

mod any;
mod batch;
mod bus;
#[cfg(feature = "cloudformation")]
pub(crate) mod cloudformation;
mod firehose;
mod register;
mod routes;
mod settings;
mod single;
mod single_event;
mod single_register;
mod sources;
#[cfg(test)]
#[cfg(feature = "testkit")]
mod tests;
mod values;
mod whole;
mod window;

use std::sync::Arc;

use apptheory_core::error::AppError;
use apptheory_core::events::{
    ActiveMqRecord, CodeCommitRecord, Delivery, DocumentDbRecord, DynamoDbRecord, EventBridgeEvent,
    EventInput, EventObservation, EventOutcome, FirehoseRecord, KafkaRecord, KinesisRecord,
    RabbitMqRecord, S3Record, SesRecord, SnsRecord, SqsRecord, Trigger,
};

pub use any::AnyEvent;
pub(super) use any::NamedRoute;
pub(super) use routes::EventRoutes;
use routes::RecordRoute;
pub(super) use settings::EventSettings;
pub use single_event::Arguments;
pub use values::{Detail, Disposition};
use window::InWindow;
pub use window::WindowState;

use super::cancellation::CancelOnDrop;
use super::chain::Chain;
use super::context::Context;
use super::hooks::Failure;
use super::invocation::Invocation;
use super::services::Services;
use super::subject::Subject;
use super::time::Begun;
use super::{AppService, Response};
use crate::clock::Clock as _;

/// An error of any type. Its message goes to the application's log, not to services or clients.
pub type BoxError = Box<dyn core::error::Error + Send + Sync>;

/// An SQS message.
///
/// ```
/// use std::sync::Arc;
///
/// use apptheory::app::App;
/// use apptheory::app::events::SqsMessage;
///
/// async fn ship(message: Arc<SqsMessage>) {
///     println!("{}: {} bytes", &*message.message_id, message.body.len());
/// }
///
/// let app = App::new().sqs("orders", ship).build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
pub type SqsMessage = SqsRecord<'static>;
/// A Kinesis record, with its data decoded.
pub type KinesisMessage = KinesisRecord<'static>;
/// A change of a DynamoDB table.
pub type DynamoDbChange = DynamoDbRecord<'static>;
/// A Kafka record, with its key, value and headers decoded.
///
/// ```
/// use std::sync::Arc;
/// use apptheory::app::{App, Json};
/// use apptheory::app::events::KafkaMessage;
/// use apptheory::testkit::TestApp;
///
/// async fn count(message: Arc<KafkaMessage>, Json(clicks): Json<u32>) {
///     println!("{} more clicks at offset {}", clicks, message.offset);
/// }
///
/// let app = TestApp::new(|_| App::new().kafka("clicks", count));
/// app.kafka("clicks", ["3", "?", "4"]).assert_failures(["clicks-0:1", "clicks-0:2"]);
/// ```
pub type KafkaMessage = KafkaRecord<'static>;
/// An event of an S3 object, with its key decoded.
///
/// ```
/// use std::sync::Arc;
/// use apptheory::app::App;
/// use apptheory::app::events::S3Object;
/// use apptheory::testkit::TestApp;
///
/// async fn thumbnail(object: Arc<S3Object>) {
///     assert_eq!((&*object.key, object.is_created()), ("my cat.jpg", true));
/// }
///
/// let app = TestApp::new(|_| App::new().s3("photos", thumbnail));
/// app.s3("photos", ["my cat.jpg"]).assert_ok();
/// ```
pub type S3Object = S3Record<'static>;
/// A mail that SES received.
pub type SesMail = SesRecord<'static>;
/// A push to a CodeCommit repository.
pub type CodeCommitPush = CodeCommitRecord<'static>;
/// An ActiveMQ message, with its body decoded.
pub type ActiveMqMessage = ActiveMqRecord<'static>;
/// A RabbitMQ message, with its body decoded.
pub type RabbitMqMessage = RabbitMqRecord<'static>;
/// A change in a DocumentDB database.
pub type DocumentDbChange = DocumentDbRecord<'static>;
/// A record of a Firehose stream, with its data decoded.
///
/// ```
/// use std::sync::Arc;
/// use apptheory::app::App;
/// use apptheory::app::events::FirehoseMessage;
/// use apptheory::events::Transformed;
/// use apptheory::testkit::TestApp;
/// use serde_json::json;
///
/// async fn shout(record: Arc<FirehoseMessage>) -> Transformed {
///     match &*record.data {
///         b"" => Transformed::dropped(),
///         data => Transformed::ok(data.to_ascii_uppercase()),
///     }
/// }
///
/// let app = TestApp::new(|_| App::new().firehose("clicks", shout));
/// app.firehose("clicks", ["hi", ""]).assert_answer(&json!({"records": [
///     {"recordId": "record-1", "result": "Ok", "data": "SEk="},
///     {"recordId": "record-2", "result": "Dropped"},
/// ]}));
/// ```
pub type FirehoseMessage = FirehoseRecord<'static>;
/// An SNS notification.
pub type SnsNotification = SnsRecord<'static>;
/// An EventBridge event.
pub type EventBridgeMessage = EventBridgeEvent<'static>;

/// What the records of an invocation share.
struct Shared {
    delivery: Arc<Delivery>,
    begun: Arc<Begun>,
    services: Arc<Services>,
    trigger: Trigger,
    /// The tumbling window of the records.
    window: Option<Arc<InWindow>>,
}

impl Shared {
    /// Returns a guard that cancels the invocation.
    fn cancel_on_drop(&self) -> CancelOnDrop<'_, Begun> {
        CancelOnDrop::new(&self.begun)
    }

    fn context(&self, record: EventInput) -> Context {
        self.context_of(Subject::Record { record, delivery: Arc::clone(&self.delivery) })
    }

    fn event_context(&self, event: AnyEvent) -> Context {
        self.context_of(Subject::Event { event, delivery: Arc::clone(&self.delivery) })
    }

    fn context_of(&self, subject: Subject) -> Context {
        let context = Context::new(subject, &self.services, &self.begun);
        if let Some(window) = &self.window {
            context.extend(Arc::clone(window));
        }
        context
    }
}

/// A middleware around a record returned a status other than 2xx, without an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a middleware returned status {status} for the record")]
struct Refusal {
    status: u16,
}

/// Returns whether a response means that the record was handled.
pub(crate) const fn is_handled(response: &Response) -> bool {
    // A redirect, for instance to a login page, is a failure, too: otherwise the record would be
    // lost.
    response.error.is_none() && matches!(response.status, 200..=299)
}

impl AppService {
    /// Returns what the records of an invocation share.
    fn share(&self, begun: Arc<Begun>, trigger: Trigger) -> Shared {
        let services = &self.services;
        let now = services.clock.now();
        let Invocation { request_id, deadline, .. } = &begun.invocation;
        let new_id = || services.ids.next_text();
        Shared {
            delivery: Arc::new(Delivery::new(request_id, *deadline, now, new_id)),
            begun,
            services: Arc::clone(services),
            trigger,
            window: None,
        }
    }

    /// Handles a record with a handler and its middleware. If that succeeds, returns what `read`
    /// makes of the response, which is large, and so is not moved through the futures around this
    /// one.
    async fn handle<T>(
        &self,
        chain: &Arc<Chain>,
        context: Context,
        read: impl FnOnce(Response) -> Result<T, AppError>,
    ) -> Result<T, AppError> {
        let response = chain.run(context, self.settings().error_style()).await;
        let status = response.status;
        match response.error {
            Some(error) => Err(error),
            None if is_handled(&response) => read(response),
            None => Err(AppError::internal().with_cause(Refusal { status })),
        }
    }

    /// Records how a record or event was handled, and reports a failure to the application.
    fn conclude_event(
        &self,
        observation: Option<EventObservation>,
        error: Option<AppError>,
        shared: &Shared,
    ) {
        let request_id = &shared.delivery.request_id;
        let outcome = if error.is_some() { EventOutcome::Error } else { EventOutcome::Success };
        self.count_event(shared.trigger, outcome);
        if let Some(observation) = observation {
            self.observe(&observation, outcome, request_id);
        }
        if let Some(error) = error {
            self.report_failure(Failure { request_id: request_id.clone(), error });
        }
    }

    /// Counts an event in the application's metrics.
    pub(super) fn count_event(&self, source: Trigger, outcome: EventOutcome) {
        if let Some(measures) = &self.inner.measures {
            measures.event(source, outcome);
        }
    }

    /// Passes the observation of an event to the application's hooks.
    pub(super) fn observe(
        &self,
        observation: &EventObservation,
        outcome: EventOutcome,
        request_id: &str,
    ) {
        let metric = || match self.inner.events.settings.tags_correlation_id {
            true => observation.metric(outcome),
            false => observation.metric(outcome).without_tag("correlation_id"),
        };
        self.log(&observation.log(outcome), request_id);
        self.measure(request_id, metric, || observation.span(outcome));
    }
}
