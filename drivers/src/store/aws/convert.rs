//! Converting attribute values between the core's types and the SDK's.

use std::collections::HashMap;

use apptheory_core::store::{self, AttributeName, Expressions, Item, Key, Number, Value};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

/// An item of the SDK.
pub(super) type SdkItem = HashMap<String, AttributeValue>;

/// The SDK received an attribute type that it does not know.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("an attribute has a type that the SDK does not know")]
pub(super) struct UnknownAttributeType;

/// A malformed reply does not say whether a write happened.
impl From<UnknownAttributeType> for store::Error {
    fn from(_: UnknownAttributeType) -> Self {
        Self::Unavailable
    }
}

pub(super) fn item_to_sdk(item: &Item) -> SdkItem {
    item.iter().map(|(name, value)| (name.to_string(), value_to_sdk(value))).collect()
}

pub(super) fn key_to_sdk(key: &Key) -> SdkItem {
    key.attributes()
        .map(|attribute| (attribute.name.to_string(), value_to_sdk(&attribute.value)))
        .collect()
}

pub(super) fn value_to_sdk(value: &Value) -> AttributeValue {
    match value {
        Value::S(text) => AttributeValue::S(text.clone()),
        Value::N(number) => AttributeValue::N(number.to_string()),
        Value::B(bytes) => AttributeValue::B(Blob::new(bytes.clone())),
        Value::Bool(truth) => AttributeValue::Bool(*truth),
        Value::Null => AttributeValue::Null(true),
        Value::L(values) => AttributeValue::L(values.iter().map(value_to_sdk).collect()),
        Value::M(members) => AttributeValue::M(
            members.iter().map(|(name, value)| (name.clone(), value_to_sdk(value))).collect(),
        ),
        Value::Ss(texts) => AttributeValue::Ss(texts.clone()),
        Value::Ns(numbers) => AttributeValue::Ns(numbers.iter().map(Number::to_string).collect()),
        Value::Bs(set) => AttributeValue::Bs(set.iter().cloned().map(Blob::new).collect()),
    }
}

pub(super) fn item_from_sdk(item: SdkItem) -> Result<Item, UnknownAttributeType> {
    item.into_iter()
        .map(|(name, value)| Ok((AttributeName::from(name), value_from_sdk(value)?)))
        .collect()
}

pub(super) fn value_from_sdk(value: AttributeValue) -> Result<Value, UnknownAttributeType> {
    Ok(match value {
        AttributeValue::S(text) => Value::S(text),
        AttributeValue::N(number) => Value::N(Number::from_text(&number)),
        AttributeValue::B(bytes) => Value::B(bytes.into_inner()),
        AttributeValue::Bool(truth) => Value::Bool(truth),
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::L(values) => {
            Value::L(values.into_iter().map(value_from_sdk).collect::<Result<_, _>>()?)
        }
        AttributeValue::M(members) => Value::M(
            members
                .into_iter()
                .map(|(name, value)| Ok((name, value_from_sdk(value)?)))
                .collect::<Result<_, _>>()?,
        ),
        AttributeValue::Ss(texts) => Value::Ss(texts),
        AttributeValue::Ns(numbers) => {
            Value::Ns(numbers.iter().map(|number| Number::from_text(number)).collect())
        }
        AttributeValue::Bs(set) => Value::Bs(set.into_iter().map(Blob::into_inner).collect()),
        AttributeValue::Unknown { .. } | _ => return Err(UnknownAttributeType),
    })
}

/// Returns `ExpressionAttributeNames`; `None` if there are no names, because DynamoDB refuses an
/// empty map.
pub(super) fn names_to_sdk(expressions: &Expressions<'_>) -> Option<HashMap<String, String>> {
    let names = expressions.placeholder_names();
    let names: HashMap<_, _> =
        names.map(|(placeholder, name)| (placeholder, name.to_string())).collect();
    (!names.is_empty()).then_some(names)
}

/// Returns `ExpressionAttributeValues`; `None` if there are no values, because DynamoDB refuses an
/// empty map.
pub(super) fn values_to_sdk(expressions: &Expressions<'_>) -> Option<SdkItem> {
    let values = expressions.placeholder_values();
    let values: SdkItem =
        values.map(|(placeholder, value)| (placeholder, value_to_sdk(value))).collect();
    (!values.is_empty()).then_some(values)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_value_comes_back() {
        let simple = vec![
            Value::from("text"),
            Value::N(Number::from_text("1.50")),
            Value::B(vec![0, 255]),
            Value::Bool(false),
            Value::Null,
            Value::Ss(vec!["b".into(), "a".into()]),
            Value::Ns(vec![Number::from_text("2"), Number::from_text("-1E3")]),
            Value::Bs(vec![vec![1], vec![]]),
        ];
        let members: BTreeMap<String, Value> =
            simple.iter().enumerate().map(|(at, value)| (at.to_string(), value.clone())).collect();
        let nested = Value::L(vec![Value::M(members), Value::L(Vec::new())]);
        let item: Item = simple
            .into_iter()
            .chain([nested])
            .enumerate()
            .map(|(at, value)| (AttributeName::from(format!("attribute {at}")), value))
            .collect();
        assert_eq!(item_from_sdk(item_to_sdk(&item)), Ok(item));
    }
}
