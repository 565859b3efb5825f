//! From texts to values. Every reader of this module, and every source, converts here.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::field::Kind;
use super::value::Value;
use crate::duration::parse_portable_nanos;

/// `^[+-]?\d+$` within ±(2^53 − 1): what a double holds exactly.
pub(super) fn integer(text: &str) -> Option<i64> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // What is left when leading zeros go is nothing, for zero, or too long for 64 bits at worst.
    let magnitude = match digits.trim_start_matches('0') {
        "" => 0,
        digits => digits.parse::<i64>().ok()?,
    };
    let value = if is_negative { magnitude.checked_neg()? } else { magnitude };
    (magnitude <= MAX_INTEGER).then_some(value)
}

/// A finite decimal number; no names such as `inf`, and no hexadecimal digits.
pub(super) fn float(text: &str) -> Option<f64> {
    let is_decimal =
        text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    text.parse::<f64>().ok().filter(|value| is_decimal && value.is_finite())
}

pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// The value of a kind that texts stand for; `Ok(None)` for the JSON `null`.
///
/// The first text counts, and for a list all do. There is at least one.
pub(super) fn from_texts(kind: Kind, texts: &[String]) -> Result<Option<Value>, NotOfKind> {
    let text = texts.first().ok_or(NotOfKind)?;
    let value = match kind {
        Kind::Text => Some(Value::Text(text.clone())),
        Kind::Integer => integer(text).map(Value::Integer),
        Kind::Float => float(text).map(Value::Float),
        Kind::Bool => boolean(text).map(Value::Bool),
        Kind::Duration => duration(text),
        Kind::Texts => Some(Value::Texts(texts.to_vec())),
        Kind::Object | Kind::Json => return from_json(kind, text),
    };
    value.map(Some).ok_or(NotOfKind)
}

/// The value of a kind that one JSON text stands for; `Ok(None)` for `null`.
pub(super) fn from_json(kind: Kind, json: &str) -> Result<Option<Value>, NotOfKind> {
    if json == "null" {
        return Ok(None);
    }
    let value = match kind {
        Kind::Text => read(json).map(Value::Text),
        // A number's text says whether it is spelled as an integer.
        Kind::Integer => integer(json).map(Value::Integer),
        Kind::Float => float(json).map(Value::Float),
        Kind::Bool => read(json).map(Value::Bool),
        Kind::Duration => read::<String>(json).and_then(|text| duration(&text)),
        Kind::Texts => read::<Vec<String>>(json).map(Value::Texts),
        Kind::Object => read::<Map<_, _>>(json).map(Json::Object).map(Value::Json),
        Kind::Json => read(json).map(Value::Json),
    };
    value.map(Some).ok_or(NotOfKind)
}

/// The text says something else than its field.
#[derive(Debug)]
pub(super) struct NotOfKind;

fn duration(text: &str) -> Option<Value> {
    parse_portable_nanos(text).ok().map(Value::Duration)
}

fn read<'a, T: Deserialize<'a>>(json: &'a str) -> Option<T> {
    serde_json::from_str(json).ok()
}

/// 2^53 − 1.
const MAX_INTEGER: i64 = 9_007_199_254_740_991;
