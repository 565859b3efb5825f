//! Encodes events as stored items, and decodes them.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::event::Event;
use super::keys::EventKey;
use super::payload::Payload;
use super::schema::{AttributeNames, PayloadEncoding, TimestampFormat};
use crate::store::{AttributeStyle, Item, Number, Value};
use crate::time::{Timestamp, TimestampError};

/// Encodes events as items of a table, and decodes them.
///
/// Decoding accepts what any compatible writer stores: payloads as bytes or number lists, tags as
/// sets or lists, instants with any offset and fraction. Unknown attributes are ignored; missing or
/// null attributes leave their field unset.
///
/// ```
/// use apptheory_core::eventbus::{Event, EventCodec};
/// use apptheory_core::time::Timestamp;
///
/// let codec = EventCodec::default();
/// let event = Event::new("t1", "order.created").tagged(["vip"]);
/// let item = codec.encode(&event);
/// assert_eq!(item.text("TenantID"), Some("t1"));
/// assert_eq!(codec.decode(item), Ok(event));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct EventCodec {
    /// The attribute names.
    pub attribute_style: AttributeStyle,
    /// How payloads are written.
    pub payload_encoding: PayloadEncoding,
    /// How instants are written.
    pub timestamp_format: TimestampFormat,
}

/// A stored item is not an event of the schema. It is reported besides the events of its page and
/// stays in the table: repair it, or delete it by its key.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("failed to unmarshal item: failed to unmarshal field {attribute}: {problem}")]
pub struct UnreadableItem {
    /// The primary key of the item, if it has one.
    pub key: Option<EventKey>,
    /// The attribute that cannot be read.
    pub attribute: &'static str,
    /// What is wrong with the attribute. Quotes nothing of its value.
    pub problem: &'static str,
}

impl EventCodec {
    /// Returns the names of the attributes that this codec reads and writes.
    #[must_use]
    pub const fn names(&self) -> &'static AttributeNames {
        AttributeNames::of(self.attribute_style)
    }

    /// Returns the item of an event. The item has key attributes if the event has a key.
    #[must_use]
    pub fn encode(&self, event: &Event) -> Item {
        let names = self.names();
        let text = |text: &str| Value::from(text);
        let instant = |at: Timestamp| Value::from(self.timestamp_format.write(at));
        let metadata = event.metadata.iter().map(|(name, value)| (name.clone(), text(value)));
        let always = [
            (names.id, text(&event.id)),
            (names.tenant_id, text(&event.tenant_id)),
            (names.event_type, text(&event.event_type)),
            (names.source_id, text(&event.source_id)),
            (names.payload, self.encode_payload(&event.payload)),
            (names.metadata, Value::M(metadata.collect())),
            (names.version, Value::N(event.version.into())),
            (names.retry_count, Value::N(event.retry_count.into())),
        ];
        let key = event.key.as_ref();
        let if_set = [
            (names.partition_key, key.map(|key| text(&key.partition_key))),
            (names.sort_key, key.map(|key| text(&key.sort_key))),
            (names.created_at, event.created_at.map(instant)),
            (names.published_at, event.published_at.map(instant)),
            (names.expires_at, event.expires_at.map(instant)),
            (names.correlation_id, non_empty(&event.correlation_id).map(text)),
            (names.tags, (!event.tags.is_empty()).then(|| Value::Ss(event.tags.clone()))),
            (names.ttl, event.ttl.filter(|ttl| *ttl != 0).map(|ttl| Value::N(ttl.into()))),
        ];
        let if_set = if_set.into_iter().filter_map(|(name, value)| Some((name, value?)));
        always.into_iter().chain(if_set).map(|(name, value)| (name.into(), value)).collect()
    }

    /// Decodes the event of an item. Takes over the item's texts without copying.
    ///
    /// # Errors
    ///
    /// [`UnreadableItem`] for the first attribute that no compatible writer would have stored.
    pub fn decode(&self, mut item: Item) -> Result<Event, UnreadableItem> {
        let names = self.names();
        let mut expected_at = 0;
        let mut take = |name: &'static str| (name, item.take(name, &mut expected_at));
        // In the order of their names, in which the item has them.
        let correlation_id = take(names.correlation_id);
        let created_at = take(names.created_at);
        let event_type = take(names.event_type);
        let expires_at = take(names.expires_at);
        let id = take(names.id);
        let metadata = take(names.metadata);
        let (_, partition_key) = take(names.partition_key);
        let payload = take(names.payload);
        let published_at = take(names.published_at);
        let retry_count = take(names.retry_count);
        let (_, sort_key) = take(names.sort_key);
        let source_id = take(names.source_id);
        let tags = take(names.tags);
        let tenant_id = take(names.tenant_id);
        let version = take(names.version);
        let ttl = take(names.ttl);

        let key = EventKey::of_values(partition_key, sort_key);
        let read = || -> Result<Event, Unreadable> {
            let published_at = read_instant(published_at)?;
            Ok(Event {
                id: read_text(id)?,
                tenant_id: read_text(tenant_id)?,
                event_type: read_text(event_type)?,
                source_id: read_text(source_id)?,
                published_at,
                created_at: read_instant(created_at)?,
                expires_at: read_instant(expires_at)?,
                ttl: read_integer(ttl)?.filter(|ttl| *ttl != 0),
                key: None,
                correlation_id: read_text(correlation_id)?,
                payload: Payload::from_stored(read_payload(payload)?),
                metadata: read_metadata(metadata)?,
                tags: read_tags(tags)?,
                version: read_integer(version)?.unwrap_or(0),
                retry_count: read_integer(retry_count)?.unwrap_or(0),
            })
        };
        match read() {
            Ok(event) => Ok(Event { key, ..event }),
            Err((attribute, problem)) => Err(UnreadableItem { key, attribute, problem }),
        }
    }

    fn encode_payload(&self, payload: &Payload) -> Value {
        if payload.is_empty() {
            return Value::Null;
        }
        match self.payload_encoding {
            PayloadEncoding::Binary => Value::B(payload.as_bytes().to_vec()),
            PayloadEncoding::ByteList => {
                let numbers = payload.as_bytes().iter().map(|byte| Number::from(u32::from(*byte)));
                Value::L(numbers.map(Value::N).collect())
            }
        }
    }
}

