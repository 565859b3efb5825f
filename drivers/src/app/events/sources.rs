//! Registering handlers of records of Kafka, S3, SES, CodeCommit, Amazon MQ, DocumentDB, Firehose
//! and CloudWatch Logs.

use apptheory_core::events::{BatchSource, RecordReader};

use crate::app::{App, Handler, Router, kind};

macro_rules! sources {
    ($($owner:ident)+) => {$(
        /// Records of other services. Names are trimmed. A blank name, or a name that already has a
        /// handler, is an [error](crate::app::BuildError::Event) of [`build`](App::build). Records
        /// of other names fail.
        impl<S: Send + Sync + 'static> $owner<S> {
            /// Handles the records of a Kafka topic, on Amazon MSK or on brokers of your own. Set
            /// `ReportBatchItemFailures` on the event source mapping (for Kafka this requires
            /// provisioned mode): without it, Lambda skips a batch of which only a part succeeded.
            ///
            /// The records of a partition are handled one after the other. A failed record fails
            /// the rest of its partition, which is retried; other partitions continue, as many
            /// concurrently as [`event_concurrency`](App::event_concurrency) allows.
            #[must_use]
            pub fn kafka<A>(
                self,
                topic: &str,
                handler: impl Handler<A, S, kind::KafkaTopic>,
            ) -> Self {
                let reader = const { RecordReader::of(BatchSource::Kafka) };
                self.register_records(reader, topic, handler)
            }

            /// Handles the events of objects in an S3 bucket. The first failure fails the
            /// invocation, which Lambda retries.
            #[must_use]
            pub fn s3<A>(self, bucket: &str, handler: impl Handler<A, S, kind::Bucket>) -> Self {
                let reader = const { RecordReader::of(BatchSource::S3) };
                self.register_records(reader, bucket, handler)
            }

            /// Handles the mails that SES receives, for all rules that invoke the function. The
            /// handler may return a [`Disposition`](crate::app::events::Disposition), which SES
            /// reads if the rule invokes the function synchronously.
            #[must_use]
            pub fn ses<A>(self, handler: impl Handler<A, S, kind::Mail>) -> Self {
                let name = BatchSource::Ses.trigger().as_str();
                let reader = const { RecordReader::of(BatchSource::Ses) };
                self.register_records(reader, name, handler)
            }

            /// Handles pushes to a CodeCommit repository. The first failure fails the invocation,
            /// which Lambda retries.
            #[must_use]
            pub fn codecommit<A>(
                self,
                repository: &str,
                handler: impl Handler<A, S, kind::Repository>,
            ) -> Self {
                let reader = const { RecordReader::of(BatchSource::CodeCommit) };
                self.register_records(reader, repository, handler)
            }

            /// Handles the messages of a queue or topic of Amazon MQ for ActiveMQ. The first
            /// failure fails the invocation, and the broker redelivers all of its messages.
            #[must_use]
            pub fn activemq<A>(
                self,
                queue: &str,
                handler: impl Handler<A, S, kind::ActiveMqQueue>,
            ) -> Self {
                let reader = const { RecordReader::of(BatchSource::ActiveMq) };
                self.register_records(reader, queue, handler)
            }

            /// Handles the messages of a queue of Amazon MQ for RabbitMQ, in any virtual host. The
            /// first failure fails the invocation, and the broker redelivers all of its messages.
            #[must_use]
            pub fn rabbitmq<A>(
                self,
                queue: &str,
                handler: impl Handler<A, S, kind::RabbitMqQueue>,
            ) -> Self {
                let reader = const { RecordReader::of(BatchSource::RabbitMq) };
                self.register_records(reader, queue, handler)
            }

            /// Handles the changes in a DocumentDB database, in all of its collections. The first
            /// failure fails the invocation, and Lambda resends all of its changes.
            #[must_use]
            pub fn documentdb<A>(
                self,
                database: &str,
                handler: impl Handler<A, S, kind::Database>,
            ) -> Self {
                let reader = const { RecordReader::of(BatchSource::DocumentDb) };
                self.register_records(reader, database, handler)
            }

            /// Transforms the records of an Amazon Data Firehose stream. The handler returns a
            /// [`Transformed`](apptheory_core::events::Transformed) record. A record that fails, or
            /// is not finished in time, fails alone; Firehose delivers it to its error output.
            /// Records have no order: as many run concurrently as
            /// [`event_concurrency`](App::event_concurrency) allows.
            ///
            /// A response has at most 6 MiB. Records that do not fit fail, and are reported to the
            /// failure hook: use a small enough buffer for the transformation.
            #[must_use]
            pub fn firehose<A>(
                self,
                stream: &str,
                handler: impl Handler<A, S, kind::DeliveryStream>,
            ) -> Self {
                let reader = const { RecordReader::of(BatchSource::Firehose) };
                self.register_records(reader, stream, handler)
            }

            /// Handles what CloudWatch Logs subscriptions deliver to the function directly, for all
            /// log groups. A failure fails the invocation, which Lambda retries. Deliveries through
            /// Kinesis are records of [`kinesis`](Self::kinesis); read them with
            /// [`cloudwatch_logs`](apptheory_core::events::KinesisRecord::cloudwatch_logs).
            #[must_use]
            pub fn cloudwatch_logs<A>(self, handler: impl Handler<A, S, kind::LogGroup>) -> Self {
                let name = BatchSource::CloudWatchLogs.trigger().as_str();
                let reader = const { RecordReader::of(BatchSource::CloudWatchLogs) };
                self.register_records(reader, name, handler)
            }
        }
    )+};
}

sources!(Router App);
