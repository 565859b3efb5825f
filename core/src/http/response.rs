//! Responses: as handlers build them, and as they are sent.

use alloc::string::String;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;

use serde::Serialize;

use super::headers::HeaderMap;
use super::json_body;
use super::sending::{check_head, has_no_content};
use crate::error::{AppError, ErrorFormat};
use crate::printing::Hidden;

/// A response. `S` is a stream with more of the body, which only a driver can read; without a
/// stream, the response is complete.
#[derive(Clone)]
pub struct HttpResponse<S = Infallible> {
    /// The status; 0 means 200.
    pub status: u16,
    /// Headers. `set-cookie` headers are appended to `cookies` before the response is sent.
    pub headers: HeaderMap,
    /// Values of `set-cookie` headers, one per cookie.
    pub cookies: Vec<String>,
    /// The body, or its part before the stream.
    pub body: Vec<u8>,
    /// Whether the body must be sent as base64. Bodies that are not UTF-8 are always sent as
    /// base64.
    pub is_base64: bool,
    /// The rest of the body, as a stream.
    pub stream: Option<S>,
    /// The error that caused the response, for middleware and records. It is not sent, and is
    /// ignored when responses are compared.
    pub error: Option<AppError>,
}

impl<S> HttpResponse<S> {
    /// Creates a response without headers and body.
    #[must_use]
    pub const fn new(status: u16) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            cookies: Vec::new(),
            body: Vec::new(),
            is_base64: false,
            stream: None,
            error: None,
        }
    }

    /// Creates a plain text response.
    #[must_use]
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self::of(status, "text/plain; charset=utf-8", body.into().into_bytes())
    }

    /// Creates an HTML response.
    #[must_use]
    pub fn html(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::of(status, HTML, body.into())
    }

    /// Creates a streamed HTML response.
    #[must_use]
    pub fn html_stream(status: u16, stream: S) -> Self {
        Self::of(status, HTML, Vec::new()).with_stream(stream)
    }

    /// Creates a JSON response: compact, members in the value's order, and safe inside HTML.
    ///
    /// # Errors
    ///
    /// A masked 500 with its cause, if the value cannot be serialized.
    pub fn json<T: Serialize + ?Sized>(status: u16, value: &T) -> Result<Self, AppError> {
        let body = json_body::to_bytes(value);
        let body = body.map_err(|error| AppError::internal().with_cause(error))?;
        Ok(Self::of(status, JSON, body))
    }

    /// Creates a JSON response with status 201.
    ///
    /// # Errors
    ///
    /// The same as for [`json`](Self::json).
    pub fn created_json<T: Serialize + ?Sized>(value: &T) -> Result<Self, AppError> {
        Self::json(201, value)
    }

    /// Creates a binary response, which is sent as base64. An empty content type is left out.
    #[must_use]
    pub fn binary(status: u16, body: impl Into<Vec<u8>>, content_type: &str) -> Self {
        let response = Self { body: body.into(), is_base64: true, ..Self::new(status) };
        match content_type {
            "" => response,
            content_type => response.with_header("content-type", content_type),
        }
    }

    /// Creates a response with status 204 and no body.
    #[must_use]
    pub const fn no_content() -> Self {
        Self::new(204)
    }

    /// Creates the response to an error, in the application's error format, with the ids of the
    /// request. It is always JSON, even if the error has other headers. Performs no checks; only
    /// [`ErrorStyle`](super::exchange::ErrorStyle) uses it.
    pub(crate) fn from_error(
        error: &AppError,
        format: ErrorFormat,
        request_id: &str,
        trace_id: &str,
    ) -> Self {
        let body = error.body(format, request_id, trace_id).into_bytes();
        let mut response = Self { body, ..Self::new(error.status()) };
        for (name, value) in error.headers() {
            response.headers.append(name, value);
        }
        response.with_header("content-type", JSON)
    }

    /// Sets a header to exactly this value. A blank name is ignored.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.headers.set(name, value);
        self
    }

    /// Adds a cookie: the value of a `set-cookie` header.
    #[must_use]
    pub fn with_cookie(mut self, cookie: impl Into<String>) -> Self {
        self.cookies.push(cookie.into());
        self
    }

    /// Adds a stream with the rest of the body.
    #[must_use]
    pub fn with_stream(mut self, stream: S) -> Self {
        self.stream = Some(stream);
        self
    }

    /// Splits the stream off. The rest is complete after the caller has appended the stream's data
    /// to its body.
    #[must_use]
    pub fn split_stream(self) -> (HttpResponse, Option<S>) {
        let Self { status, headers, cookies, body, is_base64, stream, error } = self;
        (HttpResponse { status, headers, cookies, body, is_base64, stream: None, error }, stream)
    }

    /// Prepares the response for sending: 0 becomes 200, `set-cookie` headers become cookies,
    /// headers that are not [sent](HeaderMap::sent) are removed, and so is the body of a status
    /// without one (204, 205 and 304).
    ///
    /// # Errors
    ///
    /// [`ResponseError`] for a response that would be malformed. Respond with a masked 500 instead,
    /// and log the error: it is a bug of the handler.
    pub fn normalize(mut self) -> Result<Self, ResponseError> {
        if self.status == 0 {
            self.status = 200;
        }
        if self.is_base64 && self.stream.is_some() {
            return Err(ResponseError::EncodedStream);
        }
        self.cookies.extend(self.headers.remove("set-cookie"));
        self.headers.keep_sent();
        check_head(self.status, &self.headers, &self.cookies)?;
        Ok(if has_no_content(self.status) { self.without_body() } else { self })
    }

    /// Removes the body and the stream, without reading the stream.
    pub(crate) fn without_body(self) -> Self {
        Self { body: Vec::new(), stream: None, is_base64: false, ..self }
    }

    fn of(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        Self { body, ..Self::new(status) }.with_header("content-type", content_type)
    }
}

