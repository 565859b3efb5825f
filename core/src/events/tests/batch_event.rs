//! Tests of batches: records fail alone, and run in order.

use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use serde_json::{Value as Json, json};

use crate::events::{
    AfterFailure, BatchEvent, BatchRecord, BatchSource, ErrorKind, EventInput, KafkaRecord,
    KinesisRecord,
};
use crate::time::Timestamp;

#[test]
fn identifiers_and_names_are_where_each_service_puts_them() {
    for (source, record, identifier, name) in [
        (
            BatchSource::Sqs,
            r#"{"messageId":" 7 ","eventSourceARN":"arn:aws:sqs:r:1:q","body":5}"#,
            "7",
            "q",
        ),
        (
            BatchSource::Kinesis,
            r#"{"eventSourceARN":"a:b:stream/s/consumer/c:1","kinesis":{"sequenceNumber":"7"}}"#,
            "7",
            "s",
        ),
        (
            BatchSource::DynamoDbStream,
            r#"{"eventID":"e","eventSourceARN":"a:table/t/stream/x","dynamodb":{"SequenceNumber":"7"}}"#,
            "7",
            "t",
        ),
        (BatchSource::Sqs, r#"{"messageId":7,"eventSourceARN":null}"#, "", ""),
        (BatchSource::Kinesis, r#"{"kinesis":[]}"#, "", ""),
        (BatchSource::DynamoDbStream, "null", "", ""),
    ] {
        let event = alloc::format!(r#"{{"Records":[{record}]}}"#);
        let event = BatchEvent::read(source, &event).unwrap();
        let read = event.record(0).unwrap();
        assert_eq!((read.identifier(), read.name()), (identifier, name), "{record}");
        assert_eq!(read.as_json(), record);
    }
}

#[test]
fn no_records_are_an_empty_batch_and_other_types_an_error() {
    for event in ["{}", r#"{"Records":null}"#, r#"{"Records":[]}"#] {
        let event = BatchEvent::read(BatchSource::Sqs, event).unwrap();
        let answer = event.batch(AfterFailure::Continue).finish();
        assert_eq!(answer.unwrap().to_json(), r#"{"batchItemFailures":[]}"#);
    }
    for event in ["", "[]", "null", r#"{"Records":{}}"#] {
        let error = BatchEvent::read(BatchSource::DynamoDbStream, event).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("apptheory: parse dynamodb stream event: "), "{text}");
    }
}

fn faults(source: BatchSource, records: &str) -> Vec<Option<ErrorKind>> {
    let event = alloc::format!(r#"{{"Records":[{records}]}}"#);
    let event = BatchEvent::read(source, &event).unwrap();
    let fault = |record: &BatchRecord<'_>| EventInput::read(source, record).err();
    event.records().map(|record| fault(&record).map(|error| error.kind())).collect()
}

#[test]
fn records_that_are_none_of_their_batch_fail_alone() {
    for (source, records, expected) in [
        (
            BatchSource::Sqs,
            r#"{"eventSource":"aws:sqs"},null,5,{"eventSource":"aws:sns"},{},
                {"EventSource":" aws:sqs "},{"eventSource":null,"EventSource":"aws:kinesis"}"#,
            &[
                None,
                Some(ErrorKind::Malformed),
                Some(ErrorKind::Malformed),
                Some(ErrorKind::ForeignRecord),
                None,
                None,
                Some(ErrorKind::ForeignRecord),
            ][..],
        ),
        (
            BatchSource::Kinesis,
            r#"{"eventSource":"aws:kinesis"},{"eventSource":"aws:dynamodb"},[],
                {"kinesis":{"sequenceNumber":"1","sequenceNumber":"2"}}"#,
            &[
                None,
                Some(ErrorKind::ForeignRecord),
                Some(ErrorKind::Malformed),
                Some(ErrorKind::Malformed),
            ],
        ),
        (
            BatchSource::DynamoDbStream,
            r#"{"eventSource":"aws:kinesis"},{"eventSource":"aws:dynamodb","eventSource":""}"#,
            &[Some(ErrorKind::ForeignRecord), Some(ErrorKind::Malformed)],
        ),
        (
            BatchSource::S3,
            r#"{"eventSource":"aws:s3","s3":{"bucket":{"name":"a","name":"b"}}},
                {"eventSource":"aws:ses"},{"s3":{"object":{"key":5}}},{"s3":null}"#,
            &[
                Some(ErrorKind::Malformed),
                Some(ErrorKind::ForeignRecord),
                Some(ErrorKind::Malformed),
                None,
            ],
        ),
        (
            BatchSource::Sqs,
            r#"{"attributes":{"MessageGroupId":"a","MessageGroupId":"b"}},{"body":"","body":""},
                {"attributes":{"SenderId":"a","SenderId":"b"}},{"x":1,"x":2}"#,
            &[Some(ErrorKind::Malformed), Some(ErrorKind::Malformed), None, None],
        ),
    ] {
        assert_eq!(faults(source, records), expected, "{records}");
    }
}

#[test]
fn events_of_tumbling_windows_are_refused_by_name() {
    for source in [BatchSource::Kinesis, BatchSource::DynamoDbStream] {
        for members in [
            r#""window":{"start":"2026-01-01T00:00:00Z","end":"2026-01-01T00:02:00Z"},"state":{},
                "shardId":"s","isFinalInvokeForWindow":false,"isWindowTerminatedEarly":false"#,
            r#""state":{}"#,
            r#""isFinalInvokeForWindow":true"#,
            r#""isWindowTerminatedEarly":true"#,
        ] {
            for records in ["[]", "[{}]", "null"] {
                let event = alloc::format!(r#"{{"Records":{records},{members}}}"#);
                let error = BatchEvent::read(source, &event).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::TumblingWindow, "{event}");
                assert!(error.to_string().contains("TumblingWindowInSeconds"));
            }
        }
        let plain = r#"{"Records":[],"window":null,"isFinalInvokeForWindow":false}"#;
        assert!(BatchEvent::read(source, plain).is_ok());
    }
    assert!(BatchEvent::read(BatchSource::Sqs, r#"{"Records":[],"state":{}}"#).is_ok());
    assert!(BatchEvent::read(BatchSource::Sqs, r#"{"Records":[],"Records":[]}"#).is_err());
}

#[test]
fn the_strictest_policy_stops_fifo_queues_and_no_others() {
    let record = |queue: &str, id: u8, group: &str| {
        alloc::format!(
            r#"{{"messageId":"{id}","eventSourceARN":"arn:aws:sqs:r:1:{queue}","attributes":
                {{"MessageGroupId":{group}}}}}"#
        )
    };
    for (queue, after_failure, expected) in [
        ("q.fifo", AfterFailure::SkipAll, &["2", "3", "4"][..]),
        ("q.fifo", AfterFailure::SkipGroup, &["2", "4"]),
        ("q.fifo", AfterFailure::Continue, &["2", "4"]),
        ("q", AfterFailure::SkipAll, &["2"]),
    ] {
        let groups = [r#""a""#, r#""b""#, "null", r#""b""#];
        let records: Vec<_> =
            (1..).zip(groups).map(|(id, group)| record(queue, id, group)).collect();
        let event = alloc::format!(r#"{{"Records":[{}]}}"#, records.join(","));
        let event = BatchEvent::read(BatchSource::Sqs, &event).unwrap();
        let mut batch = event.batch(after_failure);
        while let Some(turn) = batch.take(Timestamp::UNIX_EPOCH) {
            if turn.index() == 1 { batch.fail(turn) } else { batch.succeed(turn) }
        }
        let failures = batch.finish().unwrap().failures;
        let named: Vec<_> = failures.iter().map(ToString::to_string).collect();
        assert_eq!(named, expected, "{queue} {after_failure:?}");
    }
}

/// Returns a Kinesis record with this data.
fn streamed(data: &[u8]) -> KinesisRecord<'static> {
    let event = alloc::format!(
        r#"{{"Records":[{{"eventSource":"aws:kinesis","eventID":"s:1","kinesis":
        {{"partitionKey":"p","sequenceNumber":"7","data":"{}"}}}}]}}"#,
        STANDARD.encode(data)
    );
    let event = BatchEvent::read(BatchSource::Kinesis, &event).unwrap();
    KinesisRecord::read(&event.record(0).unwrap()).unwrap().into_owned()
}

#[test]
fn records_in_an_aggregate_are_known_by_their_place() {
    // Partition keys `k1` and `k2`, with the data `hi` and no data.
    let message = b"\x0a\x02k1\x0a\x02k2\x1a\x06\x08\0\x1a\x02hi\x1a\x04\x08\x01\x1a\0";
    let digest = Md5::digest(message);
    let aggregate = [&[0xf3, 0x89, 0x9a, 0xc2][..], message, digest.as_slice()].concat();
    let record = streamed(&aggregate);
    assert_eq!(record.sub_sequence_number, None);
    let records: Vec<_> = record.user_records().unwrap().collect();
    let told: Vec<_> = records
        .iter()
        .map(|record| (&*record.event_id, &*record.partition_key, &*record.data))
        .collect();
    assert_eq!(told, [("s:1:0", "k1", &b"hi"[..]), ("s:1:1", "k2", b"")]);
    for record in &records {
        assert_eq!(&*record.sequence_number, "7");
        assert!(record.as_json().contains("kinesis"));
    }
    let own = records.into_iter().map(|record| {
        let json = EventInput::Kinesis(Arc::new(record)).as_json().into_owned();
        let own: Json = serde_json::from_str(&json).unwrap();
        let kinesis = &own["kinesis"];
        assert_eq!((&own["eventID"], &kinesis["sequenceNumber"]), (&json!("s:1"), &json!("7")));
        [&kinesis["partitionKey"], &kinesis["data"]].map(Json::clone)
    });
    assert_eq!(own.collect::<Vec<_>>(), [["k1", "aGk="], ["k2", ""]]);
    assert!(streamed(&aggregate[1..]).user_records().is_none());
    assert!(streamed(b"hi").user_records().is_none());
}

#[test]
fn a_change_of_a_table_is_read_from_a_stream() {
    let change = streamed(
        br#" {"awsRegion":"eu-west-1","eventID":"e","eventName":"REMOVE",
        "userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"},
        "recordFormat":"application/json","tableName":"orders",
        "dynamodb":{"ApproximateCreationDateTime":1767225600000,"Keys":{"PK":{"S":"k"}},
        "OldImage":{"PK":{"S":"k"}},"SizeBytes":6},"eventSource":"aws:dynamodb"}"#,
    );
    let change = change.table_change().unwrap();
    assert_eq!((&*change.event_id, change.table(), change.is_expiry()), ("e", "orders", true));
    assert_eq!(change.keys().unwrap().unwrap().text("PK"), Some("k"));
    assert!(change.old_image().unwrap().is_some() && change.new_image().unwrap().is_none());
    for other in [&b"hi"[..], b"", b"[]", b"null", b"{}", br#"{"dynamodb":5}"#, b"\xff"] {
        let error = streamed(other).table_change().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{other:?}");
    }
}

