//! Tests of recognizing and reading events.

#![allow(clippy::wildcard_enum_match_arm, reason = "a test names what it looks for")]

use alloc::string::ToString;
use alloc::vec::Vec;

use serde_json::{Value as Json, json};

use crate::document::scans;
use crate::events::{
    AfterFailure, AuthorizerPolicy, BatchSource, Delivery, DynamoDbRecord, DynamoDbSummary,
    ErrorKind, EventInput, HttpSource, InvokeMode, KinesisRecord, LambdaEvent, Routes, Seen, Shape,
    SingleSource, SqsRecord, WebSocketEvent,
};
use crate::time::Timestamp;

fn kind(event: &Json) -> &'static str {
    let text = event.to_string();
    let error = match LambdaEvent::read(&text) {
        Ok(LambdaEvent::Other(event)) => match event.unknown().kind() {
            ErrorKind::Unknown => return "unknown",
            kind => panic!("{kind:?}"),
        },
        Ok(event) => return event.name(),
        Err(error) => error,
    };
    error.event().unwrap_or("no event")
}

#[test]
fn batches_are_recognised_by_the_event_source_of_the_first_record() {
    for (records, expected) in [
        (json!([{"eventSource": " aws:sqs "}]), "sqs"),
        (json!([{"eventSource": "", "EventSource": "aws:sns"}]), "sns"),
        (json!([{"eventSource": "aws:kinesis"}, {}]), "kinesis"),
        (json!([{"eventSource": "aws:dynamodb", "EventSource": "aws:sns"}]), "dynamodb"),
        (json!([{"eventSource": "\u{61}ws:sqs\u{9}"}]), "sqs"),
        (json!([{"eventSource": "aws:s3"}, 5]), "s3"),
        (json!([{"eventSource": "aws:ses"}]), "ses"),
        (json!([{"EventSource": "aws:codecommit"}]), "codecommit"),
        (json!([{"eventSource": "aws:other"}]), "unknown"),
        (json!([{}, {"eventSource": "aws:sqs"}]), "unknown"),
        (json!([{"eventSource": 5}]), "unknown"),
        (json!([{"eventSource": "aws:sqs"}, 5]), "sqs"),
        (json!([{"eventSource": "aws:sqs"}, null, {"eventSource": "aws:sns"}]), "sqs"),
        (json!([null, {"eventSource": "aws:sqs"}]), "unknown"),
        (json!([5, {"eventSource": "aws:sqs"}]), "unknown"),
        (json!([]), "unknown"),
        (json!("x"), "unknown"),
    ] {
        assert_eq!(kind(&json!({"Records": records})), expected, "{records}");
    }
    assert_eq!(kind(&json!({"records": [{"eventSource": "aws:sqs"}]})), "unknown");
}

#[test]
fn record_lists_are_recognised_by_the_source_of_their_event() {
    let (one, lists) = (json!([{}]), json!({"a-0": [{}]}));
    for (source, member, records, expected) in [
        ("aws:kafka", "records", &lists, "kafka"),
        ("SelfManagedKafka", "records", &json!({}), "kafka"),
        ("aws:kafka", "records", &one, "unknown"),
        ("aws:kafka", "messages", &lists, "unknown"),
        ("aws:mq", "messages", &one, "activemq"),
        (" aws:amq ", "messages", &json!([]), "activemq"),
        ("aws:mq", "messages", &lists, "unknown"),
        ("aws:mq", "messages", &json!(null), "unknown"),
        ("aws:rmq", "rmqMessagesByQueue", &lists, "rabbitmq"),
        ("aws:rmq", "messages", &one, "unknown"),
        ("aws:docdb", "events", &one, "documentdb"),
        ("aws:sqs", "records", &lists, "unknown"),
    ] {
        let mut event = json!({"eventSource": source});
        event[member] = records.clone();
        assert_eq!(kind(&event), expected, "{event}");
        // Requests and EventBridge events are still recognized as such.
        event["detail-type"] = json!("t");
        assert_eq!(kind(&event), "eventbridge");
        event["detail-type"] = json!(null);
        event["requestContext"] = json!({"http": {}});
        assert_eq!(kind(&event), "function_url");
    }
    let stream = "arn:aws:firehose:r:1:deliverystream/s";
    for (event, expected) in [
        (json!({"deliveryStreamArn": stream, "records": []}), "firehose"),
        (json!({"deliveryStreamArn": stream, "records": {}}), "unknown"),
        (json!({"deliveryStreamArn": " ", "records": []}), "unknown"),
        (json!({"deliveryStreamArn": stream}), "unknown"),
        (json!({"awslogs": {"data": "x"}}), "cloudwatch_logs"),
        (json!({"awslogs": {"data": ""}}), "unknown"),
        (json!({"awslogs": "x"}), "unknown"),
    ] {
        assert_eq!(kind(&event), expected, "{event}");
    }
    let twice = r#"{"eventSource":"aws:kafka","eventSource":"aws:mq","records":{},"messages":[]}"#;
    assert_eq!(LambdaEvent::read(twice).unwrap().name(), "other");
}