/// Does not print header values, cookies and the body, which are for the client only.
impl<S> fmt::Debug for HttpResponse<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("cookies", &self.cookies.len())
            .field("body", &Hidden(self.body.len()))
            .field("is_base64", &self.is_base64)
            .field("is_streamed", &self.stream.is_some())
            .field("error", &self.error)
            .finish()
    }
}

impl<S: PartialEq> PartialEq for HttpResponse<S> {
    fn eq(&self, other: &Self) -> bool {
        let sent = |it: &Self| (it.status, it.is_base64);
        sent(self) == sent(other)
            && (&self.headers, &self.cookies) == (&other.headers, &other.cookies)
            && (&self.body, &self.stream) == (&other.body, &other.stream)
    }
}

impl<S: Eq> Eq for HttpResponse<S> {}

/// Says why a response cannot be sent: a bug of the handler.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ResponseError {
    /// The status is not in 200 to 599, so it is not a final status (RFC 9110 §15).
    #[error("invalid response status {0}: use 200 to 599")]
    InvalidStatus(u16),
    /// A header name is not a token, or a value of a header or cookie contains characters other
    /// than tabs, spaces and visible ASCII (RFC 9110 §5.1 and §5.5). Encode text from requests
    /// before you send it back.
    #[error("the response header {name:?} cannot be sent: names are tokens, values visible ASCII")]
    InvalidHeader {
        /// The header's name; `set-cookie` for a cookie.
        name: String,
    },
    /// A base64 response has a stream, which is sent as raw bytes. Do not set
    /// [`is_base64`](HttpResponse::is_base64).
    #[error("a streamed response cannot be base64")]
    EncodedStream,
}

impl From<ResponseError> for AppError {
    fn from(error: ResponseError) -> Self {
        Self::internal().with_cause(error)
    }
}

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json; charset=utf-8";
