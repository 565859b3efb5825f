//! EventBridge events.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::error::Error;
use super::text::{OwnedJson, Text};
use super::workload::{Correlation, CorrelationSource};
use crate::document::{Document, Object, Value};
use crate::json::JsonError;
use crate::printing::prints;

/// An EventBridge event. Texts are trimmed; missing values are empty.
///
/// Only the members that route the event must have the right type. Other members of the wrong type
/// count as missing.
#[derive(Clone)]
pub struct EventBridgeEvent<'a> {
    /// The event's id.
    pub id: String,
    /// The event's source.
    pub source: String,
    /// The detail type: `detail-type`, or else `detailType`.
    pub detail_type: String,
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// When the event happened, as in the event.
    pub time: String,
    /// The ARNs of the resources that the event is about; not trimmed.
    pub resources: Vec<String>,
    text: Text<'a>,
    detail: Option<Text<'a>>,
    /// The correlation id in the event, other than the event's own id.
    pub(super) correlation: Option<(String, CorrelationSource)>,
}

prints!(EventBridgeEvent<'_>: id, source, detail_type, account, region, time);

impl<'a> EventBridgeEvent<'a> {
    /// Reads an event.
    ///
    /// # Errors
    ///
    /// [`Error`] if the text is not a JSON object, or `source`, a detail type or `resources` has
    /// the wrong type or occurs twice.
    pub fn read(event: &'a str) -> Result<Self, Error> {
        let malformed = |cause| Error::malformed(WHAT, cause);
        let document = Document::scan(event).map_err(malformed)?;
        Self::of(event, document.object().map_err(malformed)?)
    }

    pub(super) fn of(text: &'a str, event: Object<'a, '_>) -> Result<Self, Error> {
        Self::from_object(text, event).map_err(|cause| Error::malformed(WHAT, cause))
    }

    fn from_object(text: &'a str, event: Object<'a, '_>) -> Result<Self, JsonError> {
        let trimmed = |name| event.get(name).map(|value| value.trimmed().into_owned());
        let (names, alias) = (event.text("detail-type")?, event.text("detailType")?);
        let detail_type = if names.trim().is_empty() { alias.trim() } else { names.trim() };
        let detail = event.get("detail")?;
        Ok(Self {
            id: trimmed("id")?,
            source: event.text("source")?.trim().to_string(),
            detail_type: detail_type.to_string(),
            account: trimmed("account")?,
            region: trimmed("region")?,
            time: trimmed("time")?,
            resources: event.get("resources")?.strings()?,
            text: text.into(),
            correlation: correlation(event.get("metadata")?, event.get("headers")?, detail),
            detail: detail.filled().map(|detail| detail.json().into()),
        })
    }

    /// Returns the original event.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.text
    }

    /// Returns a copy that does not borrow from the event's text.
    #[must_use]
    pub fn into_owned(self) -> EventBridgeEvent<'static> {
        let owned = OwnedJson::of(&self.text);
        EventBridgeEvent {
            id: self.id,
            source: self.source,
            detail_type: self.detail_type,
            account: self.account,
            region: self.region,
            time: self.time,
            resources: self.resources,
            detail: self.detail.map(|text| owned.text(text)),
            text: owned.json(),
            correlation: self.correlation,
        }
    }

    /// Returns the detail as JSON text, for [`serde_json::from_str`]; `null` if there is none.
    #[must_use]
    pub fn detail(&self) -> &str {
        self.detail.as_deref().unwrap_or("null")
    }
}

/// Returns the correlation id of an event and its place: its metadata, a header, or its detail.
fn correlation(
    metadata: Value<'_, '_>,
    headers: Value<'_, '_>,
    detail: Value<'_, '_>,
) -> Option<Correlation> {
    const NAME: &str = "correlation_id";
    let (metadata, detail) = (metadata.member(NAME), detail.member(NAME));
    let header = header(headers, "x-correlation-id");
    let found = match (metadata.filled_text(), header, detail.filled_text()) {
        (Some(id), ..) => (id, CorrelationSource::Metadata),
        (None, Some(id), _) => (id, CorrelationSource::Header),
        (None, None, Some(id)) => (id, CorrelationSource::Detail),
        (None, None, None) => return None,
    };
    Some((found.0.trim().to_string(), found.1))
}

/// Returns the first text of a header that is not blank. The name may be in any case; if it occurs
/// in several cases, the event's order decides.
fn header<'a>(headers: Value<'a, '_>, name: &str) -> Option<Cow<'a, str>> {
    let mut members = headers.object().ok()?.members();
    members.find_map(|(known, value)| {
        if !known.trimmed().eq_ignore_ascii_case(name) {
            return None;
        }
        match value.list() {
            Ok(mut list) => list.find_map(Value::filled_text),
            Err(_) => value.filled_text(),
        }
    })
}

/// How error messages call events.
const WHAT: &str = "eventbridge event";

#[cfg(test)]
mod tests {
    use super::EventBridgeEvent;

    fn event(json: &str) -> EventBridgeEvent<'_> {
        EventBridgeEvent::read(json).unwrap()
    }

    #[test]
    fn what_routes_has_to_have_its_type_and_nothing_else() {
        let lenient = event(r#"{"id":5,"time":" t ","account":[],"detail":"{}","source":null}"#);
        assert_eq!((&*lenient.id, &*lenient.time, lenient.detail()), ("", "t", r#""{}""#));
        for json in [r#"{"source":5}"#, r#"{"detailType":{}}"#, r#"{"resources":"x"}"#, "[]"] {
            assert!(EventBridgeEvent::read(json).is_err(), "{json}");
        }
    }

    #[test]
    fn headers_are_looked_up_in_the_order_of_the_event() {
        let found = |headers: &str| {
            let json = alloc::format!(r#"{{"headers":{headers}}}"#);
            event(&json).correlation.map(|(id, _)| id).unwrap_or_default()
        };
        for (headers, expected) in [
            (r#"{" X-Correlation-Id ":" b ","x-correlation-id":"a"}"#, "b"),
            (r#"{"X-Correlation-Id":" ","x-correlation-id":"a"}"#, "a"),
            (r#"{"x-correlation-id":["",5," h "]}"#, "h"),
            (r#"{"x-correlation-id":5}"#, ""),
            ("[]", ""),
        ] {
            assert_eq!(found(headers), expected, "{headers}");
        }
    }
}
