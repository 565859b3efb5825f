//! Renders responses in the JSON of their providers.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::HttpSource;
use crate::http::status::phrase;
use crate::http::{HeaderMap, HttpResponse};
use crate::json::{ObjectWriter, write_array, write_string};

pub(super) fn write(source: HttpSource, response: &HttpResponse) -> String {
    match source {
        HttpSource::ApiGatewayV2 => http_api(response),
        HttpSource::FunctionUrl => function_url(response),
        HttpSource::ApiGatewayV1 => rest_api(response),
        HttpSource::Alb => load_balancer(response, true),
        HttpSource::VpcLatticeV1 | HttpSource::VpcLatticeV2 => load_balancer(response, false),
    }
}

/// HTTP APIs only read `headers`, in which a list is joined by commas. `multiValueHeaders` is for
/// readers of payload format 1.0.
fn http_api(response: &HttpResponse) -> String {
    let body = Body::of(response);
    let mut out = String::with_capacity(room(&body));
    let mut object = ObjectWriter::begin(&mut out);
    status(response, &mut object);
    let mut headers = ObjectWriter::begin(object.member("headers"));
    joined(&response.headers, &mut headers);
    headers.end();
    lists(&response.headers, object.member("multiValueHeaders"));
    object.text("body", &body.text);
    if body.is_base64 {
        object.member("isBase64Encoded").push_str("true");
    }
    let cookies = response.cookies.iter().map(String::as_str);
    texts(cookies, object.member("cookies"));
    object.end();
    out
}

fn function_url(response: &HttpResponse) -> String {
    let body = Body::of(response);
    let mut out = String::with_capacity(room(&body));
    let mut object = ObjectWriter::begin(&mut out);
    status(response, &mut object);
    let mut headers = ObjectWriter::begin(object.member("headers"));
    joined(&response.headers, &mut headers);
    headers.end();
    object.text("body", &body.text);
    flag("isBase64Encoded", body.is_base64, &mut object);
    let cookies = response.cookies.iter().map(String::as_str);
    texts(cookies, object.member("cookies"));
    object.end();
    out
}

/// REST APIs read the lists. `headers` is for HTTP APIs with this format.
fn rest_api(response: &HttpResponse) -> String {
    let body = Body::of(response);
    let headers = with_cookies(response);
    let mut out = String::with_capacity(room(&body));
    let mut object = ObjectWriter::begin(&mut out);
    status(response, &mut object);
    let mut single = ObjectWriter::begin(object.member("headers"));
    first(&headers, &mut single);
    single.end();
    lists(&headers, object.member("multiValueHeaders"));
    object.text("body", &body.text);
    if body.is_base64 {
        object.member("isBase64Encoded").push_str("true");
    }
    object.end();
    out
}

/// A target group reads either `headers` or `multiValueHeaders`, depending on its configuration, so
/// both are written. In `headers`, the values of a header are joined by commas (RFC 9110 §5.3).
/// Cookies cannot be joined, so further cookies use other cases of the header's name. VPC Lattice
/// has the same format without lists.
fn load_balancer(response: &HttpResponse, takes_lists: bool) -> String {
    let body = Body::of(response);
    let mut out = String::with_capacity(room(&body));
    let mut object = ObjectWriter::begin(&mut out);
    status(response, &mut object);
    object.text("statusDescription", &description(response.status));
    let mut headers = ObjectWriter::begin(object.member("headers"));
    joined(&response.headers, &mut headers);
    for (index, cookie) in response.cookies.iter().take(SPELLINGS).enumerate() {
        headers.text(&spelling(index), cookie);
    }
    headers.end();
    if takes_lists {
        lists(&with_cookies(response), object.member("multiValueHeaders"));
    }
    object.text("body", &body.text);
    flag("isBase64Encoded", body.is_base64, &mut object);
    object.end();
    out
}

fn description(status: u16) -> Cow<'static, str> {
    Cow::Owned(match phrase(status) {
        Some(phrase) => format!("{status} {phrase}"),
        None => status.to_string(),
    })
}

/// Returns `set-cookie` with its letters, from the left, in upper case where the binary digits of
/// `index`, from the lowest, are 1.
fn spelling(index: usize) -> String {
    let mut digits = index;
    let letters = "set-cookie".chars().map(|c| {
        if !c.is_ascii_lowercase() {
            return c;
        }
        let is_upper = digits & 1 == 1;
        digits >>= 1;
        if is_upper { c.to_ascii_uppercase() } else { c }
    });
    letters.collect()
}

/// The number of case variants of `set-cookie`, which has nine letters.
const SPELLINGS: usize = 1 << 9;

/// A body in the form that JSON can represent.
struct Body<'r> {
    text: Cow<'r, str>,
    is_base64: bool,
}

impl<'r> Body<'r> {
    fn of(response: &'r HttpResponse) -> Self {
        match core::str::from_utf8(&response.body) {
            Ok(text) if !response.is_base64 => Self { text: Cow::Borrowed(text), is_base64: false },
            _ => Self { text: Cow::Owned(STANDARD.encode(&response.body)), is_base64: true },
        }
    }
}

/// Returns the initial capacity for a response: enough for most, because growing copies the text.
fn room(body: &Body<'_>) -> usize {
    body.text.len().saturating_add(512)
}

fn status(response: &HttpResponse, object: &mut ObjectWriter<'_>) {
    // Appending to a string cannot fail.
    let _ = write!(object.member("statusCode"), "{}", response.status);
}

fn flag(name: &str, flag: bool, object: &mut ObjectWriter<'_>) {
    object.member(name).push_str(if flag { "true" } else { "false" });
}

/// Writes the first values of headers as members of an object.
fn first(headers: &HeaderMap, object: &mut ObjectWriter<'_>) {
    for (name, values) in headers.iter() {
        if let Some(value) = values.first() {
            object.text(name, value);
        }
    }
}

/// Writes the values of headers, joined by commas, as members of an object.
fn joined(headers: &HeaderMap, object: &mut ObjectWriter<'_>) {
    for (name, values) in headers.iter() {
        match values.only() {
            Some(value) => object.text(name, value),
            None if values.is_empty() => {}
            None => object.text(name, &values.join(",")),
        }
    }
}

/// Writes an object of lists.
fn lists(headers: &HeaderMap, out: &mut String) {
    let mut object = ObjectWriter::begin(out);
    for (name, values) in headers.iter().filter(|(_, values)| !values.is_empty()) {
        texts(values.iter(), object.member(name));
    }
    object.end();
}

/// Writes a list of strings.
fn texts<'t>(values: impl Iterator<Item = &'t str>, out: &mut String) {
    write_array(values, out, write_string);
}

/// Returns the headers, with a `set-cookie` header for all cookies.
fn with_cookies(response: &HttpResponse) -> Cow<'_, HeaderMap> {
    if response.cookies.is_empty() {
        return Cow::Borrowed(&response.headers);
    }
    let mut headers = response.headers.clone();
    for cookie in &response.cookies {
        headers.append("set-cookie", cookie);
    }
    Cow::Owned(headers)
}
