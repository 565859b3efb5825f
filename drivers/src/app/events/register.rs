//! Registering handlers of events, on routers and applications alike.

use apptheory_core::events::{BatchSource, Rule, Shape};

use crate::app::target::Target;
use crate::app::{App, Handler, Router, kind};

macro_rules! events {
    ($($owner:ident)+) => {$(
        /// Events. Names are trimmed; a blank one, and one that has a handler, is an
        /// [error](crate::app::BuildError::Event) of [`build`](App::build). Records from elsewhere fail.
        impl<S: Send + Sync + 'static> $owner<S> {
            /// Handles the messages of a queue. The event source mapping has to have
            /// `ReportBatchItemFailures`: without it, SQS takes a batch that failed in part for
            /// handled.
            ///
            /// In a FIFO queue, the rest of a message group is not handled once one of its messages
            /// failed.
            #[must_use]
            pub fn sqs<A>(mut self, queue: &str, handler: impl Handler<A, S, kind::Queue>) -> Self {
                let target = Target::Records(BatchSource::Sqs, queue.to_owned());
                self.router().add(target, handler.into_layered());
                self
            }

            /// Handles the records of a Kinesis stream. The event source mapping has to have
            /// `ReportBatchItemFailures`.
            #[must_use]
            pub fn kinesis<A>(
                mut self,
                stream: &str,
                handler: impl Handler<A, S, kind::Stream>,
            ) -> Self {
                let target = Target::Records(BatchSource::Kinesis, stream.to_owned());
                self.router().add(target, handler.into_layered());
                self
            }

            /// Handles the changes of a DynamoDB table. The event source mapping has to have
            /// `ReportBatchItemFailures`.
            #[must_use]
            pub fn dynamodb<A>(
                mut self,
                table: &str,
                handler: impl Handler<A, S, kind::Table>,
            ) -> Self {
                let target = Target::Records(BatchSource::DynamoDbStream, table.to_owned());
                self.router().add(target, handler.into_layered());
                self
            }

            /// Handles the notifications of a topic. What a handler returns is part of the answer,
            /// which only tests read.
            #[must_use]
            pub fn sns<A>(mut self, topic: &str, handler: impl Handler<A, S, kind::Topic>) -> Self {
                self.router().add(Target::Topic(topic.to_owned()), handler.into_layered());
                self
            }

            /// Handles the events that a rule selects. The first that was registered goes first; one
            /// whose events an earlier rule all selects is an error of [`build`](App::build).
            #[must_use]
            pub fn event_bridge<A>(
                mut self,
                rule: Rule,
                handler: impl Handler<A, S, kind::Bus>,
            ) -> Self {
                self.router().add(Target::Event(rule), handler.into_layered());
                self
            }

            /// Handles the events of a schedule, whichever service keeps it: a rule of EventBridge of this
            /// name, or a schedule of EventBridge Scheduler in the group `default`. It is short for
            /// [`event_bridge`](Self::event_bridge) with
            /// [`Rule::scheduled`](apptheory_core::events::Rule::scheduled); for another group use
            /// [`Rule::schedule`](apptheory_core::events::Rule::schedule).
            ///
            /// A schedule with an input of its own sends just that: [`on`](Self::on) takes it.
            ///
            /// ```
            /// use apptheory::app::App;
            ///
            /// let app = App::new().schedule("nightly", async || println!("good night")).build()?;
            /// # Ok::<(), apptheory::app::BuildError>(())
            /// ```
            #[must_use]
            pub fn schedule<A>(
                self,
                name: &str,
                handler: impl Handler<A, S, kind::Bus>,
            ) -> Self {
                self.event_bridge(Rule::scheduled(name), handler)
            }

            /// Handles the events that a shape fits: the input of direct invocations, of Step
            /// Functions, of schedules and rules with an input of their own, of rules of IoT, the
            /// [lists](Shape::list_of) of EventBridge Pipes, and events of services that have no
            /// handlers of their own. What the handler returns is the answer, as JSON.
            ///
            /// Handlers of requests, messages and records go first. An event that none of them is
            /// registered for is for the first shape that fits, in the order in which they were
            /// registered, then for [`otherwise`](Self::otherwise). A whole batch of records is one
            /// event here. A shape whose events an earlier one all fits is an error of
            /// [`build`](App::build).
            ///
            /// An error fails the invocation. Its code is the error type, and of a client's error (4xx)
            /// the message is shown; any other is masked.
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
            pub fn on<A>(mut self, shape: Shape, handler: impl Handler<A, S, kind::Any>) -> Self {
                self.router().add(Target::Shape(shape), handler.into_layered());
                self
            }

            /// Handles the events that nothing else is registered for. See [`on`](Self::on) about answers and errors.
            #[must_use]
            pub fn otherwise<A>(mut self, handler: impl Handler<A, S, kind::Any>) -> Self {
                self.router().add(Target::Otherwise, handler.into_layered());
                self
            }
        }
    )+};
}

events!(Router App);