#[test]
fn http_events_are_recognised_by_their_request_context() {
    let url = "a1.Lambda-URL.us-east-1.on.aws.";
    for (event, expected) in [
        (json!({"routeKey": "$default", "requestContext": {"http": {}}}), "apigw_v2"),
        (json!({"routeKey": " ", "requestContext": {"http": {}}}), "function_url"),
        (json!({"routeKey": 5, "requestContext": {"http": {}}}), "function_url"),
        (
            json!({"routeKey": "$default", "requestContext": {"http": {}, "domainName": url}}),
            "function_url",
        ),
        (json!({"httpMethod": "GET", "requestContext": {"http": null}}), "apigw_v1"),
        (json!({"httpMethod": "GET", "requestContext": {"http": "x"}}), "apigw_v1"),
        (json!({"httpMethod": "GET", "requestContext": {"elb": {}}}), "alb"),
        (json!({"httpMethod": "GET", "requestContext": {"elb": null}}), "apigw_v1"),
        (json!({"httpMethod": " ", "requestContext": {"elb": {}}}), "unknown"),
        (json!({"httpMethod": "GET", "requestContext": {"connectionId": "c"}}), "websocket"),
        (json!({"httpMethod": "GET", "requestContext": {"connectionId": ""}}), "apigw_v1"),
        (json!({"httpMethod": "GET", "requestContext": null}), "unknown"),
        (json!({"httpMethod": "GET", "requestContext": []}), "unknown"),
        (json!({"httpMethod": "GET"}), "unknown"),
        (
            json!({"Records": [{"eventSource": "aws:s3"}], "requestContext": {"http": {}}}),
            "function_url",
        ),
    ] {
        assert_eq!(kind(&event), expected, "{event}");
    }
}

