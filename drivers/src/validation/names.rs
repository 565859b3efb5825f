//! The names of members as clients know them.
//!
//! The validation library reports Rust names, and `serde` may rename them. To find the client's
//! name, the type is deserialized along the path of the member, without input, and gives the names
//! of its members on the way. Two names match if their letters and digits do, which is true of
//! every `rename_all`.

use core::fmt;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

/// Returns the path of a member as clients write it, such as `lines[1].unitPrice` for
/// `lines[1].unit_price`, and its position among the type's members. Where the type does not give a
/// name, the rest of the path is not changed.
pub(super) fn wire_path<T: DeserializeOwned>(path: &str) -> (Place, String) {
    let mut trail = Trail { walked: String::new(), place: Place::new(), rest: path };
    // There is no input, so this always ends with an error.
    let _ = T::deserialize(Walk { trail: &mut trail, in_newtype: false });
    trail.skip_rest()
}

/// The position of a member's declaration, from the outermost type to the innermost.
pub(super) type Place = Vec<usize>;

/// The part of a path that was walked, and the rest.
struct Trail<'p> {
    walked: String,
    place: Place,
    rest: &'p str,
}

/// One segment of a path.
#[derive(Clone, Copy)]
enum Segment<'p> {
    Member(&'p str),
    /// The index of a list, within its brackets.
    Element(&'p str),
}

impl<'p> Trail<'p> {
    /// Returns the next segment, and the rest.
    fn next(&self) -> Option<(Segment<'p>, &'p str)> {
        let (segment, rest) = match self.rest.strip_prefix('[') {
            Some(rest) => {
                let (place, rest) = rest.split_once(']')?;
                (Segment::Element(place), rest)
            }
            None if self.rest.is_empty() => return None,
            None => {
                let end = self.rest.find(['.', '[']).unwrap_or(self.rest.len());
                let (name, rest) = self.rest.split_at(end);
                (Segment::Member(name), rest)
            }
        };
        Some((segment, rest.strip_prefix('.').unwrap_or(rest)))
    }

    fn enter_member(&mut self, name: &str, rest: &'p str) {
        if !self.walked.is_empty() {
            self.walked.push('.');
        }
        self.walked.push_str(name);
        self.rest = rest;
    }

    fn enter_element(&mut self, at: &str, rest: &'p str) {
        self.walked.extend(["[", at, "]"]);
        self.place.extend(at.parse::<usize>());
        self.rest = rest;
    }

    /// Takes the rest unchanged.
    fn skip_rest(mut self) -> (Place, String) {
        if !self.rest.is_empty() && !self.rest.starts_with('[') {
            self.enter_member(self.rest, "");
        } else {
            self.walked.push_str(self.rest);
        }
        (self.place, self.walked)
    }
}

/// Deserializes a type along a path.
struct Walk<'w, 'p> {
    trail: &'w mut Trail<'p>,
    /// Whether the value is inside of a newtype, which has no segment in the client's path. The
    /// library may have given it one: `[0]`.
    in_newtype: bool,
}

impl Walk<'_, '_> {
    /// Skips the segment of a newtype. A list in a newtype has one if another index follows.
    fn skip_newtype(&mut self, is_list: bool) {
        if core::mem::take(&mut self.in_newtype)
            && let Some((Segment::Element("0"), rest)) = self.trail.next()
            && (!is_list || rest.starts_with('['))
        {
            self.trail.rest = rest;
        }
    }
}

impl<'de, 'p: 'de> Deserializer<'de> for Walk<'_, 'p> {
    type Error = Ended;

    fn deserialize_any<V: Visitor<'de>>(mut self, _: V) -> Result<V::Value, Ended> {
        self.skip_newtype(false);
        Err(Ended)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Ended> {
        self.skip_newtype(false);
        let Some((Segment::Member(name), rest)) = self.trail.next() else { return Err(Ended) };
        let name = name.strip_prefix("r#").unwrap_or(name);
        let same = fields.iter().position(|field| *field == name);
        let alike = || fields.iter().position(|field| is_alike(field, name));
        let at = same.or_else(alike).ok_or(Ended)?;
        let key = fields[at];
        self.trail.place.push(at);
        self.trail.enter_member(key, rest);
        visitor.visit_map(Once { key, walk: Some(self) })
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Ended> {
        self.skip_newtype(false);
        let Some((Segment::Member(key), rest)) = self.trail.next() else { return Err(Ended) };
        self.trail.enter_member(key, rest);
        visitor.visit_map(Once { key, walk: Some(self) })
    }

    /// Continues with the first element: all have the same type.
    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Ended> {
        self.skip_newtype(true);
        let Some((Segment::Element(at), rest)) = self.trail.next() else { return Err(Ended) };
        self.trail.enter_element(at, rest);
        visitor.visit_seq(Once { key: "", walk: Some(self) })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Ended> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Ended> {
        visitor.visit_newtype_struct(Self { in_newtype: true, ..self })
    }

    // Texts and numbers have no members, and the path does not say which variant of an enum or
    // which element of a tuple it goes through.
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct tuple tuple_struct enum identifier ignored_any
    }
}

/// The single member or element that a path goes through.
struct Once<'k, 'w, 'p> {
    key: &'k str,
    walk: Option<Walk<'w, 'p>>,
}

impl<'de, 'p: 'de> MapAccess<'de> for Once<'de, '_, 'p> {
    type Error = Ended;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Ended> {
        seed.deserialize(BorrowedStrDeserializer::new(self.key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Ended> {
        seed.deserialize(self.walk.take().ok_or(Ended)?)
    }
}

impl<'de, 'p: 'de> SeqAccess<'de> for Once<'_, '_, 'p> {
    type Error = Ended;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Ended> {
        seed.deserialize(self.walk.take().ok_or(Ended)?).map(Some)
    }
}

/// Returns whether two names have the same letters and digits, ignoring case.
fn is_alike(a: &str, b: &str) -> bool {
    let letters =
        |name| str::chars(name).filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase);
    letters(a).eq(letters(b))
}

/// The path has ended, or the type gives no further names.
#[derive(Debug)]
struct Ended;

impl de::Error for Ended {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the end of a path")
    }
}

