//! Records the handling of an event: a log entry, a metric and a span.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::batch_source::BatchSource;
use super::dynamodb::DynamoDbSummary;
use super::raw::Seen;
use super::trigger::Trigger;
use super::workload::WorkloadEnvelope;
use crate::error::code;
use crate::observe::{Level, LogRecord, LogText, MetricRecord, SpanRecord};

/// The outcome of handling an event or record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EventOutcome {
    /// The handler succeeded.
    Success,
    /// The handler failed, panicked, or did not exist. Its error is only passed to the log hook.
    Error,
    /// No handler is registered for the event, so none ran.
    Unmatched,
}

/// The observation of an event or record. Create it before the handler runs, so that a panic is
/// recorded as well.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EventObservation {
    trigger: Trigger,
    request_id: String,
    correlation_id: String,
    span_name: String,
    /// Further values, with their names in logs and metrics, and in spans.
    details: Vec<Detail>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Detail {
    name: &'static str,
    attribute: &'static str,
    /// Whether metrics have it. Values that are always different are only for logs and spans.
    is_tag: bool,
    value: String,
}

impl EventObservation {
    /// Observes an EventBridge event.
    #[must_use]
    pub fn event_bridge(envelope: &WorkloadEnvelope) -> Self {
        let WorkloadEnvelope { source, detail_type, correlation_id, request_id, .. } = envelope;
        let trigger = Trigger::EventBridge;
        Self {
            trigger,
            request_id: request_id.clone(),
            correlation_id: correlation_id.clone(),
            span_name: format!("{} {source} {detail_type}", trigger.as_str()),
            details: [
                Detail::tag("source", "event.source", source),
                Detail::tag("detail_type", "event.detail_type", detail_type),
            ]
            .into(),
        }
    }

    /// Observes a record of a DynamoDB stream.
    #[must_use]
    pub fn dynamodb(summary: &DynamoDbSummary, request_id: &str) -> Self {
        let DynamoDbSummary { event_id, event_name, table_name, .. } = summary;
        let trigger = Trigger::Records(BatchSource::DynamoDbStream);
        Self {
            trigger,
            request_id: request_id.to_string(),
            correlation_id: event_id.clone(),
            span_name: format!("{} {table_name} {event_name}", trigger.as_str()),
            details: [
                Detail::tag("table_name", "dynamodb.table_name", table_name),
                Detail::tag("event_name", "dynamodb.event_name", event_name),
                Detail { is_tag: false, ..Detail::tag("event_id", "dynamodb.event_id", event_id) },
            ]
            .into(),
        }
    }

    /// Observes a record of any service, or a WebSocket message. `name` is the queue, stream,
    /// topic, bucket, route key and so on; `id` is the service's id. These are only recorded if the
    /// application enables it: if messages are cheap, their records may cost more than the
    /// messages.
    #[must_use]
    pub fn message(trigger: Trigger, name: &str, id: &str, request_id: &str) -> Self {
        let (name_member, attribute) = match trigger {
            Trigger::Records(source) => of_records(source),
            Trigger::Sns => ("topic", "sns.topic"),
            Trigger::WebSocket => ("route_key", "websocket.route_key"),
            Trigger::EventBridge => ("source", "event.source"),
            Trigger::Single(_) | Trigger::Other => ("route", "event.route"),
        };
        Self {
            trigger,
            request_id: request_id.to_string(),
            correlation_id: id.to_string(),
            span_name: format!("{} {name}", trigger.as_str()),
            details: [Detail::tag(name_member, attribute, name)].into(),
        }
    }

    /// Observes a single event, or one of any kind. `route` is the handler's registration as it is
    /// written in code.
    #[must_use]
    pub fn event(trigger: Trigger, route: &str, request_id: &str) -> Self {
        Self::message(trigger, route, "", request_id)
    }

    /// Observes an event without a handler, and what was seen of it. Only logs and spans contain
    /// what was seen; metrics do not, because senders choose the names of members.
    #[must_use]
    pub fn unrouted(seen: &Seen, request_id: &str) -> Self {
        let seen = seen.to_string();
        let detail = Detail { is_tag: false, ..Detail::tag("seen", "event.seen", &seen) };
        let trigger = Trigger::Other;
        Self {
            trigger,
            request_id: request_id.to_string(),
            correlation_id: String::new(),
            span_name: trigger.as_str().to_string(),
            details: [detail].into(),
        }
    }

