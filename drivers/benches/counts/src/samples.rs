//! Events as services send them, for benchmarks.

use apptheory::app::Invocation;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The id that Lambda gave an invocation.
pub const REQUEST_ID: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";

/// Returns an invocation with an id, which Lambda always gives.
#[must_use]
pub fn invocation() -> Invocation {
    Invocation { request_id: REQUEST_ID.to_owned(), ..Invocation::default() }
}

/// Returns an event of an HTTP API, as API Gateway sends it: 1.1 kB of JSON.
#[must_use]
pub fn event() -> String {
    let event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/users/42/orders",
        "rawQueryString": "limit=10&tag=a&tag=b",
        "cookies": ["session=1d3a2b", "theme=dark"],
        "headers": {
            "accept": "application/json",
            "accept-encoding": "gzip, deflate, br",
            "content-length": "36",
            "content-type": "application/json",
            "host": "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com",
            "user-agent": "curl/8.5.0",
            "x-amzn-trace-id": "Root=1-67891233-abcdef012345678912345678",
            "x-forwarded-for": "203.0.113.7",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https"
        },
        "queryStringParameters": {"limit": "10", "tag": "a,b"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com",
            "domainPrefix": "a1b2c3d4e5",
            "http": {
                "method": "POST",
                "path": "/users/42/orders",
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "curl/8.5.0"
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "24/Nov/2026:18:30:25 +0000",
            "timeEpoch": 1_795_545_025_000_u64
        },
        "body": "{\"item\":\"tea\",\"amount\":3,\"gift\":false}",
        "isBase64Encoded": false
    });
    event.to_string()
}

/// Returns a message as SQS sends it, 0.7 kB.
#[must_use]
pub fn sqs_record(n: usize, body: &str) -> Value {
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

/// Returns a record as Kinesis sends it, 0.6 kB.
#[must_use]
pub fn kinesis_record(n: usize, body: &str) -> Value {
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

/// Returns a change as the stream of a DynamoDB table sends it, 0.7 kB.
#[must_use]
pub fn dynamodb_record(n: usize, body: &str) -> Value {
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

/// Returns the event of a batch of such records. Every fiftieth makes its handler fail.
#[must_use]
pub fn batch(records: usize, record: fn(usize, &str) -> Value) -> String {
    let records = (0..records).map(|n| {
        let outcome = if n % 50 == 49 { "fail" } else { "ship" };
        record(n, &format!(r#"{{"order":"{n}","items":["tea","ink"],"do":"{outcome}"}}"#))
    });
    json!({"Records": records.collect::<Vec<_>>()}).to_string()
}
