//! The primary key of an event, and its parts.

use alloc::format;
use alloc::string::String;

use super::error::{Error, Input};
use super::schema::AttributeNames;
use crate::store::{Item, Key, MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES, Value};
use crate::time::Timestamp;

/// The primary key of a stored event. Keep it to read the event right after its publication,
/// without waiting for an index.
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

/// Says whether a tenant id or event type may contain `#`, which separates them in the key.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Separator {
    /// Refused: tenant `a` with type `b#c` would share a partition with tenant `a#b` and type `c`.
    #[default]
    Refused,
    /// Allowed, for data that already contains it. Queries then also filter by the exact tenant and
    /// type.
    Allowed,
}

impl EventKey {
    /// Derives the key of an event. All texts are trimmed; the id may contain `#`.
    ///
    /// # Errors
    ///
    /// [`Error`] for a blank part, a refused separator, an instant outside [`FIRST_INSTANT`] to
    /// [`LAST_INSTANT`], or a key longer than DynamoDB allows.
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

    /// Returns the id in the sort key; empty if the sort key has none.
    #[must_use]
    pub fn id(&self) -> &str {
        self.sort_key.split_once('#').map_or("", |(_, id)| id)
    }

    /// Returns the key of a stored item; `None` if the item has no key in this style.
    #[must_use]
    pub fn of_item(item: &Item, names: &AttributeNames) -> Option<Self> {
        Some(Self {
            partition_key: item.text(names.partition_key)?.into(),
            sort_key: item.text(names.sort_key)?.into(),
        })
    }

    /// Returns the key with the values of a stored item's key attributes, if both are strings.
    pub(super) fn of_values(partition_key: Option<Value>, sort_key: Option<Value>) -> Option<Self> {
        match (partition_key, sort_key) {
            (Some(Value::S(partition_key)), Some(Value::S(sort_key))) => {
                Some(Self { partition_key, sort_key })
            }
            _ => None,
        }
    }

    /// Returns the key in the store's form.
    #[must_use]
    pub fn to_store_key(&self, names: &AttributeNames) -> Key {
        Key::of(names.partition_key, Value::from(self.partition_key.as_str()))
            .with_sort(names.sort_key, Value::from(self.sort_key.as_str()))
    }
}

/// Returns the partition key of a tenant's events of one type; both are trimmed.
///
/// # Errors
///
/// The same as for [`EventKey::derive`].
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

/// Returns the trimmed event type of a subscription.
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

/// Refuses a tenant that cannot be part of a key. `tenant_id` must be trimmed.
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

/// The first instant whose nanoseconds since 1970 have nineteen digits, so that text order is time
/// order: 2001-09-09T01:46:40Z.
pub const FIRST_INSTANT: Timestamp = Timestamp::clamped_from_unix_nanos(1_000_000_000_000_000_000);

/// The last instant whose nanoseconds since 1970 fit 64 bits: 2262-04-11T23:47:16.854775807Z.
pub const LAST_INSTANT: Timestamp = Timestamp::clamped_from_unix_nanos(i64::MAX as i128);