/// Returns a request, as each kind of API sends it to its authorizer and to its function.
fn requests() -> [(Json, &'static str); 4] {
    let arn = "arn:aws:execute-api:eu-west-1:111122223333:abc123/prod/GET/orders";
    [
        (
            json!({"type": "REQUEST", "methodArn": arn, "resource": "/orders", "path": "/orders",
                "httpMethod": "GET", "headers": {"x": "1"}, "multiValueHeaders": {"x": ["1"]},
                "queryStringParameters": null, "pathParameters": null, "stageVariables": null,
                "requestContext": {"path": "/prod/orders", "stage": "prod",
                    "httpMethod": "GET", "identity": {"sourceIp": "192.0.2.1"}}}),
            "apigw_v1",
        ),
        (
            json!({"version": "1.0", "type": "REQUEST", "methodArn": arn,
                "identitySource": "t", "authorizationToken": "t", "resource": "/orders",
                "path": "/orders", "httpMethod": "GET", "headers": {},
                "requestContext": {"path": "/orders", "stage": "$default",
                    "httpMethod": "GET"}}),
            "apigw_v1",
        ),
        (
            json!({"version": "2.0", "type": "REQUEST", "routeArn": arn,
                "identitySource": ["t"], "routeKey": "GET /orders", "rawPath": "/orders",
                "rawQueryString": "", "cookies": [], "headers": {},
                "requestContext": {"stage": "$default",
                    "http": {"method": "GET", "path": "/orders"}}}),
            "apigw_v2",
        ),
        (
            json!({"type": "REQUEST", "methodArn":
                "arn:aws:execute-api:eu-west-1:111122223333:abc123/prod/$connect",
                "headers": {}, "requestContext": {"routeKey": "$connect", "stage": "prod",
                    "eventType": "CONNECT", "connectionId": "c="}}),
            "websocket",
        ),
    ]
}

#[test]
fn authorizer_events_are_not_read_as_http_requests() {
    for (event, request) in requests() {
        let text = event.to_string();
        let Ok(LambdaEvent::Single(asked)) = LambdaEvent::read(&text) else { panic!("{event}") };
        let error = asked.raw().unknown();
        assert_eq!(error.to_string(), "apptheory: unknown event type");
        assert!(core::error::Error::source(&error).is_some(), "{event}");
        assert_eq!(asked.raw().seen(), Seen::Single(SingleSource::Authorizer));
        for source in HttpSource::ALL {
            let read = source.read_request(&text).map_err(|error| error.kind());
            assert_eq!(read.err(), Some(ErrorKind::Authorizer), "{source:?} {event}");
        }
        assert!(WebSocketEvent::read(&text).is_err(), "{event}");

        let kind_with = |member: &str, value: Json| {
            let mut event = event.clone();
            event[member] = value;
            kind(&event)
        };
        assert_eq!(kind_with("type", json!(" TOKEN ")), "authorizer", "{event}");
        for other in [json!(null), json!("request"), json!("HTTP"), json!(5)] {
            assert_eq!(kind_with("type", other), request, "{event}");
        }
        let arn = if event["routeArn"].is_null() { "methodArn" } else { "routeArn" };
        assert_eq!(kind_with(arn, json!(null)), request, "{event}");
    }
}

#[test]
fn vpc_lattice_events_are_recognised_by_their_members() {
    let v1 = json!({"raw_path": "/a", "method": "GET", "headers": {}});
    let v2 = json!({"version": "2.0", "path": "/a", "method": "GET",
        "requestContext": {"targetGroupArn": "arn:aws:vpc-lattice:r:1:targetgroup/tg-1"}});
    assert_eq!((kind(&v1), kind(&v2)), ("vpc_lattice_v1", "vpc_lattice_v2"));
    for (event, member) in [(&v1, "raw_path"), (&v1, "method"), (&v2, "path"), (&v2, "method")] {
        let mut bare = event.clone();
        bare[member] = json!(" ");
        assert_eq!(kind(&bare), "unknown", "{bare}");
    }
    let mut bare = v2;
    bare["requestContext"]["targetGroupArn"] = json!(null);
    assert_eq!(kind(&bare), "unknown");
}

#[test]
fn a_window_without_records_is_its_streams() {
    let event = |arn: &str| {
        json!({"Records": [], "window": {"start": "2026-01-01T00:00:00Z",
            "end": "2026-01-01T00:05:00Z"}, "state": {"1": 282}, "shardId": "shardId-0",
            "eventSourceARN": arn, "isFinalInvokeForWindow": true,
            "isWindowTerminatedEarly": false})
    };
    let (stream, table) = ("arn:aws:kinesis:r:1:stream/s", "arn:aws:dynamodb:r:1:table/t");
    assert_eq!(kind(&event(stream)), "kinesis");
    assert_eq!(kind(&event(table)), "dynamodb");
    assert_eq!(kind(&event("arn:aws:sqs:r:1:q")), "unknown");
    let mut bare = event(stream);
    for member in ["window", "state", "isFinalInvokeForWindow"] {
        assert_eq!(kind(&bare), "kinesis");
        bare[member] = json!(null);
    }
    assert_eq!(kind(&bare), "unknown");
}

#[test]
fn members_that_come_twice_are_refused() {
    for event in [
        r#"{"Records":[],"Records":[{"eventSource":"aws:sqs"}]}"#,
        r#"{"Records":[{"eventSource":"aws:sqs","eventSource":"aws:sns"}]}"#,
        r#"{"detail-type":"a","detail-type":"b"}"#,
        r#"{"requestContext":{},"requestContext":{"http":{}}}"#,
        r#"{"requestContext":{"http":{},"http":{}}}"#,
        r#"{"requestContext":{"http":{},"http":null,"connectionId":"c"}}"#,
        r#"{"requestContext":{"http":{},"domainName":"a","domainName":"b"}}"#,
        r#"{"httpMethod":"GET","requestContext":{"elb":{},"elb":null}}"#,
        r#"{"httpMethod":"GET","requestContext":{"connectionId":"c","connectionId":""}}"#,
        r#"{"type":"x","type":"REQUEST","httpMethod":"GET","requestContext":{}}"#,
    ] {
        // Duplicate members of a context belong to no kind; those of the event itself are an error.
        let read = LambdaEvent::read(event);
        assert!(read.is_err() || read.unwrap().name() == "other", "{event}");
    }
}

#[test]
fn eventbridge_has_a_detail_type() {
    assert_eq!(kind(&json!({"detail-type": "Scheduled Event"})), "eventbridge");
    assert_eq!(kind(&json!({"detail-type": null, "detailType": "x"})), "eventbridge");
    let http = json!({"detail-type": "", "requestContext": {"http": {}}});
    assert_eq!(kind(&http), "function_url");
    assert_eq!(kind(&json!({"detail-type": 5})), "unknown");
}

#[test]
fn empty_and_malformed_texts_are_errors_and_other_json_is_an_unknown_event() {
    for (text, expected) in [("", "apptheory: empty event"), (" \n", "apptheory: empty event")] {
        assert_eq!(LambdaEvent::read(text).unwrap_err().to_string(), expected, "{text:?}");
    }
    for text in [" null ", "{}", "[]", "5", "\"{}\""] {
        let Ok(LambdaEvent::Other(event)) = LambdaEvent::read(text) else { panic!("{text}") };
        assert_eq!(event.as_json(), text.trim());
    }
    for text in ["{", "{} x", "nul", "{\"a\":}"] {
        let error = LambdaEvent::read(text).unwrap_err().to_string();
        assert!(error.starts_with("apptheory: parse event envelope: "), "{text}: {error}");
    }
}

/// Reads everything that is read of an event before its handlers run.
fn read_everything(text: &str) {
    let delivery = Delivery::new("", None, Timestamp::UNIX_EPOCH, || "id".into());
    match LambdaEvent::read(text).unwrap() {
        LambdaEvent::Http(event) => {
            let _ = InvokeMode::StreamingForced.target(&event);
            event.request.normalize(None).unwrap();
        }
        LambdaEvent::Batch(event) => {
            let mut batch = event.batch(AfterFailure::Continue);
            while let Some(turn) = batch.take(Timestamp::UNIX_EPOCH) {
                let record = event.record(turn.index()).unwrap();
                let _ = match event.source() {
                    BatchSource::Sqs => SqsRecord::read(&record).unwrap().into_owned().body.len(),
                    BatchSource::Kinesis => KinesisRecord::read(&record).unwrap().data.len(),
                    BatchSource::DynamoDbStream => {
                        DynamoDbRecord::read(&record).unwrap();
                        DynamoDbSummary::of(&record).safe_log.len()
                    }
                    source => EventInput::read(source, &record).unwrap().payload().len(),
                };
                batch.fail(turn);
            }
            batch.finish().unwrap();
        }
        LambdaEvent::Window(event) => {
            assert_eq!(event.records().len(), 1);
            event.answer(serde_json::from_str(event.state()).unwrap()).unwrap();
        }
        LambdaEvent::Sns(records) => {
            assert!(Routes::<()>::new().of_notifications(&records).is_err());
        }
        LambdaEvent::EventBridge(event) => {
            assert!(!event.envelope(&delivery).correlation_id.is_empty());
        }
        LambdaEvent::WebSocket(event) => {
            event.into_request(None).unwrap();
        }
        LambdaEvent::Single(event) => {
            assert!(event.answer(json!(AuthorizerPolicy::deny())).is_ok());
        }
        LambdaEvent::Other(event) => {
            assert!(Shape::member("action").fits(&event));
            assert!(matches!(event.seen(), Seen::Members { .. }));
        }
    }
}

#[test]
fn no_event_is_scanned_twice() {
    let ten = |record: &str| {
        let records: Vec<_> = (0..10).map(|n| record.replace('#', &n.to_string())).collect();
        alloc::format!(r#"{{"Records":[{}]}}"#, records.join(","))
    };
    for text in [
        r#"{"Records":[{"eventSource":"aws:kinesis"}],"state":{"clicks":7},"shardId":"s",
            "window":{"start":"2026-01-01T00:00:00Z","end":"2026-01-01T00:02:00Z"}}"#
            .to_string(),
        r#"{"routeKey":"$default","rawPath":"/","rawQueryString":"a=1","cookies":["a=1"],
            "headers":{"b":"1","a":"2"},"requestContext":{"stage":"$default","requestId":"r",
            "http":{"method":"POST","sourceIp":"192.0.2.1"}},"body":"b"}"#
            .to_string(),
        r#"{"httpMethod":"GET","path":"/","headers":{"a":"b"},"requestContext":{"elb":{}},
            "queryStringParameters":{"a":"1"},"body":""}"#
            .to_string(),
        r#"{"httpMethod":"GET","path":"/","resource":"/","multiValueHeaders":{"a":["b"]},
            "stageVariables":{"APPTHEORYSTREAMINGV1":"1"},"requestContext":{"stage":"dev"}}"#
            .to_string(),
        ten(r##"{"eventSource":"aws:sqs","messageId":"#","body":"b","attributes":
            {"MessageGroupId":"g"},"eventSourceARN":"arn:aws:sqs:r:1:q.fifo"}"##),
        ten(r##"{"eventSource":"aws:kinesis","eventID":"s:#","eventSourceARN":"a:stream/s",
            "kinesis":{"sequenceNumber":"#","data":"aGk="}}"##),
        ten(r##"{"eventSource":"aws:dynamodb","eventID":"#","eventSourceARN":"a:table/t/stream/x",
            "dynamodb":{"SequenceNumber":"#","Keys":{"PK":{"S":"k"}}}}"##),
        ten(r##"{"EventSource":"aws:sns","Sns":{"TopicArn":"a:t","Message":"#"}}"##),
        r#"{"detail-type":"t","source":"s","resources":["a"],"detail":{"correlation_id":"c"}}"#
            .to_string(),
        r#"{"requestContext":{"connectionId":"c","routeKey":"$default","authorizer":
            {"claims":{"sub":"s"}}},"body":"b"}"#
            .to_string(),
        r#"{"type":"TOKEN","authorizationToken":"t","methodArn":"a:b:c:d:e:f/g/GET/h"}"#
            .to_string(),
        r#"{"action":"ship","order":{"id":7}}"#.to_string(),
        ten(
            r##"{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},
            "object":{"key":"a+b","size":7,"sequencer":"0#"}}}"##,
        ),
        r#"{"eventSource":"aws:kafka","eventSourceArn":"a:c","records":{"t-0":[{"topic":"t",
            "partition":0,"offset":1,"value":"aGk=","headers":[{"h":[1,2]}]}]}}"#
            .to_string(),
        r#"{"eventSource":"aws:rmq","rmqMessagesByQueue":{"q::/":[{"basicProperties":
            {"messageId":"m"},"data":"aGk="}]}}"#
            .to_string(),
    ] {
        assert_eq!(scans::of(|| read_everything(&text)).1, text.len(), "{text}");
    }
    // Only a string with escapes is scanned a second time when it is read.
    let body = r#""{\"order\":7}""#;
    let text = ten(&alloc::format!(
        r##"{{"eventSource":"aws:sqs","messageId":"#","body":{body},"md5OfBody":"\u0061"}}"##
    ));
    let scanned = scans::of(|| read_everything(&text)).1;
    assert_eq!(scanned, text.len() + 10 * body.len());
}
