//! `QueryItems`, DynamoDB's `Query`: reads one page of a partition, in key order.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use serde_json::Value as Json;

use super::error::Error;
use super::expression::Expressions;
use super::guard::{Comparison, Guard};
use super::item::{Attribute, AttributeName, Item};
use super::table::TableName;
use super::value::Value;
use super::wire::{Reply, Wire, answer, body, check_key_value, read_item, read_items, require};
use super::{MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES};

/// Reads one page of the items that share a partition key, in the order of their sort key.
///
/// *If the outcome is lost*: harmless, nothing was written. *Costs* one read unit per 4 KB of all
/// items *examined* (half of that unless consistent), whether or not the filter lets them through.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QueryItems {
    /// The table.
    pub table: TableName,
    /// The index to read, or `None` for the table itself.
    pub index: Option<AttributeName>,
    /// The partition key attribute of the table or index, and its value.
    pub partition: Attribute,
    /// The sort key attribute, and which of its values to read.
    pub range: Option<(AttributeName, SortRange)>,
    /// Which of the items examined to return; applied after `limit`.
    pub filter: Guard,
    /// The key of the item after which to start, as an earlier page's `next` gave it.
    pub start_after: Option<Item>,
    /// The most items to examine, at least 1. Without it, a page ends at 1 MB.
    pub limit: Option<u32>,
    /// Ascending (`true`) or descending by sort key.
    pub forward: bool,
    /// Whether the read sees every write acknowledged before it; not possible on an index.
    pub consistent: bool,
}

/// Which values of a sort key to read. All bounds are inclusive.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SortRange {
    /// This value and above.
    AtLeast(Value),
    /// This value and below.
    AtMost(Value),
    /// From the first to the second value.
    Between(Value, Value),
    /// Texts that start so.
    BeginsWith(String),
}

/// One page of a query.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Page {
    /// The items that passed the filter, in order. May be empty although more follow.
    pub items: Vec<Item>,
    /// Where the next page starts; `None` only at the end of the data.
    pub next: Option<Item>,
}

impl SortRange {
    /// Whether a sort key value lies in the range.
    #[must_use]
    pub fn contains(&self, value: &Value) -> bool {
        match self {
            Self::AtLeast(low) => Comparison::AtLeast.holds(value, low),
            Self::AtMost(high) => Comparison::AtMost.holds(value, high),
            Self::Between(low, high) => {
                Comparison::AtLeast.holds(value, low) && Comparison::AtMost.holds(value, high)
            }
            Self::BeginsWith(prefix) => {
                value.as_text().is_some_and(|text| text.starts_with(prefix.as_str()))
            }
        }
    }

    fn render(&self, name: &AttributeName, expressions: &mut Expressions) -> String {
        let name = expressions.name(name);
        match self {
            Self::AtLeast(low) => format!("{name} >= {}", expressions.value(low)),
            Self::AtMost(high) => format!("{name} <= {}", expressions.value(high)),
            Self::Between(low, high) => {
                let low = expressions.value(low);
                format!("{name} BETWEEN {low} AND {}", expressions.value(high))
            }
            Self::BeginsWith(prefix) => {
                let prefix = expressions.value(&Value::S(prefix.clone()));
                format!("begins_with({name}, {prefix})")
            }
        }
    }

    /// Refuses bounds that no key can have, and a range in which no value can lie.
    fn check(&self) -> Result<(), Error> {
        match self {
            Self::AtLeast(bound) | Self::AtMost(bound) => {
                check_key_value(bound, MAX_SORT_KEY_BYTES)
            }
            Self::Between(low, high) => {
                check_key_value(low, MAX_SORT_KEY_BYTES)?;
                check_key_value(high, MAX_SORT_KEY_BYTES)?;
                require(Comparison::AtMost.holds(low, high))
            }
            Self::BeginsWith(prefix) => {
                require(!prefix.is_empty() && prefix.len() <= MAX_SORT_KEY_BYTES)
            }
        }
    }
}

impl QueryItems {
    /// The key condition and the filter as expressions with placeholders.
    #[must_use]
    pub fn expressions(&self) -> Expressions {
        let mut expressions = Expressions::default();
        let partition = expressions.name(&self.partition.name);
        let mut condition = format!("{partition} = {}", expressions.value(&self.partition.value));
        if let Some((name, range)) = &self.range {
            let range = range.render(name, &mut expressions);
            condition = format!("{condition} AND {range}");
        }
        expressions.key_condition = Some(condition);
        expressions.with_filter(&self.filter)
    }
}

impl Wire for QueryItems {
    type Answer = Page;

    const OPERATION: &'static str = "Query";

    fn table(&self) -> Option<&TableName> {
        Some(&self.table)
    }

    fn to_body(&self) -> Json {
        let mut body = body([
            ("TableName", Json::from(self.table.as_ref())),
            ("ScanIndexForward", Json::from(self.forward)),
            ("ConsistentRead", Json::from(self.consistent)),
        ]);
        let optional = [
            ("IndexName", self.index.as_ref().map(|index| Json::from(index.to_string()))),
            ("Limit", self.limit.map(Json::from)),
            ("ExclusiveStartKey", self.start_after.as_ref().map(Item::to_json)),
        ];
        for (member, value) in optional {
            if let Some(value) = value {
                body.insert(member.to_string(), value);
            }
        }
        self.expressions().write_to(&mut body);
        Json::Object(body)
    }

    fn check(&self) -> Result<(), Error> {
        check_key_value(&self.partition.value, MAX_PARTITION_KEY_BYTES)?;
        let mut keys = vec![&self.partition.name];
        if let Some((name, range)) = &self.range {
            range.check()?;
            keys.push(name);
        }
        require(self.limit != Some(0))?;
        require(!(self.consistent && self.index.is_some()))?;
        require(self.start_after.as_ref().is_none_or(Item::is_valid))?;
        // The key condition has said what the key is to be; a filter may not speak of it again.
        require(self.filter.is_valid() && !keys.into_iter().any(|key| self.filter.mentions(key)))
    }

    fn read_answer(&self, answer: &Json) -> Result<Page, Error> {
        Ok(Page {
            items: read_items(answer.get("Items"))?,
            next: Some(read_item(answer, "LastEvaluatedKey")?).filter(|key| !key.is_empty()),
        })
    }

    fn to_reply(&self, page: &Page) -> Reply {
        let items = ("Items", page.items.iter().map(Item::to_json).collect());
        match &page.next {
            Some(next) => answer([items, ("LastEvaluatedKey", next.to_json())]),
            None => answer([items]),
        }
    }
}
