//! Subscriptions of CloudWatch Logs, delivered through Kinesis.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::kinesis::KinesisRecord;
use crate::gzip::{GunzipError, gunzip};
use crate::json;
use crate::members::{List, Object, Text};
use crate::printing::prints;
use crate::sanitize::log_safe_value;
use crate::utf8::decode_lossy;

/// What a subscription delivered in one record.
#[derive(Clone, Default, Eq, PartialEq, Serialize)]
pub struct CloudWatchLogs {
    /// The id of the Kinesis event.
    pub record_id: String,
    /// `DATA_MESSAGE`, or `CONTROL_MESSAGE` for one that only checks the subscription: nothing else
    /// need be there then, and its entries, if any, are no log's.
    pub message_type: String,
    /// The account that the logs are from.
    pub owner: String,
    /// The log group.
    pub log_group: String,
    /// The log stream.
    pub log_stream: String,
    /// The filters that let the entries through.
    pub subscription_filters: Vec<String>,
    /// The entries.
    pub log_events: Vec<CloudWatchLogEvent>,
    /// What of it can be logged.
    pub safe_summary: CloudWatchLogsSummary,
}

prints!(CloudWatchLogs: record_id, message_type, owner, log_group, log_stream, log_events);

/// An entry of a log.
#[derive(Clone, Default, Eq, PartialEq, Serialize)]
pub struct CloudWatchLogEvent {
    /// The entry's id.
    pub id: String,
    /// When it was written, in Unix milliseconds.
    pub timestamp: i64,
    /// What it says.
    pub message: String,
}

prints!(CloudWatchLogEvent: id, timestamp);

/// What can be logged about a delivery: nothing that an entry says.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct CloudWatchLogsSummary {
    /// As [there](CloudWatchLogs::record_id).
    pub record_id: String,
    /// As [there](CloudWatchLogs::message_type).
    pub message_type: String,
    /// As [there](CloudWatchLogs::owner).
    pub owner: String,
    /// As [there](CloudWatchLogs::log_group).
    pub log_group: String,
    /// As [there](CloudWatchLogs::log_stream).
    pub log_stream: String,
    /// How many filters there are.
    pub subscription_filter_count: usize,
    /// How many entries there are.
    pub log_event_count: usize,
    /// One line for logs; values in it are [escaped](log_safe_value).
    pub safe_log: String,
}

/// A record is not what a subscription delivers. Return it from the handler, so that the record
/// fails: another service writes to the stream too, or the record is damaged. Says nothing of what
/// the record holds.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("apptheory: decode cloudwatch logs subscription{0}")]
pub struct CloudWatchLogsError(#[source] CloudWatchLogsErrorKind);

/// What is wrong with a delivery.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CloudWatchLogsErrorKind {
    /// The record has no event id.
    #[error(": missing kinesis eventID")]
    MissingEventId,
    /// The record has no data.
    #[error(": empty kinesis data")]
    EmptyData,
    /// The data is not gzip, or is damaged.
    #[error(" gzip: invalid payload")]
    Gzip,
    /// The data holds more than 6 MiB: it is not of CloudWatch Logs.
    #[error(": payload too large")]
    TooLarge,
    /// The decompressed data is JSON, but no object.
    #[error(" json: expected object")]
    NotAnObject,
    /// The decompressed data is not JSON, or a member is of another type than it should be.
    #[error(" json: invalid payload")]
    Json,
    /// Members are missing or blank.
    #[error(": missing {}", .0.join(", "))]
    Missing(Vec<&'static str>),
    /// A member of a list is blank, such as `subscriptionFilters[0]` or `logEvents[0].id`.
    #[error(": empty {0}")]
    Empty(String),
}

impl CloudWatchLogsError {
    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> &CloudWatchLogsErrorKind {
        &self.0
    }
}

impl KinesisRecord<'_> {
    /// Reads the record as a delivery of CloudWatch Logs.
    ///
    /// # Errors
    ///
    /// [`CloudWatchLogsError`] for a record that is none.
    pub fn cloudwatch_logs(&self) -> Result<CloudWatchLogs, CloudWatchLogsError> {
        decode(&self.event_id, &self.data).map_err(CloudWatchLogsError)
    }
}

