//! Registering handlers of records of Kafka, S3, SES, CodeCommit, Amazon MQ, DocumentDB, Firehose and
//! CloudWatch Logs.

use apptheory_core::events::BatchSource;

use crate::app::target::Target;
use crate::app::{App, Handler, Router, kind};

macro_rules! sources {
    ($($owner:ident)+) => {$(
        /// Records of other services. Names are trimmed; a blank one, and one that has a handler, is an
        /// [error](crate::app::BuildError::Event) of [`build`](App::build). Records from elsewhere fail.
        impl<S: Send + Sync + 'static> $owner<S> {
            /// Handles the records of a topic of Kafka: of Amazon MSK, and of brokers of one's own. The
            /// event source mapping has to have `ReportBatchItemFailures`, which those of Kafka can have
            /// in provisioned mode: without it, Lambda takes a batch that failed in part for handled.
            ///
            /// The records of a partition are handled one after the other. Once one of them failed, the
            /// rest of its partition is not handled, and comes again; other partitions go on, as many at
            /// once as [`event_concurrency`](App::event_concurrency) says.
            #[must_use]
            pub fn kafka<A>(
                mut self,
                topic: &str,
                handler: impl Handler<A, S, kind::KafkaTopic>,
            ) -> Self {
                let target = Target::Records(BatchSource::Kafka, topic.to_owned());
                self.router().add(target, handler.into_layered());
                self
            }

            /// Handles what happens to the objects of a bucket of S3. The first failure fails the
            /// invocation, and Lambda tries it again.
            #[must_use]
            pub fn s3<A>(
                mut self,
                bucket: &str,
                handler: impl Handler<A, S, kind::Bucket>,
            ) -> Self {
                let target = Target::Records(BatchSource::S3, bucket.to_owned());
                self.router().add(target, handler.into_layered());
                self
            }

            /// Handles the mails that SES receives, of all rules that invoke the function. What it
            /// returns is the answer: [`Disposition`](crate::app::events::Disposition), which SES reads
            /// where the rule invokes the function synchronously.
            #[must_use]
            pub fn ses<A>(mut self, handler: impl Handler<A, S, kind::Mail>) -> Self {
                let name = BatchSource::Ses.trigger().as_str();
                let target = Target::Records(BatchSource::Ses, name.to_owned());
                self.router().add(target, handler.into_layered());
                self
            }

            /// Handles pushes to a repository of CodeCommit. The first failure fails the invocation, and
            /// Lambda tries it again.
            #[must_use]
            pub fn codecommit<A>(
                mut self,
                repository: &str,
                handler: impl Handler<A, S, kind::Repository>,
            ) -> Self {
                let target = Target::Records(BatchSource::CodeCommit, repository.to_owned());
                self.router().add(target, handler.into_layered());
                self
            }

            /// Handles the messages of a queue, or of a topic, of Amazon MQ with ActiveMQ. The first
            /// failure fails the invocation, and the broker delivers all messages of it again.
            #[must_use]
            pub fn activemq<A>(
                mut self,
                queue: &str,
                handler: impl Handler<A, S, kind::ActiveMqQueue>,
            ) -> Self {
                let target = Target::Records(BatchSource::ActiveMq, queue.to_owned());
                self.router().add(target, handler.into_layered());
                self
            }

            /// Handles the messages of a queue of Amazon MQ with RabbitMQ, of any virtual host. The first
            /// failure fails the invocation, and the broker delivers all messages of it again.
            #[must_use]
            pub fn rabbitmq<A>(
                mut self,
                queue: &str,
                handler: impl Handler<A, S, kind::RabbitMqQueue>,
            ) -> Self {
                let target = Target::Records(BatchSource::RabbitMq, queue.to_owned());
                self.router().add(target, handler.into_layered());
                self
            }

            /// Handles the changes in a database of DocumentDB, of all its collections. The first failure
            /// fails the invocation, and Lambda sends all changes of it again.
            #[must_use]
            pub fn documentdb<A>(
                mut self,
                database: &str,
                handler: impl Handler<A, S, kind::Database>,
            ) -> Self {
                let target = Target::Records(BatchSource::DocumentDb, database.to_owned());
                self.router().add(target, handler.into_layered());
                self
            }

            /// Transforms the records of a delivery stream of Amazon Data Firehose. A handler returns what
            /// becomes of its record: [`Transformed`](apptheory_core::events::Transformed). One that fails
            /// fails its record alone, and Firehose delivers it to where failures go; so it does with
            /// records that are not handled in time. Records have no order: as many run at once as
            /// [`event_concurrency`](App::event_concurrency) says.
            ///
            /// An answer has 6 MiB at most. Records that do not fit count as failed, and the failure hook is
            /// told: keep the stream's buffer for the transformation small enough.
            #[must_use]
            pub fn firehose<A>(
                mut self,
                stream: &str,
                handler: impl Handler<A, S, kind::DeliveryStream>,
            ) -> Self {
                let target = Target::Records(BatchSource::Firehose, stream.to_owned());
                self.router().add(target, handler.into_layered());
                self
            }

            /// Handles what subscriptions of CloudWatch Logs deliver to the function itself, of all log
            /// groups. A failure fails the invocation, and Lambda tries it again. Deliveries through Kinesis
            /// are records of [`kinesis`](Self::kinesis), and read by
            /// [`cloudwatch_logs`](apptheory_core::events::KinesisRecord::cloudwatch_logs).
            #[must_use]
            pub fn cloudwatch_logs<A>(mut self, handler: impl Handler<A, S, kind::Logs>) -> Self {
                let name = BatchSource::CloudWatchLogs.trigger().as_str();
                let target = Target::Records(BatchSource::CloudWatchLogs, name.to_owned());
                self.router().add(target, handler.into_layered());
                self
            }
        }
    )+};
}

sources!(Router App);
