//! The reader of all events: recognizes the service of an event, and reads the event.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::batch_event::BatchEvent;
use super::batch_source::BatchSource;
use super::error::Error;
use super::event_bridge::EventBridgeEvent;
use super::http::{HttpEvent, HttpSource};
use super::raw::RawEvent;
use super::single::SingleEvent;
use super::sns::{self, SnsRecord};
use super::websocket::WebSocketEvent;
use super::window::{WindowEvent, has_window, is_of_window};
use crate::document::{Document, Object, Value};
use crate::json::JsonError;

/// An event that invoked the function.
///
/// ```
/// use apptheory_core::events::{HttpSource, LambdaEvent};
///
/// let event = r#"{"rawPath":"/hi","requestContext":{"http":{"method":"GET"}}}"#;
/// let LambdaEvent::Http(event) = LambdaEvent::read(event)? else { panic!("a request") };
/// assert_eq!((event.source, &*event.request.method), (HttpSource::FunctionUrl, "GET"));
/// # Ok::<(), apptheory_core::events::Error>(())
/// ```
#[allow(
    clippy::large_enum_variant,
    reason = "there is one per invocation, and it is moved at most twice"
)]
#[derive(Clone, Debug)]
pub enum LambdaEvent<'a> {
    /// An HTTP request.
    Http(HttpEvent<'a>),
    /// Records of SQS, Kinesis, a DynamoDB table, or another [source](BatchSource).
    Batch(BatchEvent<'a>),
    /// Records of Kinesis or a DynamoDB table in a tumbling window, or the end of the window.
    Window(WindowEvent<'a>),
    /// SNS notifications.
    Sns(Vec<SnsRecord<'a>>),
    /// An EventBridge event, including scheduled events.
    EventBridge(EventBridgeEvent<'a>),
    /// A WebSocket message, or the start or end of a connection.
    WebSocket(WebSocketEvent<'a>),
    /// A single event, which one handler answers in the form that its service expects.
    Single(SingleEvent<'a>),
    /// Any other event: the input of a direct invocation, of Step Functions, or of another service.
    Other(RawEvent<'a>),
}

/// The service of records, an event or a request.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Http(HttpSource),
    Batch(BatchSource),
    Sns,
    EventBridge,
    WebSocket,
}

impl<'a> LambdaEvent<'a> {
    /// Reads an event in one scan of its text. The service is determined by the first condition
    /// that holds:
    ///
    /// 1. `Records` is a list, and its first record is an object from SQS, Kinesis, DynamoDB or
    ///    SNS. Later records do not matter: one that is not an object, or from another source,
    ///    fails when it runs;
    /// 2. `detail-type` or `detailType` is present: EventBridge;
    /// 3. there are no records, but the members of a tumbling window: the service in
    ///    `eventSourceARN`, Kinesis or DynamoDB;
    /// 4. `requestContext.http` is present: a function URL if its domain is one, or else API
    ///    Gateway's HTTP API if `routeKey` is present, or else a function URL;
    /// 5. `requestContext.connectionId` is present: WebSocket;
    /// 6. `requestContext` and `httpMethod` are present: a load balancer if `requestContext.elb` is
    ///    present, or else API Gateway's REST API;
    /// 7. `Records` is a list, and its first record is an object from S3, SES or CodeCommit;
    /// 8. `eventSource` is Kafka, ActiveMQ, RabbitMQ or DocumentDB, and their records are present;
    ///    or `deliveryStreamArn` and `records` (Firehose); or `awslogs` (CloudWatch Logs);
    /// 9. `method` and `raw_path` are present, or `method`, `path` and
    ///    `requestContext.targetGroupArn`: VPC Lattice;
    /// 10. `type` is present with `methodArn` or `routeArn`, or `authorizationToken` with
    ///     `requestContext.queryString`: a Lambda authorizer. Such an event may look like a
    ///     request, but is never read as one by 4 to 6;
    /// 11. `triggerSource` is a known trigger, and `userPoolId` and `request` are present: Cognito;
    /// 12. `arguments`, `info.parentTypeName` and `info.fieldName` are present, in the event or in
    ///     its first element if it is a list: AppSync;
    /// 13. `RequestType`, `ResponseURL` and `StackId` are present: a CloudFormation custom
    ///     resource;
    /// 14. the members of other [single events](super::SingleSource), in the order of their
    ///     sources.
    ///
    /// If no condition holds, it is an [other](Self::Other) event, which may be any JSON. A member
    /// of the wrong type counts as missing, and so does null or a blank text. Names are
    /// case-sensitive.
    ///
    /// # Errors
    ///
    /// [`Error`] if the text is not JSON, a member that determines the service occurs twice, or the
    /// event is not valid for its service.
    pub fn read(text: &'a str) -> Result<Self, Error> {
        if text.trim().is_empty() {
            return Err(Error::empty());
        }
        let document = Document::scan(text).map_err(Error::envelope)?;
        let Some(kind) = kind_of(&document)? else {
            return Ok(SingleEvent::of(document).map_or_else(Self::Other, Self::Single));
        };
        let event = document.root().object().map_err(Error::envelope)?;
        let read = match kind {
            Kind::Http(source @ (HttpSource::VpcLatticeV1 | HttpSource::VpcLatticeV2)) => {
                HttpEvent::of(source, event).map(Self::Http)
            }
            // Of the other forms, `kind_of` has left out the events that ask an authorizer.
            Kind::Http(source) => HttpEvent::of_request(source, event).map(Self::Http),
            Kind::Sns => sns::of(event).map(Self::Sns),
            Kind::EventBridge => EventBridgeEvent::of(text, event).map(Self::EventBridge),
            Kind::WebSocket => WebSocketEvent::of(event).map(Self::WebSocket),
            Kind::Batch(source) => match has_window(source, &document) {
                Ok(true) => WindowEvent::of(source, document).map(Self::Window),
                Ok(false) => BatchEvent::of_records(source, document).map(Self::Batch),
                Err(error) => Err(error),
            },
        };
        read.map_err(|error| error.of(kind.name()))
    }

    /// Returns the name of the service and format: `sqs`, `kinesis`, `sns`, `dynamodb`,
    /// `eventbridge`, `apigw_v2`, `function_url`, `apigw_v1`, `alb`, `vpc_lattice_v1`,
    /// `vpc_lattice_v2`, `websocket`, `kafka`, `s3`, `ses`, `codecommit`, `activemq`, `rabbitmq`,
    /// `documentdb`, `firehose`, `cloudwatch_logs`, or that of a [single event's
    /// source](super::SingleSource::name); `other` for all other events.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        let kind = match self {
            Self::Http(event) => Kind::Http(event.source),
            Self::Batch(event) => Kind::Batch(event.source()),
            Self::Window(event) => Kind::Batch(event.source()),
            Self::Sns(_) => Kind::Sns,
            Self::EventBridge(_) => Kind::EventBridge,
            Self::WebSocket(_) => Kind::WebSocket,
            Self::Single(event) => return event.source().name(),
            Self::Other(_) => return "other",
        };
        kind.name()
    }
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Http(source) => source.name(),
            Self::Batch(source) => source.name(),
            Self::Sns => "sns",
            Self::EventBridge => "eventbridge",
            Self::WebSocket => "websocket",
        }
    }
}

/// Returns the service of an event; `None` for a single event, or an unknown service.
pub(super) fn kind_of(document: &Document<'_>) -> Result<Option<Kind>, Error> {
    let Ok(event) = document.root().object() else { return Ok(None) };
    if let Some(kind) = of_first_services(event).map_err(Error::envelope)? {
        return Ok(Some(kind));
    }
    let records = of_records(event).map(Kind::Batch);
    Ok(records.or_else(|| of_vpc_lattice(event).map(Kind::Http)))
}

/// Returns the service among those that were supported first. Events of other services may have the
/// same members, and are then read as theirs.
fn of_first_services(event: Object<'_, '_>) -> Result<Option<Kind>, JsonError> {
    let [records, written, spelled, arn, context, route_key, method] = event.get_each([
        "Records",
        "detail-type",
        "detailType",
        "eventSourceARN",
        "requestContext",
        "routeKey",
        "httpMethod",
    ]);
    let records = records?;
    if let Some(kind) = of_first_record(records) {
        return Ok(Some(kind));
    }
    // EventBridge writes `detail-type`. Programs that build events by hand also use `detailType`,
    // as SDKs and CloudFormation do.
    let detail_types = [written?, spelled?];
    if detail_types.into_iter().any(|name| name.filled_text().is_some()) {
        return Ok(Some(Kind::EventBridge));
    }
    // The last invocation of a tumbling window may have no records, so the event itself names the
    // service.
    if first(records).is_none() && is_of_window(event)? {
        match arn?.trimmed().split(':').nth(2) {
            Some("kinesis") => return Ok(Some(Kind::Batch(BatchSource::Kinesis))),
            Some("dynamodb") => return Ok(Some(Kind::Batch(BatchSource::DynamoDbStream))),
            _ => {}
        }
    }
    let Some(context) = context?.filled() else { return Ok(None) };
    let Ok(context) = context.object() else { return Ok(None) };
    // A context with duplicate members belongs to neither kind.
    let members = context.get_each(["http", "elb", "connectionId", "domainName"]);
    let [Ok(http), Ok(elb), Ok(connection), Ok(domain)] = members else { return Ok(None) };
    if asks_authorizer(event)? {
        return Ok(None);
    }
    // Only payload format 2.0 has `http`; in format 1.0 the method and path are members of the
    // event.
    if http.is_object() {
        return Ok(Some(Kind::Http(source_of_v2(route_key?, domain))));
    }
    // WebSocket events for `$connect` also have the members of a REST API's request.
    if connection.filled_text().is_some() {
        return Ok(Some(Kind::WebSocket));
    }
    if method?.filled_text().is_none() {
        return Ok(None);
    }
    // Load balancers use the format of REST APIs; their context only contains `elb`.
    let is_alb = elb.is_object();
    Ok(Some(Kind::Http(if is_alb { HttpSource::Alb } else { HttpSource::ApiGatewayV1 })))
}

/// VPC Lattice has its own member names in version 1, and names the service in version 2.
fn of_vpc_lattice(event: Object<'_, '_>) -> Option<HttpSource> {
    let text = |name| event.get(name).ok().and_then(Value::filled_text);
    text("method")?;
    if text("raw_path").is_some() {
        return Some(HttpSource::VpcLatticeV1);
    }
    text("path")?;
    let context = event.get("requestContext").ok()?.object().ok()?;
    context.get("targetGroupArn").ok()?.filled_text()?;
    Some(HttpSource::VpcLatticeV2)
}

fn of_first_record(records: Value<'_, '_>) -> Option<Kind> {
    match &*source_of_first(records)? {
        "aws:sqs" => Some(Kind::Batch(BatchSource::Sqs)),
        "aws:dynamodb" => Some(Kind::Batch(BatchSource::DynamoDbStream)),
        "aws:kinesis" => Some(Kind::Batch(BatchSource::Kinesis)),
        "aws:sns" => Some(Kind::Sns),
        _ => None,
    }
}

/// Returns the service of another event with lists of records.
fn of_records(event: Object<'_, '_>) -> Option<BatchSource> {
    let get = |name| event.get(name).ok();
    match source_of_first(get("Records")?).as_deref() {
        Some("aws:s3") => return Some(BatchSource::S3),
        Some("aws:ses") => return Some(BatchSource::Ses),
        Some("aws:codecommit") => return Some(BatchSource::CodeCommit),
        _ => {}
    }
    let is_list = |value: Value<'_, '_>| !value.is_null() && value.list().is_ok();
    let (source, records) = match &*get("eventSource")?.trimmed() {
        "aws:kafka" | "SelfManagedKafka" => (BatchSource::Kafka, get("records")?),
        "aws:rmq" => (BatchSource::RabbitMq, get("rmqMessagesByQueue")?),
        // Both names are in use.
        "aws:mq" | "aws:amq" => (BatchSource::ActiveMq, get("messages")?),
        "aws:docdb" => (BatchSource::DocumentDb, get("events")?),
        _ if get("deliveryStreamArn")?.filled_text().is_some() => {
            (BatchSource::Firehose, get("records")?)
        }
        _ => {
            let data = get("awslogs")?.object().ok()?.get("data").ok()?;
            return data.filled_text().map(|_| BatchSource::CloudWatchLogs);
        }
    };
    let has_lists = matches!(source, BatchSource::Kafka | BatchSource::RabbitMq);
    let is_there = if has_lists { records.is_object() } else { is_list(records) };
    is_there.then_some(source)
}

/// Returns the service of the first record, which decides because Lambda never mixes services in a
/// batch. `None` if the record names two.
fn source_of_first<'a>(records: Value<'a, '_>) -> Option<Cow<'a, str>> {
    let [lower, upper] = first(records)?.object().ok()?.get_each(SOURCE_MEMBERS);
    first_source([lower.ok()?, upper.ok()?])
}

fn first<'a, 'd>(records: Value<'a, 'd>) -> Option<Value<'a, 'd>> {
    records.list().ok()?.next()
}

/// The members with a record's service. SNS spells the name with a capital letter, all others do
/// not.
pub(super) const SOURCE_MEMBERS: [&str; 2] = ["eventSource", "EventSource"];

/// Returns the service that a record names.
pub(super) fn source_of_record<'a>(record: Value<'a, '_>) -> Option<Cow<'a, str>> {
    first_source(SOURCE_MEMBERS.map(|name| record.member(name)))
}

/// Returns the first of a record's sources that is not blank.
pub(super) fn first_source<'a>(sources: [Value<'a, '_>; 2]) -> Option<Cow<'a, str>> {
    sources.into_iter().map(Value::trimmed).find(|source| !source.is_empty())
}

/// Function URLs send events of HTTP APIs, newer ones with the `routeKey` `$default`. They are
/// recognized by their domain, `{id}.lambda-url.{region}.on.aws`. Emulators omit the domain, and
/// most of them omit the route key of function URLs.
fn source_of_v2(route_key: Value<'_, '_>, domain: Value<'_, '_>) -> HttpSource {
    match is_of_url(&domain.trimmed()) || route_key.filled_text().is_none() {
        true => HttpSource::FunctionUrl,
        false => HttpSource::ApiGatewayV2,
    }
}

fn is_of_url(domain: &str) -> bool {
    const TAIL: &str = ".on.aws";
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let tail = domain.len().checked_sub(TAIL.len()).and_then(|at| domain.get(at..));
    // Domains of API Gateway end differently and are not copied.
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(TAIL))
        && domain.to_ascii_lowercase().contains(".lambda-url.")
}

/// Refuses an event for a Lambda authorizer. Every reader that creates a request from an event
/// calls this.
pub(super) fn refuse_authorizer(
    event: Object<'_, '_>,
    malformed: impl Fn(JsonError) -> Error,
) -> Result<(), Error> {
    if asks_authorizer(event).map_err(malformed)? { Err(Error::authorizer()) } else { Ok(()) }
}

/// Returns whether an event is for a Lambda authorizer. It looks like the request, but is not
/// authorized yet, so no route may see it. Authorizer events have `type` with `methodArn` (REST and
/// WebSocket APIs, and HTTP APIs with payload 1.0) or `routeArn` (HTTP APIs with payload 2.0).
/// Requests have neither ARN.
pub(super) fn asks_authorizer(event: Object<'_, '_>) -> Result<bool, JsonError> {
    let [kind, method_arn, route_arn] = event.get_each(["type", "methodArn", "routeArn"]);
    let (kind, names_route) = (kind?, [method_arn?, route_arn?]);
    let Some(kind) = kind.filled() else { return Ok(false) };
    let asks = matches!(&*kind.trimmed(), "REQUEST" | "TOKEN");
    Ok(asks && names_route.into_iter().any(|arn| arn.filled_text().is_some()))
}
