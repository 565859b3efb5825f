//! Parses request bodies as JSON.

use alloc::format;
use alloc::string::ToString;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::Request;
use super::sending::is_token;
use crate::error::{AppError, code};
use crate::json::{self, JsonError, Misread};
use crate::utf8::decode_lossy;

/// How request bodies are parsed as JSON.
///
/// | Body | Response |
/// |---|---|
/// | another media type | 415 |
/// | not JSON | 400, with the line and column |
/// | JSON of another type | 422, with the path and what was expected there |
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum JsonReading {
    /// Accepts `application/json`, and media types that end in `+json` (RFC 6839 §3.1). Pages of
    /// other origins cannot send these without a preflight request.
    #[default]
    JsonTypes,
    /// Accepts any media type, or a missing one. Any page that a user visits can then send a body
    /// with the user's cookies, so use it only if cookies do not authenticate callers.
    AnyType,
    /// Parses as the contract requires: typed bodies of any media type, untyped bodies if any
    /// `content-type` begins with `application/json`. All other bodies are a 400 `invalid json`.
    Contract,
}

impl JsonReading {
    /// Deserializes the body of a request.
    ///
    /// # Errors
    ///
    /// 400 [`code::EMPTY_BODY`] for an empty body, and the errors of the [table](Self).
    pub fn read<T: DeserializeOwned>(self, request: &Request) -> Result<T, AppError> {
        if request.body.is_empty() {
            return Err(with_status(code::EMPTY_BODY));
        }
        if self == Self::Contract {
            let parsed = serde_json::from_str(&decode_lossy(&request.body));
            return parsed.map_err(|error| {
                with_status(code::INVALID_JSON).with_cause(JsonError::from(&error))
            });
        }
        self.check_type(request)?;
        read_json(&request.body)
    }

    /// Parses the body of a request as any JSON; an empty body gives null. Integers are exact up to
    /// 64 bits, and the last of several members with one name wins.
    ///
    /// # Errors
    ///
    /// The errors of the [table](Self).
    pub fn read_value(self, request: &Request) -> Result<Json, AppError> {
        if self == Self::Contract {
            return read_portable_value(request);
        }
        if request.body.is_empty() {
            return Ok(Json::Null);
        }
        self.check_type(request)?;
        read_json(&request.body)
    }

    fn check_type(self, request: &Request) -> Result<(), AppError> {
        if self.takes(request) { Ok(()) } else { Err(unsupported_type()) }
    }

    /// Returns whether a typed body may have the request's media type.
    fn takes(self, request: &Request) -> bool {
        match self {
            Self::JsonTypes => {
                request.headers.get_all("content-type").only().is_some_and(is_json_type)
            }
            Self::AnyType | Self::Contract => true,
        }
    }
}

/// Returns the error for a body of another media type.
fn unsupported_type() -> AppError {
    let expected = "the body needs a content-type of application/json or +json";
    // The response's `accept` header lists the supported media types (RFC 9110 §15.5.16).
    AppError::unsupported_media_type(expected).with_header("accept", "application/json")
}

/// Returns whether a media type is a JSON type, with any parameters.
fn is_json_type(content_type: &str) -> bool {
    // What nearly all clients send.
    if content_type == "application/json" {
        return true;
    }
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let Some((kind, subtype)) = essence.split_once('/') else { return false };
    let is_named_json =
        kind.eq_ignore_ascii_case("application") && subtype.eq_ignore_ascii_case("json");
    let has_suffix = || {
        let suffix = subtype.len().checked_sub("+json".len()).filter(|at| *at > 0);
        suffix.and_then(|at| subtype.get(at..)).is_some_and(|it| it.eq_ignore_ascii_case("+json"))
    };
    is_token(kind) && is_token(subtype) && (is_named_json || has_suffix())
}

/// Deserializes bytes as JSON. Use it for messages, which have no media type.
///
/// # Errors
///
/// 400 [`code::EMPTY_BODY`] for no bytes, 400 with the line and column if the bytes are not JSON,
/// and 422 for JSON of another type, with the path and what was expected there.
pub fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, AppError> {
    if body.is_empty() {
        return Err(with_status(code::EMPTY_BODY));
    }
    Ok(json::read(body)?)
}

