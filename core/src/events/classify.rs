//! Which service an event is from.

use core::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::http::{AuthorizerEvent, HttpSource, is_function_url, refuse_authorizer_event};
use super::raw::{is_object, object, text};
use super::trigger::Trigger;
use super::window::{WindowMembers, batch_source};
use crate::json::{self, JsonError};

/// The kind of an event.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum EventKind {
    /// A batch of SQS messages.
    Sqs,
    /// A batch of Kinesis records.
    Kinesis,
    /// SNS notifications.
    Sns,
    /// A batch of changes of a DynamoDB table.
    DynamoDb,
    /// An event of EventBridge, scheduled ones among them.
    EventBridge,
    /// An HTTP request.
    Http(HttpSource),
    /// A message on a WebSocket, or the start or end of one.
    WebSocket,
}

impl EventKind {
    /// The kind's name: `sqs`, `kinesis`, `sns`, `dynamodb`, `eventbridge`, `apigw_v2`,
    /// `function_url`, `apigw_v1`, `alb` or `websocket`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqs => "sqs",
            Self::Kinesis => "kinesis",
            Self::Sns => "sns",
            Self::DynamoDb => "dynamodb",
            Self::EventBridge => "eventbridge",
            Self::Http(source) => source.name(),
            Self::WebSocket => "websocket",
        }
    }
}

/// Returns the kind of an event, by the first of these that holds:
///
/// 1. `Records` is a list, and its first record is an object from a known source. Later records
///    decide nothing: one that is no object, or of another source, fails when its turn comes;
/// 2. `detail-type` or `detailType` is there: EventBridge;
/// 3. no record is there, but the members of a tumbling window are: the service that
///    `eventSourceARN` names, Kinesis or DynamoDB;
/// 4. `requestContext.http` is there: a function URL if its domain is one, else API Gateway's HTTP
///    API if `routeKey` is there, else a function URL;
/// 5. `requestContext.connectionId` is there: WebSocket;
/// 6. `requestContext` and `httpMethod` are there: a load balancer if `requestContext.elb` is
///    there, else API Gateway's REST API.
///
/// Events that ask a Lambda authorizer are refused before 4. A member of the wrong type is not there,
/// nor is null or a blank text. Names are read in their exact spelling.
///
/// # Errors
///
/// [`ClassifyError`] when nothing holds, the text is no event at all, or one of these members comes
/// twice.
pub fn classify(event: &str) -> Result<EventKind, ClassifyError> {
    match event.trim() {
        "" => return Err(ClassifyError::Empty),
        "null" => return Err(ClassifyError::Unknown),
        _ => {}
    }
    let event: Envelope<'_> = json::read_object(event)?;
    if let Some(kind) = of_records(event.records) {
        return Ok(kind);
    }
    if text(event.detail_type).or_else(|| text(event.camel_detail_type)).is_some() {
        return Ok(EventKind::EventBridge);
    }
    if let Some(kind) = of_window(&event) {
        return Ok(kind);
    }
    let context = object::<Context<'_>>(event.request_context).ok_or(ClassifyError::Unknown)?;
    refuse_authorizer_event(event.event_type, event.method_arn, event.route_arn)?;
    if context.http.is_some_and(is_object) {
        let domain = text(context.domain_name).unwrap_or_default();
        let source = match is_function_url(text(event.route_key).is_some(), &domain) {
            true => HttpSource::FunctionUrl,
            false => HttpSource::ApiGatewayV2,
        };
        return Ok(EventKind::Http(source));
    }
    if text(context.connection_id).is_some() {
        return Ok(EventKind::WebSocket);
    }
    text(event.http_method).ok_or(ClassifyError::Unknown)?;
    let is_alb = context.elb.is_some_and(is_object);
    Ok(EventKind::Http(if is_alb { HttpSource::Alb } else { HttpSource::ApiGatewayV1 }))
}

