//! The event, its builder methods, and its JSON form.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::{Error, Input};
use super::keys::EventKey;
use super::payload::Payload;
use crate::json::{self, ObjectWriter};
use crate::printing::prints;
use crate::time::Timestamp;

/// Something that happened in a tenant, to publish or as read.
///
/// A new event has a tenant and a type; publishing fills in the rest, such as its id and time. If
/// an event has an id and a time of publication, or an id that is a ULID, publishing it again (for
/// example after a timeout) finds the first copy.
///
/// ```
/// use apptheory_core::eventbus::Event;
///
/// let event = Event::new("tenant-1", "order.created")
///     .payload(&serde_json::json!({"total": 12}))
///     .tagged(["vip", "eu"])
///     .correlation_id("req-9");
/// assert_eq!(event.payload.as_bytes(), br#"{"total":12}"#);
/// assert!(event.to_json()?.contains(r#""event_type":"order.created""#));
/// # Ok::<(), apptheory_core::eventbus::Error>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Event {
    /// The id. Publishing trims it, and replaces a blank one by a ULID.
    pub id: String,
    /// The tenant. Publishing trims it.
    pub tenant_id: String,
    /// The type, such as `order.created`. Publishing trims it.
    pub event_type: String,
    /// The source of the event; may be empty.
    pub source_id: String,
    /// When the event was published, which determines its position in every order. If missing,
    /// publishing takes it from an id that is a ULID, or else from the clock.
    pub published_at: Option<Timestamp>,
    /// When the event was created. Stored unchanged; if missing, publishing takes it from the
    /// clock.
    pub created_at: Option<Timestamp>,
    /// When the store may delete the event.
    pub expires_at: Option<Timestamp>,
    /// The store's expiry in Unix seconds; derived from `expires_at` if that is set. 0 is not
    /// stored, because other writers use it for "not set".
    pub ttl: Option<i64>,
    /// The primary key of the stored event. Set by publishing and reading; publishing always
    /// derives it anew.
    pub key: Option<EventKey>,
    /// Correlates the event with the request or event that caused it; may be empty.
    pub correlation_id: String,
    /// The contents.
    pub payload: Payload,
    /// Additional names and values.
    pub metadata: BTreeMap<String, String>,
    /// Tags to filter queries by. Publishing removes duplicates; stores may change the order.
    pub tags: Vec<String>,
    /// The version of the event's schema; 1 by default. Never changed by the bus.
    pub version: i64,
    /// For consumers that count their attempts. Never changed by the bus.
    pub retry_count: i64,
}

prints!(Event: id, tenant_id, event_type, published_at, key, payload, version);

impl Event {
    /// Creates an event of a type in a tenant.
    #[must_use]
    pub fn new(tenant_id: impl Into<String>, event_type: impl Into<String>) -> Self {
        Self {
            id: String::new(),
            tenant_id: tenant_id.into(),
            event_type: event_type.into(),
            source_id: String::new(),
            published_at: None,
            created_at: None,
            expires_at: None,
            ttl: None,
            key: None,
            correlation_id: String::new(),
            payload: Payload::default(),
            metadata: BTreeMap::new(),
            tags: Vec::new(),
            version: 1,
            retry_count: 0,
        }
    }

    /// Sets the id. To let repeated publishing find the first copy, also set the time of
    /// publication, unless the id is a ULID.
    #[must_use]
    pub fn id(self, id: impl Into<String>) -> Self {
        Self { id: id.into(), ..self }
    }

    /// Sets when the event is published.
    #[must_use]
    pub fn published_at(self, at: Timestamp) -> Self {
        Self { published_at: Some(at), ..self }
    }

    /// Sets the source of the event.
    #[must_use]
    pub fn source(self, source_id: impl Into<String>) -> Self {
        Self { source_id: source_id.into(), ..self }
    }

    /// Sets the payload to the JSON of a value. An event whose value cannot be serialized to JSON
    /// cannot be published.
    #[must_use]
    pub fn payload<T: Serialize + ?Sized>(self, value: &T) -> Self {
        Self { payload: Payload::of(value), ..self }
    }

    /// Sets when the store may delete the event.
    #[must_use]
    pub fn expires_at(self, at: Timestamp) -> Self {
        Self { expires_at: Some(at), ..self }
    }