    /// Returns the log entry.
    #[must_use]
    pub fn log(&self, outcome: EventOutcome) -> LogRecord<'_> {
        let own = [
            ("trigger", LogText::from(self.trigger.as_str())),
            ("correlation_id", LogText::from(&*self.correlation_id)),
        ];
        let details = self.details.iter();
        let details = details.map(|detail| (detail.name, LogText::from(&*detail.value)));
        LogRecord {
            request_id: LogText::from(&self.request_id),
            error_code: LogText::from(outcome.error_code()),
            about: own.into_iter().chain(details).collect(),
            ..LogRecord::new(outcome.level(), outcome.event())
        }
    }

    /// Returns the metric. Its tag `correlation_id` has a new value for every event; [remove
    /// it](MetricRecord::without_tag) if the metrics service charges per combination of tags.
    #[must_use]
    pub fn metric(&self, outcome: EventOutcome) -> MetricRecord<'_> {
        let tags = self.details.iter().filter(|detail| detail.is_tag);
        let tags = tags.map(|detail| (detail.name, LogText::from(&*detail.value)));
        let own = [
            ("correlation_id", LogText::from(&*self.correlation_id)),
            ("trigger", LogText::from(self.trigger.as_str())),
            ("outcome", LogText::from(outcome.as_str())),
            ("error_code", LogText::from(outcome.error_code())),
        ];
        let tags = tags.chain(own).collect();
        MetricRecord {
            name: "apptheory.event",
            value: 1,
            duration_ms: None,
            tags,
            dimensions: Vec::new(),
        }
    }

    /// Returns the span.
    #[must_use]
    pub fn span(&self, outcome: EventOutcome) -> SpanRecord<'_> {
        let attributes = self.details.iter();
        let attributes = attributes.map(|detail| (detail.attribute, LogText::from(&*detail.value)));
        let own = [
            ("correlation.id", LogText::from(&*self.correlation_id)),
            ("trigger", LogText::from(self.trigger.as_str())),
            ("outcome", LogText::from(outcome.as_str())),
            ("error.code", LogText::from(outcome.error_code())),
        ];
        let attributes = attributes.chain(own).collect();
        SpanRecord { name: LogText::from(&self.span_name), attributes }
    }
}

impl Detail {
    fn tag(name: &'static str, attribute: &'static str, value: &str) -> Self {
        Self { name, attribute, is_tag: true, value: value.to_string() }
    }
}

/// Returns the name of a source's records in logs and metrics, and in spans.
const fn of_records(source: BatchSource) -> (&'static str, &'static str) {
    match source {
        BatchSource::Sqs => ("queue", "sqs.queue"),
        BatchSource::Kinesis => ("stream", "kinesis.stream"),
        BatchSource::DynamoDbStream => ("table_name", "dynamodb.table_name"),
        BatchSource::Kafka => ("topic", "kafka.topic"),
        BatchSource::S3 => ("bucket", "s3.bucket"),
        BatchSource::Ses => ("source", "ses.source"),
        BatchSource::CodeCommit => ("repository", "codecommit.repository"),
        BatchSource::ActiveMq => ("queue", "activemq.queue"),
        BatchSource::RabbitMq => ("queue", "rabbitmq.queue"),
        BatchSource::DocumentDb => ("database", "documentdb.database"),
        BatchSource::Firehose => ("stream", "firehose.stream"),
        BatchSource::CloudWatchLogs => ("source", "cloudwatch_logs.source"),
    }
}

impl EventOutcome {
    /// Every outcome.
    pub const ALL: [Self; 3] = [Self::Success, Self::Error, Self::Unmatched];

