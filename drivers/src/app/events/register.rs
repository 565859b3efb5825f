//! Registering handlers of events, on routers and applications.

use apptheory_core::events::{BatchSource, RecordReader, Rule, Shape};

use crate::app::target::Target;
use crate::app::{App, Handler, Router, kind};

macro_rules! events {
    ($($owner:ident)+) => {$(
        /// Events. Names are trimmed. A blank name, or a name that already has a handler, is an
        /// [error](crate::app::BuildError::Event) of [`build`](App::build). Records of other names
        /// fail.
        impl<S: Send + Sync + 'static> $owner<S> {
            /// Handles the messages of an SQS queue. Set `ReportBatchItemFailures` on the event
            /// source mapping: without it, SQS deletes a batch of which only a part succeeded.
            ///
            /// In a FIFO queue, a failed message fails the rest of its message group, so that the
            /// order is kept.
            ///
            /// ```
            /// use apptheory::prelude::*;
            ///
            /// #[derive(serde::Deserialize)]
            /// struct Order { id: u32 }
            ///
            /// async fn ship(Json(order): Json<Order>) -> Result<(), AppError> {
            ///     println!("shipping {}", order.id);
            ///     Ok(())
            /// }
            ///
            /// let app = App::new().sqs("orders", ship).build()?;
            /// # Ok::<(), BuildError>(())
            /// ```
            #[must_use]
            pub fn sqs<A>(self, queue: &str, handler: impl Handler<A, S, kind::Queue>) -> Self {
                let reader = const { RecordReader::of(BatchSource::Sqs) };
                self.register_records(reader, queue, handler)
            }

            /// Handles the records of a Kinesis stream. Set `ReportBatchItemFailures` on the event
            /// source mapping.
            #[must_use]
            pub fn kinesis<A>(
                self,
                stream: &str,
                handler: impl Handler<A, S, kind::Stream>,
            ) -> Self {
                let reader = const { RecordReader::of(BatchSource::Kinesis) };
                self.register_records(reader, stream, handler)
            }

            /// Handles the changes of a DynamoDB table. Set `ReportBatchItemFailures` on the event
            /// source mapping.
            #[must_use]
            pub fn dynamodb<A>(
                self,
                table: &str,
                handler: impl Handler<A, S, kind::Table>,
            ) -> Self {
                let reader = const { RecordReader::of(BatchSource::DynamoDbStream) };
                self.register_records(reader, table, handler)
            }

            /// Handles the notifications of an SNS topic. Only tests see what the handler returns.
            #[must_use]
            pub fn sns<A>(self, topic: &str, handler: impl Handler<A, S, kind::Topic>) -> Self {
                self.register(Target::Topic(topic.to_owned()), handler)
            }

            /// Handles the EventBridge events that a rule selects. Rules apply in the order of
            /// their registration; a rule whose events an earlier rule already selects is an error
            /// of [`build`](App::build).
            #[must_use]
            pub fn event_bridge<A>(
                self,
                rule: Rule,
                handler: impl Handler<A, S, kind::Bus>,
            ) -> Self {
                self.register(Target::Event(rule), handler)
            }

            /// Handles the events of a schedule: an EventBridge rule of this name, or an
            /// EventBridge Scheduler schedule in the group `default`. This is short for
            /// [`event_bridge`](Self::event_bridge) with
            /// [`Rule::scheduled`](apptheory_core::events::Rule::scheduled); for another group use
            /// [`Rule::schedule`](apptheory_core::events::Rule::schedule).
            ///
            /// A schedule with an input of its own sends only that input: handle it with
            /// [`on`](Self::on).
            ///
            /// ```
            /// use apptheory::app::App;
            ///
            /// let app = App::new().schedule("nightly", async || println!("good night")).build()?;
            /// # Ok::<(), apptheory::app::BuildError>(())
            /// ```
            #[must_use]
            pub fn schedule<A>(self, name: &str, handler: impl Handler<A, S, kind::Bus>) -> Self {
                self.event_bridge(Rule::scheduled(name), handler)
            }

            /// Handles events of a shape: the input of direct invocations, of Step Functions, of
            /// schedules and rules with an input of their own, of IoT rules,
            /// [lists](Shape::list_of) of EventBridge Pipes, and events of services without a
            /// method of their own. The handler's return value is the result, as JSON.
            ///
            /// Handlers of requests, messages and records have priority. An event without such a
            /// handler goes to the first shape that fits, in the order of registration, then to
            /// [`otherwise`](Self::otherwise). A batch of records is one event here. A shape whose
            /// events an earlier shape already accepts is an error of [`build`](App::build).
            ///
            /// An error fails the invocation, with the error's code as its type. The message is
            /// shown for client errors (4xx), and masked otherwise.
            ///
            /// ```
            /// use apptheory::app::{App, Invocation, Json};
            /// use apptheory::events::Shape;
            ///
            /// #[derive(serde::Deserialize)]
            /// struct Task { numbers: Vec<u32> }
            ///
            /// async fn sum(Json(task): Json<Task>) -> Json<u32> {
            ///     Json(task.numbers.iter().sum())
            /// }
            ///
            /// let app = App::new().on(Shape::member_is("action", "sum"), sum).build()?;
            /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            /// let event = r#"{"action":"sum","numbers":[3,4]}"#;
            /// assert_eq!(app.invoke(event, Invocation::default()).await?, "7");
            /// # Ok::<(), apptheory::app::InvokeError>(())
            /// # }).unwrap();
            /// # Ok::<(), apptheory::app::BuildError>(())
            /// ```
            #[must_use]
            pub fn on<A>(self, shape: Shape, handler: impl Handler<A, S, kind::Any>) -> Self {
                self.register(Target::Shape(shape), handler)
            }

            /// Handles the events without any other handler. Results and errors are as in
            /// [`on`](Self::on).
            #[must_use]
            pub fn otherwise<A>(self, handler: impl Handler<A, S, kind::Any>) -> Self {
                self.register(Target::Otherwise, handler)
            }
        }
    )+};
}

events!(Router App);
