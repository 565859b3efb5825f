//! Which service an event is from.

use core::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::raw::{is_object, object, text};
use crate::http::adapters::{HttpSource, is_function_url};
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

/// The kind of an event, by the first of these that holds (`http-runtime.md` §10, §20.1):
///
/// 1. `Records` is a list of objects, and the first is from a known source;
/// 2. `detail-type` or `detailType` is there: EventBridge;
/// 3. `requestContext.http` is there: a function URL if its domain is one, else API Gateway's HTTP
///    API if `routeKey` is there, else a function URL;
/// 4. `requestContext.connectionId` is there: WebSocket;
/// 5. `requestContext` and `httpMethod` are there: a load balancer if `requestContext.elb` is
///    there, else API Gateway's REST API.
///
/// A member of the wrong type is not there, nor is null or a blank text. Names are read in their
/// exact spelling.
///
/// # Errors
///
/// [`ClassifyError`] when nothing holds, or the text is no event at all.
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
    let context = object::<Context<'_>>(event.request_context).ok_or(ClassifyError::Unknown)?;
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
    hold_others: bool,
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
                    records.hold_others |= !is_object(record);
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
    if records.hold_others {
        return None;
    }
    let source = text(first.event_source).or_else(|| text(first.pascal_event_source))?;
    match source.trim() {
        "aws:sqs" => Some(EventKind::Sqs),
        "aws:dynamodb" => Some(EventKind::DynamoDb),
        "aws:kinesis" => Some(EventKind::Kinesis),
        "aws:sns" => Some(EventKind::Sns),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use serde_json::{Value as Json, json};

    use super::{ClassifyError, classify};

    fn kind(event: &Json) -> &'static str {
        match classify(&event.to_string()) {
            Ok(kind) => kind.name(),
            Err(ClassifyError::Unknown) => "unknown",
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
            (json!([{"eventSource": "aws:sqs"}, 5]), "unknown"),
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
