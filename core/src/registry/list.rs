//! Lists the connections of a topic.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::num::NonZeroU32;
use core::time::Duration;

use super::config::{
    AttributeNames, Config, KEY_PREFIX, PARTITION_KEY, SORT, SORT_KEY, TOPIC_INDEX,
};
use super::error::{Error, Reason};
use crate::machine::{Machine, Step};
use crate::store::{
    self, Attribute, Comparison, CursorError, Guard, Item, KeyCursor, Page, QueryItems,
    StoreRequest, Value,
};
use crate::time::Timestamp;

/// Reads one page of the connections of a topic, sorted by id. Makes one `Query` on an index that
/// lags a moment behind the table: a connection that was just registered may be missing, and one
/// that was just removed may still be listed.
#[derive(Clone, Debug)]
#[must_use = "a machine does nothing until it is driven"]
pub struct ListConnections {
    config: Arc<Config>,
    topic: String,
    limit: NonZeroU32,
    start_after: Option<Item>,
    now: Timestamp,
}

/// A page of connections. It may be short, or even empty, although more connections follow.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ConnectionPage {
    /// The connections.
    pub connections: Vec<RegisteredConnection>,
    /// The cursor of the next page; `None` at the end.
    pub next: Option<String>,
}

/// A registered connection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RegisteredConnection {
    /// The connection's id.
    pub connection_id: String,
    /// When the connection was registered; `None` if the item has no readable time.
    pub connected_at: Option<Timestamp>,
}

impl RegisteredConnection {
    /// Returns whether the connection may still be opening at `now`. While the `$connect` handler
    /// runs, for up to 29 s, sending to the connection fails as if it were gone; do not remove it
    /// then.
    #[must_use]
    pub fn may_be_opening(&self, now: Timestamp) -> bool {
        self.connected_at.is_some_and(|at| at > now.saturating_sub(OPENING_TIME))
    }
}

impl ListConnections {
    pub(super) const fn new(
        config: Arc<Config>,
        topic: String,
        limit: NonZeroU32,
        start_after: Option<Item>,
        now: Timestamp,
    ) -> Self {
        Self { config, topic, limit, start_after, now }
    }

    fn on_page(self, outcome: store::Outcome<Page>) -> Step<Self> {
        let names = self.config.names();
        let page = match outcome {
            Ok(answered) => answered.answer,
            Err(error) => return Step::Done(Err(self.config.not_read(error))),
        };
        let connections = page.items.iter().filter_map(|item| read(item, names)).collect();
        Step::Done(Ok(ConnectionPage { connections, next: page.next.map(write_cursor) }))
    }
}

impl Machine for ListConnections {
    type Output = Result<ConnectionPage, Error>;
    type Request = StoreRequest<Self>;

    fn start(self) -> Step<Self> {
        let names = self.config.names();
        let query = QueryItems {
            table: self.config.table.clone(),
            index: Some(TOPIC_INDEX.into()),
            partition: Attribute { name: names.topic.into(), value: Value::from(&*self.topic) },
            range: None,
            // DynamoDB deletes expired items hours or days later.
            filter: Guard::Compare {
                name: names.ttl.into(),
                comparison: Comparison::Greater,
                value: Value::N(self.now.unix_seconds().into()),
            },
            start_after: self.start_after.clone(),
            limit: Some(self.limit.get()),
            forward: true,
            consistent: false,
        };
        self.ask(query, Self::on_page)
    }
}

/// Reads an item; `None` if it is not a connection.
fn read(item: &Item, names: &AttributeNames) -> Option<RegisteredConnection> {
    let connection_id = item.text(PARTITION_KEY)?.strip_prefix(KEY_PREFIX)?.to_string();
    let connected_at = item.text(names.connected_at).and_then(|text| text.parse().ok());
    Some(RegisteredConnection { connection_id, connected_at })
}

/// How long a `$connect` handler may run: 29 s, and a second for clocks that differ.
const OPENING_TIME: Duration = Duration::from_secs(30);

fn write_cursor(last_key: Item) -> String {
    KeyCursor { last_key, index: Some(TOPIC_INDEX.to_string()), sort: None }.encode()
}

