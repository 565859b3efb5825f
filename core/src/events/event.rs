//! The one reader of events: which service an event is from, and what it says.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::batch_event::{BatchEvent, BatchSource};
use super::error::Error;
use super::event_bridge::EventBridgeEvent;
use super::http::{HttpEvent, HttpSource};
use super::sns::{self, SnsRecord};
use super::websocket::WebSocketEvent;
use crate::document::{Document, Object, Value};
use crate::json::JsonError;

/// An event that invoked the function, read.
///
/// ```
/// use apptheory_core::events::{HttpSource, LambdaEvent};
///
/// let event = r#"{"rawPath":"/hi","requestContext":{"http":{"method":"GET"}}}"#;
/// let LambdaEvent::Http(event) = LambdaEvent::read(event)? else { panic!("a request") };
/// assert_eq!((event.source, &*event.request.method), (HttpSource::FunctionUrl, "GET"));
/// # Ok::<(), apptheory_core::events::Error>(())
/// ```
#[derive(Clone, Debug)]
pub enum LambdaEvent<'a> {
    /// An HTTP request.
    Http(HttpEvent<'a>),
    /// A batch of SQS messages, of Kinesis records, or of changes of a DynamoDB table.
    Batch(BatchEvent<'a>),
    /// SNS notifications.
    Sns(Vec<SnsRecord<'a>>),
    /// An event of EventBridge, scheduled ones among them.
    EventBridge(EventBridgeEvent<'a>),
    /// A message on a WebSocket, or the start or end of one.
    WebSocket(WebSocketEvent<'a>),
}

/// Which service an event is from.
#[derive(Clone, Copy)]
enum Kind {
    Http(HttpSource),
    Batch(BatchSource),
    Sns,
    EventBridge,
    WebSocket,
}

impl<'a> LambdaEvent<'a> {
    /// Reads an event, and scans its text once for that. Which service it is from is decided by the
    /// first of these that holds:
    ///
    /// 1. `Records` is a list, and its first record is an object from a known source. Later records
    ///    decide nothing: one that is no object, or of another source, fails when its turn comes;
    /// 2. `detail-type` or `detailType` is there: EventBridge;
    /// 3. no record is there, but the members of a tumbling window are: the service that
    ///    `eventSourceARN` names, Kinesis or DynamoDB;
    /// 4. `requestContext.http` is there: a function URL if its domain is one, else API Gateway's
    ///    HTTP API if `routeKey` is there, else a function URL;
    /// 5. `requestContext.connectionId` is there: WebSocket;
    /// 6. `requestContext` and `httpMethod` are there: a load balancer if `requestContext.elb` is
    ///    there, else API Gateway's REST API.
    ///
    /// Events that ask a Lambda authorizer are refused before 4. A member of the wrong type is not
    /// there, nor is null or a blank text. Names are read in their exact spelling.
    ///
    /// # Errors
    ///
    /// [`Error`] when nothing holds, the text is not a JSON object, or the event is not what its
    /// service sends.
    pub fn read(text: &'a str) -> Result<Self, Error> {
        if text.trim().is_empty() {
            return Err(Error::empty());
        }
        let document = Document::scan(text).map_err(Error::envelope)?;
        let event = document.root().object().map_err(Error::envelope)?;
        let kind = kind_of(event)?;
        let read = match kind {
            Kind::Http(source) => HttpEvent::of(source, event).map(Self::Http),
            Kind::Sns => sns::of(event).map(Self::Sns),
            Kind::EventBridge => EventBridgeEvent::of(text, event).map(Self::EventBridge),
            Kind::WebSocket => WebSocketEvent::of(event).map(Self::WebSocket),
            Kind::Batch(source) => BatchEvent::of(source, document).map(Self::Batch),
        };
        read.map_err(|error| error.of(kind.name()))
    }

    /// The name of the service and format: `sqs`, `kinesis`, `sns`, `dynamodb`, `eventbridge`,
    /// `apigw_v2`, `function_url`, `apigw_v1`, `alb` or `websocket`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        let kind = match self {
            Self::Http(event) => Kind::Http(event.source),
            Self::Batch(event) => Kind::Batch(event.source()),
            Self::Sns(_) => Kind::Sns,
            Self::EventBridge(_) => Kind::EventBridge,
            Self::WebSocket(_) => Kind::WebSocket,
        };
        kind.name()
    }
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Http(source) => source.name(),
            Self::Batch(BatchSource::Sqs) => "sqs",
            Self::Batch(BatchSource::Kinesis) => "kinesis",
            Self::Batch(BatchSource::DynamoDbStream) => "dynamodb",
            Self::Sns => "sns",
            Self::EventBridge => "eventbridge",
            Self::WebSocket => "websocket",
        }
    }
}

