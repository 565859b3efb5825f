//! Serializes directly to text, for readers other than browsers.
//!
//! Writes the same bytes as `serde_json` in a third of the instructions: nearly all strings need no
//! escape, so they are checked sixteen bytes at a time and copied as a whole.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Display, Write as _};

use serde::ser::{Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, Serializer};

use super::{needs_no_escape, write_plain_string};

/// Returns the compact JSON text of a value, as bytes.
///
/// # Errors
///
/// [`fmt::Error`] for types that our values never contain: floats, bytes, tuples, and variants with
/// more than one value.
pub(crate) fn to_plain_bytes(value: &impl Serialize) -> Result<Vec<u8>, fmt::Error> {
    // Enough for most bodies, because growing copies the text.
    let mut writer = Writer { out: String::with_capacity(2048) };
    value.serialize(&mut writer)?;
    Ok(writer.out.into_bytes())
}

struct Writer {
    out: String,
}

/// Writes the separators between elements of an array, or members of an object.
struct Parts<'w> {
    writer: &'w mut Writer,
    is_empty: bool,
    end: char,
}

impl<'w> Parts<'w> {
    fn begin(writer: &'w mut Writer, start: char, end: char) -> Self {
        writer.out.push(start);
        Self { writer, is_empty: true, end }
    }

    fn next(&mut self) -> &mut Writer {
        if !self.is_empty {
            self.writer.out.push(',');
        }
        self.is_empty = false;
        self.writer
    }

    fn end(self) -> fmt::Result {
        self.writer.out.push(self.end);
        Ok(())
    }
}

impl SerializeSeq for Parts<'_> {
    type Ok = ();
    type Error = fmt::Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> fmt::Result {
        value.serialize(self.next())
    }

    fn end(self) -> fmt::Result {
        self.end()
    }
}

impl SerializeMap for Parts<'_> {
    type Ok = ();
    type Error = fmt::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> fmt::Result {
        key.serialize(self.next())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> fmt::Result {
        self.writer.out.push(':');
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> fmt::Result {
        self.end()
    }
}

impl SerializeStruct for Parts<'_> {
    type Ok = ();
    type Error = fmt::Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> fmt::Result {
        let writer = self.next().name(name);
        writer.out.push(':');
        value.serialize(writer)
    }

    fn end(self) -> fmt::Result {
        self.end()
    }
}

impl Writer {
    /// Appends a name from code, which needs no escape.
    fn name(&mut self, name: &'static str) -> &mut Self {
        self.out.push('"');
        self.out.push_str(name);
        self.out.push('"');
        self
    }
}

/// Numbers are written by their `Display`.
macro_rules! printed {
    ($($method:ident $type:ty),+) => {$(
        fn $method(self, number: $type) -> fmt::Result {
            write!(self.out, "{number}")
        }
    )+};
}

/// Types that our values never contain.
macro_rules! refused {
    ($($method:ident $type:ty),+) => {$(
        fn $method(self, _: $type) -> fmt::Result {
            Err(fmt::Error)
        }
    )+};
}

impl<'w> Serializer for &'w mut Writer {
    type Ok = ();
    type Error = fmt::Error;
    type SerializeSeq = Parts<'w>;
    type SerializeTuple = Impossible<(), fmt::Error>;
    type SerializeTupleStruct = Impossible<(), fmt::Error>;
    type SerializeTupleVariant = Impossible<(), fmt::Error>;
    type SerializeMap = Parts<'w>;
    type SerializeStruct = Parts<'w>;
    type SerializeStructVariant = Impossible<(), fmt::Error>;

    printed!(
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64
    );
    refused!(serialize_f32 f32, serialize_f64 f64, serialize_bytes &[u8]);

    fn serialize_bool(self, truth: bool) -> fmt::Result {
        self.out.push_str(if truth { "true" } else { "false" });
        Ok(())
    }

    fn serialize_char(self, c: char) -> fmt::Result {
        self.serialize_str(c.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> fmt::Result {
        write_plain_string(text, &mut self.out);
        Ok(())
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> fmt::Result {
        self.out.push('"');
        let start = self.out.len();
        write!(self.out, "{value}")?;
        if self.out.get(start..).is_some_and(needs_no_escape) {
            self.out.push('"');
            return Ok(());
        }
        let text = self.out.split_off(start);
        self.out.pop();
        self.serialize_str(&text)
    }

    fn serialize_none(self) -> fmt::Result {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> fmt::Result {
        value.serialize(self)
    }

    fn serialize_unit(self) -> fmt::Result {
        self.out.push_str("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> fmt::Result {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> fmt::Result {
        self.name(name);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> fmt::Result {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> fmt::Result {
        match name {
            // Nearly all values of items have these types, and appending one text is cheaper.
            "S" => self.out.push_str(r#"{"S":"#),
            "N" => self.out.push_str(r#"{"N":"#),
            _ => {
                self.out.push('{');
                self.name(name).out.push(':');
            }
        }
        value.serialize(&mut *self)?;
        self.out.push('}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'w>, fmt::Error> {
        Ok(Parts::begin(self, '[', ']'))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, fmt::Error> {
        Err(fmt::Error)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, fmt::Error> {
        Err(fmt::Error)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, fmt::Error> {
        Err(fmt::Error)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'w>, fmt::Error> {
        Ok(Parts::begin(self, '{', '}'))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'w>, fmt::Error> {
        Ok(Parts::begin(self, '{', '}'))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, fmt::Error> {
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString as _};

    use serde_json::json;

    use super::to_plain_bytes;

    #[test]
    fn the_text_is_what_serde_json_writes() {
        let every_ascii: String = (0..128_u8).map(char::from).collect();
        for value in [
            json!(null),
            json!([true, false, [], {}, [[1], [-2]]]),
            json!({"a": {"b": u64::MAX, "c": i64::MIN}, "\"": "\\", "\u{2028}": "é漢😀"}),
            json!(every_ascii),
            json!("long enough for more than one look at sixteen bytes, \u{1f}"),
        ] {
            let text = String::from_utf8(to_plain_bytes(&value).unwrap()).unwrap();
            assert_eq!(text, value.to_string());
        }
        assert!(to_plain_bytes(&json!(1.5)).is_err());
    }
}
