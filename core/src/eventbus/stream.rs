//! Changes of the events table, as its DynamoDB stream reports them.

use alloc::boxed::Box;

use serde_json::Value as Json;

use super::codec::EventCodec;
use super::error::{Error, Reason};
use super::event::Event;
use super::keys::EventKey;
use crate::store::Item;

/// A change of an event in its table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum EventChange {
    /// The event was published.
    Inserted(Event),
    /// The event's item was overwritten. The bus itself never does this.
    Modified {
        /// The event before the change; `None` if the stream has no old images.
        before: Option<Box<Event>>,
        /// The event after the change.
        after: Event,
    },
    /// The event was deleted.
    Removed {
        /// The event's key.
        key: EventKey,
        /// The event; `None` if the stream has no old images.
        event: Option<Event>,
        /// Whether DynamoDB deleted the event because its TTL had passed.
        expired: bool,
    },
}

impl EventCodec {
    /// Decodes a record of the table's DynamoDB stream, in the JSON that Lambda passes to
    /// functions.
    ///
    /// The stream must contain new images (`NEW_IMAGE`; use `NEW_AND_OLD_IMAGES` to see deleted
    /// events, too). Streams deliver at least once: a record may arrive again, with the same event.
    ///
    /// ```
    /// use apptheory_core::eventbus::{EventChange, EventCodec};
    ///
    /// let record = serde_json::json!({"eventName": "INSERT", "dynamodb": {"NewImage": {
    ///     "PartitionKey": {"S": "t1#order.created"}, "SortKey": {"S": "1767225600000000000#e1"},
    ///     "ID": {"S": "e1"}, "TenantID": {"S": "t1"}, "EventType": {"S": "order.created"},
    ///     "CreatedAt": {"S": "2026-01-01T00:00:00Z"},
    /// }}});
    /// let EventChange::Inserted(event) = EventCodec::default().decode_stream_record(&record)?
    /// else {
    ///     panic!("the event is new");
    /// };
    /// assert_eq!((&*event.id, &*event.event_type), ("e1", "order.created"));
    /// # Ok::<(), apptheory_core::eventbus::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`] of the kind [`Unreadable`](super::ErrorKind::Unreadable) for a record of another
    /// kind, a record without a required image, or an item that is not an event.
    pub fn decode_stream_record(&self, record: &Json) -> Result<EventChange, Error> {
        let change = record.get("dynamodb");
        match record.get("eventName").and_then(Json::as_str) {
            Some("INSERT") => Ok(EventChange::Inserted(self.new_image(change)?)),
            Some("MODIFY") => Ok(EventChange::Modified {
                before: self.old_image(change)?.map(Box::new),
                after: self.new_image(change)?,
            }),
            Some("REMOVE") => Ok(EventChange::Removed {
                key: self.key(change)?,
                event: self.old_image(change)?,
                expired: is_expiry(record),
            }),
            Some(_) | None => Err(Error(Reason::NotAStreamRecord)),
        }
    }

    fn new_image(&self, change: Option<&Json>) -> Result<Event, Error> {
        let image = item(change, NEW_IMAGE)?;
        let image = image.ok_or(Error(Reason::MissingPart(NEW_IMAGE)))?;
        Ok(self.decode(image)?)
    }

    fn old_image(&self, change: Option<&Json>) -> Result<Option<Event>, Error> {
        let image = item(change, OLD_IMAGE)?;
        Ok(image.map(|image| self.decode(image)).transpose()?)
    }

    fn key(&self, change: Option<&Json>) -> Result<EventKey, Error> {
        let keys = item(change, KEYS)?;
        keys.and_then(|keys| EventKey::of_item(&keys, self.names()))
            .ok_or(Error(Reason::MissingPart(KEYS)))
    }
}

/// Returns an item in a record; `None` if it is missing.
fn item(change: Option<&Json>, part: &'static str) -> Result<Option<Item>, Error> {
    let image = change.and_then(|change| change.get(part)).filter(|image| !image.is_null());
    let malformed = |error| Error(Reason::MalformedPart { part, error });
    image.map(|image| Item::from_json(image).map_err(malformed)).transpose()
}

/// Returns whether the TTL caused the removal: the record then names the service as its author.
fn is_expiry(record: &Json) -> bool {
    let author = record.get("userIdentity");
    let says = |member, expected| {
        let text = author.and_then(|author| author.get(member)).and_then(Json::as_str);
        text == Some(expected)
    };
    says("type", "Service") && says("principalId", "dynamodb.amazonaws.com")
}

// These names are DynamoDB's.
const NEW_IMAGE: &str = "NewImage";
const OLD_IMAGE: &str = "OldImage";
const KEYS: &str = "Keys";

#[cfg(test)]
mod tests {
    use alloc::boxed::Box;
    use alloc::string::ToString as _;

    use serde_json::{Value as Json, json};

