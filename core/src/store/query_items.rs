//! `QueryItems`, DynamoDB's `Query`: reads one page of a partition, sorted by key.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize, Serializer};

use super::error::Error;
use super::expression::{Expressions, serialize_names, serialize_values};
use super::guard::{Comparison, Guard};
use super::item::{Attribute, AttributeName, Item};
use super::table::TableName;
use super::value::Value;
use super::wire::{FaultType, Reply, Wire, check_key_value, read, require};
use super::{MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES};

/// Reads one page of the items that share a partition key, sorted by sort key.
///
/// *If the outcome is lost*: harmless, because nothing was written. *Costs* one read unit per 4 KB
/// of all items *examined* (half of that unless consistent), including items that the filter
/// rejects.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QueryItems {
    /// The table.
    pub table: TableName,
    /// The index to read, or `None` for the table itself.
    pub index: Option<AttributeName>,
    /// The partition key attribute of the table or index, and its value.
    pub partition: Attribute,
    /// The sort key attribute, and the range of its values.
    pub range: Option<(AttributeName, SortRange)>,
    /// The filter of returned items; applied after `limit`.
    pub filter: Guard,
    /// The key of the item after which to start: the `next` of an earlier page.
    pub start_after: Option<Item>,
    /// The most items to examine, at least 1. Without a limit, a page ends at 1 MB.
    pub limit: Option<u32>,
    /// Ascending (`true`) or descending by sort key.
    pub forward: bool,
    /// Whether the read sees every write acknowledged before it; not supported for indexes.
    pub consistent: bool,
}

/// A range of sort key values. All bounds are inclusive.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SortRange {
    /// This value and above.
    AtLeast(Value),
    /// This value and below.
    AtMost(Value),
    /// From the first to the second value.
    Between(Value, Value),
    /// Strings with this prefix.
    BeginsWith(String),
}

/// One page of a query.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Page {
    /// The items that passed the filter, in order. May be empty although more items follow.
    pub items: Vec<Item>,
    /// Where the next page starts; `None` only at the end of the data.
    pub next: Option<Item>,
}

impl SortRange {
    /// Returns whether a sort key value is in the range.
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

    fn write_to<'a>(
        &'a self,
        out: &mut String,
        name: &'a AttributeName,
        expressions: &mut Expressions<'a>,
    ) {
        let bound = Cow::Borrowed;
        match self {
            Self::AtLeast(low) => {
                expressions.write_name(name, out);
                out.push_str(" >= ");
                expressions.write_value(bound(low), out);
            }
            Self::AtMost(high) => {
                expressions.write_name(name, out);
                out.push_str(" <= ");
                expressions.write_value(bound(high), out);
            }
            Self::Between(low, high) => {
                expressions.write_name(name, out);
                out.push_str(" BETWEEN ");
                expressions.write_value(bound(low), out);
                out.push_str(" AND ");
                expressions.write_value(bound(high), out);
            }
            Self::BeginsWith(prefix) => {
                out.push_str("begins_with(");
                expressions.write_name(name, out);
                out.push_str(", ");
                expressions.write_value(Cow::Owned(Value::S(prefix.clone())), out);
                out.push(')');
            }
        }
    }

    /// Refuses bounds that no key can have, and an empty range.
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
    /// Returns the key condition and the filter as expressions with placeholders.
    #[must_use]
    pub fn expressions(&self) -> Expressions<'_> {
        let mut expressions = Expressions::default();
        let mut condition = String::with_capacity(64);
        expressions.write_name(&self.partition.name, &mut condition);
        condition.push_str(" = ");
        expressions.write_value(Cow::Borrowed(&self.partition.value), &mut condition);
        if let Some((name, range)) = &self.range {
            condition.push_str(" AND ");
            range.write_to(&mut condition, name, &mut expressions);
        }
        expressions.key_condition = Some(condition);
        expressions.with_filter(&self.filter)
    }
}

impl Serialize for QueryItems {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let expressions = self.expressions();
        QueryBody {
            consistent_read: self.consistent,
            exclusive_start_key: self.start_after.as_ref(),
            expression_attribute_names: expressions.names,
            expression_attribute_values: expressions.values,
            filter_expression: expressions.filter,
            index_name: self.index.as_ref(),
            key_condition_expression: expressions.key_condition,
            limit: self.limit,
            scan_index_forward: self.forward,
            table_name: self.table.as_ref(),
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct QueryBody<'a> {
    consistent_read: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    exclusive_start_key: Option<&'a Item>,
    #[serde(serialize_with = "serialize_names")]
    expression_attribute_names: Vec<&'a AttributeName>,
    #[serde(serialize_with = "serialize_values")]
    expression_attribute_values: Vec<Cow<'a, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter_expression: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index_name: Option<&'a AttributeName>,
    key_condition_expression: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    scan_index_forward: bool,
    table_name: &'a str,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, rename_all = "PascalCase")]
struct QueryAnswer<'a> {
    #[serde(rename = "__type", skip_serializing_if = "Option::is_none")]
    fault: Option<FaultType>,
    items: Cow<'a, [Item]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_evaluated_key: Option<Cow<'a, Item>>,
}

impl Wire for QueryItems {
    type Answer = Page;

    const OPERATION: &'static str = "Query";

    fn table(&self) -> Option<&TableName> {
        Some(&self.table)
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
        // DynamoDB refuses a filter on key attributes, which the key condition already covers.
        require(self.filter.is_valid() && !keys.into_iter().any(|key| self.filter.mentions(key)))
    }

    fn read_answer(&self, answer: &[u8]) -> Result<Page, Error> {
        let QueryAnswer { items, last_evaluated_key: next, fault: None } = read(answer)?;
        let next = next.map(Cow::into_owned).filter(|key| !key.is_empty());
        Ok(Page { items: items.into_owned(), next })
    }

    fn to_reply(&self, page: &Page) -> Reply<'static> {
        Reply::answer(&QueryAnswer {
            items: Cow::Borrowed(&page.items),
            last_evaluated_key: page.next.as_ref().map(Cow::Borrowed),
            fault: None,
        })
    }
}
