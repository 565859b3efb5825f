//! The response to a request, as its client sees it.

use core::fmt;
use std::collections::BTreeMap;

use apptheory_core::events::HttpSource;
use apptheory_core::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::TestAnswer;
use super::json_of;
use super::report::Report;

/// The response to a request, as its client sees it. Methods named `assert_…` panic with a report
/// if the expectation fails.
///
/// ```
/// use apptheory::prelude::*;
/// use apptheory::testkit::TestApp;
///
/// let app = TestApp::new(|_| App::new().get("/", async || Json(json!({ "id": 7 }))));
/// app.get("/").send().assert_status(200).assert_json(&json!({ "id": 7 }));
/// ```
#[derive(Clone)]
#[must_use = "check the response"]
pub struct TestResponse {
    status: u16,
    headers: HeaderMap,
    cookies: Vec<String>,
    body: Vec<u8>,
    report: Report,
}

/// Shows the values of headers, which are no secrets in a test. Shows a body in UTF-8 as text, and
/// other bodies as bytes.
impl fmt::Debug for TestResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, headers, cookies, body, report: _ } = self;
        let fields = headers.iter().map(|(name, values)| (name, values.to_vec()));
        let headers: BTreeMap<_, _> = fields.collect();
        let text = core::str::from_utf8(body);
        let body = text.as_ref().map_or(body as &dyn fmt::Debug, |text| text);
        let mut shown = f.debug_struct("TestResponse");
        shown.field("status", status).field("headers", &headers).field("cookies", cookies);
        shown.field("body", body).finish_non_exhaustive()
    }
}

/// The members of a result that services read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    multi_value_headers: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    cookies: Vec<String>,
    #[serde(default)]
    body: String,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// Returns the number of a spelling of a name: its upper-case letters are the binary digits that
/// are 1, lowest first.
fn spelling(name: &str) -> u32 {
    let letters = name.chars().filter(char::is_ascii_alphabetic);
    letters.rev().fold(0, |number, letter| number << 1 | u32::from(letter.is_ascii_uppercase()))
}

impl TestResponse {
    #[track_caller]
    pub(super) fn read(sent: String, source: HttpSource, answer: TestAnswer) -> Self {
        let Report { got, failures, .. } = answer.report;
        let mut report = Report { sent, got, failures };
        let Ok(text) = &answer.answer else { report.fail("the invocation failed") };
        let Ok(answer) = serde_json::from_str::<Answer>(text) else {
            report.fail("the result is not a response to a request")
        };
        let (mut headers, mut cookies) = (HeaderMap::new(), answer.cookies);
        match source {
            HttpSource::FunctionUrl | HttpSource::ApiGatewayV2 => {
                answer.headers.into_iter().for_each(|(name, value)| headers.set(&name, value));
            }
            // Some services send several cookies under different spellings of one name.
            HttpSource::VpcLatticeV1 | HttpSource::VpcLatticeV2 => {
                let mut spelled = BTreeMap::new();
                for (name, value) in answer.headers {
                    if name.eq_ignore_ascii_case("set-cookie") {
                        spelled.insert(spelling(&name), value);
                    } else {
                        headers.set(&name, value);
                    }
                }
                cookies.extend(spelled.into_values());
            }
            HttpSource::ApiGatewayV1 | HttpSource::Alb => {
                let fields = answer.multi_value_headers.into_iter();
                fields.for_each(|(name, values)| headers.set_all(&name, values));
                cookies = headers.remove("set-cookie");
            }
        }
        let body = match answer.is_base64_encoded {
            true => STANDARD.decode(&answer.body),
            false => Ok(answer.body.into_bytes()),
        };
        let Ok(body) = body else { report.fail("the body is marked as base64, but is not base64") };
        let status = answer.status_code;
        report.got = format!("{status} {}", String::from_utf8_lossy(&body));
        Self { status, headers, cookies, body, report }
    }

    /// Returns the status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Returns the first value of a header, or an empty text.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.first(name)
    }

    /// Returns the headers, without cookies.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the cookies that the response sets, each as in its header.
    #[must_use]
    pub fn cookies(&self) -> &[String] {
        &self.cookies
    }

    /// Returns the body.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// Returns the body as text.
    ///
    /// # Panics
    ///
    /// If the body is not UTF-8.
    #[must_use]
    #[track_caller]
    pub fn text(&self) -> &str {
        match core::str::from_utf8(&self.body) {
            Ok(text) => text,
            Err(error) => self.report.fail(format_args!("the body is not UTF-8: {error}")),
        }
    }

    /// Parses the body as JSON.
    ///
    /// # Panics
    ///
    /// If the body is not JSON of that type.
    #[must_use]
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => self.report.fail(format_args!("the body does not fit the type: {error}")),
        }
    }

    /// Returns the failures that were reported to the application and not to the client: causes of
    /// errors and panics, sanitized as for [`on_failure`](crate::App::on_failure).
    #[must_use]
    pub fn failures(&self) -> &[String] {
        &self.report.failures
    }

    /// Asserts that the status is `expected`.
    #[track_caller]
    pub fn assert_status(&self, expected: u16) -> &Self {
        self.report.expect("status", &expected, &self.status);
        self
    }

    /// Asserts that the body is this JSON value.
    #[track_caller]
    pub fn assert_json<T: Serialize + ?Sized>(&self, expected: &T) -> &Self {
        self.report.expect_json(&json_of(expected), &self.json());
        self
    }

    /// Asserts that a header has this value.
    #[track_caller]
    pub fn assert_header(&self, name: &str, expected: &str) -> &Self {
        self.report.expect_field(&self.headers, name, expected);
        self
    }

    /// Asserts that the body is an error with this code, such as `app.not_found`.
    #[track_caller]
    pub fn assert_error_code(&self, expected: &str) -> &Self {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let code = body.pointer("/error/code").or_else(|| body.get("code"));
        self.report.expect("error code", &Some(expected), &code.and_then(Value::as_str));
        self
    }

    /// Asserts that the body is this text.
    #[track_caller]
    pub fn assert_text(&self, expected: &str) -> &Self {
        self.report.expect("body", &expected, &self.text());
        self
    }
}
