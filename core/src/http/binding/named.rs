//! Deserializes names with values as a struct.

use alloc::string::String;
use alloc::vec::{self, Vec};

use serde::Deserialize;
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::error::{Error, Source};
use super::refusal::Refusal;
use super::texts::Texts;
use crate::http::{MultiMap, Request, Values};

/// Deserializes a query into a struct, whose fields are named like the parameters, or into a map.
///
/// A list field takes all values of its name, any other field the first one. Integers, numbers and
/// booleans are parsed by the rules of the [table](super); use
/// [`duration::deserialize`](crate::duration::deserialize) for durations. Inside
/// `#[serde(flatten)]`, `serde` sees only strings.
///
/// # Errors
///
/// [`Error`] for the first field whose text does not have its type, or that has neither a value nor
/// a default.
pub fn from_query<'a, T: Deserialize<'a>>(query: &'a MultiMap) -> Result<T, Error> {
    read(Source::Query, query.iter())
}

/// Deserializes request headers into a struct, whose fields are named like the headers in lower
/// case (`#[serde(rename_all = "kebab-case")]`). Types are handled as in [`from_query`]. Uses the
/// headers of [`Request::fields`].
///
/// # Errors
///
/// The same as for [`from_query`].
pub fn from_headers<'a, T: Deserialize<'a>>(request: &'a Request) -> Result<T, Error> {
    read(Source::Header, request.fields())
}

/// Deserializes a form into a struct, whose fields are named like the form's, or into a map. Types
/// are handled as in [`from_query`].
///
/// # Errors
///
/// The same as for [`from_query`].
pub fn from_form<'a, T: Deserialize<'a>>(form: &'a MultiMap) -> Result<T, Error> {
    read(Source::Form, form.iter())
}

/// Deserializes path parameters: into a struct or a map by name, into a tuple or a list in the
/// order of the pattern, or a single parameter into a scalar.
///
/// # Errors
///
/// The same as for [`from_query`], and an error if the type expects another number of parameters.
pub fn from_params<'a, T: Deserialize<'a>>(params: &'a [(String, String)]) -> Result<T, Error> {
    read(Source::Path, params.iter().map(|(name, value)| (name.as_str(), Values::one(value))))
}

/// Checks that a type reads the parameters of a route's pattern: as many as there are, and under
/// their names. Use it when routes are registered, so that a mistake is found before a request is.
///
/// The type reads the text `1` for each parameter. A type that refuses this text may hide a member
/// that has no parameter, so `Ok` is no promise that requests bind.
///
/// # Errors
///
/// [`Error`] for a name that the type or the pattern lacks, or for another number of parameters.
pub fn check_params<'a, T: Deserialize<'a>>(
    names: impl IntoIterator<Item = &'a str>,
) -> Result<(), Error> {
    let entries = names.into_iter().map(|name| (name, Values::one("1"))).collect();
    match T::deserialize(Named { source: Source::Path, entries }) {
        Err(refusal) if refusal.is_of_names => Err(refusal.from(Source::Path)),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn read<'a, T: Deserialize<'a>>(
    source: Source,
    entries: impl Iterator<Item = (&'a str, Values<'a>)>,
) -> Result<T, Error> {
    // A name with an empty list has no value.
    let entries = entries.filter(|(_, values)| !values.is_empty()).collect();
    T::deserialize(Named { source, entries }).map_err(|refusal| refusal.from(source))
}

struct Named<'a> {
    source: Source,
    entries: Vec<(&'a str, Values<'a>)>,
}

impl<'a> Named<'a> {
    /// Reads the only parameter of a path, for types that are not a collection.
    fn only<T>(self, read: impl FnOnce(Texts<'a>) -> Result<T, Refusal>) -> Result<T, Refusal> {
        match (self.source, self.entries.as_slice()) {
            (Source::Path, [(name, values)]) => {
                read(Texts(*values)).map_err(|refusal| refusal.of(name))
            }
            (Source::Path, _) => Err(Refusal::of_names("one parameter")),
            (Source::Query | Source::Header | Source::Form, _) => {
                Err(Refusal::expected("a type with named members"))
            }
        }
    }
}

macro_rules! only {
    ($($method:ident)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            self.only(|texts| texts.$method(visitor))
        }
    )* };
}

impl<'de> Deserializer<'de> for Named<'de> {
    type Error = Refusal;

    only! {
        deserialize_bool deserialize_char deserialize_str deserialize_string
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_f32 deserialize_f64 deserialize_bytes deserialize_byte_buf
        deserialize_identifier
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_map(Entries { rest: self.entries.into_iter(), value: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.deserialize_map(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.source {
            Source::Path => {
                visitor.visit_seq(Entries { rest: self.entries.into_iter(), value: None })
            }
            // The values of these sources have no order.
            Source::Query | Source::Header | Source::Form => {
                Err(Refusal::expected("a type with named members"))
            }
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        if self.source == Source::Path && self.entries.len() != len {
            return Err(Refusal::of_names(alloc::format!("{len} parameters")));
        }
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.only(|texts| texts.deserialize_enum(name, variants, visitor))
    }

    /// No values deserialize as `None`.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        if self.entries.is_empty() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_unit()
    }
}

/// Yields the entries in order. A value that does not parse is reported under its entry's name.
struct Entries<'a> {
    rest: vec::IntoIter<(&'a str, Values<'a>)>,
    /// The entry whose key was read, and whose value was not yet.
    value: Option<(&'a str, Values<'a>)>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Refusal;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Refusal> {
        self.value = self.rest.next();
        let name = self.value.map(|(name, _)| name);
        name.map(|name| seed.deserialize(BorrowedStrDeserializer::new(name))).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Refusal> {
        let (name, values) = self.value.take().unwrap_or_default();
        seed.deserialize(Texts(values)).map_err(|refusal| refusal.of(name))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

impl<'de> SeqAccess<'de> for Entries<'de> {
    type Error = Refusal;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Refusal> {
        let Some((name, values)) = self.rest.next() else { return Ok(None) };
        seed.deserialize(Texts(values)).map(Some).map_err(|refusal| refusal.of(name))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}
