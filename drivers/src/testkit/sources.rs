//! Sending events of services with records to an application in a test.

use super::TestApp;
use super::answer::TestAnswer;
use super::events::{self, DocumentChange, KafkaEntry, MailEntry, S3Entry};

impl TestApp {
    /// Sends records of a Kafka topic.
    pub fn kafka<R: Into<KafkaEntry>>(
        &self,
        topic: &str,
        entries: impl IntoIterator<Item = R>,
    ) -> TestAnswer {
        self.invoke(&events::kafka(topic, entries))
    }

    /// Sends events of objects in an S3 bucket.
    pub fn s3<O: Into<S3Entry>>(
        &self,
        bucket: &str,
        entries: impl IntoIterator<Item = O>,
    ) -> TestAnswer {
        self.invoke(&events::s3(bucket, entries))
    }

    /// Sends a mail that SES receives.
    pub fn ses(&self, mail: MailEntry) -> TestAnswer {
        self.invoke(&events::ses(mail))
    }

    /// Sends a push to a CodeCommit repository that changes these branches and tags.
    pub fn codecommit<R: AsRef<str>>(
        &self,
        repository: &str,
        references: impl IntoIterator<Item = R>,
    ) -> TestAnswer {
        self.invoke(&events::codecommit(repository, references))
    }

    /// Sends messages of an ActiveMQ queue.
    pub fn activemq<D: Into<Vec<u8>>>(
        &self,
        queue: &str,
        data: impl IntoIterator<Item = D>,
    ) -> TestAnswer {
        self.invoke(&events::activemq(queue, data))
    }

    /// Sends messages of a RabbitMQ queue.
    pub fn rabbitmq<D: Into<Vec<u8>>>(
        &self,
        queue: &str,
        data: impl IntoIterator<Item = D>,
    ) -> TestAnswer {
        self.invoke(&events::rabbitmq(queue, data))
    }

    /// Sends records of an Amazon Data Firehose stream.
    pub fn firehose<D: Into<Vec<u8>>>(
        &self,
        stream: &str,
        data: impl IntoIterator<Item = D>,
    ) -> TestAnswer {
        self.invoke(&events::firehose(stream, data))
    }

    /// Sends messages of a log group, as a CloudWatch Logs subscription delivers them to the
    /// function directly.
    pub fn log_subscription<M: Into<String>>(
        &self,
        log_group: &str,
        messages: impl IntoIterator<Item = M>,
    ) -> TestAnswer {
        self.invoke(&events::log_subscription(log_group, messages))
    }

    /// Sends changes in a DocumentDB database.
    pub fn documentdb(
        &self,
        database: &str,
        changes: impl IntoIterator<Item = DocumentChange>,
    ) -> TestAnswer {
        self.invoke(&events::documentdb(database, changes))
    }
}
