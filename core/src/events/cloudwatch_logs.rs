//! CloudWatch Logs subscriptions, through Kinesis or directly.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Serialize;

use super::batch_event::BatchRecord;
use super::error::Error;
use super::kinesis::KinesisRecord;
use crate::document::{Document, Value};
use crate::gzip::{GunzipError, gunzip};
use crate::json::JsonError;
use crate::printing::prints;
use crate::sanitize::log_safe_value;
use crate::utf8::decode_lossy;

/// One delivery of a subscription.
#[derive(Clone, Default, Eq, PartialEq, Serialize)]
pub struct CloudWatchLogs {
    /// The id of the Kinesis event; empty for a direct delivery.
    pub record_id: String,
    /// `DATA_MESSAGE`, or `CONTROL_MESSAGE` for a message that only checks the subscription; other
    /// fields may then be empty, and entries, if any, are not log entries.
    pub message_type: String,
    /// The account of the logs.
    pub owner: String,
    /// The log group.
    pub log_group: String,
    /// The log stream.
    pub log_stream: String,
    /// The names of the filters that the entries matched.
    pub subscription_filters: Vec<String>,
    /// The log entries.
    pub log_events: Vec<CloudWatchLogEvent>,
    /// The loggable summary.
    pub safe_summary: CloudWatchLogsSummary,
    #[serde(skip)]
    text: String,
}

prints!(CloudWatchLogs: record_id, message_type, owner, log_group, log_stream, log_events);

/// A log entry.
#[derive(Clone, Default, Eq, PartialEq, Serialize)]
pub struct CloudWatchLogEvent {
    /// The entry's id.
    pub id: String,
    /// When the entry was written, in Unix milliseconds.
    pub timestamp: i64,
    /// The text of the entry.
    pub message: String,
}

prints!(CloudWatchLogEvent: id, timestamp);

/// The loggable summary of a delivery, without entries.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct CloudWatchLogsSummary {
    /// See [`CloudWatchLogs::record_id`].
    pub record_id: String,
    /// See [`CloudWatchLogs::message_type`].
    pub message_type: String,
    /// See [`CloudWatchLogs::owner`].
    pub owner: String,
    /// See [`CloudWatchLogs::log_group`].
    pub log_group: String,
    /// See [`CloudWatchLogs::log_stream`].
    pub log_stream: String,
    /// The number of filters.
    pub subscription_filter_count: usize,
    /// The number of entries.
    pub log_event_count: usize,
    /// One line for logs, with [escaped](log_safe_value) values.
    pub safe_log: String,
}

impl KinesisRecord<'_> {
    /// Reads the record as a delivery of a CloudWatch Logs subscription.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotASubscription`](super::ErrorKind::NotASubscription). Return it from the
    /// handler to fail the record.
    pub fn cloudwatch_logs(&self) -> Result<CloudWatchLogs, Error> {
        decode(&self.event_id, &self.data).map_err(Error::not_a_subscription)
    }
}

/// Decodes a delivery. The error is the end of the error message.
fn decode(event_id: &str, data: &[u8]) -> Result<CloudWatchLogs, Cow<'static, str>> {
    let record_id = event_id.trim();
    if record_id.is_empty() {
        return Err(": missing kinesis eventID".into());
    }
    if data.is_empty() {
        return Err(": empty kinesis data".into());
    }
    decompress(record_id, data)
}

fn decompress(record_id: &str, data: &[u8]) -> Result<CloudWatchLogs, Cow<'static, str>> {
    let payload = gunzip(data, MAX_PAYLOAD_BYTES).map_err(|error| match error {
        GunzipError::Invalid => " gzip: invalid payload",
        GunzipError::TooLarge => ": payload too large",
    })?;
    let payload = decode_lossy(&payload);
    let document = Document::scan(&payload).map_err(|_| " json: invalid payload")?;
    let root = document.root();
    // In events, null is an object without members.
    if !root.is_object() && !root.is_null() {
        return Err(" json: expected object".into());
    }
    let mut logs = read(root).map_err(|_| " json: invalid payload")?;
    logs.record_id = record_id.to_string();
    logs.check()?;
    logs.safe_summary = logs.summary();
    logs.text = payload.into_owned();
    Ok(logs)
}

fn read(payload: Value<'_, '_>) -> Result<CloudWatchLogs, JsonError> {
    let payload = payload.object()?;
    let text = |name| payload.text(name).map(|text| text.trim().to_string());
    let filters = payload.list("subscriptionFilters")?;
    let filters = filters.map(|filter| filter.text().map(|text| text.trim().to_string()));
    let events = payload.list("logEvents")?.map(|event| {
        let event = event.object()?;
        Ok(CloudWatchLogEvent {
            id: event.text("id")?.trim().to_string(),
            timestamp: event.get("timestamp")?.exact_integer()?,
            message: event.text("message")?.into_owned(),
        })
    });
    Ok(CloudWatchLogs {
        record_id: String::new(),
        message_type: text("messageType")?,
        owner: text("owner")?,
        log_group: text("logGroup")?,
        log_stream: text("logStream")?,
        subscription_filters: filters.collect::<Result<_, _>>()?,
        log_events: events.collect::<Result<_, JsonError>>()?,
        safe_summary: CloudWatchLogsSummary::default(),
        text: String::new(),
    })
}

impl CloudWatchLogs {
    /// Reads a direct delivery.
    ///
    /// # Errors
    ///
    /// [`Error`] if the data is not base64, or not a delivery of a subscription.
    pub fn read(record: &BatchRecord<'_>) -> Result<Self, Error> {
        let data = record.read(|logs| logs.text("data"))?;
        decompress("", &record.decode(&data)?).map_err(Error::not_a_subscription)
    }

    /// Returns the decompressed delivery.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// Control messages have no group, stream, filters or entries.
    fn check(&self) -> Result<(), Cow<'static, str>> {
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
            return Err(format!(": missing {}", missing.join(", ")).into());
        }
        if let Some(at) = self.subscription_filters.iter().position(String::is_empty) {
            return Err(format!(": empty subscriptionFilters[{at}]").into());
        }
        if let Some(at) = self.log_events.iter().position(|event| event.id.is_empty()) {
            return Err(format!(": empty logEvents[{at}].id").into());
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

const CONTROL_MESSAGE: &str = "CONTROL_MESSAGE";

/// The largest decompressed delivery, in bytes.
const MAX_PAYLOAD_BYTES: usize = 6 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use super::{CloudWatchLogs, decode};
    use crate::gzip::tests::stored;

    fn gzip(data: &[u8]) -> Vec<u8> {
        stored(data, 0, &[])
    }

    fn read(payload: &str) -> Result<CloudWatchLogs, alloc::string::String> {
        decode(" kin\nowner=spoof ", &gzip(payload.as_bytes()))
            .map_err(|why| super::Error::not_a_subscription(why).to_string())
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
    fn errors_name_the_invalid_members_and_quote_no_value() {
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
            assert_eq!(decode(id, data).unwrap_err(), text);
        }
    }
}
