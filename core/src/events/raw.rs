//! Members of any type, read where they have the type that is looked for.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};

use serde::Deserialize;
use serde_json::Number;
use serde_json::value::RawValue;

pub(super) use crate::json::filled_text as text;

pub(super) fn is_object(value: &RawValue) -> bool {
    value.get().starts_with('{')
}

/// A value as its JSON text.
pub(super) fn json_of(value: &RawValue) -> Cow<'_, str> {
    Cow::Borrowed(value.get())
}

/// The value of a JSON text.
pub(super) fn value_of(json: Option<&str>) -> Option<&RawValue> {
    json.and_then(|json| serde_json::from_str(json).ok())
}

/// An object; `None` for anything else.
pub(super) fn object<'a, T: Deserialize<'a>>(value: Option<&'a RawValue>) -> Option<T> {
    let value = value.filter(|value| is_object(value))?;
    serde_json::from_str(value.get()).ok()
}

/// A text, trimmed; empty for anything else.
pub(super) fn trimmed_text(value: Option<&RawValue>) -> Cow<'_, str> {
    match text(value) {
        Some(Cow::Borrowed(text)) => Cow::Borrowed(text.trim()),
        Some(Cow::Owned(text)) => Cow::Owned(text.trim().to_string()),
        None => Cow::Borrowed(""),
    }
}

/// As [`trimmed_text`], of its own.
pub(super) fn trimmed(value: Option<&RawValue>) -> String {
    trimmed_text(value).into_owned()
}

/// A number without its fraction; zero for anything else, and for numbers outside 64 bits.
pub(super) fn integer(value: Option<&RawValue>) -> i64 {
    let Some(number) = value.and_then(|value| serde_json::from_str::<Number>(value.get()).ok())
    else {
        return 0;
    };
    let fits = |float: &f64| (-TWO_TO_63..TWO_TO_63).contains(float);
    // The cast drops the fraction; what does not fit is left out.
    let whole = || number.as_f64().filter(|_| number.is_f64()).filter(fits).map(|f| f as i64);
    number.as_i64().or_else(whole).unwrap_or(0)
}

const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use serde_json::value::RawValue;

    use super::{integer, trimmed};

    #[test]
    fn other_types_read_as_nothing() {
        let read = |json: &str| {
            let value: &RawValue = serde_json::from_str(json).unwrap();
            (trimmed(Some(value)), integer(Some(value)))
        };
        for (json, text, number) in [
            (r#"" a\u0020""#, "a", 0),
            (r#""\ud800""#, "", 0),
            (r#"" ""#, "", 0),
            ("3.9", "", 3),
            ("-2.9", "", -2),
            ("1e3", "", 1000),
            ("9223372036854775807", "", i64::MAX),
            ("9223372036854775808", "", 0),
            ("1e30", "", 0),
            ("1e999", "", 0),
            ("true", "", 0),
            (r#"["a"]"#, "", 0),
        ] {
            assert_eq!(read(json), (text.into(), number), "{json}");
        }
        assert_eq!((trimmed(None), integer(None)), (String::new(), 0));
    }
}