fn decode(event_id: &str, data: &[u8]) -> Result<CloudWatchLogs, CloudWatchLogsErrorKind> {
    let record_id = event_id.trim();
    if record_id.is_empty() {
        return Err(CloudWatchLogsErrorKind::MissingEventId);
    }
    if data.is_empty() {
        return Err(CloudWatchLogsErrorKind::EmptyData);
    }
    let payload = gunzip(data, MAX_PAYLOAD_BYTES).map_err(|error| match error {
        GunzipError::Invalid => CloudWatchLogsErrorKind::Gzip,
        GunzipError::TooLarge => CloudWatchLogsErrorKind::TooLarge,
    })?;
    let payload = decode_lossy(&payload);
    let payload = read(&payload)?;
    let mut logs = CloudWatchLogs {
        record_id: record_id.to_string(),
        message_type: trimmed(&payload.message_type),
        owner: trimmed(&payload.owner),
        log_group: trimmed(&payload.log_group),
        log_stream: trimmed(&payload.log_stream),
        subscription_filters: payload.subscription_filters.0.iter().map(trimmed).collect(),
        log_events: payload
            .log_events
            .unwrap_or_default()
            .into_iter()
            .map(|Object(event)| CloudWatchLogEvent {
                id: trimmed(&event.id),
                timestamp: event.timestamp.unwrap_or_default(),
                message: event.message.into_string(),
            })
            .collect(),
        safe_summary: CloudWatchLogsSummary::default(),
    };
    logs.check()?;
    logs.safe_summary = logs.summary();
    Ok(logs)
}

impl CloudWatchLogs {
    /// CloudWatch's own messages that check a subscription name no group, stream, filter or entry.
    fn check(&self) -> Result<(), CloudWatchLogsErrorKind> {
        if self.message_type == CONTROL_MESSAGE {
            return Ok(());
        }
        let present = [
            ("messageType", !self.message_type.is_empty()),
            ("owner", !self.owner.is_empty()),
            ("logGroup", !self.log_group.is_empty()),
            ("logStream", !self.log_stream.is_empty()),
            ("subscriptionFilters", !self.subscription_filters.is_empty()),
        ];
        let missing: Vec<_> =
            present.into_iter().filter(|(_, is_there)| !is_there).map(|(name, _)| name).collect();
        if !missing.is_empty() {
            return Err(CloudWatchLogsErrorKind::Missing(missing));
        }
        if let Some(at) = self.subscription_filters.iter().position(String::is_empty) {
            return Err(CloudWatchLogsErrorKind::Empty(format!("subscriptionFilters[{at}]")));
        }
        if let Some(at) = self.log_events.iter().position(|event| event.id.is_empty()) {
            return Err(CloudWatchLogsErrorKind::Empty(format!("logEvents[{at}].id")));
        }
        Ok(())
    }

    fn summary(&self) -> CloudWatchLogsSummary {
        let (filters, events) = (self.subscription_filters.len(), self.log_events.len());
        CloudWatchLogsSummary {
            record_id: self.record_id.clone(),
            message_type: self.message_type.clone(),
            owner: self.owner.clone(),
            log_group: self.log_group.clone(),
            log_stream: self.log_stream.clone(),
            subscription_filter_count: filters,
            log_event_count: events,
            safe_log: format!(
                "record_id={} owner={} log_group={} log_stream={} message_type={} \
                 log_events={events} subscription_filters={filters}",
                log_safe_value(&self.record_id),
                log_safe_value(&self.owner),
                log_safe_value(&self.log_group),
                log_safe_value(&self.log_stream),
                log_safe_value(&self.message_type),
            ),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Payload<'a> {
    #[serde(borrow)]
    message_type: Text<'a>,
    #[serde(borrow)]
    owner: Text<'a>,
    #[serde(borrow)]
    log_group: Text<'a>,
    #[serde(borrow)]
    log_stream: Text<'a>,
    #[serde(borrow)]
    subscription_filters: List<'a>,
    #[serde(borrow)]
    log_events: Option<Vec<Object<LogEvent<'a>>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LogEvent<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    timestamp: Option<i64>,
    #[serde(borrow)]
    message: Text<'a>,
}

/// Null is an object without members, as everywhere in events.
fn read(payload: &str) -> Result<Payload<'_>, CloudWatchLogsErrorKind> {
    let payload = payload.trim_matches([' ', '\t', '\n', '\r']);
    if payload == "null" {
        return Ok(Payload::default());
    }
    if payload.starts_with(['[', '"']) || serde_json::from_str::<f64>(payload).is_ok() {
        return Err(CloudWatchLogsErrorKind::NotAnObject);
    }
    json::read_object(payload).map_err(|_| CloudWatchLogsErrorKind::Json)
}

fn trimmed(text: &Text<'_>) -> String {
    text.as_str().trim().to_string()
}

const CONTROL_MESSAGE: &str = "CONTROL_MESSAGE";

/// The most that a delivery may hold, decompressed.
const MAX_PAYLOAD_BYTES: usize = 6 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use super::{CloudWatchLogs, decode};

