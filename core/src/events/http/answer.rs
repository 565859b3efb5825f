//! Reads the response JSON that functions return to API Gateway, function URLs, ALB and VPC
//! Lattice.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::base64_text;
use crate::error::AppError;
use crate::events::envelopes::or_empty;
use crate::http::HttpResponse;
use crate::json::{Misread, read_value};

/// The members that the services read. Each service reads some of them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spelled {
    status_code: u16,
    #[serde(default, deserialize_with = "or_empty")]
    headers: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_empty")]
    multi_value_headers: BTreeMap<String, Vec<String>>,
    #[serde(default, deserialize_with = "or_empty")]
    cookies: Vec<String>,
    #[serde(default, deserialize_with = "or_empty")]
    body: String,
    #[serde(default, deserialize_with = "or_empty")]
    is_base64_encoded: bool,
}

/// The JSON is not a response to a request.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
enum NotAResponse {
    #[error("not the response of a Lambda function: {0}")]
    Misread(Misread),
    #[error("`isBase64Encoded` is set, but the body is not base64")]
    NotBase64,
}

impl<S> HttpResponse<S> {
    /// Reads a response in the JSON that Lambda functions return to API Gateway, function URLs, ALB
    /// and VPC Lattice. Use it for code that creates such JSON itself; the response is then written
    /// in the form of the service that sent the request.
    ///
    /// Missing or null members are empty, except `statusCode`, which is required; unknown members
    /// are ignored. As in API Gateway, a header in `multiValueHeaders` replaces the one in
    /// `headers`.
    ///
    /// ```
    /// use apptheory_core::http::HttpResponse;
    /// use serde_json::json;
    ///
    /// let answer = json!({"statusCode": 201, "headers": {"Location": "/7"}, "body": "done"});
    /// let response: HttpResponse = HttpResponse::read_answer(answer)?;
    /// assert_eq!((response.status, response.headers.first("location")), (201, "/7"));
    /// # Ok::<(), apptheory_core::error::AppError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`AppError`], a masked 500, for invalid JSON. Its cause names the member.
    pub fn read_answer(answer: Json) -> Result<Self, AppError> {
        let refused = |cause| AppError::internal().with_cause(cause);
        let spelled: Spelled =
            read_value(answer).map_err(|misread| refused(NotAResponse::Misread(misread)))?;
        let mut response = Self::new(spelled.status_code);
        for (name, value) in spelled.headers {
            // The same name in another case adds values.
            response.headers.append(&name, value);
        }
        for name in spelled.multi_value_headers.keys() {
            response.headers.remove(name);
        }
        for (name, values) in spelled.multi_value_headers {
            for value in values {
                response.headers.append(&name, value);
            }
        }
        response.cookies = spelled.cookies;
        response.is_base64 = spelled.is_base64_encoded;
        response.body = match spelled.is_base64_encoded {
            true => base64_text::decode(spelled.body.as_bytes(), None)
                .map_err(|_| refused(NotAResponse::NotBase64))?,
            false => spelled.body.into_bytes(),
        };
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use serde_json::json;

    use super::*;
    use crate::events::HttpSource;

    fn read(answer: Json) -> Result<HttpResponse, String> {
        HttpResponse::read_answer(answer).map_err(|error| {
            assert_eq!(error.status(), 500);
            core::error::Error::source(&error).map(ToString::to_string).unwrap_or_default()
        })
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut response = HttpResponse::new(201)
            .with_header("content-type", "text/plain")
            .with_header("x-list", "1")
            .with_cookie("a=1; Path=/")
            .with_cookie("b=2");
        response.headers.append("x-list", "2");
        for (body, is_base64) in [(&b"hi"[..], false), (b"\xff\0", true), (b"", false)] {
            let response = HttpResponse { body: body.to_vec(), is_base64, ..response.clone() };
            let written = |source: HttpSource| {
                let answer = serde_json::from_str(&source.write_response(&response)).unwrap();
                let mut read = read(answer).unwrap().normalize().unwrap();
                // If the names differ in case, the cookies have no order.
                read.cookies.sort();
                read
            };
            assert_eq!(written(HttpSource::ApiGatewayV1), response);
            assert_eq!(written(HttpSource::ApiGatewayV2), response);
            assert_eq!(written(HttpSource::Alb), response);
            let mut joined = response.clone();
            joined.headers.set("x-list", "1,2");
            assert_eq!(written(HttpSource::FunctionUrl), joined);
            assert_eq!(written(HttpSource::VpcLatticeV1), joined);
        }
    }

    #[test]
    fn null_is_missing_and_lists_go_before_single_values() {
        let answer = json!({"statusCode": 200, "statusDescription": "OK", "headers": {"A": "0", "b": "1"},
            "multiValueHeaders": {"a": ["1", "2"], "c": []}, "body": null, "cookies": null,
            "isBase64Encoded": null});
        let response = read(answer).unwrap();
        assert_eq!(response.headers.get_all("a"), ["1", "2"]);
        assert_eq!(response.headers.get_all("b"), ["1"]);
        assert!(response.headers.get_all("c").is_empty() && response.body.is_empty());
    }

    #[test]
    fn anything_else_is_refused_and_not_quoted() {
        for (answer, expected) in [
            (json!("secret"), "invalid json: expected struct Spelled"),
            (json!({"body": "secret"}), "invalid json of statusCode: expected a value"),
            (
                json!({"statusCode": 200, "headers": {"a": ["secret"]}}),
                "invalid json of headers.a: expected a string",
            ),
            (json!({"statusCode": 70_000}), "invalid json of statusCode: expected u16"),
        ] {
            let error = read(answer).unwrap_err();
            let (_, told) = error.split_once("Lambda function: ").unwrap();
            assert_eq!(told, expected);
        }
        let error = read(json!({"statusCode": 200, "body": "?", "isBase64Encoded": true}));
        assert!(error.unwrap_err().contains("base64"));
    }
}
