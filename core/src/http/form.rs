//! Reads request bodies as forms.

use serde::de::DeserializeOwned;

use super::binding::from_form;
use super::{Request, query};
use crate::error::AppError;
use crate::utf8::decode_lossy;

/// Deserializes the body of a request as `application/x-www-form-urlencoded`. `+` decodes to a
/// space, `%XX` to a byte, and invalid UTF-8 to U+FFFD.
///
/// # Errors
///
/// 415 for a body of another media type, and 422 for a field that is missing or does not have its
/// type, with the field's name and what was expected.
pub fn read_form<T: DeserializeOwned>(request: &Request) -> Result<T, AppError> {
    let is_form = request.headers.get_all("content-type").only().is_some_and(is_form_type);
    if !is_form {
        let expected = "the body needs a content-type of application/x-www-form-urlencoded";
        return Err(AppError::unsupported_media_type(expected).with_header("accept", FORM));
    }
    read_form_text(&request.body)
}

/// Deserializes a form without a media type, as in records. Fields are decoded as in [`read_form`].
///
/// # Errors
///
/// 422 for a field that is missing or does not have its type, with the field's name and what was
/// expected.
pub fn read_form_text<T: DeserializeOwned>(text: &[u8]) -> Result<T, AppError> {
    Ok(from_form(&query::parse(&decode_lossy(text)))?)
}

const FORM: &str = "application/x-www-form-urlencoded";

/// Returns whether a media type is that of forms, with any parameters.
fn is_form_type(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(FORM)
}

#[cfg(test)]
mod tests {
    use alloc::borrow::Cow;
    use alloc::string::String;
    use alloc::vec::Vec;

    use serde::Deserialize;

    use super::read_form;
    use crate::error::{AppError, ErrorFormat};
    use crate::http::RawRequest;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Order {
        item: String,
        amount: u8,
        #[serde(default)]
        tag: Vec<String>,
        gift: Option<bool>,
    }

    fn read(content_types: &[&str], body: &[u8]) -> Result<Order, AppError> {
        let mut raw = RawRequest::new("POST", "/");
        for content_type in content_types {
            raw.headers.append("Content-Type", *content_type);
        }
        raw.body = Cow::Borrowed(body);
        read_form(&raw.normalize(None).unwrap())
    }

    const FORM: &[&str] = &["Application/X-WWW-Form-Urlencoded ; charset=utf-8"];

    #[test]
    fn forms_are_read_as_the_web_writes_them() {
        let order = read(FORM, b"item=green+tea%21&amount=3&tag=a&tag=b&gift=true").unwrap();
        assert_eq!((&*order.item, order.amount, order.gift), ("green tea!", 3, Some(true)));
        assert_eq!(order.tag, ["a", "b"]);
        assert_eq!(read(FORM, b"amount=1&item=%ff\xff").unwrap().item, "\u{fffd}\u{fffd}");
    }

    #[test]
    fn errors_name_the_field_and_quote_no_value() {
        for (body, name) in [
            (&b"amount=3"[..], "item"),
            (b"item=a&amount=secret", "amount"),
            (b"item=a&amount=300", "amount"),
            (b"item=a&amount=1&gift=secret", "gift"),
            (b"", "item"),
        ] {
            let error = read(FORM, body).unwrap_err();
            let shown = error.body(ErrorFormat::Nested, "", "");
            assert_eq!((error.status(), error.code()), (422, "app.validation_failed"), "{shown}");
            let details: serde_json::Value = serde_json::from_str(&shown).unwrap();
            assert_eq!(details["error"]["details"]["name"], name, "{shown}");
            assert!(!shown.contains("secret"), "{shown}");
        }
    }

    #[test]
    fn a_body_of_another_type_is_415() {
        for content_types in
            [&[][..], &["text/plain"], &["multipart/form-data"], &[FORM[0], FORM[0]]]
        {
            let error = read(content_types, b"item=a&amount=1").unwrap_err();
            assert_eq!(error.status(), 415, "{content_types:?}");
            assert_eq!(error.headers().len(), 1);
        }
    }
}
