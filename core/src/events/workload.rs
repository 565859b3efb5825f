//! EventBridge events for handlers: an envelope with a correlation id, and the summary of a
//! scheduled run.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Serialize, Serializer};

use super::delivery::Delivery;
use super::error::{Error, ErrorKind};
use super::event_bridge::EventBridgeEvent;
use crate::document::{Document, Value};
use crate::time::Timestamp;

/// The metadata of an event, without its detail.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct WorkloadEnvelope {
    /// The account.
    pub account: String,
    /// The id that correlates the event with its cause and with other logs; or an empty text.
    pub correlation_id: String,
    /// The place of the correlation id.
    #[serde(serialize_with = "serialize_source")]
    pub correlation_source: Option<CorrelationSource>,
    /// The event's detail type.
    pub detail_type: String,
    /// The event's id.
    pub event_id: String,
    /// The region.
    pub region: String,
    /// The id of the invocation.
    pub request_id: String,
    /// The ARNs of the resources that the event is about.
    pub resources: Vec<String>,
    /// The event's source.
    pub source: String,
    /// When the event happened, as in the event.
    pub time: String,
}

/// A correlation id and its place.
pub(super) type Correlation = (String, CorrelationSource);

/// The place of a correlation id.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CorrelationSource {
    /// `metadata.correlation_id`.
    Metadata,
    /// The header `x-correlation-id`, in any case.
    Header,
    /// `detail.correlation_id`.
    Detail,
    /// The event's own id.
    EventId,
    /// Lambda's request id.
    AwsRequestId,
}

impl CorrelationSource {
    /// Returns the place's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Metadata => "metadata.correlation_id",
            Self::Header => "headers.x-correlation-id",
            Self::Detail => "detail.correlation_id",
            Self::EventId => "event.id",
            Self::AwsRequestId => "lambda.aws_request_id",
        }
    }
}

/// Serializes as [`as_str`](CorrelationSource::as_str), or as an empty text for `None`.
fn serialize_source<S: Serializer>(
    source: &Option<CorrelationSource>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(source.map_or("", CorrelationSource::as_str))
}

/// The report of a scheduled run.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct ScheduledSummary {
    /// See [`WorkloadEnvelope::correlation_id`].
    pub correlation_id: String,
    /// See [`WorkloadEnvelope::correlation_source`].
    #[serde(serialize_with = "serialize_source")]
    pub correlation_source: Option<CorrelationSource>,
    /// The deadline of the invocation, in Unix milliseconds; 0 if it is unknown.
    pub deadline_unix_ms: i64,
    /// The event's detail type.
    pub detail_type: String,
    /// The event's id.
    pub event_id: String,
    /// A key that is unique to this run, but the same if its event is delivered twice; or an empty
    /// text.
    pub idempotency_key: String,
    /// Always `scheduled`.
    pub kind: &'static str,
    /// The milliseconds left, rounded down.
    pub remaining_ms: u64,
    /// The result of the run, from the event.
    pub result: ScheduledResult,
    /// The run's id; or an empty text.
    pub run_id: String,
    /// When the run was due, as in the event.
    pub scheduled_time: String,
    /// The event's source.
    pub source: String,
}

/// The result of a scheduled run.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct ScheduledResult {
    /// The number of failures.
    pub failed: i64,
    /// The number of processed items.
    pub processed: i64,
    /// The status; `ok` if the event has none.
    pub status: String,
}