impl core::error::Error for Ended {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::wire_path;

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    #[expect(dead_code, reason = "only their names are asked for")]
    struct Order {
        order_lines: Vec<Line>,
        ship_to: Option<Box<Address>>,
        by_tag: BTreeMap<String, Line>,
        r#type: String,
        #[serde(rename = "page-size")]
        page_size: u8,
        #[serde(rename = "state")]
        status: u8,
        email: Email,
        tags: Tags,
        #[serde(alias = "kind_of")]
        kind: Kind,
        pair: (Line, Line),
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "SCREAMING-KEBAB-CASE", deny_unknown_fields)]
    #[expect(dead_code, reason = "only their names are asked for")]
    struct Line {
        unit_price: f64,
        #[serde(default)]
        net_weights: Vec<Vec<u32>>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    #[expect(dead_code, reason = "only their names are asked for")]
    struct Address {
        post_code: String,
        #[serde(flatten)]
        rest: BTreeMap<String, String>,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only their names are asked for")]
    struct Email(String);

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only their names are asked for")]
    struct Tags(Vec<Line>);

    #[derive(Deserialize)]
    #[serde(tag = "kind", rename_all_fields = "camelCase")]
    #[expect(dead_code, reason = "only their names are asked for")]
    enum Kind {
        Gift { gift_wrap: String },
    }

    #[test]
    fn members_are_named_as_clients_write_them() {
        for (path, wire) in [
            ("", ""),
            ("order_lines", "orderLines"),
            ("order_lines[12].unit_price", "orderLines[12].UNIT-PRICE"),
            ("order_lines[1].net_weights[0][7]", "orderLines[1].NET-WEIGHTS[0][7]"),
            ("by_tag.any key.unit_price", "byTag.any key.UNIT-PRICE"),
            ("r#type", "type"),
            ("page_size", "page-size"),
            ("email[0]", "email"),
            ("email", "email"),
            ("tags[3].unit_price", "tags[3].UNIT-PRICE"),
            ("tags[0][3].unit_price", "tags[3].UNIT-PRICE"),
        ] {
            assert_eq!(wire_path::<Order>(path).1, wire);
        }
        let element = (vec![3, 0], "[3].UNIT-PRICE".to_owned());
        assert_eq!(wire_path::<Vec<Line>>("[3].unit_price"), element);
    }

    #[test]
    fn from_where_a_type_does_not_say_it_a_path_is_as_it_was() {
        for (path, wire) in [
            ("ship_to.post_code", "shipTo.post_code"),
            ("status", "status"),
            ("kind.gift_wrap", "kind.gift_wrap"),
            ("pair[1].unit_price", "pair[1].unit_price"),
            ("no_such.member[0]", "no_such.member[0]"),
            ("order_lines.unit_price", "orderLines.unit_price"),
            ("order_lines[", "orderLines["),
            ("order_lines[0]unit_price", "orderLines[0].UNIT-PRICE"),
        ] {
            assert_eq!(wire_path::<Order>(path).1, wire);
        }
        assert_eq!(wire_path::<serde_json::Value>("a[0].b"), (vec![], "a[0].b".to_owned()));
    }
}
