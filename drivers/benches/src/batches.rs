//! Batches: the cost of a record.

use core::hint::black_box;
use std::sync::Arc;

use apptheory::app::events::{BoxError, DynamoDbChange, KinesisMessage, SqsMessage};
use apptheory::app::{App, AppService};
use apptheory_counts::samples::{batch, dynamodb_record, invocation, kinesis_record, sqs_record};
use aws_lambda_events::{dynamodb, kinesis, sqs, streams};
use futures_util::FutureExt as _;
use serde_json::Value;

use crate::measure::{Contender, Effort};
use crate::table::{Group, Row, beside};

pub(crate) const GROUP: Group = Group {
    name: "batches",
    title: "Records of batches",
    how: "One record, of batches of 10, 100 and 10,000: from the text of the event to that of the answer, through \
          an application with one handler, and through a loop over what `aws_lambda_events` reads. Both look at \
          what every record holds and fail one in fifty; the answers are equal. The loop keeps nothing apart: \
          one malformed record, or one panic, fails its whole batch.",
    run,
};

type Source = (&'static str, fn(usize, &str) -> Value, fn(&str) -> String);

const SOURCES: [Source; 3] = [
    ("SQS", sqs_record, sqs_by_hand),
    ("Kinesis", kinesis_record, kinesis_by_hand),
    ("DynamoDB", dynamodb_record, dynamodb_by_hand),
];

fn run(effort: Effort) -> Vec<Row> {
    let app = app();
    let mut rows = Vec::new();
    for (name, record, by_hand) in SOURCES {
        for records in [10, 100, 10_000].map(|records| effort.at_most(records)) {
            let event = batch(records, record);
            assert_eq!(invoke(&app, &event), by_hand(&event));
            let each = u32::try_from(records).expect("few");
            rows.extend(beside(
                effort,
                format!("{name}, batch of {records}"),
                Contender::new("apptheory", || invoke(&app, &event)).each(each),
                [Contender::new("a loop by hand", || by_hand(&event)).each(each)],
            ));
        }
    }
    rows
}

/// The work of a handler on a record's content.
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
    let invoked = app.invoke(black_box(event), invocation());
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