fn kind_of(event: Object<'_, '_>) -> Result<Kind, Error> {
    let get = |name| event.get(name).map_err(Error::envelope);
    let records = get("Records")?;
    if let Some(kind) = of_first_record(records) {
        return Ok(kind);
    }
    // EventBridge writes `detail-type`. The other spelling is that of events which programs put
    // together by hand, after the attribute of SDKs and of CloudFormation.
    let detail_types = [get("detail-type")?, get("detailType")?];
    if detail_types.into_iter().any(|name| name.filled_text().is_some()) {
        return Ok(Kind::EventBridge);
    }
    // The last invocation for a tumbling window brings no record when none came for a while, so no
    // record says which service it is from; the event itself does.
    if first(records).is_none() && is_of_window(event).map_err(Error::envelope)? {
        match get("eventSourceARN")?.trimmed().split(':').nth(2) {
            Some("kinesis") => return Ok(Kind::Batch(BatchSource::Kinesis)),
            Some("dynamodb") => return Ok(Kind::Batch(BatchSource::DynamoDbStream)),
            _ => {}
        }
    }
    let context = get("requestContext")?;
    if !context.is_object() {
        return Err(Error::unknown());
    }
    refuse_authorizer(event, Error::envelope)?;
    // Only payload format 2.0 has `http`: the method and path of format 1.0 are members of the event.
    if context.member("http").is_object() {
        return Ok(Kind::Http(source_of_v2(get("routeKey")?, context)));
    }
    // Events of WebSockets on `$connect` have the members of a REST API's request, too.
    if context.member("connectionId").filled_text().is_some() {
        return Ok(Kind::WebSocket);
    }
    get("httpMethod")?.filled_text().ok_or_else(Error::unknown)?;
    // Load balancers have the format of REST APIs, in a context of which they know nothing but this.
    let is_alb = context.member("elb").is_object();
    Ok(Kind::Http(if is_alb { HttpSource::Alb } else { HttpSource::ApiGatewayV1 }))
}

/// The first record decides: Lambda never mixes services in one batch.
fn of_first_record(records: Value<'_, '_>) -> Option<Kind> {
    let record = first(records)?;
    let object = record.object().ok()?;
    // A record that names two sources is from neither.
    object.get("eventSource").ok()?;
    object.get("EventSource").ok()?;
    match &*source_of_record(record)? {
        "aws:sqs" => Some(Kind::Batch(BatchSource::Sqs)),
        "aws:dynamodb" => Some(Kind::Batch(BatchSource::DynamoDbStream)),
        "aws:kinesis" => Some(Kind::Batch(BatchSource::Kinesis)),
        "aws:sns" => Some(Kind::Sns),
        _ => None,
    }
}

fn first<'a, 'd>(records: Value<'a, 'd>) -> Option<Value<'a, 'd>> {
    records.list().ok()?.next()
}

/// Which service a record says that it is from. SNS spells the member with a capital letter, all
/// others do not.
pub(super) fn source_of_record<'a>(record: Value<'a, '_>) -> Option<Cow<'a, str>> {
    let sources = ["eventSource", "EventSource"].into_iter();
    sources.map(|name| record.member(name).trimmed()).find(|source| !source.is_empty())
}

/// Whether an event is of a tumbling window: Lambda expects such an invocation to answer with
/// `state`, and counts it failed otherwise. A flag that is false says nothing.
pub(super) fn is_of_window(event: Object<'_, '_>) -> Result<bool, JsonError> {
    let mut is_there = !event.get("window")?.is_null() || !event.get("state")?.is_null();
    for name in ["isFinalInvokeForWindow", "isWindowTerminatedEarly"] {
        let flag = event.get(name)?;
        is_there |= !flag.is_null() && flag.flag() != Ok(false);
    }
    Ok(is_there)
}

/// Function URLs send events of HTTP APIs, with `routeKey` since a while, and always `$default`: their
/// domain, `{id}.lambda-url.{region}.on.aws`, tells them. Emulators leave the domain out, and most of
/// them the route key of function URLs.
fn source_of_v2(route_key: Value<'_, '_>, context: Value<'_, '_>) -> HttpSource {
    let domain = context.member("domainName").trimmed().to_ascii_lowercase();
    let domain = domain.strip_suffix('.').unwrap_or(&domain);
    let is_url = domain.contains(".lambda-url.") && domain.ends_with(".on.aws");
    match is_url || route_key.filled_text().is_none() {
        true => HttpSource::FunctionUrl,
        false => HttpSource::ApiGatewayV2,
    }
}

