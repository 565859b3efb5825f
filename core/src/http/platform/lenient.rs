//! Deserializes JSON in which numbers and booleans may be strings.

use alloc::string::String;

use serde::de::value::{
    BorrowedStrDeserializer, MapAccessDeserializer, MapDeserializer, SeqDeserializer,
};
use serde::de::{Deserializer, Error as _, IntoDeserializer, Visitor};
use serde_json::{Map, Value as Json};

use crate::http::binding::convert;
use crate::http::binding::refusal::Refusal;

/// A value whose strings are read as numbers and booleans if the type requires it, because API
/// Gateway writes many of them as strings.
#[derive(Clone, Copy)]
pub(super) struct Lenient<'a>(pub(super) &'a Json);

const NUMBER: &str = "a number";
const BOOL: &str = "true or false";

/// Integers of any width; the visitor refuses values that its type cannot hold.
macro_rules! integers {
    ($($method:ident)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            let Json::String(text) = self.0 else { return self.deserialize_any(visitor) };
            match (text.parse::<u64>(), text.parse::<i64>()) {
                (Ok(number), _) => visitor.visit_u64(number),
                (Err(_), Ok(number)) => visitor.visit_i64(number),
                (Err(_), Err(_)) => Err(Refusal::expected("an integer")),
            }
        }
    )* };
}

impl<'de> Deserializer<'de> for Lenient<'de> {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.0 {
            Json::Null => visitor.visit_unit(),
            Json::Bool(value) => visitor.visit_bool(*value),
            Json::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), ..) => visitor.visit_u64(number),
                (None, Some(number), _) => visitor.visit_i64(number),
                (None, None, Some(number)) => visitor.visit_f64(number),
                (None, None, None) => Err(Refusal::expected(NUMBER)),
            },
            Json::String(text) => visitor.visit_borrowed_str(text),
            Json::Array(values) => {
                let mut values = SeqDeserializer::new(values.iter().map(Lenient));
                let read = visitor.visit_seq(&mut values)?;
                values.end().map(|()| read)
            }
            Json::Object(members) => {
                let mut members = each(members);
                let read = visitor.visit_map(&mut members)?;
                members.end().map(|()| read)
            }
        }
    }

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.0.as_str() {
            Some("true") => visitor.visit_bool(true),
            Some("false") => visitor.visit_bool(false),
            Some(_) => Err(Refusal::expected(BOOL)),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        let Json::String(text) = self.0 else { return self.deserialize_any(visitor) };
        let number = convert::float(text).ok_or_else(|| Refusal::expected(NUMBER))?;
        visitor.visit_f64(number)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        match self.0 {
            Json::String(text) => visitor.visit_enum(BorrowedStrDeserializer::new(text)),
            Json::Object(members) => visitor.visit_enum(MapAccessDeserializer::new(each(members))),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) => {
                Err(Refusal::custom("no variant"))
            }
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier
    }
}

impl<'de> IntoDeserializer<'de, Refusal> for Lenient<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Yields the members of an object.
fn each<'de>(
    members: &'de Map<String, Json>,
) -> MapDeserializer<'de, impl Iterator<Item = (&'de str, Lenient<'de>)>, Refusal> {
    MapDeserializer::new(members.iter().map(|(name, value)| (name.as_str(), Lenient(value))))
}
