//! Changes of DynamoDB tables.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::records::records;
use super::{REGION, arn};
use crate::testkit::json_of;

/// Creates an event of changes of a DynamoDB table.
#[must_use]
pub fn dynamodb(table: &str, changes: impl IntoIterator<Item = ItemChange>) -> Value {
    let stream =
        arn("dynamodb", table, |name| format!("table/{name}/stream/1970-01-01T00:00:00.000"));
    records(changes, |number, change| {
        let ItemChange { name, keys, old, new, is_expiry } = change;
        let mut body = json!({
            "ApproximateCreationDateTime": 0,
            "SequenceNumber": number.to_string(),
            "SizeBytes": 1,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        });
        for (member, item) in [("Keys", keys), ("OldImage", old), ("NewImage", new)] {
            if let Some(item) = item {
                body[member] = item;
            }
        }
        let mut record = json!({
            "eventID": format!("ddb-{number}"),
            "eventName": name,
            "eventSource": "aws:dynamodb",
            "eventVersion": "1.1",
            "eventSourceARN": stream,
            "awsRegion": REGION,
            "dynamodb": body,
        });
        if is_expiry {
            record["userIdentity"] =
                json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"});
        }
        record
    })
}

/// A change of an item. Items are values of your types, or JSON: their members become attributes.
#[derive(Clone, Debug)]
pub struct ItemChange {
    name: &'static str,
    keys: Option<Value>,
    old: Option<Value>,
    new: Option<Value>,
    is_expiry: bool,
}

impl ItemChange {
    /// Creates the insertion of an item.
    ///
    /// # Panics
    ///
    /// If an item cannot be written as a JSON object; also in the functions below.
    #[must_use]
    pub fn insert<T: Serialize + ?Sized>(new: &T) -> Self {
        Self { new: Some(image(new)), ..Self::named("INSERT") }
    }

    /// Creates the modification of an item.
    #[must_use]
    pub fn modify<T: Serialize + ?Sized>(old: &T, new: &T) -> Self {
        Self { old: Some(image(old)), new: Some(image(new)), ..Self::named("MODIFY") }
    }

    /// Creates the removal of an item.
    #[must_use]
    pub fn remove<T: Serialize + ?Sized>(old: &T) -> Self {
        Self { old: Some(image(old)), ..Self::named("REMOVE") }
    }

    /// Creates the removal of an item whose TTL has expired, by DynamoDB itself.
    #[must_use]
    pub fn expire<T: Serialize + ?Sized>(old: &T) -> Self {
        Self { is_expiry: true, ..Self::remove(old) }
    }

    /// Sets the key of the item. DynamoDB's records always have it; set it if a handler reads it.
    #[must_use]
    pub fn keys<T: Serialize + ?Sized>(self, keys: &T) -> Self {
        Self { keys: Some(image(keys)), ..self }
    }

    const fn named(name: &'static str) -> Self {
        Self { name, keys: None, old: None, new: None, is_expiry: false }
    }
}

/// Returns an item in DynamoDB's JSON.
fn image<T: Serialize + ?Sized>(item: &T) -> Value {
    let item = json_of(item);
    let Value::Object(members) = item else {
        panic!("an item has to be a JSON object; this is {item}")
    };
    attributes(members).into()
}

fn attributes(members: Map<String, Value>) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name, attribute(value))).collect()
}

/// Returns a value with its DynamoDB type.
fn attribute(value: Value) -> Value {
    match value {
        Value::Null => json!({"NULL": true}),
        Value::Bool(truth) => json!({"BOOL": truth}),
        Value::Number(number) => json!({"N": number.to_string()}),
        Value::String(text) => json!({"S": text}),
        Value::Array(values) => {
            json!({"L": values.into_iter().map(attribute).collect::<Vec<_>>()})
        }
        Value::Object(members) => json!({"M": attributes(members)}),
    }
}