/// Returns the key in a cursor, if the cursor belongs to this topic.
pub(super) fn read_cursor(
    cursor: &str,
    topic: &str,
    names: &AttributeNames,
) -> Result<Item, Error> {
    let decoded = KeyCursor::decode(cursor).and_then(|cursor| cursor.ok_or(CursorError::NoKey));
    let cursor = decoded.map_err(|error| Error(Reason::Cursor(error)))?;
    let key = &cursor.last_key;
    let is_ours = cursor.index.as_deref() == Some(TOPIC_INDEX)
        && key.text(names.topic) == Some(topic)
        && key.text(PARTITION_KEY).is_some_and(|partition| partition.starts_with(KEY_PREFIX))
        && key.text(SORT_KEY) == Some(SORT)
        && key.iter().count() == 3;
    if !is_ours {
        return Err(Error(Reason::OtherTopic));
    }
    Ok(cursor.last_key)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use core::num::NonZeroU32;

    use serde_json::json;

    use super::{ConnectionPage, Error, Reason};
    use crate::machine::{Machine, Step};
    use crate::registry::{AttributeStyle, RegistryConfig, Touched};
    use crate::store::{Answered, Item, Page, StoreRequest, Written};
    use crate::time::Timestamp;

    const LIMIT: NonZeroU32 = NonZeroU32::MIN;

    fn list(
        registry: &RegistryConfig,
        cursor: Option<&str>,
        page: Page,
        now: Timestamp,
    ) -> Result<ConnectionPage, Error> {
        match registry.list("news", LIMIT, cursor, now)?.start() {
            Step::Done(output) => output,
            Step::Ask(StoreRequest::QueryItems(ask)) => {
                let held = |item: &Item| ask.effect().filter.holds(Some(item));
                let items = page.items.into_iter().filter(held).collect();
                let read = Answered { answer: Page { items, ..page }, at: now };
                let Step::Done(output) = ask.answer(Ok(read)) else {
                    panic!("one query");
                };
                output
            }
            Step::Ask(other) => panic!("{other:?} is not asked for"),
        }
    }

    #[test]
    fn a_registered_connection_is_found_until_it_expires() {
        for style in [AttributeStyle::Pascal, AttributeStyle::TableTheory] {
            let registry = RegistryConfig::builder().attribute_style(style).build();
            let now = Timestamp::UNIX_EPOCH;
            let Step::Ask(StoreRequest::PutItem(ask)) =
                registry.register(" c1= ", " news ", now).unwrap().start()
            else {
                panic!("one put");
            };
            let item = ask.effect().item.clone();
            let topic = if style == AttributeStyle::Pascal { "Topic" } else { "topic" };
            let key = json!({topic: {"S": "news"}, "PK": {"S": "conn#c1="}, "SK": {"S": "conn"}});
            let next = Item::from_json(&key).unwrap();
            let page = || Page { items: [item.clone()].into(), next: Some(next.clone()) };
            let found = list(&registry, None, page(), now).unwrap();
            let [connection] = &found.connections[..] else { panic!("one connection") };
            assert_eq!((&*connection.connection_id, connection.connected_at), ("c1=", Some(now)));
            let next = found.next.unwrap();
            assert!(list(&registry, Some(&next), Page::default(), now).unwrap().next.is_none());
            let later = Timestamp::from_unix_seconds(7_800);
            assert!(list(&registry, None, page(), later).unwrap().connections.is_empty());
        }
    }

    #[test]
    fn cursors_of_other_topics_are_refused() {
        let registry = RegistryConfig::builder().build();
        let other = super::write_cursor(Item::new().with("Topic", "other".into()));
        let read = |cursor: &str| {
            list(&registry, Some(cursor), Page::default(), Timestamp::UNIX_EPOCH).unwrap_err()
        };
        assert_eq!(read(&other), Error(Reason::OtherTopic));
        assert!(matches!(read("").0, Reason::Cursor(_)));
        assert!(matches!(read("x").0, Reason::Cursor(_)));
    }

    #[test]
    fn only_what_is_there_is_touched() {
        let registry = RegistryConfig::builder().build();
        for (seen, touched) in [(None, Touched::Unknown), (Some(Item::new()), Touched::Kept)] {
            let touch = registry.touch("c1", Timestamp::UNIX_EPOCH).unwrap();
            let Step::Ask(StoreRequest::UpdateItem(ask)) = touch.start() else {
                panic!("one update")
            };
            let key = ask.effect().key.to_item();
            let holds = ask.effect().guard.holds(seen.as_ref().map(|_| &key));
            let written = match holds {
                true => Written::Applied { attributes: Item::new() },
                false => Written::Refused { seen: None },
            };
            let updated = Answered { answer: written, at: Timestamp::UNIX_EPOCH };
            let Step::Done(output) = ask.answer(Ok(updated)) else { panic!("one update") };
            assert_eq!(output, Ok(touched));
        }
    }

    #[test]
    fn blank_and_long_texts_are_refused() {
        let registry = RegistryConfig::builder().build();
        let register = |id: &str, topic: &str| {
            registry.register(id, topic, Timestamp::UNIX_EPOCH).map(drop).unwrap_err()
        };
        assert_eq!(register(" ", "t"), Error(Reason::MissingConnectionId));
        assert_eq!(register("c", " "), Error(Reason::MissingTopic));
        assert_eq!(register(&"c".repeat(1_020), "t"), Error(Reason::TooLong));
        let error = registry.remove("").map(drop).unwrap_err();
        assert_eq!(error.to_string(), "connection id is required");
    }
}