/// An event is of no kind: the invocation fails. Nothing was handled.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ClassifyError {
    /// The event is blank.
    #[error("apptheory: empty event")]
    Empty,
    /// The event is no JSON object: it was not made by a service that invokes functions.
    #[error("apptheory: parse event envelope: {0}")]
    Envelope(#[from] JsonError),
    /// The event is from no known service: check what the function is wired to.
    #[error("apptheory: unknown event type")]
    Unknown,
    /// The event asks a Lambda authorizer: it is no request.
    #[error("apptheory: unknown event type")]
    Authorizer(
        #[from]
        #[source]
        AuthorizerEvent,
    ),
}

/// The members that tell kinds apart. Null is a missing member.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Envelope<'a> {
    #[serde(borrow, rename = "Records")]
    records: Records<'a>,
    #[serde(borrow, rename = "detail-type")]
    detail_type: Option<&'a RawValue>,
    #[serde(borrow, rename = "detailType")]
    camel_detail_type: Option<&'a RawValue>,
    #[serde(borrow, rename = "requestContext")]
    request_context: Option<&'a RawValue>,
    #[serde(borrow, rename = "routeKey")]
    route_key: Option<&'a RawValue>,
    #[serde(borrow, rename = "httpMethod")]
    http_method: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    event_type: Option<&'a RawValue>,
    #[serde(borrow, rename = "methodArn")]
    method_arn: Option<&'a RawValue>,
    #[serde(borrow, rename = "routeArn")]
    route_arn: Option<&'a RawValue>,
    #[serde(borrow, rename = "eventSourceARN")]
    event_source_arn: Option<&'a RawValue>,
    #[serde(borrow)]
    window: Option<&'a RawValue>,
    #[serde(borrow)]
    state: Option<&'a RawValue>,
    #[serde(borrow, rename = "isFinalInvokeForWindow")]
    is_final: Option<&'a RawValue>,
    #[serde(borrow, rename = "isWindowTerminatedEarly")]
    is_terminated: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Context<'a> {
    #[serde(borrow)]
    http: Option<&'a RawValue>,
    #[serde(borrow)]
    connection_id: Option<&'a RawValue>,
    #[serde(borrow)]
    elb: Option<&'a RawValue>,
    #[serde(borrow)]
    domain_name: Option<&'a RawValue>,
}

/// The services differ in the spelling.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Record<'a> {
    #[serde(borrow, rename = "eventSource")]
    event_source: Option<&'a RawValue>,
    #[serde(borrow, rename = "EventSource")]
    pascal_event_source: Option<&'a RawValue>,
}

/// What of the records tells kinds apart, found in passing: a batch may have thousands. Anything
/// but a list has none.
#[derive(Clone, Copy, Debug, Default)]
struct Records<'a> {
    first: Option<&'a RawValue>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Records<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RecordsVisitor;

        impl<'de> Visitor<'de> for RecordsVisitor {
            type Value = Records<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut records = Records::default();
                while let Some(record) = seq.next_element::<&RawValue>()? {
                    records.first.get_or_insert(record);
                }
                Ok(records)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Records::default())
            }

            fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
                Ok(Records::default())
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Records::default())
            }

            fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Records::default())
            }

            fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Records::default())
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Records::default())
            }

            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Records::default())
            }
        }

        deserializer.deserialize_any(RecordsVisitor)
    }
}

fn of_records(records: Records<'_>) -> Option<EventKind> {
    let first: Record<'_> = object(records.first)?;
    let source = text(first.event_source).or_else(|| text(first.pascal_event_source))?;
    match source.trim() {
        "aws:sqs" => Some(EventKind::Sqs),
        "aws:dynamodb" => Some(EventKind::DynamoDb),
        "aws:kinesis" => Some(EventKind::Kinesis),
        "aws:sns" => Some(EventKind::Sns),
        _ => None,
    }
}