/// Becomes a 400 for a text that is not JSON, and a 422 for JSON of another type.
impl From<Misread> for AppError {
    fn from(misread: Misread) -> Self {
        match misread {
            Misread::NotJson(JsonError { line, column }) => Self::bad_request(misread.to_string())
                .with_details(&json!({ "line": line, "column": column })),
            Misread::OtherShape { path, expected } => {
                let place = if path.is_empty() { "body" } else { &path };
                let message = format!("invalid json of {place}: expected {expected}");
                Self::unprocessable(message)
                    .with_details(&json!({ "path": path, "expected": expected }))
            }
        }
    }
}

/// Parses the body as the contract requires.
fn read_portable_value(request: &Request) -> Result<Json, AppError> {
    const JSON: &str = "application/json";
    let begins = |value: &str| {
        let start = value.trim().get(..JSON.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(JSON))
    };
    if !request.headers.get_all("content-type").iter().any(begins) {
        return Err(AppError::bad_request("invalid json"));
    }
    if request.body.is_empty() {
        return Ok(Json::Null);
    }
    let parsed = serde_json::from_str(&decode_lossy(&request.body));
    parsed.map_err(|_| AppError::bad_request("invalid json"))
}

/// Returns the error of a code, with its status in the body.
fn with_status(code: &str) -> AppError {
    AppError::of(code).with_status(code::status(code))
}

#[cfg(test)]
mod tests {
    use alloc::borrow::Cow;
    use alloc::collections::BTreeMap;
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;

    use serde::Deserialize;
    use serde_json::{Value as Json, json};

    use super::JsonReading::{AnyType, Contract, JsonTypes};
    use super::{JsonReading, is_json_type};
    use crate::error::{AppError, ErrorFormat};
    use crate::http::{RawRequest, Request};

    fn request(content_types: &[&str], body: &[u8]) -> Request {
        let mut raw = RawRequest::new("POST", "/");
        for content_type in content_types {
            raw.headers.append("Content-Type", *content_type);
        }
        raw.body = Cow::Borrowed(body);
        raw.normalize(None).unwrap()
    }

    #[test]
    fn json_content_types_are_recognised_and_similar_ones_are_not() {
        for (content_type, is_json) in [
            ("application/json", true),
            (" Application/JSON ; charset=utf-8", true),
            ("application/vnd.api+json", true),
            ("image/x+JSON", true),
            ("application/jsonp", false),
            ("application/json-seq", false),
            ("application/+json", false),
            ("text/json", false),
            ("text/plain", false),
            ("multipart/form-data; boundary=application/json", false),
            ("application/json, text/plain", false),
            ("application", false),
            ("", false),
        ] {
            assert_eq!(is_json_type(content_type), is_json, "{content_type:?}");
        }
    }

    #[test]
    fn a_body_of_another_type_is_415_unless_any_type_will_do() {
        for content_types in [&[][..], &["text/plain"], &["application/json", "text/plain"]] {
            let request = request(content_types, b"1");
            let error = JsonTypes.read::<u8>(&request).unwrap_err();
            assert_eq!((error.status(), error.code()), (415, "app.unsupported_media_type"));
            assert_eq!(error.headers(), [("accept".to_string(), "application/json".to_string())]);
            assert_eq!(JsonTypes.read_value(&request).unwrap_err().status(), 415);
            assert_eq!(AnyType.read::<u8>(&request).ok(), Some(1));
            assert_eq!(AnyType.read_value(&request).ok(), Some(json!(1)));
        }
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Order {
        id: u8,
        #[serde(default)]
        lines: Vec<Line>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "camelCase")]
    enum Line {
        Item(BTreeMap<String, u8>),
    }

