//! Reads items from the low-level DynamoDB JSON of streams, without building JSON values.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::item::Item;
use super::number::Number;
use super::value::{ReadError, Value, decoded};

impl Item {
    /// Reads an item from low-level DynamoDB JSON text; see [`from_json`](Self::from_json).
    pub(crate) fn from_text(json: &str) -> Result<Self, ReadError> {
        match serde_json::from_str(json) {
            Ok(Members(attributes)) => Ok(attributes.into_iter().collect()),
            // An unusual text may still be an item: the slower reader decides, and creates the
            // error.
            Err(_) => {
                let json = serde_json::from_str(json).map_err(|_| ReadError::NotTagged)?;
                Self::from_json(&json)
            }
        }
    }
}

/// An object of attribute values, in the order of the text. The last of several members with one
/// name counts.
struct Members<K>(Vec<(K, Value)>);

/// An attribute value in DynamoDB's JSON form.
struct Tagged(Value);

/// A list of attribute values.
struct Listed(Vec<Value>);

#[derive(Deserialize)]
enum Tag {
    S,
    N,
    B,
    #[serde(rename = "BOOL")]
    Bool,
    #[serde(rename = "NULL")]
    Null,
    L,
    M,
    #[serde(rename = "SS")]
    Ss,
    #[serde(rename = "NS")]
    Ns,
    #[serde(rename = "BS")]
    Bs,
}

impl<'de, K: From<String>> Deserialize<'de> for Members<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfMembers<K>(PhantomData<K>);

        impl<'de, K: From<String>> Visitor<'de> for OfMembers<K> {
            type Value = Members<K>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of attribute values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<K>, A::Error> {
                let mut members = Vec::new();
                while let Some((name, Tagged(value))) = map.next_entry::<String, _>()? {
                    members.push((name.into(), value));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(OfMembers(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Tagged {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfTagged;

        impl<'de> Visitor<'de> for OfTagged {
            type Value = Tagged;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an attribute value")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tagged, A::Error> {
                let Some(tag) = map.next_key()? else { return Err(A::Error::custom("no tag")) };
                let value = content(&tag, &mut map)?;
                match map.next_key::<IgnoredAny>()? {
                    Some(_) => Err(A::Error::custom("two tags")),
                    None => Ok(Tagged(value)),
                }
            }
        }

        deserializer.deserialize_map(OfTagged)
    }
}

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfListed;

        impl<'de> Visitor<'de> for OfListed {
            type Value = Listed;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of attribute values")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Listed, A::Error> {
                let mut values = Vec::new();
                while let Some(Tagged(value)) = list.next_element()? {
                    values.push(value);
                }
                Ok(Listed(values))
            }
        }

        deserializer.deserialize_seq(OfListed)
    }
}

/// Reads the content for a type tag.
fn content<'de, A: MapAccess<'de>>(tag: &Tag, map: &mut A) -> Result<Value, A::Error> {
    let bytes = |text: &str| decoded(text).ok_or_else(|| A::Error::custom("not base64"));
    Ok(match tag {
        Tag::S => Value::S(map.next_value()?),
        Tag::N => Value::N(Number::from_text(map.next_value()?)),
        Tag::B => Value::B(bytes(map.next_value()?)?),
        Tag::Bool => Value::Bool(map.next_value()?),
        Tag::Null => {
            map.next_value::<bool>()?;
            Value::Null
        }
        Tag::L => Value::L(map.next_value::<Listed>()?.0),
        Tag::M => Value::M(map.next_value::<Members<String>>()?.0.into_iter().collect()),
        Tag::Ss => Value::Ss(map.next_value()?),
        Tag::Ns => {
            let numbers: Vec<&str> = map.next_value()?;
            Value::Ns(numbers.into_iter().map(Number::from_text).collect())
        }
        Tag::Bs => {
            let texts: Vec<&str> = map.next_value()?;
            Value::Bs(texts.into_iter().map(bytes).collect::<Result<_, _>>()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use super::{Item, ReadError};

    /// Reads the same text with the slower reader.
    fn from_value(json: &str) -> Result<Item, ReadError> {
        let json = serde_json::from_str(json).map_err(|_| ReadError::NotTagged)?;
        Item::from_json(&json)
    }

    #[test]
    fn a_text_reads_as_its_value_does() {
        let deep = |levels| r#"{"L":["#.repeat(levels) + &"]}".repeat(levels);
        let values = [
            r#"{"S":"a\u00e9\n"}"#,
            r#"{"S":""}"#,
            r#"{"S":5}"#,
            r#"{"S":"\ud800"}"#,
            r#"{"N":"1.50"}"#,
            r#"{"N":"\u0031"}"#,
            r#"{"N":1}"#,
            r#"{"B":"aGk="}"#,
            r#"{"B":"a\nGk="}"#,
            r#"{"B":"aGk"}"#,
            r#"{"B":"?"}"#,
            r#"{"BOOL":true}"#,
            r#"{"BOOL":"true"}"#,
            r#"{"NULL":true}"#,
            r#"{"NULL":5}"#,
            r#"{"NULL":1e999}"#,
            r#"{"NULL":"\ud800"}"#,
            r#"{"L":[]}"#,
            r#"{"L":[{"S":"a"},{"M":{"b":{"N":"2"}}}]}"#,
            r#"{"L":[5]}"#,
            r#"{"L":{}}"#,
            r#"{"M":{"a":{"S":"1"},"a":{"S":"2"}}}"#,
            r#"{"M":[]}"#,
            r#"{"SS":["b","a"]}"#,
            r#"{"SS":[1]}"#,
            r#"{"NS":["2","01"]}"#,
            r#"{"NS":["\u0031"]}"#,
            r#"{"BS":["aGk=",""]}"#,
            r#"{"BS":["?"]}"#,
            r#"{"S":"a","S":"b"}"#,
            r#"{"S":"a","N":"1"}"#,
            r#"{"\u0053":"a"}"#,
            r#"{"X":"a"}"#,
            r#"{"X":1e999}"#,
            "{}",
            "[]",
            "5",
            "null",
            "",
            r#"{"S":"a"}}"#,
        ];
        let values = values.map(String::from).into_iter().chain([20, 50, 70, 200].map(deep));
        for value in values {
            let text =
                format!(r#"{{"a":{{"S":"x"}},"\u0062":{value},"b":{{"BOOL":false}},"c":{value}}}"#);
            assert_eq!(Item::from_text(&text), from_value(&text), "{text}");
            assert_eq!(Item::from_text(&value), from_value(&value), "{value}");
        }
    }
}