/// The last invocation for a tumbling window may come without any record.
fn of_window(event: &Envelope<'_>) -> Option<EventKind> {
    let Envelope { window, state, is_final, is_terminated, .. } = *event;
    let members = WindowMembers { window, state, is_final, is_terminated };
    if event.records.first.is_some() || !members.are_there() {
        return None;
    }
    match batch_source(&text(event.event_source_arn)?)? {
        Trigger::Kinesis => Some(EventKind::Kinesis),
        Trigger::DynamoDbStream => Some(EventKind::DynamoDb),
        Trigger::Sqs | Trigger::Sns | Trigger::EventBridge | Trigger::WebSocket => None,
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use serde_json::{Value as Json, json};

    use super::{ClassifyError, classify};
    use crate::events::WebSocketEvent;
    use crate::events::{HttpEventError, HttpSource, read_payload_v2};

    fn kind(event: &Json) -> &'static str {
        match classify(&event.to_string()) {
            Ok(kind) => kind.name(),
            Err(ClassifyError::Unknown) => "unknown",
            Err(ClassifyError::Authorizer(_)) => "authorizer",
            Err(ClassifyError::Empty | ClassifyError::Envelope(_)) => "no event",
        }
    }

    #[test]
    fn records_are_told_by_the_first_ones_source() {
        for (records, expected) in [
            (json!([{"eventSource": " aws:sqs "}]), "sqs"),
            (json!([{"eventSource": "", "EventSource": "aws:sns"}]), "sns"),
            (json!([{"eventSource": "aws:kinesis"}, {}]), "kinesis"),
            (json!([{"eventSource": "aws:dynamodb", "EventSource": "aws:sns"}]), "dynamodb"),
            (json!([{"eventSource": "\u{61}ws:sqs\u{9}"}]), "sqs"),
            (json!([{"eventSource": "aws:s3"}]), "unknown"),
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
    fn http_is_told_by_the_context() {
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

    /// A request, as each kind of API hands it to its authorizer and to the function behind it.
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
    fn what_asks_an_authorizer_is_no_request() {
        for (event, request) in requests() {
            let text = event.to_string();
            let error = classify(&text).unwrap_err();
            assert_eq!(error.to_string(), "apptheory: unknown event type");
            assert!(core::error::Error::source(&error).is_some(), "{event}");
            assert!(read_payload_v2(&text).is_none(), "{event}");
            for source in HttpSource::ALL {
                let read = source.read_request(&text);
                assert!(matches!(read, Err(HttpEventError::Authorizer(_))), "{source:?} {event}");
            }
            assert!(WebSocketEvent::read(&text).is_err(), "{event}");

            let told = |member: &str, value: Json| {
                let mut event = event.clone();
                event[member] = value;
                kind(&event)
            };
            assert_eq!(told("type", json!(" TOKEN ")), "authorizer", "{event}");
            for other in [json!(null), json!("request"), json!("HTTP"), json!(5)] {
                assert_eq!(told("type", other), request, "{event}");
            }
            let arn = if event["routeArn"].is_null() { "methodArn" } else { "routeArn" };
            assert_eq!(told(arn, json!(null)), request, "{event}");
        }
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
            r#"{"type":"x","type":"REQUEST","httpMethod":"GET","requestContext":{}}"#,
        ] {
            assert!(classify(event).is_err(), "{event}");
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
    fn what_is_no_event_says_so() {
        for (text, expected) in [
            ("", "apptheory: empty event"),
            (" \n", "apptheory: empty event"),
            (" null ", "apptheory: unknown event type"),
            ("{}", "apptheory: unknown event type"),
        ] {
            assert_eq!(classify(text).unwrap_err().to_string(), expected, "{text:?}");
        }
        for text in ["[]", "5", "{", "{} x", "\"{}\"", "nul", "{\"a\":}"] {
            let error = classify(text).unwrap_err().to_string();
            assert!(error.starts_with("apptheory: parse event envelope: "), "{text}: {error}");
        }
    }
}
