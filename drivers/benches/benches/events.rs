//! What a record of a batch costs in time, beside a handler written by hand.
//!
//! For batches of 10, 100 and 10,000 records of SQS, Kinesis and a DynamoDB table: from the event's
//! JSON to that of the answer, through an application with one handler, and through a loop over
//! what `aws_lambda_events` makes of the event. Both look at what every record holds and fail one
//! in fifty. The loop keeps nothing apart: one malformed record, or one panic, fails its batch.
//!
//! Run with `cargo bench -p apptheory-bench --bench events`. Criterion's
//! throughput is in records; compare ratios within a run.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up has to stop")]

use core::hint::black_box;
use core::time::Duration;
use std::sync::Arc;

use apptheory::app::events::{BoxError, DynamoDbChange, KinesisMessage, SqsMessage};
use apptheory::app::{App, AppService, Invocation};
use aws_lambda_events::{dynamodb, kinesis, sqs, streams};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::FutureExt as _;
use serde_json::{Value, json};

/// A message as SQS sends it, 0.7 KB.
fn sqs_record(n: usize, body: &str) -> Value {
    json!({
        "messageId": format!("059f36b4-87a3-44ab-83d2-{n:012}"),
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a".repeat(4),
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1545082649183",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1545082649185"
        },
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:orders",
        "awsRegion": "eu-west-1"
    })
}

/// A record as Kinesis sends it, 0.6 KB.
fn kinesis_record(n: usize, body: &str) -> Value {
    json!({
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "customer-42",
            "sequenceNumber": format!("4959033827149025660855969253836{n:025}"),
            "data": STANDARD.encode(body),
            "approximateArrivalTimestamp": 1_545_084_650.987
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": format!("shardId-000000000006:4959033827149025660855969253836{n:025}"),
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/lambda-role",
        "awsRegion": "eu-west-1",
        "eventSourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/orders"
    })
}

/// A change as a table's stream tells it, 0.7 KB.
fn dynamodb_record(n: usize, body: &str) -> Value {
    json!({
        "eventID": format!("c4ca4238a0b923820dcc509a{n:08}"),
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_545_084_650,
            "Keys": {"PK": {"S": "customer-42"}, "SK": {"S": format!("order-{n}")}},
            "NewImage": {
                "PK": {"S": "customer-42"},
                "SK": {"S": format!("order-{n}")},
                "Body": {"S": body},
                "Amount": {"N": "3"}
            },
            "SequenceNumber": format!("{n:021}"),
            "SizeBytes": 120,
            "StreamViewType": "NEW_AND_OLD_IMAGES"
        },
        "eventSourceARN":
            "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000"
    })
}

fn batch(records: usize, record: fn(usize, &str) -> Value) -> String {
    let records = (0..records).map(|n| {
        let outcome = if n % 50 == 49 { "fail" } else { "ship" };
        record(n, &format!(r#"{{"order":"{n}","items":["tea","ink"],"do":"{outcome}"}}"#))
    });
    json!({"Records": records.collect::<Vec<_>>()}).to_string()
}

/// What a handler does with what a record holds.
fn handle(body: &[u8]) -> Result<(), BoxError> {
    if black_box(body).ends_with(br#""fail"}"#) { Err("out of stock".into()) } else { Ok(()) }
}

fn app() -> AppService {
    App::new()
        .sqs("orders", async |message: Arc<SqsMessage>| handle(message.body.as_bytes()))
        .kinesis("orders", async |record: Arc<KinesisMessage>| handle(&record.data))
        .dynamodb("orders", async |change: Arc<DynamoDbChange>| {
            let image = change.new_image().map_err(|_| "malformed")?.ok_or("no image")?;
            handle(image.text("Body").unwrap_or_default().as_bytes())
        })
        .build()
        .expect("an app")
}

fn invoke(app: &AppService, event: &str) -> String {
    let invoked = app.invoke(black_box(event), Invocation::default());
    invoked.now_or_never().expect("nothing to wait for").expect("an answer")
}

fn sqs_by_hand(event: &str) -> String {
    let event: sqs::SqsEvent = serde_json::from_str(black_box(event)).expect("an event");
    let mut response = sqs::SqsBatchResponse::default();
    for message in event.records {
        if handle(message.body.as_deref().unwrap_or_default().as_bytes()).is_err() {
            let mut failure = sqs::BatchItemFailure::default();
            failure.item_identifier = message.message_id.unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
    }
    serde_json::to_string(&response).expect("JSON")
}

fn kinesis_by_hand(event: &str) -> String {
    let event: kinesis::KinesisEvent = serde_json::from_str(black_box(event)).expect("an event");
    let mut response = streams::KinesisEventResponse::default();
    for record in event.records {
        if handle(&record.kinesis.data).is_err() {
            let mut failure = streams::KinesisBatchItemFailure::default();
            failure.item_identifier = Some(record.kinesis.sequence_number);
            response.batch_item_failures.push(failure);
        }
    }
    serde_json::to_string(&response).expect("JSON")
}

fn dynamodb_by_hand(event: &str) -> String {
    let event: dynamodb::Event = serde_json::from_str(black_box(event)).expect("an event");
    let mut response = streams::DynamoDbEventResponse::default();
    for record in event.records {
        let image: Value = serde_dynamo::from_item(record.change.new_image).expect("an item");
        if handle(image["Body"].as_str().unwrap_or_default().as_bytes()).is_err() {
            let mut failure = streams::DynamoDbBatchItemFailure::default();
            failure.item_identifier = record.change.sequence_number;
            response.batch_item_failures.push(failure);
        }
    }
    serde_json::to_string(&response).expect("JSON")
}

type Source = (&'static str, fn(usize, &str) -> Value, fn(&str) -> String);

const SOURCES: [Source; 3] = [
    ("sqs", sqs_record, sqs_by_hand),
    ("kinesis", kinesis_record, kinesis_by_hand),
    ("dynamodb", dynamodb_record, dynamodb_by_hand),
];

fn batches(criterion: &mut Criterion) {
    let app = app();
    for (name, record, by_hand) in SOURCES {
        let mut group = criterion.benchmark_group(name);
        for records in [10, 100, 10_000_usize] {
            let event = batch(records, record);
            // Peers are worth comparing when they answer alike.
            assert_eq!(invoke(&app, &event), by_hand(&event));
            group.throughput(Throughput::Elements(records as u64));
            group.bench_function(BenchmarkId::new("apptheory", records), |bencher| {
                bencher.iter(|| invoke(&app, &event));
            });
            group.bench_function(BenchmarkId::new("by hand", records), |bencher| {
                bencher.iter(|| by_hand(&event));
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = batches
}
criterion_main!(benches);
