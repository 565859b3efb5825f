//! Generates events with every member that is read, most of them of another type.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value as Json, json};

/// Generates texts that are hard to parse.
pub(crate) fn any_text() -> impl Strategy<Value = String> {
    let known = select(vec![
        "aws:sqs",
        "arn:aws:sqs:r:1:q.fifo",
        "arn:aws:kinesis:r:1:stream/s",
        "arn:aws:dynamodb:r:1:table/t/stream/x",
        "arn:aws:events:r:1:rule/r",
        "a.execute-api.eu-west-1.amazonaws.com",
        "aGk=",
        "shard:1",
        "REMOVE",
        " ",
    ]);
    prop_oneof!["\\PC{0,6}", "[a %=\r\n\t\0\u{a0}\u{2028}é]{0,6}", known.prop_map(str::to_owned)]
}

fn name() -> impl Strategy<Value = String> {
    let known = select(vec![
        "Records",
        "messageId",
        "eventID",
        "eventName",
        "eventSource",
        "eventSourceARN",
        "awsRegion",
        "body",
        "attributes",
        "MessageGroupId",
        "kinesis",
        "sequenceNumber",
        "data",
        "dynamodb",
        "SequenceNumber",
        "SizeBytes",
        "NewImage",
        "Keys",
        "Sns",
        "TopicArn",
        "source",
        "detail-type",
        "detailType",
        "resources",
        "detail",
        "metadata",
        "headers",
        "X-Correlation-Id",
        "correlation_id",
        "result",
        "processed",
        "requestContext",
        "routeKey",
        "connectionId",
        "domainName",
        "stage",
        "path",
        "isBase64Encoded",
        "S",
        "records",
        "messages",
        "events",
        "event",
        "rmqMessagesByQueue",
        "topic",
        "partition",
        "offset",
        "key",
        "value",
        "s3",
        "bucket",
        "object",
        "size",
        "ses",
        "mail",
        "receipt",
        "codecommit",
        "references",
        "ns",
    ]);
    prop_oneof![9 => known.prop_map(str::to_owned), 1 => any_text()]
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        1 => Just(Json::Null),
        1 => any::<bool>().prop_map(Json::from),
        1 => any::<i64>().prop_map(Json::from),
        1 => any::<f64>().prop_map(Json::from),
        5 => any_text().prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
            prop::collection::btree_map(name(), inner, 0..6)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

/// Generates a record of some trigger, or anything else.
pub(crate) fn any_record() -> impl Strategy<Value = Json> {
    let text = || prop_oneof![6 => any_text().prop_map(Json::from), 1 => any_json()];
    let record = (text(), text(), text(), text()).prop_map(|(arn, id, number, data)| {
        json!({
            "eventSource": "aws:sqs", "eventSourceARN": arn, "messageId": id, "eventID": id,
            "attributes": {"MessageGroupId": number},
            "kinesis": {"sequenceNumber": number, "data": data},
            "dynamodb": {"SequenceNumber": number, "NewImage": data},
            "Sns": {"TopicArn": arn, "Message": data},
            "s3": {"bucket": {"name": arn}, "object": {"key": data, "sequencer": number}},
            "topic": id, "offset": number, "key": data, "value": data, "headers": [{"a": number}],
            "destination": {"physicalName": arn}, "messageID": id, "data": data,
            "event": {"ns": {"db": arn}, "_id": {"_data": number}, "fullDocument": data},
        })
    });
    prop_oneof![4 => record, 1 => any_json()]
}

/// Generates an event of some trigger, or anything else.
pub(crate) fn any_event() -> impl Strategy<Value = Json> {
    let records = prop::collection::vec(any_record(), 0..4);
    let members = prop::collection::btree_map(name(), any_json(), 0..12);
    let lists =
        prop::collection::btree_map("[ab]-[01]", prop::collection::vec(any_record(), 0..3), 0..3);
    let source = select(vec!["aws:kafka", "SelfManagedKafka", "aws:rmq", "aws:mq", "aws:docdb"]);
    let sourced = (source, lists, prop::collection::vec(any_record(), 0..3));
    prop_oneof![
        2 => records.prop_map(|records| json!({"Records": records})),
        1 => sourced.prop_map(|(source, lists, list)| json!({
            "eventSource": source, "records": lists, "rmqMessagesByQueue": lists,
            "messages": list, "events": list,
        })),
        2 => members.prop_map(|members| Json::Object(members.into_iter().collect())),
        1 => any_json(),
    ]
}