    /// Gzip without compression; `data` is short.
    fn gzip(data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len()).unwrap();
        let mut bytes = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1].to_vec();
        bytes.extend(length.to_le_bytes());
        bytes.extend((!length).to_le_bytes());
        bytes.extend(data);
        bytes.extend(crc32fast::hash(data).to_le_bytes());
        bytes.extend(u32::from(length).to_le_bytes());
        bytes
    }

    fn read(payload: &str) -> Result<CloudWatchLogs, alloc::string::String> {
        decode(" kin\nowner=spoof ", &gzip(payload.as_bytes()))
            .map_err(|error| super::CloudWatchLogsError(error).to_string())
    }

    const GOOD: &str = r#"{"messageType":" DATA_MESSAGE ","owner":"1","logGroup":"g","logStream":
        "s x","subscriptionFilters":["f"],"logEvents":[{"id":" 1 ","timestamp":7,"message":" m "}]}"#;

    #[test]
    fn a_delivery_is_read_and_summed_up() {
        let logs = read(GOOD).unwrap();
        let event = &logs.log_events[0];
        assert_eq!((&*event.id, event.timestamp, &*event.message), ("1", 7, " m "));
        assert_eq!(
            logs.safe_summary.safe_log,
            "record_id=kin%0Aowner%3Dspoof owner=1 log_group=g log_stream=s%20x \
             message_type=DATA_MESSAGE log_events=1 subscription_filters=1"
        );
        let control = GOOD.replace(r#"[{"id":" 1 ","timestamp":7,"message":" m "}]"#, "null");
        assert_eq!(read(&control).unwrap().log_events, []);
    }

    #[test]
    fn what_checks_a_subscription_need_not_name_anything() {
        let sent = r#"{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"",
            "logStream":"","subscriptionFilters":[],"logEvents":[{"id":"","timestamp":1498519943285,
            "message":"CWL CONTROL MESSAGE: Checking health of destination Kinesis stream."}]}"#;
        let logs = read(sent).unwrap();
        assert_eq!((&*logs.message_type, &*logs.owner), ("CONTROL_MESSAGE", "CloudwatchLogs"));
        assert_eq!(
            logs.safe_summary.safe_log,
            "record_id=kin%0Aowner%3Dspoof owner=CloudwatchLogs log_group= log_stream= \
             message_type=CONTROL_MESSAGE log_events=1 subscription_filters=0"
        );
        let bare = read(r#"{"messageType":" CONTROL_MESSAGE ","logGroup":null,"logEvents":null}"#);
        assert_eq!(bare.unwrap().log_events, []);
        assert!(read(r#"{"messageType":"CONTROL_MESSAGE","owner":5}"#).is_err());
        let data = sent.replacen("CONTROL_MESSAGE", "DATA_MESSAGE", 1);
        assert!(
            read(&data)
                .unwrap_err()
                .ends_with(": missing logGroup, logStream, subscriptionFilters")
        );
    }

    #[test]
    fn what_is_wrong_is_said_without_what_it_holds() {
        let prefix = "apptheory: decode cloudwatch logs subscription";
        let all = ": missing messageType, owner, logGroup, logStream, subscriptionFilters";
        for (payload, text) in [
            ("null", all),
            (" {} ", all),
            ("[]", " json: expected object"),
            ("5", " json: expected object"),
            ("{", " json: invalid payload"),
            (r#"{"messageType":5}"#, " json: invalid payload"),
            (&GOOD.replace(":7", ":1.5"), " json: invalid payload"),
            (&GOOD.replace(r#""1","#, r#"" ","#), ": missing owner"),
            (&GOOD.replace(r#""f""#, r#""f"," ""#), ": empty subscriptionFilters[1]"),
            (&GOOD.replace(r#"" 1 ""#, r#""""#), ": empty logEvents[0].id"),
        ] {
            assert_eq!(read(payload), Err(prefix.to_string() + text), "{payload}");
        }
        for (id, data, text) in [
            (" ", &b"x"[..], ": missing kinesis eventID"),
            ("a", b"", ": empty kinesis data"),
            ("a", b"{}", " gzip: invalid payload"),
        ] {
            assert_eq!(decode(id, data).unwrap_err().to_string(), text);
        }
    }
}
