//! Reads items as values of a program's own types.

use alloc::string::{String, ToString};
use core::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

use super::item::Item;
use super::number::Number;
use super::value::Value;
use crate::json::{self, Misread};

impl Item {
    /// Deserializes the item as a value of type `T`, which sees plain JSON: `{"id": 7}` for `{"id":
    /// {"N": "7"}}`.
    ///
    /// | DynamoDB | JSON |
    /// |---|---|
    /// | `S`, `BOOL`, `NULL`, `L`, `M` | the same |
    /// | `N` | a number; a string if its digits exceed 64 bits |
    /// | `B` | a string, in base64 |
    /// | `SS`, `NS`, `BS` | a list |
    ///
    /// # Errors
    ///
    /// [`Misread::OtherShape`] if the item is not a valid `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Misread> {
        let members = self.iter().map(|(name, value)| (name.to_string(), plain(value)));
        json::read_value(Json::Object(members.collect::<Map<_, _>>()))
    }
}

fn plain(value: &Value) -> Json {
    match value {
        Value::S(text) => text.as_str().into(),
        Value::N(number) => plain_number(number),
        Value::B(bytes) => STANDARD.encode(bytes).into(),
        Value::Bool(truth) => (*truth).into(),
        Value::Null => Json::Null,
        Value::L(values) => values.iter().map(plain).collect(),
        Value::M(members) => {
            members.iter().map(|(name, value)| (name.clone(), plain(value))).collect()
        }
        Value::Ss(texts) => texts.iter().map(String::as_str).collect(),
        Value::Ns(numbers) => numbers.iter().map(plain_number).collect(),
        Value::Bs(set) => set.iter().map(|bytes| STANDARD.encode(bytes)).collect(),
    }
}

fn plain_number(number: &Number) -> Json {
    let whole = number.to_i128();
    if let Some(whole) = whole.and_then(|whole| i64::try_from(whole).ok()) {
        return whole.into();
    }
    if let Some(whole) = whole.and_then(|whole| u64::try_from(whole).ok()) {
        return whole.into();
    }
    let text = number.to_string();
    let float = text.parse::<f64>().ok().filter(|float| float.is_finite());
    let is_exact = |float: &f64| {
        Number::from_text(&float.to_string()).compare(number) == Some(Ordering::Equal)
    };
    float.filter(is_exact).map_or(Json::String(text), Json::from)
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;

    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    fn item(json: Json) -> Item {
        Item::from_json(&json).unwrap()
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Order {
        id: u64,
        price: f64,
        paid: bool,
        note: Option<String>,
        tags: Vec<String>,
        lines: Vec<BTreeMap<String, i32>>,
    }

    #[test]
    fn an_item_is_a_value_of_a_type() {
        let stored = item(json!({"id": {"N": "18446744073709551615"}, "price": {"N": "19.99"},
            "paid": {"BOOL": true}, "note": {"NULL": true}, "tags": {"SS": ["a", "b"]},
            "lines": {"L": [{"M": {"n": {"N": "-2"}}}]}, "PK": {"S": "k"}}));
        let order: Order = stored.read().unwrap();
        let lines = [BTreeMap::from([("n".into(), -2)])].into();
        let tags = ["a", "b"].map(Into::into).into();
        let expected = Order { id: u64::MAX, price: 19.99, paid: true, note: None, tags, lines };
        assert_eq!(order, expected);
    }

    #[test]
    fn no_number_loses_digits() {
        for (text, plain) in [
            ("1.0", json!(1)),
            ("-9223372036854775808", json!(i64::MIN)),
            ("0.30000000000000004", json!(0.1 + 0.2)),
            ("1.5E3", json!(1500)),
            ("100000000000000000000", json!(1e20)),
            ("36893488147419103233", json!("36893488147419103233")),
            ("0.12345678901234567890", json!("0.12345678901234567890")),
        ] {
            assert_eq!(plain_number(&Number::from_text(text)), plain, "{text}");
        }
        let bytes = item(json!({"b": {"B": "aGk="}, "n": {"NS": ["1", "2.5"]}}));
        assert_eq!(bytes.read::<Json>().unwrap(), json!({"b": "aGk=", "n": [1, 2.5]}));
    }

    #[test]
    fn what_is_of_another_type_is_named_and_not_shown() {
        let stored = item(json!({"id": {"N": "7"}, "price": {"S": "secret"}}));
        let error = stored.read::<Order>().unwrap_err().to_string();
        assert_eq!(error, "invalid json of price: expected f64");
    }
}