/// The name of an attribute, and what is wrong with it.
type Unreadable = (&'static str, &'static str);

/// An attribute's name and its value, if it exists and is not null.
type Stored = (&'static str, Option<Value>);

fn read_text((name, value): Stored) -> Result<String, Unreadable> {
    match value {
        None => Ok(String::new()),
        Some(Value::S(text)) => Ok(text),
        Some(_) => Err((name, WRONG_TYPE)),
    }
}

fn read_instant((name, value): Stored) -> Result<Option<Timestamp>, Unreadable> {
    let Some(value) = value else { return Ok(None) };
    let text = value.as_text().ok_or((name, WRONG_TYPE))?;
    instant(text).map_err(|_| (name, NOT_AN_INSTANT))
}

/// Reads the instant in a text. The first instant of year 1 is how other writers store "not set".
pub(super) fn instant(text: &str) -> Result<Option<Timestamp>, TimestampError> {
    let at: Timestamp = text.parse()?;
    Ok(Some(at).filter(|at| *at != Timestamp::MIN))
}

fn read_integer((name, value): Stored) -> Result<Option<i64>, Unreadable> {
    let Some(value) = value else { return Ok(None) };
    let number = value.as_number().ok_or((name, WRONG_TYPE))?;
    let integer = number.to_i128().and_then(|integer| i64::try_from(integer).ok());
    integer.map(Some).ok_or((name, NOT_AN_INTEGER))
}

fn read_payload((name, value): Stored) -> Result<Vec<u8>, Unreadable> {
    match value {
        None => Ok(Vec::new()),
        Some(Value::B(bytes)) => Ok(bytes),
        Some(Value::L(numbers)) => numbers
            .iter()
            .map(|number| {
                let number = number.as_number().ok_or((name, WRONG_TYPE))?;
                let integer = number.to_i128().ok_or((name, NOT_AN_INTEGER))?;
                // Other readers also take every number modulo 256.
                Ok(u8::try_from(integer.rem_euclid(256)).unwrap_or(0))
            })
            .collect(),
        Some(_) => Err((name, WRONG_TYPE)),
    }
}

fn read_metadata((name, value): Stored) -> Result<BTreeMap<String, String>, Unreadable> {
    match value {
        None => Ok(BTreeMap::new()),
        Some(Value::M(members)) => members
            .into_iter()
            .map(|(member, value)| {
                let value = Some(value).filter(|value| *value != Value::Null);
                Ok((member, read_text((name, value))?))
            })
            .collect(),
        Some(_) => Err((name, WRONG_TYPE)),
    }
}

fn read_tags((name, value): Stored) -> Result<Vec<String>, Unreadable> {
    match value {
        None => Ok(Vec::new()),
        Some(Value::Ss(tags)) => Ok(tags),
        Some(Value::L(tags)) => tags.into_iter().map(|tag| read_text((name, Some(tag)))).collect(),
        Some(_) => Err((name, WRONG_TYPE)),
    }
}

fn non_empty(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// For a type that no compatible writer stores.
const WRONG_TYPE: &str = "it has an unexpected type";
/// Instants are RFC 3339 texts of the years 0001 to 9999.
const NOT_AN_INSTANT: &str = "it is not an RFC 3339 instant";
const NOT_AN_INTEGER: &str = "it is not a whole number of 64 bits";

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use serde_json::json;

    use super::{EventCodec, NOT_AN_INSTANT, NOT_AN_INTEGER, WRONG_TYPE};
    use crate::eventbus::{
        AttributeStyle, Event, EventKey, Payload, PayloadEncoding, TimestampFormat,
    };
    use crate::store::Item;

    const TABLE_THEORY: EventCodec = EventCodec {
        attribute_style: AttributeStyle::TableTheory,
        payload_encoding: PayloadEncoding::ByteList,
        timestamp_format: TimestampFormat::Trimmed,
    };

    fn event() -> Event {
        let key = EventKey {
            partition_key: "t1#order.created".into(),
            sort_key: "1767323045120000000#evt_1".into(),
        };
        Event {
            key: Some(key),
            ttl: Some(1_770_595_200),
            created_at: Some("2026-01-10T00:00:00Z".parse().unwrap()),
            expires_at: Some("2026-02-09T00:00:00Z".parse().unwrap()),
            payload: Payload::from_json("{}").unwrap(),
            ..Event::new("t1", "order.created")
                .id("evt_1")
                .published_at("2026-01-02T03:04:05.12Z".parse().unwrap())
                .source("s")
                .metadata("k", "v")
                .tagged(["a", "b"])
        }
    }

    #[test]
    fn items_of_existing_tables_are_written_to_the_letter() {
        let expected = json!({
            "pk": {"S": "t1#order.created"}, "sk": {"S": "1767323045120000000#evt_1"},
            "id": {"S": "evt_1"}, "event_type": {"S": "order.created"}, "tenant_id": {"S": "t1"},
            "source_id": {"S": "s"}, "published_at": {"S": "2026-01-02T03:04:05.12Z"},
            "created_at": {"S": "2026-01-10T00:00:00Z"},
            "expires_at": {"S": "2026-02-09T00:00:00Z"}, "ttl": {"N": "1770595200"},
            "payload": {"L": [{"N": "123"}, {"N": "125"}]}, "metadata": {"M": {"k": {"S": "v"}}},
            "tags": {"SS": ["a", "b"]}, "version": {"N": "1"}, "retry_count": {"N": "0"}
        });
        assert_eq!(TABLE_THEORY.encode(&event()).to_json(), expected);
        assert_eq!(TABLE_THEORY.decode(Item::from_json(&expected).unwrap()), Ok(event()));
    }

    #[test]
    fn every_form_reads_back() {
        for attribute_style in [AttributeStyle::Pascal, AttributeStyle::TableTheory] {
            for payload_encoding in [PayloadEncoding::Binary, PayloadEncoding::ByteList] {
                for timestamp_format in [TimestampFormat::Fixed9, TimestampFormat::Trimmed] {
                    let codec = EventCodec { attribute_style, payload_encoding, timestamp_format };
                    assert_eq!(codec.decode(codec.encode(&event())), Ok(event()));
                }
            }
        }
        let mission = EventCodec::default().encode(&event());
        assert_eq!(mission.text("PublishedAt"), Some("2026-01-02T03:04:05.120000000Z"));
        assert_eq!(mission.to_json()["Payload"], json!({"B": "e30="}));
    }

    #[test]
    fn foreign_forms_are_read() {
        let item = Item::from_json(&json!({
            "pk": {"S": "t#e"}, "sk": {"S": "1#x"}, "payload": {"L": [{"N": "379"}, {"N": "-131"}]},
            "tags": {"L": [{"S": "a"}]}, "published_at": {"S": "2026-01-02T05:04:05.1+02:00"},
            "expires_at": {"S": "0001-01-01T00:00:00Z"}, "metadata": {"NULL": true},
            "unknown": {"BOOL": true}
        }))
        .unwrap();
        let event = TABLE_THEORY.decode(item).unwrap();
        assert_eq!(event.payload.as_bytes(), b"{}");
        assert_eq!(event.tags, vec!["a".to_string()]);
        assert_eq!(event.published_at, Some("2026-01-02T03:04:05.1Z".parse().unwrap()));
        assert_eq!((event.expires_at, event.version), (None, 0));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (attribute, value, problem) in [
            ("payload", json!({"S": "{}"}), WRONG_TYPE),
            ("payload", json!({"L": [{"N": "1.5"}]}), NOT_AN_INTEGER),
            ("published_at", json!({"N": "5"}), WRONG_TYPE),
            ("published_at", json!({"S": "yesterday"}), NOT_AN_INSTANT),
            ("version", json!({"N": "1.5"}), NOT_AN_INTEGER),
            ("tags", json!({"S": "a"}), WRONG_TYPE),
            ("metadata", json!({"M": {"k": {"N": "1"}}}), WRONG_TYPE),
        ] {
            let mut stored = TABLE_THEORY.encode(&event()).to_json();
            stored[attribute] = value;
            let error = TABLE_THEORY.decode(Item::from_json(&stored).unwrap()).unwrap_err();
            assert_eq!((error.attribute, error.problem), (attribute, problem));
            assert_eq!(error.key, event().key);
        }
    }
}
