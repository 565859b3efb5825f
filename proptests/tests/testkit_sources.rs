//! Applications read what the test kit's builders put into events of Kafka, S3, SES, CodeCommit,
//! Amazon MQ, DocumentDB, Firehose, FIFO queues, Cognito, AppSync and authorizers.
#![expect(clippy::panic, reason = "a test ends where an event is none")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use apptheory::App;
use apptheory::app::Json;
use apptheory::app::events::Arguments;
use apptheory::app::kind::cognito::PreSignUp;
use apptheory::error::AppError;
use apptheory::events::{
    ActiveMqRecord, AuthorizerPolicy, AuthorizerRequest, BatchEvent, CodeCommitRecord,
    CognitoEvent, DocumentDbRecord, FirehoseRecord, KafkaRecord, LambdaEvent, RabbitMqRecord,
    S3Record, SesRecord, SignUp, SqsRecord,
};
use apptheory::testkit::TestApp;
use apptheory::testkit::events::{self, DocumentChange, KafkaEntry, MailEntry, S3Entry};
use apptheory_proptests::cases;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

fn batch(event: &str) -> BatchEvent<'_> {
    match LambdaEvent::read(event) {
        Ok(LambdaEvent::Batch(batch)) => batch,
        other => panic!("no batch: {event}: {other:?}"),
    }
}

