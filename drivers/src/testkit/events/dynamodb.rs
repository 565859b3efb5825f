//! Changes of DynamoDB tables.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::records::records;
use super::{REGION, arn};
use crate::testkit::json_of;

/// Makes an event of changes of a DynamoDB table.
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

/// A change of an item. Items are given as values of a program's own types, or as JSON: their
/// members become attributes.
#[derive(Clone, Debug)]
pub struct ItemChange {
    name: &'static str,
    keys: Option<Value>,
    old: Option<Value>,
    new: Option<Value>,
    is_expiry: bool,
}

impl ItemChange {
    /// Makes the change of an item that is new.
    ///
    /// # Panics
    ///
    /// If an item of a change cannot be written as a JSON object; also in the functions below.
    #[must_use]
    pub fn insert<T: Serialize + ?Sized>(new: &T) -> Self {
        Self { new: Some(image(new)), ..Self::named("INSERT") }
    }

    /// Makes the change of an item that was there.
    #[must_use]
    pub fn modify<T: Serialize + ?Sized>(old: &T, new: &T) -> Self {
        Self { old: Some(image(old)), new: Some(image(new)), ..Self::named("MODIFY") }
    }

    /// Makes the change of an item that was removed.
    #[must_use]
    pub fn remove<T: Serialize + ?Sized>(old: &T) -> Self {
        Self { old: Some(image(old)), ..Self::named("REMOVE") }
    }

    /// Makes the change of an item that DynamoDB itself removed, because its time to live ran out.
    #[must_use]
    pub fn expire<T: Serialize + ?Sized>(old: &T) -> Self {
        Self { is_expiry: true, ..Self::remove(old) }
    }

    /// Sets the key of the item. Records of DynamoDB always have it; give it where a handler reads
    /// it.
    #[must_use]
    pub fn keys<T: Serialize + ?Sized>(self, keys: &T) -> Self {
        Self { keys: Some(image(keys)), ..self }
    }

    const fn named(name: &'static str) -> Self {
        Self { name, keys: None, old: None, new: None, is_expiry: false }
    }
}

/// An item as DynamoDB writes it.
fn image<T: Serialize + ?Sized>(item: &T) -> Value {
    let item = json_of(item);
    let Value::Object(members) = item else {
        panic!("an item has the members of a JSON object; this is {item}")
    };
    attributes(members).into()
}

fn attributes(members: Map<String, Value>) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name, attribute(value))).collect()
}

/// A value with its type in DynamoDB.
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