    /// Adds a metadata entry; replaces an earlier entry of the same name.
    #[must_use]
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(name.into(), value.into());
        self
    }

    /// Adds tags.
    #[must_use]
    pub fn tagged<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// Sets the correlation id.
    #[must_use]
    pub fn correlation_id(self, correlation_id: impl Into<String>) -> Self {
        Self { correlation_id: correlation_id.into(), ..self }
    }

    /// Deserializes the payload as a `T`.
    ///
    /// # Errors
    ///
    /// [`Error`] of the kind [`Payload`](super::ErrorKind::Payload) if the payload is missing or is
    /// not the JSON of a `T`.
    pub fn payload_as<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.payload.decode()
    }

    /// Returns the event as JSON, with the members that every implementation of the contract
    /// writes. An instant that is not set is written as the first instant of year 1; the TTL is
    /// left out.
    ///
    /// # Errors
    ///
    /// [`Error`] of the kind [`Payload`](super::ErrorKind::Payload) if a payload from a store is
    /// not JSON.
    pub fn to_json(&self) -> Result<String, Error> {
        let mut out = String::new();
        self.write_json(&mut out)?;
        Ok(out)
    }

    /// Appends the event as JSON, as [`to_json`](Self::to_json) does.
    pub(super) fn write_json(&self, out: &mut String) -> Result<(), Error> {
        // Other clients cannot leave an instant out; they write the zero time, year 1.
        let instant = |at: Option<Timestamp>| at.unwrap_or(Timestamp::MIN).to_rfc3339();
        let key = self.key.as_ref();
        let mut object = ObjectWriter::begin(out);
        object.text("published_at", &instant(self.published_at));
        object.text("created_at", &instant(self.created_at));
        object.text("expires_at", &instant(self.expires_at));
        object.text("id", &self.id);
        object.text("event_type", &self.event_type);
        object.text("tenant_id", &self.tenant_id);
        object.text("source_id", &self.source_id);
        object.text("partition_key", key.map_or("", |key| &key.partition_key));
        object.text("sort_key", key.map_or("", |key| &key.sort_key));
        if !self.correlation_id.is_empty() {
            object.text("correlation_id", &self.correlation_id);
        }
        self.payload.write_json(object.member("payload"))?;
        if !self.metadata.is_empty() {
            let mut metadata = ObjectWriter::begin(object.member("metadata"));
            self.metadata.iter().for_each(|(name, value)| metadata.text(name, value));
            metadata.end();
        }
        if !self.tags.is_empty() {
            let out = object.member("tags");
            json::write_array(&self.tags, out, |tag, out| json::write_string(tag, out));
        }
        object.member("version").push_str(&self.version.to_string());
        object.member("retry_count").push_str(&self.retry_count.to_string());
        object.end();
        Ok(())
    }

    /// Parses the JSON form. Unknown members are ignored; every member may be missing or `null`. An
    /// event without a time of creation gets `now`.
    ///
    /// # Errors
    ///
    /// [`Error`] of the kind [`InvalidInput`](super::ErrorKind::InvalidInput) if the text is not
    /// JSON, or a member has another type than [`to_json`](Self::to_json) writes.
    pub fn from_json(text: &str, now: Timestamp) -> Result<Self, Error> {
        let malformed = |error| Input::Malformed { what: "event", error };
        let raw: RawEvent<'_> = json::read_object(text).map_err(malformed)?;
        // Kept as text instead of a parsed value, so that numbers keep their digits.
        let payload = match raw.payload.map(RawValue::get) {
            None | Some("null") => Payload::default(),
            Some(text) => Payload::from_json(text)?,
        };
        let key = raw.partition_key.zip(raw.sort_key);
        let key = key.map(|(partition_key, sort_key)| EventKey { partition_key, sort_key });
        Ok(Self {
            id: raw.id.unwrap_or_default(),
            source_id: raw.source_id.unwrap_or_default(),
            published_at: read_instant("published_at", raw.published_at)?,
            created_at: read_instant("created_at", raw.created_at)?.or(Some(now)),
            expires_at: read_instant("expires_at", raw.expires_at)?,
            // Events that were never published are written with empty keys.
            key: key.filter(|key| !key.partition_key.is_empty() && !key.sort_key.is_empty()),
            correlation_id: raw.correlation_id.unwrap_or_default(),
            payload,
            metadata: raw.metadata.unwrap_or_default(),
            tags: raw.tags.unwrap_or_default(),
            version: raw.version.unwrap_or(1),
            retry_count: raw.retry_count.unwrap_or(0),
            ..Self::new(raw.tenant_id.unwrap_or_default(), raw.event_type.unwrap_or_default())
        })
    }
}