impl EventBridgeEvent<'_> {
    /// Returns the event's envelope.
    #[must_use]
    pub fn envelope(&self, delivery: &Delivery) -> WorkloadEnvelope {
        let (correlation_id, correlation_source) = self.correlation(delivery);
        WorkloadEnvelope {
            account: self.account.clone(),
            correlation_id,
            correlation_source,
            detail_type: self.detail_type.clone(),
            event_id: self.id.clone(),
            region: self.region.clone(),
            request_id: delivery.request_id.trim().to_string(),
            resources: self.resources.clone(),
            source: self.source.clone(),
            time: self.time.clone(),
        }
    }

    /// Returns the event's envelope if it has a source, a detail type and a correlation id.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidEnvelope`] if one of the three is missing.
    pub fn require_envelope(&self, delivery: &Delivery) -> Result<WorkloadEnvelope, Error> {
        let envelope = self.envelope(delivery);
        let WorkloadEnvelope { source, detail_type, correlation_id, .. } = &envelope;
        if source.is_empty() || detail_type.is_empty() || correlation_id.is_empty() {
            let text = "apptheory: eventbridge workload envelope invalid";
            return Err(Error::new(ErrorKind::InvalidEnvelope, text));
        }
        Ok(envelope)
    }

    /// Returns the summary of the scheduled run that the event starts or reports, as of `now`. Does
    /// not check that the event is a scheduled one.
    #[must_use]
    pub fn scheduled_summary(&self, delivery: &Delivery, now: Timestamp) -> ScheduledSummary {
        let envelope = self.envelope(delivery);
        let aws_request_id = delivery.aws_request_id.trim();
        let from_id = |prefix: &str, id: &str| match id {
            "" => String::new(),
            id => format!("{prefix}:{id}"),
        };
        let document = Document::scan(self.detail());
        let detail = document.as_ref().map(Document::root);
        let detail_text = |name| text(detail.ok(), name);
        let result = detail.ok().map(|detail| detail.member("result"));
        let count = |name| result.map_or(0, |result| result.member(name).integer());
        ScheduledSummary {
            correlation_id: envelope.correlation_id,
            correlation_source: envelope.correlation_source,
            deadline_unix_ms: deadline_unix_ms(delivery.remaining_ms, now),
            detail_type: envelope.detail_type,
            idempotency_key: first_filled([
                detail_text("idempotency_key"),
                from_id("eventbridge", &self.id),
                from_id("lambda", aws_request_id),
            ]),
            kind: "scheduled",
            remaining_ms: delivery.remaining_ms,
            result: ScheduledResult {
                failed: count("failed"),
                processed: count("processed"),
                status: first_filled([
                    text(result, "status"),
                    detail_text("status"),
                    "ok".to_string(),
                ]),
            },
            run_id: first_filled([
                detail_text("run_id"),
                self.id.clone(),
                aws_request_id.to_string(),
            ]),
            event_id: envelope.event_id,
            scheduled_time: envelope.time,
            source: envelope.source,
        }
    }

    /// Returns the first correlation id that is not blank, and its place.
    fn correlation(&self, delivery: &Delivery) -> (String, Option<CorrelationSource>) {
        if let Some((id, source)) = &self.correlation {
            return (id.clone(), Some(*source));
        }
        match (&*self.id, delivery.aws_request_id.trim()) {
            ("", "") => (String::new(), None),
            ("", id) => (id.to_string(), Some(CorrelationSource::AwsRequestId)),
            (id, _) => (id.to_string(), Some(CorrelationSource::EventId)),
        }
    }
}

/// Returns a string member, trimmed; empty for anything else.
fn text(object: Option<Value<'_, '_>>, name: &str) -> String {
    object.map(|object| object.member(name).trimmed().into_owned()).unwrap_or_default()
}

fn deadline_unix_ms(remaining_ms: u64, now: Timestamp) -> i64 {
    if remaining_ms == 0 {
        return 0;
    }
    let now_ms = now.unix_nanos().div_euclid(NANOS_PER_MS);
    i64::try_from(now_ms.saturating_add(i128::from(remaining_ms))).unwrap_or(i64::MAX)
}

fn first_filled(texts: [String; 3]) -> String {
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
}

const NANOS_PER_MS: i128 = 1_000_000;

#[cfg(test)]
mod tests {
    use alloc::borrow::ToOwned;
    use alloc::string::{String, ToString};

    use serde_json::json;