/// Returns the records that may run before any has finished.
fn runnable(source: BatchSource, records: &str) -> Vec<usize> {
    let event = alloc::format!(r#"{{"Records":[{records}]}}"#);
    let event = BatchEvent::read(source, &event).unwrap();
    let mut batch = event.batch(AfterFailure::Continue);
    core::iter::from_fn(|| batch.take(Timestamp::UNIX_EPOCH)).map(|turn| turn.index()).collect()
}

#[test]
fn groups_and_shards_have_an_order() {
    let fifo = |queue: &str| {
        let record = |group: &str| {
            let arn = alloc::format!("arn:aws:sqs:r:1:{queue}");
            alloc::format!(
                r#"{{"eventSourceARN":"{arn}","attributes":{{"MessageGroupId":{group}}}}}"#
            )
        };
        [record(r#""a""#), record(r#""b""#), record(r#""a""#), record("null"), record(" 5")]
            .join(",")
    };
    assert_eq!(runnable(BatchSource::Sqs, &fifo("q.fifo")), [0, 1, 3, 4]);
    assert_eq!(runnable(BatchSource::Sqs, &fifo("q")), [0, 1, 2, 3, 4]);
    let shards = r#"{"eventID":"s1:1"},{"eventID":"s2:1"},{"eventID":"s1:2"},{"eventID":"x"}"#;
    assert_eq!(runnable(BatchSource::Kinesis, shards), [0, 1, 3]);
    assert_eq!(runnable(BatchSource::DynamoDbStream, r#"{"eventID":"a"},{"eventID":"b"}"#), [0]);
}

#[test]
fn lists_of_one_name_are_refused_however_many_there_are() {
    let read = |lists: &[alloc::string::String]| {
        let event = alloc::format!(r#"{{"records":{{{}}}}}"#, lists.join(","));
        let event = BatchEvent::read(BatchSource::Kafka, &event).unwrap();
        let read = event.records().map(|record| KafkaRecord::read(&record).is_ok());
        read.collect::<Vec<_>>()
    };
    let list = |name: &str| alloc::format!(r#""{name}":[{{"topic":"t","offset":1}}]"#);
    let mut lists: Vec<_> = (0..20_000).map(|index| list(&alloc::format!("t-{index}"))).collect();
    assert_eq!(read(&lists), [true; 20_000]);
    lists.truncate(3);
    for again in ["t-1", " t-1 ", "t-\\u0031"] {
        lists.push(list(again));
        assert_eq!(read(&lists), [true, false, true, false], "{again:?}");
        lists.pop();
    }
    lists.extend([r#""u-0":1"#.into(), r#""u-1":2"#.into()]);
    assert_eq!(read(&lists), [true, true, true, false, false]);
}

#[test]
fn records_share_the_texts_of_what_they_are_from() {
    for (source, event, name) in [
        (BatchSource::Kafka, r#"{"records":{"\u0074-0":[{"offset":1},{"offset":2}]}}"#, "t"),
        (BatchSource::RabbitMq, r#"{"rmqMessagesByQueue":{"\u0071::/":[{},{}]}}"#, "q"),
        (
            BatchSource::Kinesis,
            r#"{"Records":[{"eventSourceARN":"a:stream/\u0073"},{"eventSourceARN":"a:stream/s"}]}"#,
            "s",
        ),
    ] {
        let event = BatchEvent::read(source, event).unwrap();
        let [first, second] = [0, 1].map(|index| event.record(index).unwrap());
        assert_eq!((first.name(), second.name()), (name, name));
        assert!(core::ptr::eq(first.name(), second.name()), "{source:?}");
    }
    let two = r#"{"Records":[{"eventSourceARN":"r:q"},{"eventSourceARN":"r:p"},{}]}"#;
    let event = BatchEvent::read(BatchSource::Sqs, two).unwrap();
    let names: Vec<_> = event.records().map(|record| record.name()).collect();
    assert_eq!(names, ["q", "p", ""]);
}

#[test]
fn texts_of_an_event_are_those_of_all_its_records() {
    let event = r#"{"eventSourceArn":" a:c ","bootstrapServers":"b-1,b-2",
        "records":{"t-0":[{"topic":"t","offset":1},{"topic":"t","offset":2}]}}"#;
    let event = BatchEvent::read(BatchSource::Kafka, event).unwrap();
    for record in event.records() {
        let record = KafkaRecord::read(&record).unwrap();
        assert_eq!((&*record.event_source_arn, &*record.bootstrap_servers), ("a:c", "b-1,b-2"));
    }
}
