//! The query, and its normalized form.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::Value as Json;

use super::error::{Error, Input};
use super::event::Event;
use super::keys::{Separator, check_tenant, partition_key};
use crate::json::{self, ObjectWriter};
use crate::store::CursorError;
use crate::time::Timestamp;

/// Selects the events of a tenant to read, and where to start.
///
/// ```
/// use apptheory_core::eventbus::EventQuery;
///
/// let query = EventQuery::new("t1").of_type("order.created").tagged(["vip"]);
/// let json = r#"{"tenant_id":"t1","event_type":"order.created","tags":["vip"],"limit":20,
///     "last_evaluated_key":{"cursor":"Mg"}}"#;
/// assert_eq!(EventQuery::from_json(json)?, query.limit(20).after("Mg"));
/// # Ok::<(), apptheory_core::eventbus::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct EventQuery {
    /// The tenant; required. Trimmed before use.
    pub tenant_id: String,
    /// The type; all types if missing or blank. Trimmed before use.
    pub event_type: Option<String>,
    /// The earliest time of publication, inclusive.
    pub start: Option<Timestamp>,
    /// The latest time of publication, inclusive.
    pub end: Option<Timestamp>,
    /// Tags that an event must all have: up to 100 different ones. Trimmed before use; blank tags
    /// are ignored.
    pub tags: Vec<String>,
    /// The most events of a page, 1 to 1000; any other value means 100.
    pub limit: Option<u32>,
    /// The order of the events.
    pub order: Order,
    /// The cursor of an earlier page of the same query; the first page if missing or empty.
    pub cursor: Option<String>,
}

/// The order of events.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Order {
    /// The latest published first; at the same instant, the greatest id first.
    #[default]
    NewestFirst,
    /// The earliest published first; at the same instant, the smallest id first.
    OldestFirst,
}

impl Order {
    /// Returns the name of the order in cursors: `DESC` or `ASC`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewestFirst => "DESC",
            Self::OldestFirst => "ASC",
        }
    }
}

/// Selects all events of a tenant, newest first.
impl From<&str> for EventQuery {
    fn from(tenant_id: &str) -> Self {
        Self::new(tenant_id)
    }
}

impl EventQuery {
    /// Selects all events of a tenant, newest first.
    #[must_use]
    pub fn new(tenant_id: impl Into<String>) -> Self {
        Self { tenant_id: tenant_id.into(), ..Self::default() }
    }

    /// Selects only one type.
    #[must_use]
    pub fn of_type(self, event_type: impl Into<String>) -> Self {
        Self { event_type: Some(event_type.into()), ..self }
    }

    /// Selects events published at or after an instant.
    #[must_use]
    pub fn since(self, start: Timestamp) -> Self {
        Self { start: Some(start), ..self }
    }

    /// Selects events published at or before an instant.
    #[must_use]
    pub fn until(self, end: Timestamp) -> Self {
        Self { end: Some(end), ..self }
    }

    /// Selects events that also have these tags.
    #[must_use]
    pub fn tagged<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// Sets the most events of a page.
    #[must_use]
    pub fn limit(self, limit: u32) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// Sets the order.
    #[must_use]
    pub fn ordered(self, order: Order) -> Self {
        Self { order, ..self }
    }

    /// Continues after a page's cursor.
    #[must_use]
    pub fn after(self, cursor: impl Into<String>) -> Self {
        Self { cursor: Some(cursor.into()), ..self }
    }

    /// Returns the page size: the limit if it is 1 to 1000, otherwise 100.
    #[must_use]
    pub fn page_size(&self) -> u32 {
        self.limit.filter(|limit| (1..=MAX_LIMIT).contains(limit)).unwrap_or(DEFAULT_LIMIT)
    }

    /// Returns the query as JSON, with the portable cursor form:
    /// `{"last_evaluated_key":{"cursor":"…"}}`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        let mut object = ObjectWriter::begin(&mut out);
        object.text("tenant_id", &self.tenant_id);
        if let Some(event_type) = &self.event_type {
            object.text("event_type", event_type);
        }
        for (name, bound) in [("start", self.start), ("end", self.end)] {
            if let Some(bound) = bound {
                object.text(name, &bound.to_rfc3339());
            }
        }
        if !self.tags.is_empty() {
            let out = object.member("tags");
            json::write_array(&self.tags, out, |tag, out| json::write_string(tag, out));
        }
        if let Some(limit) = self.limit {
            object.value("limit", &Json::from(limit));
        }
        if self.order == Order::OldestFirst {
            object.text("order", self.order.as_str());
        }
        if let Some(cursor) = &self.cursor {
            write_cursor(cursor, object.member("last_evaluated_key"));
        }
        object.end();
        out
    }

    /// Parses the JSON form. Unknown members are ignored; every member may be missing or `null`.
    ///
    /// # Errors
    ///
    /// [`Error`] if the text is not JSON or a member has another type than
    /// [`to_json`](Self::to_json) writes. This includes a cursor that is not a string, which would
    /// otherwise read the first page over and over.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let malformed = |error| Input::Malformed { what: "query", error };
        let raw: RawQuery = json::read_object(text).map_err(malformed)?;
        let instant = |member: &'static str, text: Option<String>| {
            let at = text.map(|text| text.parse()).transpose();
            at.map_err(|error| Input::Instant { member, error })
        };
        let order = match raw.order.as_deref() {
            None | Some("DESC") => Order::NewestFirst,
            Some("ASC") => Order::OldestFirst,
            Some(_) => return Err(Input::Order.into()),
        };
        let cursor = match raw.last_evaluated_key.and_then(|mut key| key.remove("cursor")) {
            None | Some(Json::Null) => None,
            Some(Json::String(cursor)) => Some(cursor),
            Some(_) => return Err(CursorError::NotText.into()),
        };
        Ok(Self {
            tenant_id: raw.tenant_id.unwrap_or_default(),
            event_type: raw.event_type,
            start: instant("start", raw.start)?,
            end: instant("end", raw.end)?,
            tags: raw.tags.unwrap_or_default(),
            limit: raw.limit.and_then(|limit| u32::try_from(limit).ok()),
            order,
            cursor,
        })
    }
}