    use super::{Delivery, ErrorKind, EventBridgeEvent};
    use crate::time::Timestamp;

    fn delivery(aws_request_id: &str, remaining_ms: u64) -> Delivery {
        let delivery = Delivery::new(aws_request_id, None, Timestamp::UNIX_EPOCH, || "made".into());
        Delivery { remaining_ms, ..delivery }
    }

    #[test]
    fn the_correlation_id_comes_from_the_first_source_that_is_set() {
        let correlation = |event: serde_json::Value, aws: &str| {
            let text = event.to_string();
            let envelope = EventBridgeEvent::read(&text).unwrap().envelope(&delivery(aws, 0));
            let json = serde_json::to_value(&envelope).unwrap();
            (envelope.correlation_id, json["correlation_source"].as_str().unwrap().to_owned())
        };
        let all = json!({
            "id": " e ", "metadata": {"correlation_id": " m "},
            "headers": {"X-Correlation-ID": "h"}, "detail": {"correlation_id": "d"},
        });
        let mut event = all;
        for (member, id, source) in [
            ("metadata", "m", "metadata.correlation_id"),
            ("headers", "h", "headers.x-correlation-id"),
            ("detail", "d", "detail.correlation_id"),
            ("id", "e", "event.id"),
            ("", "a", "lambda.aws_request_id"),
        ] {
            assert_eq!(correlation(event.clone(), " a "), (id.into(), source.into()));
            event[member] = json!(null);
        }
        let other = json!({"detail": r#"{"correlation_id":"d"}"#, "metadata": [1e300]});
        assert_eq!(correlation(other, ""), (String::new(), String::new()));
        let number = json!({"detail": {"correlation_id": 5}});
        assert_eq!(correlation(number, ""), (String::new(), String::new()));
    }

    #[test]
    fn an_envelope_keeps_the_time_as_written() {
        let text = r#"{"source":"s","detail-type":"t","time":" 2026-04-24T14:00:00.123+02:00 ",
            "detail":{"n":1e999}}"#;
        let event = EventBridgeEvent::read(text).unwrap();
        let envelope = event.envelope(&delivery("", 0));
        assert_eq!(
            serde_json::to_string(&envelope).unwrap(),
            r#"{"account":"","correlation_id":"","correlation_source":"","detail_type":"t","event_id":"","region":"","request_id":"made","resources":[],"source":"s","time":"2026-04-24T14:00:00.123+02:00"}"#
        );
        let error = event.require_envelope(&delivery("", 0)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidEnvelope);
        assert!(event.require_envelope(&delivery("a", 0)).is_ok());
    }

    #[test]
    fn a_summary_falls_back_to_what_is_there() {
        let summary = |event: serde_json::Value, remaining| {
            let text = event.to_string();
            let event = EventBridgeEvent::read(&text).unwrap();
            event.scheduled_summary(&delivery("A", remaining), Timestamp::UNIX_EPOCH)
        };
        let bare = summary(json!({"detail": []}), 0);
        assert_eq!((&*bare.run_id, &*bare.idempotency_key), ("A", "lambda:A"));
        assert_eq!((bare.deadline_unix_ms, &*bare.result.status), (0, "ok"));
        let told = json!({"id": "e", "detail": {"run_id": "r", "idempotency_key": "k",
            "status": " s ", "result": {"processed": 3.9, "failed": -2.9, "status": ""}}});
        let told = summary(told, 25_000);
        assert_eq!((&*told.run_id, &*told.idempotency_key), ("r", "k"));
        assert_eq!((told.deadline_unix_ms, told.kind), (25_000, "scheduled"));
        let result = (told.result.processed, told.result.failed, &*told.result.status);
        assert_eq!(result, (3, -2, "s"));
        let odd = summary(json!({"id": "e", "detail": {"result": {"processed": "3"}}}), 1);
        assert_eq!((&*odd.idempotency_key, odd.result.processed), ("eventbridge:e", 0));
    }
}