    /// Returns `success`, `error` or `unmatched`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::Unmatched => "unmatched",
        }
    }

    const fn level(self) -> Level {
        match self {
            Self::Success => Level::Info,
            Self::Error => Level::Error,
            Self::Unmatched => Level::Warn,
        }
    }

    const fn event(self) -> &'static str {
        match self {
            Self::Success | Self::Error => "event.completed",
            Self::Unmatched => "event.unmatched",
        }
    }

    const fn error_code(self) -> &'static str {
        match self {
            Self::Success | Self::Unmatched => "",
            Self::Error => code::INTERNAL,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::{
        BatchSource, DynamoDbSummary, EventObservation, EventOutcome, Seen, Trigger,
        WorkloadEnvelope,
    };

    fn records(observation: &EventObservation, outcome: EventOutcome) -> [Json; 3] {
        [
            serde_json::to_value(observation.log(outcome)).unwrap(),
            serde_json::to_value(observation.metric(outcome)).unwrap(),
            serde_json::to_value(observation.span(outcome)).unwrap(),
        ]
    }

    #[test]
    fn an_event_that_succeeds() {
        let observation = EventObservation::event_bridge(&WorkloadEnvelope {
            correlation_id: "c".into(),
            request_id: "r".into(),
            source: "s".into(),
            detail_type: "t".into(),
            ..WorkloadEnvelope::default()
        });
        assert_eq!(
            records(&observation, EventOutcome::Success),
            [
                json!({"level": "info", "event": "event.completed", "request_id": "r",
                "tenant_id": "", "method": "", "path": "", "status": 0, "error_code": "",
                "trigger": "eventbridge", "correlation_id": "c", "source": "s", "detail_type": "t"}),
                json!({"name": "apptheory.event", "value": 1, "tags": {"correlation_id": "c",
                "detail_type": "t", "error_code": "", "outcome": "success", "source": "s",
                "trigger": "eventbridge"}}),
                json!({"name": "eventbridge s t", "attributes": {"correlation.id": "c",
                "event.detail_type": "t", "event.source": "s", "error.code": "",
                "outcome": "success", "trigger": "eventbridge"}}),
            ]
        );
    }

    #[test]
    fn an_unmatched_event_is_logged_measured_and_traced_as_unmatched() {
        let observation = EventObservation::event_bridge(&WorkloadEnvelope {
            source: "s".into(),
            detail_type: "t".into(),
            ..WorkloadEnvelope::default()
        });
        let [log, metric, span] = records(&observation, EventOutcome::Unmatched);
        assert_eq!((&log["level"], &log["event"]), (&json!("warn"), &json!("event.unmatched")));
        assert_eq!((&log["source"], &log["error_code"]), (&json!("s"), &json!("")));
        assert_eq!(metric["tags"]["outcome"], "unmatched");
        assert_eq!(span["attributes"]["outcome"], "unmatched");
    }

    #[test]
    fn a_message_names_where_it_is_from() {
        let observation =
            EventObservation::message(Trigger::Records(BatchSource::Sqs), "q", "m", "r");
        let [log, metric, span] = records(&observation, EventOutcome::Success);
        assert_eq!((&log["queue"], &log["correlation_id"]), (&json!("q"), &json!("m")));
        assert_eq!((&metric["tags"]["queue"], &span["name"]), (&json!("q"), &json!("sqs q")));
    }

    #[test]
    fn an_event_of_any_kind_names_its_route_or_what_was_seen() {
        let routed = EventObservation::event(Trigger::Other, r#"on(Shape::member("action"))"#, "r");
        let [log, metric, span] = records(&routed, EventOutcome::Success);
        assert_eq!((&log["trigger"], &log["request_id"]), (&json!("other"), &json!("r")));
        assert_eq!(metric["tags"]["route"], r#"on(Shape::member("action"))"#);
        assert_eq!(span["name"], r#"other on(Shape::member("action"))"#);
        let seen = Seen::Members { names: ["action".into()].into(), more: 0 };
        let unrouted = EventObservation::unrouted(&seen, "r");
        let [log, metric, _] = records(&unrouted, EventOutcome::Unmatched);
        assert_eq!((&log["event"], &log["level"]), (&json!("event.unmatched"), &json!("warn")));
        assert_eq!(log["seen"], "an object with `action`");
        assert_eq!(
            (&metric["tags"]["seen"], &metric["tags"]["outcome"]),
            (&Json::Null, &json!("unmatched"))
        );
    }

    #[test]
    fn a_record_that_fails() {
        let observation = EventObservation::dynamodb(
            &DynamoDbSummary {
                event_id: "e".into(),
                event_name: "REMOVE".into(),
                ..DynamoDbSummary::default()
            },
            "r",
        );
        assert_eq!(
            records(&observation, EventOutcome::Error),
            [
                json!({"level": "error", "event": "event.completed", "request_id": "r",
                "tenant_id": "", "method": "", "path": "", "status": 0,
                "error_code": "app.internal", "trigger": "dynamodb_stream", "correlation_id": "e",
                "event_id": "e", "event_name": "REMOVE"}),
                json!({"name": "apptheory.event", "value": 1, "tags": {"correlation_id": "e",
                "error_code": "app.internal", "event_name": "REMOVE", "outcome": "error",
                "table_name": "", "trigger": "dynamodb_stream"}}),
                json!({"name": "dynamodb_stream  REMOVE", "attributes": {"correlation.id": "e",
                "dynamodb.event_id": "e", "dynamodb.event_name": "REMOVE",
                "dynamodb.table_name": "", "error.code": "app.internal", "outcome": "error",
                "trigger": "dynamodb_stream"}}),
            ]
        );
    }
}
