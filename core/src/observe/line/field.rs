//! The values of a line's fields.

use serde_json::Value as Json;

/// The value of a field.
#[derive(Clone, Copy, Debug)]
pub enum Field<'a> {
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Signed(i64),
    /// An integer that is not negative.
    Unsigned(u64),
    /// A number. One that JSON cannot represent, such as `NaN`, becomes a string.
    Float(f64),
    /// A string.
    Text(&'a str),
    /// Any other value. In arrays and objects, numbers and booleans become strings, as in
    /// [`Sanitizer::field`](crate::sanitize::Sanitizer::field).
    Json(&'a Json),
}

macro_rules! from {
    ($($from:ty => $variant:ident),+ $(,)?) => {$(
        impl<'a> From<$from> for Field<'a> {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        }
    )+};
}

from! {
    bool => Bool,
    i32 => Signed,
    i64 => Signed,
    u16 => Unsigned,
    u32 => Unsigned,
    u64 => Unsigned,
    f64 => Float,
    &'a str => Text,
    &'a Json => Json,
}