/// Refuses an event that asks a Lambda authorizer whether a request may pass. It looks like that
/// request, but nobody has authorized it yet: no route may see it. Authorizers are asked with `type`
/// and `methodArn` (REST and WebSocket APIs, and HTTP APIs with payload 1.0) or `routeArn` (HTTP APIs
/// with payload 2.0). Requests have neither ARN.
///
/// Every reader that makes a request of an event asks this.
pub(super) fn refuse_authorizer(
    event: Object<'_, '_>,
    malformed: impl Fn(JsonError) -> Error,
) -> Result<(), Error> {
    let get = |name| event.get(name).map_err(&malformed);
    let asks = matches!(&*get("type")?.trimmed(), "REQUEST" | "TOKEN");
    let names_route = [get("methodArn")?, get("routeArn")?];
    let names_route = names_route.into_iter().any(|arn| arn.filled_text().is_some());
    if asks && names_route { Err(Error::authorizer()) } else { Ok(()) }
}

#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "a test names what it looks for")]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use serde_json::{Value as Json, json};

    use super::LambdaEvent;
    use crate::document::scans;
    use crate::events::{
        AfterFailure, BatchSource, Delivery, DynamoDbRecord, DynamoDbSummary, ErrorKind,
        HttpSource, InvokeMode, KinesisRecord, Routes, SqsRecord, WebSocketEvent,
    };
    use crate::time::Timestamp;

    fn kind(event: &Json) -> &'static str {
        let text = event.to_string();
        let error = match LambdaEvent::read(&text) {
            Ok(event) => return event.name(),
            Err(error) => error,
        };
        match error.kind() {
            ErrorKind::Unknown => "unknown",
            ErrorKind::Authorizer => "authorizer",
            _ => error.event().unwrap_or("no event"),
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
            let error = LambdaEvent::read(&text).unwrap_err();
            assert_eq!(error.to_string(), "apptheory: unknown event type");
            assert!(core::error::Error::source(&error).is_some(), "{event}");
            for source in HttpSource::ALL {
                let read = source.read_request(&text).map_err(|error| error.kind());
                assert_eq!(read.err(), Some(ErrorKind::Authorizer), "{source:?} {event}");
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
            assert!(LambdaEvent::read(event).is_err(), "{event}");
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
            assert_eq!(LambdaEvent::read(text).unwrap_err().to_string(), expected, "{text:?}");
        }
        for text in ["[]", "5", "{", "{} x", "\"{}\"", "nul", "{\"a\":}"] {
            let error = LambdaEvent::read(text).unwrap_err().to_string();
            assert!(error.starts_with("apptheory: parse event envelope: "), "{text}: {error}");
        }
    }

    /// All that is read of an event on the way to its handlers.
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
                        BatchSource::Sqs => {
                            SqsRecord::read(&record).unwrap().into_owned().body.len()
                        }
                        BatchSource::Kinesis => KinesisRecord::read(&record).unwrap().data.len(),
                        BatchSource::DynamoDbStream => {
                            DynamoDbRecord::read(&record).unwrap();
                            DynamoDbSummary::of(&record).safe_log.len()
                        }
                    };
                    batch.fail(turn);
                }
                batch.finish().unwrap();
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
        }
    }

    #[test]
    fn no_event_is_scanned_twice() {
        let ten = |record: &str| {
            let records: Vec<_> = (0..10).map(|n| record.replace('#', &n.to_string())).collect();
            alloc::format!(r#"{{"Records":[{}]}}"#, records.join(","))
        };
        for text in [
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
            ten(
                r##"{"eventSource":"aws:dynamodb","eventID":"#","eventSourceARN":"a:table/t/stream/x",
                "dynamodb":{"SequenceNumber":"#","Keys":{"PK":{"S":"k"}}}}"##,
            ),
            ten(r##"{"EventSource":"aws:sns","Sns":{"TopicArn":"a:t","Message":"#"}}"##),
            r#"{"detail-type":"t","source":"s","resources":["a"],"detail":{"correlation_id":"c"}}"#
                .to_string(),
            r#"{"requestContext":{"connectionId":"c","routeKey":"$default","authorizer":
                {"claims":{"sub":"s"}}},"body":"b"}"#
                .to_string(),
        ] {
            assert_eq!(scans::of(|| read_everything(&text)).1, text.len(), "{text}");
        }
        // A string with escapes is looked at again when it is read, and only then.
        let body = r#""{\"order\":7}""#;
        let text = ten(&alloc::format!(
            r##"{{"eventSource":"aws:sqs","messageId":"#","body":{body},"md5OfBody":"\u0061"}}"##
        ));
        let scanned = scans::of(|| read_everything(&text)).1;
        assert_eq!(scanned, text.len() + 10 * body.len());
    }
}
