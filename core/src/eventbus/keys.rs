//! The primary key of an event, and what may be part of one.

use alloc::format;
use alloc::string::String;

use super::error::{Error, Input};
use super::schema::AttributeNames;
use crate::store::{Item, Key, MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES, Value};
use crate::time::Timestamp;

/// The primary key of a stored event. Keep it to read the event at once, without
/// waiting for an index.
///
/// ```
/// use apptheory_core::eventbus::{EventKey, Separator};
/// use apptheory_core::time::Timestamp;
///
/// let at: Timestamp = "2026-01-02T03:04:05.12Z".parse()?;
/// let key = EventKey::derive(" t1 ", "order.created", at, "evt_1", Separator::Refused)?;
/// assert_eq!(key.partition_key, "t1#order.created");
/// assert_eq!(key.sort_key, "1767323045120000000#evt_1");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct EventKey {
    /// `{tenant}#{type}`.
    pub partition_key: String,
    /// `{published_at in nanoseconds since 1970}#{id}`.
    pub sort_key: String,
}

/// Whether a tenant id or event type may hold `#`, which separates them in the key.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Separator {
    /// Refused: tenant `a` with type `b#c` would share its partition with tenant `a#b` and type
    /// `c`.
    #[default]
    Refused,
    /// Allowed, for data that already has it. Queries then also filter on the exact tenant and
    /// type.
    Allowed,
}

impl EventKey {
    /// The key of an event. All texts are trimmed; the id may hold `#`.
    ///
    /// # Errors
    ///
    /// [`Error`] for a blank part, a refused separator, an instant outside
    /// [`FIRST_INSTANT`] to [`LAST_INSTANT`], or a key longer than DynamoDB takes.
    pub fn derive(
        tenant_id: &str,
        event_type: &str,
        published_at: Timestamp,
        id: &str,
        separator: Separator,
    ) -> Result<Self, Error> {
        let partition_key = partition_key(tenant_id, event_type, separator)?;
        let id = id.trim();
        if id.is_empty() {
            return Err(Input::EmptyEventId.into());
        }
        if published_at < FIRST_INSTANT || published_at > LAST_INSTANT {
            return Err(Input::InstantOutOfRange(published_at).into());
        }
        let sort_key = format!("{}#{id}", published_at.unix_nanos());
        check_length("sort key", &sort_key, MAX_SORT_KEY_BYTES)?;
        Ok(Self { partition_key, sort_key })
    }

    /// The id in the sort key; empty if that holds none.
    #[must_use]
    pub fn id(&self) -> &str {
        self.sort_key.split_once('#').map_or("", |(_, id)| id)
    }

    /// The key under which a stored item is found; `None` if it is not one in this style.
    #[must_use]
    pub fn of_item(item: &Item, names: &AttributeNames) -> Option<Self> {
        Some(Self {
            partition_key: item.text(names.partition_key)?.into(),
            sort_key: item.text(names.sort_key)?.into(),
        })
    }

    /// The key of a stored item, as [`of_item`](Self::of_item), whose texts become the key's.
    pub(super) fn take_from(item: &mut Item, names: &AttributeNames) -> Option<Self> {
        match (item.take(names.partition_key), item.take(names.sort_key)) {
            (Some(Value::S(partition_key)), Some(Value::S(sort_key))) => {
                Some(Self { partition_key, sort_key })
            }
            _ => None,
        }
    }

    /// The key as the store takes it.
    #[must_use]
    pub fn to_store_key(&self, names: &AttributeNames) -> Key {
        Key::of(names.partition_key, Value::from(self.partition_key.as_str()))
            .with_sort(names.sort_key, Value::from(self.sort_key.as_str()))
    }
}

/// The partition key of a tenant's events of one type, both trimmed.
///
/// # Errors
///
/// As [`EventKey::derive`].
pub fn partition_key(
    tenant_id: &str,
    event_type: &str,
    separator: Separator,
) -> Result<String, Error> {
    let (tenant_id, event_type) = (tenant_id.trim(), event_type.trim());
    if event_type.is_empty() {
        return Err(Input::EmptyEventType.into());
    }
    check_tenant(tenant_id, separator)?;
    if separator == Separator::Refused && event_type.contains('#') {
        return Err(Input::SeparatorInEventType.into());
    }
    let partition_key = format!("{tenant_id}#{event_type}");
    check_length("partition key", &partition_key, MAX_PARTITION_KEY_BYTES)?;
    Ok(partition_key)
}

/// The trimmed type that a subscriber names.
///
/// # Errors
///
/// [`Error`] for a blank type.
pub fn subscription_type(event_type: &str) -> Result<&str, Error> {
    match event_type.trim() {
        "" => Err(Input::EmptyEventType.into()),
        event_type => Ok(event_type),
    }
}

/// Refuses a tenant that cannot be part of a key; `tenant_id` is trimmed already.
pub(super) fn check_tenant(tenant_id: &str, separator: Separator) -> Result<(), Error> {
    if tenant_id.is_empty() {
        return Err(Input::EmptyTenant.into());
    }
    if separator == Separator::Refused && tenant_id.contains('#') {
        return Err(Input::SeparatorInTenant.into());
    }
    check_length("tenant ID", tenant_id, MAX_PARTITION_KEY_BYTES)
}

pub(super) fn check_length(part: &'static str, text: &str, most: usize) -> Result<(), Error> {
    if text.len() > most {
        return Err(Input::KeyTooLong { part, bytes: text.len(), most }.into());
    }
    Ok(())
}

/// The first instant whose nanoseconds since 1970 have the nineteen digits that make text order
/// time order: 2001-09-09T01:46:40Z.
pub const FIRST_INSTANT: Timestamp = Timestamp::clamped_from_unix_nanos(1_000_000_000_000_000_000);

/// The last instant whose nanoseconds since 1970 fit 64 bits: 2262-04-11T23:47:16.854775807Z.
pub const LAST_INSTANT: Timestamp = Timestamp::clamped_from_unix_nanos(i64::MAX as i128);