    #[test]
    fn errors_give_the_path_and_quote_no_value() {
        for (body, status, path, expected) in [
            (r#"{"lines":[]}"#, 422, "id", "a value"),
            (r#"{"id":"secret, expected x"}"#, 422, "id", "u8"),
            (
                r#"{"id":1,"lines":[{"item":{"a":1}},{"item":{"b":"secret"}}]}"#,
                422,
                "lines[1].item.b",
                "u8",
            ),
            (r#"{"id":1,"lines":[{"secret":1}]}"#, 422, "lines[0]", "`item`"),
            (r#"{"id":1,"id":2}"#, 422, "id", "one value"),
            ("[1,2,3]", 422, "[1]", "a sequence"),
            ("null", 422, "", "struct Order"),
            (r#"{"id":300}"#, 422, "id", "u8"),
            // The text is not JSON further on, which takes precedence.
            (r#"{"id":"secret","#, 400, "", ""),
            ("{\n \"id\": nope}", 400, "", ""),
            ("{} x", 400, "", ""),
            ("\u{feff}{}", 400, "", ""),
        ] {
            let error = JsonTypes.read::<Order>(&request(&["application/json"], body.as_bytes()));
            let error = error.unwrap_err();
            let text = error.body(ErrorFormat::Nested, "", "");
            let shown: Json = serde_json::from_str(&text).unwrap();
            let details = &shown["error"]["details"];
            assert_eq!(error.status(), status, "{body} {text}");
            assert!(!text.contains("secret") || body.contains("\"secret\":1"), "{text}");
            if status == 422 {
                assert_eq!(details["path"], path, "{text}");
                assert!(details["expected"].as_str().unwrap().contains(expected), "{text}");
            }
        }
        let broken = JsonTypes.read::<Order>(&request(&["application/json"], b"{\n \"id\": nope}"));
        let broken = broken.unwrap_err();
        assert_eq!(broken.message(), "invalid json at line 2, column 9");
        let invalid = request(&["application/json"], b"\"\xff\"");
        assert_eq!(JsonTypes.read::<String>(&invalid).unwrap_err().status(), 400);
    }

    #[test]
    fn an_empty_body_is_no_value_and_null() {
        let empty = request(&[], b"");
        for reading in [JsonTypes, AnyType, Contract] {
            assert_eq!(reading.read::<Json>(&empty).unwrap_err().code(), "EMPTY_BODY");
        }
        assert_eq!(JsonTypes.read_value(&empty).ok(), Some(Json::Null));
        let typed = request(&["application/json"], b"");
        assert_eq!(Contract.read_value(&typed).ok(), Some(Json::Null));
    }

    #[test]
    fn the_contract_reader_refuses_every_invalid_body_with_one_error() {
        let parse = |content_type: &str, body: &[u8]| {
            let request = request(&["text/plain", content_type], body);
            Contract.read_value(&request).map_err(|error: AppError| error.to_string())
        };
        assert_eq!(parse(" Application/JSON;charset=x", br#"{"a":1,"a":2}"#), Ok(json!({"a": 2})));
        assert_eq!(parse("application/jsonp", b"1"), Ok(json!(1)));
        assert_eq!(
            parse("application/json", b"9007199254740993"),
            Ok(json!(9_007_199_254_740_993_u64))
        );
        assert_eq!(parse("application/json", b"\"\xff\""), Ok(json!("\u{fffd}")));
        let error = Err("app.bad_request: invalid json".to_string());
        for (content_type, body) in [
            ("application/vnd.api+json", &b"{}"[..]),
            ("", b""),
            ("application/json", b"{} x"),
            ("application/json", b"\xef\xbb\xbf{}"),
            ("application/json", br#""\ud800""#),
        ] {
            assert_eq!(parse(content_type, body), error, "{content_type} {body:?}");
        }
    }

    #[test]
    fn typed_json_of_the_contract_is_one_text_of_the_type() {
        type Object = BTreeMap<String, u8>;
        let code = |reading: JsonReading, body: &str| {
            let read = reading.read::<Option<Object>>(&request(&[], body.as_bytes()));
            read.map_err(|error| error.code().to_string())
        };
        assert_eq!(code(Contract, "null"), Ok(None));
        assert_eq!(code(Contract, "{\"a\":1}").unwrap().unwrap().len(), 1);
        for body in [" ", "[]", "{} x", "{\"a\":\"1\"}"] {
            assert_eq!(code(Contract, body), Err("INVALID_JSON".into()), "{body}");
        }
        let empty = Contract.read::<Object>(&request(&[], b"")).unwrap_err();
        assert_eq!(
            empty.body(ErrorFormat::Nested, "", ""),
            r#"{"error":{"code":"app.bad_request","message":"request body is empty","status_code":400}}"#
        );
    }
}