    use super::{Error, EventChange, Reason};
    use crate::eventbus::{
        AttributeStyle, BusConfig, Event, EventCodec, EventKey, PayloadEncoding, TimestampFormat,
    };
    use crate::machine::{Machine, Step};
    use crate::store::StoreRequest;
    use crate::time::Timestamp;

    /// Returns an event as it was published, and its item.
    fn stored(codec: EventCodec) -> (Event, Json) {
        let now: Timestamp = "2026-01-01T00:00:00.5Z".parse().unwrap();
        let event = Event::new("t1", "order.created")
            .id("e1")
            .payload(&json!({"total": 12}))
            .metadata("k", "v")
            .tagged(["a", "b"]);
        let bus = BusConfig::builder()
            .attribute_style(codec.attribute_style)
            .payload_encoding(codec.payload_encoding)
            .timestamp_format(codec.timestamp_format)
            .build()
            .unwrap();
        let Step::Ask(StoreRequest::PutItem(put)) = bus.publish(event, now, 1).unwrap().start()
        else {
            panic!("publishing writes");
        };
        let item = put.effect().item.clone();
        (codec.decode(item.clone()).unwrap(), item.to_json())
    }

    fn keys(codec: EventCodec, event: &Event) -> Json {
        event.key.as_ref().unwrap().to_store_key(codec.names()).to_item().to_json()
    }

    #[test]
    fn every_stored_form_is_read_from_every_kind_of_change() {
        for attribute_style in [AttributeStyle::Pascal, AttributeStyle::TableTheory] {
            for payload_encoding in [PayloadEncoding::Binary, PayloadEncoding::ByteList] {
                let timestamp_format = TimestampFormat::Trimmed;
                let codec = EventCodec { attribute_style, payload_encoding, timestamp_format };
                let (event, image) = stored(codec);
                let keys = keys(codec, &event);
                let record = |name: &str, change: Json| {
                    let record = json!({"eventName": name, "eventID": "1", "dynamodb": change});
                    codec.decode_stream_record(&record)
                };
                assert_eq!(
                    record("INSERT", json!({"Keys": keys, "NewImage": image})),
                    Ok(EventChange::Inserted(event.clone()))
                );
                assert_eq!(
                    record("MODIFY", json!({"OldImage": image, "NewImage": image})),
                    Ok(EventChange::Modified {
                        before: Some(Box::new(event.clone())),
                        after: event.clone()
                    })
                );
                assert_eq!(
                    record("MODIFY", json!({"OldImage": null, "NewImage": image})),
                    Ok(EventChange::Modified { before: None, after: event.clone() })
                );
                let key = event.key.clone().unwrap();
                for (change, event) in [
                    (json!({"Keys": keys, "OldImage": image}), Some(event)),
                    (json!({"Keys": keys}), None),
                ] {
                    let key = key.clone();
                    assert_eq!(
                        record("REMOVE", change),
                        Ok(EventChange::Removed { key, event, expired: false })
                    );
                }
            }
        }
    }

    #[test]
    fn removals_by_the_ttl_service_are_marked_as_expired() {
        let codec = EventCodec::default();
        let (event, _) = stored(codec);
        let change = json!({"Keys": keys(codec, &event)});
        let expired = |identity: Json| {
            let record =
                json!({"eventName": "REMOVE", "dynamodb": change, "userIdentity": identity});
            let change = codec.decode_stream_record(&record);
            matches!(change, Ok(EventChange::Removed { expired: true, .. }))
        };
        assert!(expired(json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"})));
        assert!(!expired(json!({"type": "AssumedRole", "principalId": "dynamodb.amazonaws.com"})));
        assert!(!expired(json!(null)));
    }

    #[test]
    fn errors_name_the_missing_or_malformed_part_of_a_stream_record() {
        let decode = |record: Json| EventCodec::default().decode_stream_record(&record);
        for record in [json!(null), json!([]), json!({}), json!({"eventName": "insert"})] {
            assert_eq!(decode(record), Err(Error(Reason::NotAStreamRecord)));
        }
        let missing = |part| Err(Error(Reason::MissingPart(part)));
        let insert = |change: Json| decode(json!({"eventName": "INSERT", "dynamodb": change}));
        assert_eq!(decode(json!({"eventName": "INSERT"})), missing("NewImage"));
        assert_eq!(insert(json!({"Keys": {}})), missing("NewImage"));
        assert_eq!(decode(json!({"eventName": "REMOVE", "dynamodb": {}})), missing("Keys"));
        let malformed = insert(json!({"NewImage": {"ID": "e1"}})).unwrap_err();
        assert!(malformed.to_string().starts_with("the stream record's NewImage is malformed: "));
        let error = insert(json!({"NewImage": {
            "PartitionKey": {"S": "t1#e"}, "SortKey": {"S": "1#e1"}, "Payload": {"S": "secret"},
        }}));
        let error = error.unwrap_err().unreadable_item().cloned().unwrap();
        let key = EventKey { partition_key: "t1#e".into(), sort_key: "1#e1".into() };
        assert_eq!((error.key, error.attribute), (Some(key), "Payload"));
    }
}
