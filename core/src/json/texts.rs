//! JSON with numbers and booleans as strings, as CloudFormation sends it.

use alloc::string::ToString;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};
use serde_json::{Error, Value as Json};

use super::Misread;

/// Deserializes a JSON value. Strings are converted if a number or a boolean is expected.
///
/// # Errors
///
/// [`Misread::OtherShape`] if it is not a valid `T`.
pub(crate) fn read_texts<T: DeserializeOwned>(json: Json) -> Result<T, Misread> {
    serde_path_to_error::deserialize(Texts(json))
        .map_err(|error| Misread::other_shape(&error.path().to_string(), error.inner()))
}

struct Texts(Json);

macro_rules! spelled {
    ($($deserialize:ident $visit:ident $type:ty),+) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.0.as_str().map(str::parse::<$type>) {
                Some(Ok(value)) => visitor.$visit(value),
                Some(Err(_)) | None => self.0.$deserialize(visitor),
            }
        }
    )+};
}

impl<'de> Deserializer<'de> for Texts {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Json::Array(items) => {
                let mut items = SeqDeserializer::new(items.into_iter().map(Texts));
                let read = visitor.visit_seq(&mut items)?;
                items.end().map(|()| read)
            }
            Json::Object(members) => {
                let members = members.into_iter().map(|(name, value)| (name, Self(value)));
                let mut members = MapDeserializer::new(members);
                let read = visitor.visit_map(&mut members)?;
                members.end().map(|()| read)
            }
            json @ (Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_)) => {
                json.deserialize_any(visitor)
            }
        }
    }

    spelled! {
        deserialize_bool visit_bool bool,
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32, deserialize_i64 visit_i64 i64,
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64,
        deserialize_f32 visit_f32 f32, deserialize_f64 visit_f64 f64
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

impl IntoDeserializer<'_, Error> for Texts {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Line {
        item: String,
        count: u8,
        price: f64,
        gift: Option<bool>,
        unit: Unit,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    enum Unit {
        Box,
        Each,
    }

    #[test]
    fn numbers_and_booleans_may_be_texts_at_any_depth() {
        let lines = json!([
            {"item": "7", "count": "3", "price": "1.5", "gift": "true", "unit": "Box"},
            {"item": "tea", "count": 3, "price": 2, "gift": null, "unit": "Each"},
        ]);
        let line =
            |item: &str, price, gift, unit| Line { item: item.into(), count: 3, price, gift, unit };
        let expected = [line("7", 1.5, Some(true), Unit::Box), line("tea", 2.0, None, Unit::Each)];
        assert_eq!(read_texts::<Vec<Line>>(lines).unwrap(), expected);
    }

    #[test]
    fn a_text_that_does_not_parse_is_an_error_with_its_path() {
        for (count, what) in [("300", "u8"), ("-1", "u8"), ("many", "u8"), ("", "u8")] {
            let lines = json!([{"item": "7", "count": count}]);
            let misread = read_texts::<Vec<Line>>(lines).unwrap_err().to_string();
            assert_eq!(misread, alloc::format!("invalid json of [0].count: expected {what}"));
        }
        let missing = read_texts::<Line>(json!({"item": "7"})).unwrap_err();
        assert_eq!(missing.to_string(), "invalid json of count: expected a value");
    }
}