/// Appends a cursor in its portable form: `{"cursor":"…"}`.
pub(super) fn write_cursor(cursor: &str, out: &mut String) {
    let mut object = ObjectWriter::begin(out);
    object.text("cursor", cursor);
    object.end();
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawQuery {
    tenant_id: Option<String>,
    event_type: Option<String>,
    start: Option<String>,
    end: Option<String>,
    tags: Option<Vec<String>>,
    limit: Option<i64>,
    order: Option<String>,
    last_evaluated_key: Option<BTreeMap<String, Json>>,
}

/// A checked and normalized query.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    pub(super) tenant_id: String,
    pub(super) event_type: Option<String>,
    pub(super) start: Option<Timestamp>,
    pub(super) end: Option<Timestamp>,
    pub(super) tags: Vec<String>,
    pub(super) order: Order,
    pub(super) page_size: usize,
}

impl Selection {
    pub(super) fn of(query: &EventQuery, separator: Separator) -> Result<Self, Error> {
        let tenant_id = query.tenant_id.trim();
        if tenant_id.is_empty() {
            return Err(Input::TenantRequired.into());
        }
        check_tenant(tenant_id, separator)?;
        let event_type = query.event_type.as_deref().map(str::trim).filter(|name| !name.is_empty());
        if let Some(event_type) = event_type {
            partition_key(tenant_id, event_type, separator)?;
        }
        let tags = query.tags.iter().map(|tag| tag.trim()).filter(|tag| !tag.is_empty());
        let tags = distinct(tags.map(Into::into));
        if tags.len() > MAX_TAGS {
            return Err(Input::TooManyTags { tags: tags.len(), most: MAX_TAGS }.into());
        }
        Ok(Self {
            tenant_id: tenant_id.into(),
            event_type: event_type.map(Into::into),
            start: query.start,
            end: query.end,
            tags,
            order: query.order,
            page_size: usize::try_from(query.page_size()).unwrap_or(usize::MAX),
        })
    }

    /// Returns whether the range ends before it starts, so that it selects nothing.
    pub(super) fn is_reversed(&self) -> bool {
        self.start.zip(self.end).is_some_and(|(start, end)| start > end)
    }

    /// Returns whether the range includes an event. An event without an instant is left to the
    /// store's order.
    pub(super) fn admits(&self, event: &Event) -> bool {
        event.published_at.is_none_or(|at| {
            self.start.is_none_or(|start| start <= at) && self.end.is_none_or(|end| at <= end)
        })
    }

    /// Returns whether the query selects an event.
    pub(super) fn selects(&self, event: &Event) -> bool {
        event.tenant_id == self.tenant_id
            && self.event_type.as_ref().is_none_or(|name| *name == event.event_type)
            && self.tags.iter().all(|tag| event.tags.contains(tag))
            && self.admits(event)
    }
}

/// Removes duplicates; each text stays at its first position.
pub(super) fn distinct(texts: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    texts.into_iter().filter(|text| seen.insert(text.clone())).collect()
}

// Implementations in other languages use the same limits.
const MAX_LIMIT: u32 = 1000;
const DEFAULT_LIMIT: u32 = 100;

/// DynamoDB accepts expressions of up to 4 KB, and one tag takes about 25 bytes of the filter.
const MAX_TAGS: usize = 100;

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::{EventQuery, Order};

    #[test]
    fn limits_outside_their_range_mean_the_default() {
        for (limit, size) in [(0, 100), (1, 1), (1000, 1000), (1001, 100), (u32::MAX, 100)] {
            assert_eq!(EventQuery::new("t").limit(limit).page_size(), size);
        }
        for json in [r#"{"limit":-1}"#, r#"{"limit":99999999999}"#, r#"{"limit":null}"#] {
            assert_eq!(EventQuery::from_json(json).unwrap().page_size(), 100);
        }
    }

    #[test]
    fn the_json_form_reads_back() {
        let query = EventQuery::new("t<1>")
            .of_type("e")
            .since("2026-01-01T00:00:00.5Z".parse().unwrap())
            .until("2026-01-02T00:00:00Z".parse().unwrap())
            .tagged(["a", "b"])
            .limit(5)
            .ordered(Order::OldestFirst)
            .after("MQ");
        let json = concat!(
            r#"{"tenant_id":"t\u003c1\u003e","event_type":"e","start":"2026-01-01T00:00:00.5Z","#,
            r#""end":"2026-01-02T00:00:00Z","tags":["a","b"],"limit":5,"order":"ASC","#,
            r#""last_evaluated_key":{"cursor":"MQ"}}"#
        );
        assert_eq!(query.to_json(), json);
        assert_eq!(EventQuery::from_json(json), Ok(query));
        assert_eq!(EventQuery::from_json(r#"{"last_evaluated_key":{}}"#).unwrap().cursor, None);
    }

    #[test]
    fn malformed_queries_are_refused() {
        let cursor = EventQuery::from_json(r#"{"last_evaluated_key":{"cursor":123}}"#);
        assert_eq!(cursor.unwrap_err().to_string(), "invalid cursor: not a text");
        for json in ["", "7", r#"{"tenant_id":1}"#, r#"{"start":"now"}"#, r#"{"order":"up"}"#] {
            assert!(EventQuery::from_json(json).is_err(), "{json}");
        }
    }
}
