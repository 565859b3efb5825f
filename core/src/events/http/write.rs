//! What the responses of several providers have in common.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::http::{HeaderMap, HttpResponse};
use crate::json::{ObjectWriter, write_array, write_string};

/// A body as JSON can hold it.
pub(super) struct Body<'r> {
    pub(super) text: Cow<'r, str>,
    pub(super) is_base64: bool,
}

impl<'r> Body<'r> {
    pub(super) fn of(response: &'r HttpResponse) -> Self {
        match core::str::from_utf8(&response.body) {
            Ok(text) if !response.is_base64 => Self { text: Cow::Borrowed(text), is_base64: false },
            _ => Self { text: Cow::Owned(STANDARD.encode(&response.body)), is_base64: true },
        }
    }
}

pub(super) fn status(response: &HttpResponse, object: &mut ObjectWriter<'_>) {
    object.member("statusCode").push_str(&response.status.to_string());
}

pub(super) fn flag(name: &str, flag: bool, object: &mut ObjectWriter<'_>) {
    object.member(name).push_str(if flag { "true" } else { "false" });
}

/// The first values of fields, as members of an object.
pub(super) fn first(headers: &HeaderMap, object: &mut ObjectWriter<'_>) {
    for (name, values) in headers.iter() {
        if let Some(value) = values.first() {
            object.text(name, value);
        }
    }
}

/// The values of fields, those of one field joined by commas, as members of an object.
pub(super) fn joined(headers: &HeaderMap, object: &mut ObjectWriter<'_>) {
    for (name, values) in headers.iter() {
        match values {
            [] => {}
            [value] => object.text(name, value),
            values => object.text(name, &values.join(",")),
        }
    }
}

/// An object of lists.
pub(super) fn lists(headers: &HeaderMap, out: &mut String) {
    let mut object = ObjectWriter::begin(out);
    for (name, values) in headers.iter().filter(|(_, values)| !values.is_empty()) {
        texts(values, object.member(name));
    }
    object.end();
}

/// A list of texts.
pub(super) fn texts(values: &[String], out: &mut String) {
    write_array(values, out, |value, out| write_string(value, out));
}

/// The header fields, with one `set-cookie` field for all cookies.
pub(super) fn with_cookies(response: &HttpResponse) -> Cow<'_, HeaderMap> {
    if response.cookies.is_empty() {
        return Cow::Borrowed(&response.headers);
    }
    let mut headers = response.headers.clone();
    for cookie in &response.cookies {
        headers.append("set-cookie", cookie);
    }
    Cow::Owned(headers)
}
