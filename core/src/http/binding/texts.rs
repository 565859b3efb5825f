//! Deserializes the values of one name as the requested type.

use serde::de::value::{BorrowedStrDeserializer, SeqDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor};

use super::convert::{self, BOOL, FLOAT, INTEGER};
use super::refusal::Refusal;
use crate::http::Values;

/// The values of one name. A scalar is read from the first value, a list from all.
#[derive(Clone, Copy)]
pub(super) struct Texts<'a>(pub(super) Values<'a>);

impl<'a> Texts<'a> {
    const fn one(value: &'a str) -> Self {
        Self(Values::one(value))
    }

    fn first(self) -> Result<&'a str, Refusal> {
        self.0.first().ok_or_else(|| Refusal::expected("a value"))
    }

    fn convert<T>(self, to: fn(&str) -> Option<T>, expected: &'static str) -> Result<T, Refusal> {
        to(self.first()?).ok_or_else(|| Refusal::expected(expected))
    }
}

/// Integers of any width; the visitor refuses values that its type cannot hold.
macro_rules! integers {
    ($($method:ident)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            visitor.visit_i64(self.convert(convert::integer, INTEGER)?)
        }
    )* };
}

impl<'de> Deserializer<'de> for Texts<'de> {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_borrowed_str(self.first()?)
    }

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_bool(self.convert(convert::boolean, BOOL)?)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        let value = self.convert(convert::float, FLOAT)? as f32;
        // A number that is finite in 64 bits may be infinite in 32.
        if value.is_finite() { visitor.visit_f32(value) } else { Err(Refusal::expected(FLOAT)) }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_f64(self.convert(convert::float, FLOAT)?)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_borrowed_bytes(self.first()?.as_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_bytes(visitor)
    }

    /// A name with a value is `Some`.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_seq(SeqDeserializer::new(self.0.iter().map(Self::one)))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_enum(BorrowedStrDeserializer::new(self.first()?))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_unit()
    }

    // Other types are left to the visitor, whose error says what it expects.
    serde::forward_to_deserialize_any! {
        char str string unit unit_struct map struct identifier
    }
}

impl<'de> IntoDeserializer<'de, Refusal> for Texts<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