fn read_instant(member: &'static str, text: Option<String>) -> Result<Option<Timestamp>, Error> {
    let Some(text) = text else { return Ok(None) };
    match text.parse() {
        // How `write_json` and other clients write an instant that is not set.
        Ok(Timestamp::MIN) => Ok(None),
        Ok(at) => Ok(Some(at)),
        Err(error) => Err(Input::Instant { member, error }.into()),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawEvent<'a> {
    published_at: Option<String>,
    created_at: Option<String>,
    expires_at: Option<String>,
    id: Option<String>,
    event_type: Option<String>,
    tenant_id: Option<String>,
    source_id: Option<String>,
    partition_key: Option<String>,
    sort_key: Option<String>,
    correlation_id: Option<String>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    metadata: Option<BTreeMap<String, String>>,
    tags: Option<Vec<String>>,
    version: Option<i64>,
    retry_count: Option<i64>,
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use serde_json::json;

    use super::Event;
    use crate::eventbus::{ErrorKind, Payload, Ulid};
    use crate::time::Timestamp;

    fn event() -> Event {
        let created: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        Event {
            payload: Payload::from_json(r#"{ "a" : "<" }"#).unwrap(),
            ttl: Some(5),
            created_at: Some(created),
            ..Event::new("t", "e")
                .id("evt_1")
                .source("s")
                .published_at("2026-01-02T03:04:05.12Z".parse().unwrap())
        }
    }

    #[test]
    fn the_json_form_has_the_specified_bytes() {
        assert_eq!(
            event().to_json().unwrap(),
            concat!(
                r#"{"published_at":"2026-01-02T03:04:05.12Z","created_at":"2026-01-02T03:04:05Z","#,
                r#""expires_at":"0001-01-01T00:00:00Z","id":"evt_1","event_type":"e","tenant_id":"t","#,
                r#""source_id":"s","partition_key":"","sort_key":"","payload":{"a":"\u003c"},"#,
                r#""version":1,"retry_count":0}"#
            )
        );
        let full = event().correlation_id("c").tagged(["b", "a"]).metadata("k", "&");
        let text = full.to_json().unwrap();
        assert!(text.contains(r#""correlation_id":"c","payload""#));
        assert!(text.contains(r#""metadata":{"k":"\u0026"},"tags":["b","a"],"version""#));
    }

    #[test]
    fn the_json_form_reads_back() {
        let published = Event::new("t", "e")
            .id(Ulid::new(Timestamp::UNIX_EPOCH, 1))
            .published_at(Timestamp::UNIX_EPOCH)
            .metadata("k", "v")
            .tagged(["x"])
            .expires_at(Timestamp::from_unix_seconds(3_600));
        let number = r#"{"n":12345678901234567890.10}"#;
        let payload = Payload::from_json(number).unwrap();
        let exact = Event { payload, created_at: event().created_at, ..published };
        let later = Timestamp::MAX;
        assert_eq!(Event::from_json(&exact.to_json().unwrap(), later).as_ref(), Ok(&exact));
        let empty = Event { created_at: Some(later), ..Event::new("", "") };
        assert_eq!(Event::from_json("{}", later), Ok(empty));
        for text in ["", "[]", "7", r#"{"id":7}"#, r#"{"created_at":"soon"}"#, r#"{"tags":[1]}"#] {
            assert!(Event::from_json(text, later).is_err(), "{text}");
        }
    }

    #[test]
    fn payloads_are_sorted_compact_and_read_back() {
        let payload = Payload::of(&json!({"b": 1, "a": "<x>&\u{2028}"}));
        assert_eq!(payload.as_bytes(), br#"{"a":"\u003cx\u003e\u0026\u2028","b":1}"#);
        assert_eq!(payload.decode::<serde_json::Value>().unwrap()["b"], 1);
        assert_eq!(Payload::of(&()).as_bytes(), b"null");
        let numbered = [(1, 2)].into_iter().collect::<alloc::collections::BTreeMap<_, _>>();
        assert!(Payload::of(&numbered).check().is_ok(), "integer keys have a text form");
        let odd = [((1, 2), 3)].into_iter().collect::<alloc::collections::BTreeMap<_, _>>();
        let odd = Payload::of(&odd);
        for error in [odd.check(), odd.decode::<u8>().map(drop)] {
            assert_eq!(error.unwrap_err().kind(), ErrorKind::Payload);
        }
        assert!(Event { payload: odd, ..event() }.to_json().is_err());
        let secret = Payload::of("secret").decode::<u8>().unwrap_err().to_string();
        assert!(!secret.contains("secret"));
        assert!(Payload::default().decode::<u8>().is_err());
        assert!(Payload::from_stored(b"{".to_vec()).decode::<u8>().is_err());
    }
}