/// Generates a name of a topic, bucket, repository or queue.
fn name() -> impl Strategy<Value = String> {
    "[a-z0-9]{1,9}"
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn messages_of_fifo_queues(queue in name(), messages in vec(("[a-c]", any::<String>()), 1..12)) {
        let queue = format!("{queue}.fifo");
        let entries = messages.iter().map(|(group, body)| (group, body.as_str()));
        let event = events::sqs_fifo(&queue, entries).to_string();
        let batch = batch(&event);
        prop_assert_eq!(batch.records().len(), messages.len());
        let mut before = String::new();
        for (record, (group, body)) in batch.records().zip(&messages) {
            prop_assert_eq!(record.name(), &queue);
            let read = SqsRecord::read(&record).expect("a message");
            prop_assert_eq!(&read.body, body);
            let read_group = read.attribute("MessageGroupId");
            prop_assert_eq!(read_group.as_deref(), Some(&**group));
            let number = read.attribute("SequenceNumber").expect("a number").into_owned();
            prop_assert!(before < number, "{before} before {number}");
            before = number;
        }
    }

    #[test]
    fn records_of_kafka(
        topic in name(),
        records in vec(
            (
                0..12_u32,
                prop::option::of(any::<Vec<u8>>()),
                prop::option::of(any::<Vec<u8>>()),
                vec(("[a-z]{1,3}", any::<Vec<u8>>()), 0..3),
            ),
            1..9,
        ),
    ) {
        let entries = records.iter().map(|(partition, key, value, headers)| {
            let entry = match (key, value) {
                (key, Some(value)) => {
                    let entry = KafkaEntry::new(value.clone());
                    key.iter().fold(entry, |entry, key| entry.key(key.clone()))
                }
                (key, None) => KafkaEntry::tombstone(key.clone().unwrap_or_default()),
            };
            let entry = entry.partition(*partition);
            headers.iter().fold(entry, |entry, (name, value)| entry.header(name, value.clone()))
        });
        let event = events::kafka(&topic, entries).to_string();
        let batch = batch(&event);
        prop_assert_eq!(batch.records().len(), records.len());
        let mut read: BTreeMap<i64, Vec<_>> = BTreeMap::new();
        for record in batch.records() {
            prop_assert_eq!(record.name(), &topic);
            let record = KafkaRecord::read(&record).expect("a record").into_owned();
            read.entry(record.partition).or_default().push(record);
        }
        let mut read: BTreeMap<_, _> =
            read.into_iter().map(|(partition, records)| (partition, records.into_iter())).collect();
        let mut offsets: BTreeMap<u32, i64> = BTreeMap::new();
        for (partition, key, value, headers) in &records {
            let record = read.get_mut(&i64::from(*partition)).and_then(Iterator::next);
            let record = record.expect("a record of that partition");
            let offset = offsets.entry(*partition).or_default();
            prop_assert_eq!(record.offset, *offset);
            *offset += 1;
            let key = key.clone().or_else(|| value.is_none().then(Vec::new));
            prop_assert_eq!(&record.key, &key);
            prop_assert_eq!(&record.value, value);
            let read: Vec<_> =
                record.headers.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
            prop_assert_eq!(&read, headers);
        }
    }

    #[test]
    fn notifications_of_buckets(
        bucket in name(),
        objects in vec(("\\PC{1,9}", any::<u32>(), prop::option::of("[a-z0-9]{1,5}")), 1..5),
        are_made in any::<bool>(),
    ) {
        let entries = objects.iter().map(|(key, size, version)| {
            let entry = if are_made { S3Entry::put(key) } else { S3Entry::delete(key) };
            let entry = entry.size(u64::from(*size));
            version.iter().fold(entry, |entry, version| entry.version_id(version))
        });
        let event = events::s3(&bucket, entries).to_string();
        let batch = batch(&event);
        prop_assert_eq!(batch.records().len(), objects.len());
        for (record, (key, size, version)) in batch.records().zip(&objects) {
            let read = S3Record::read(&record).expect("an object");
            prop_assert_eq!((record.name(), &*read.bucket), (&*bucket, &*bucket));
            prop_assert_eq!(&read.key, key);
            prop_assert_eq!(read.size, are_made.then_some(u64::from(*size)));
            prop_assert_eq!(&*read.version_id, version.as_deref().unwrap_or_default());
        }
    }

    #[test]
    fn mails(from in "[a-z]{1,5}@[a-z]{1,5}", to in "[a-z]{1,5}@[a-z]{1,5}", subject in "\\PC{0,12}") {
        let event = events::ses(MailEntry::new(&from, &to).subject(&subject)).to_string();
        let batch = batch(&event);
        let read = SesRecord::read(&batch.record(0).expect("one")).expect("a mail");
        prop_assert_eq!((&*read.source, &*read.subject), (&*from, &*subject));
        prop_assert_eq!((&*read.destination, &*read.recipients), {
            (&[(&*to).into()][..], &[(&*to).into()][..])
        });
    }

    #[test]
    fn pushes_and_changes_of_documents(
        repository in name(),
        references in vec("refs/heads/[a-z/]{1,9}", 1..4),
        (database, collection) in (name(), name()),
        documents in vec(btree_map("[a-z]{1,4}", "\\PC{0,6}", 0..3), 1..4),
    ) {
        let event = events::codecommit(&repository, &references).to_string();
        let pushed = batch(&event);
        let record = pushed.record(0).expect("one");
        prop_assert_eq!(record.name(), &repository);
        let push = CodeCommitRecord::read(&record).expect("a push");
        let read: Vec<_> = push.references.iter().map(|one| one.name.to_string()).collect();
        prop_assert_eq!(read, references);

        let documents: Vec<_> = documents
            .iter()
            .enumerate()
            .map(|(id, members)| {
                let mut document = json!(members);
                document["_id"] = json!(id);
                document
            })
            .collect();
        let changes = documents.iter().map(|document| DocumentChange::insert(&collection, document));
        let event = events::documentdb(&database, changes).to_string();
        let changed = batch(&event);
        prop_assert_eq!(changed.records().len(), documents.len());
        for (record, document) in changed.records().zip(&documents) {
            prop_assert_eq!(record.name(), &database);
            let read = DocumentDbRecord::read(&record).expect("a change");
            prop_assert_eq!((&*read.operation, &*read.collection), ("insert", &*collection));
            let whole: Value = serde_json::from_str(read.full_document().expect("it")).expect("JSON");
            prop_assert_eq!(&whole, document);
        }
    }

    #[test]
    fn messages_of_brokers_and_records_of_firehose(
        queue in name(),
        data in vec(any::<Vec<u8>>(), 1..6),
    ) {
        let event = events::activemq(&queue, data.clone()).to_string();
        let read = batch(&event);
        prop_assert_eq!(read.records().len(), data.len());
        for (record, data) in read.records().zip(&data) {
            let message = ActiveMqRecord::read(&record).expect("a message");
            prop_assert_eq!((record.name(), &message.data), (&*queue, data));
        }
        let event = events::rabbitmq(&queue, data.clone()).to_string();
        let read = batch(&event);
        prop_assert_eq!(read.records().len(), data.len());
        for (record, data) in read.records().zip(&data) {
            let message = RabbitMqRecord::read(&record).expect("a message");
            prop_assert_eq!((record.name(), &message.data), (&*queue, data));
        }
        let event = events::firehose(&queue, data.clone()).to_string();
        let read = batch(&event);
        prop_assert_eq!(read.records().len(), data.len());
        for ((record, number), data) in read.records().zip(1..).zip(&data) {
            let read = FirehoseRecord::read(&record).expect("a record");
            prop_assert_eq!((record.name(), &read.data), (&*queue, data));
            prop_assert_eq!(read.record_id, format!("record-{number}"));
        }
    }

    #[test]
    fn questions_of_cognito_appsync_and_authorizers(
        attributes in btree_map("[a-z:_]{1,9}", "\\PC{0,9}", 0..4),
        token in "[A-Za-z0-9._-]{1,20}",
        path in "(/[a-z0-9]{1,4}){1,3}",
        arguments in btree_map("[a-z]{1,5}", any::<i32>(), 0..4),
    ) {
        let seen: Arc<Mutex<BTreeMap<String, String>>> = Arc::default();
        let see = Arc::clone(&seen);
        let sign_up = move |event: CognitoEvent| {
            *see.lock().expect("nobody panics") = event.request.user_attributes;
            core::future::ready(SignUp::default())
        };
        let check = async |asked: AuthorizerRequest| -> Result<AuthorizerPolicy, AppError> {
            let token = asked.bearer_token().ok_or_else(AppError::unauthorized)?.to_owned();
            let asked = format!("{} {}", asked.request.method, asked.request.path);
            Ok(AuthorizerPolicy::allow("user").context("token", token).context("asked", asked))
        };
        let app = TestApp::new(|_| {
            App::new()
                .authorizer(check)
                .cognito(PreSignUp, sign_up)
                .appsync("Query", "order", async |Arguments(given): Arguments<Value>| Json(given))
        });
        app.cognito("PreSignUp_SignUp", &json!({"userAttributes": attributes})).assert_ok();
        prop_assert_eq!(&*seen.lock().expect("nobody panics"), &attributes);
        app.appsync("Query", "order", &arguments).assert_answer(&arguments);

        let answer: Value =
            app.authorize_token(&format!("Bearer {token}"), "PUT", &path).answer();
        prop_assert_eq!(&answer["context"], &json!({"token": token, "asked": format!("PUT {path}")}));
        let request = app.put(&path).header("authorization", &format!("Bearer {token}"));
        let answer: Value = request.via(apptheory::testkit::Via::RestApi).authorize().answer();
        prop_assert_eq!(&answer["context"], &json!({"token": token, "asked": format!("PUT {path}")}));
    }
}
