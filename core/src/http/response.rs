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

/// A response. `S` is a stream of more body, which only a driver knows how to read; without one,
/// the response is complete.
#[derive(Clone)]
pub struct HttpResponse<S = Infallible> {
    /// The status; 0 is 200.
    pub status: u16,
    /// Header fields. `set-cookie` fields are moved behind `cookies` before the response is sent.
    pub headers: HeaderMap,
    /// Values of `set-cookie` fields, one per cookie.
    pub cookies: Vec<String>,
    /// The body, or what of it comes before the stream.
    pub body: Vec<u8>,
    /// Whether the body must travel as base64. Bodies that are not UTF-8 do in any case.
    pub is_base64: bool,
    /// What of the body is not there yet.
    pub stream: Option<S>,
    /// The error that the response is the answer to, for middleware and records. It is not sent, and
    /// responses that differ in nothing else are equal.
    pub error: Option<AppError>,
}

impl<S> HttpResponse<S> {
    /// A response without header fields and body.
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

    /// Plain text.
    #[must_use]
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self::of(status, "text/plain; charset=utf-8", body.into().into_bytes())
    }

    /// HTML.
    #[must_use]
    pub fn html(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::of(status, HTML, body.into())
    }

    /// HTML that arrives in pieces.
    #[must_use]
    pub fn html_stream(status: u16, stream: S) -> Self {
        Self::of(status, HTML, Vec::new()).with_stream(stream)
    }

    /// JSON: compact, members in the order in which the value gives them, and safe inside HTML.
    ///
    /// # Errors
    ///
    /// A masked 500 with its cause, when the value cannot be written as JSON.
    pub fn json<T: Serialize + ?Sized>(status: u16, value: &T) -> Result<Self, AppError> {
        let body = json_body::to_bytes(value);
        let body = body.map_err(|error| AppError::internal().with_cause(error))?;
        Ok(Self::of(status, JSON, body))
    }

    /// JSON with status 201.
    ///
    /// # Errors
    ///
    /// As [`json`](Self::json).
    pub fn created_json<T: Serialize + ?Sized>(value: &T) -> Result<Self, AppError> {
        Self::json(201, value)
    }

    /// Bytes, which travel as base64. An empty content type is left out.
    #[must_use]
    pub fn binary(status: u16, body: impl Into<Vec<u8>>, content_type: &str) -> Self {
        let response = Self { body: body.into(), is_base64: true, ..Self::new(status) };
        match content_type {
            "" => response,
            content_type => response.with_header("content-type", content_type),
        }
    }

    /// 204.
    #[must_use]
    pub const fn no_content() -> Self {
        Self::new(204)
    }

    /// The answer to an error, in the shape that the application chose, with the ids of the
    /// request. It is JSON whatever the error's own header fields say. Nothing is checked or hidden
    /// yet: errors are answered by [`ErrorStyle`](super::exchange::ErrorStyle) alone.
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

    /// Gives a header field exactly this value. A blank name is ignored.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.headers.set(name, value);
        self
    }

    /// Adds a cookie: the value of a `set-cookie` field.
    #[must_use]
    pub fn with_cookie(mut self, cookie: impl Into<String>) -> Self {
        self.cookies.push(cookie.into());
        self
    }

    /// Lets more of the body arrive as a stream.
    #[must_use]
    pub fn with_stream(mut self, stream: S) -> Self {
        self.stream = Some(stream);
        self
    }

    /// Takes the stream out. What is left is complete, once the caller has added what it read from
    /// the stream to the body.
    #[must_use]
    pub fn split_stream(self) -> (HttpResponse, Option<S>) {
        let Self { status, headers, cookies, body, is_base64, stream, error } = self;
        (HttpResponse { status, headers, cookies, body, is_base64, stream: None, error }, stream)
    }

    /// Makes the response one that can be sent: 0 becomes 200, `set-cookie` fields become cookies,
    /// fields that are not for clients [go](HeaderMap::sent), and so does the body of a status that has
    /// none (204, 205 and 304).
    ///
    /// # Errors
    ///
    /// [`ResponseError`] for what would break the response on the wire. Answer a masked 500 instead
    /// of it, and log the error: it is a mistake of the handler.
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

    /// Takes the body away, and the stream before anything of it is pulled.
    pub(crate) fn without_body(self) -> Self {
        Self { body: Vec::new(), stream: None, is_base64: false, ..self }
    }

    fn of(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        Self { body, ..Self::new(status) }.with_header("content-type", content_type)
    }
}

/// Neither values of header fields, cookies nor the body are printed: they are for the client alone.
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

/// Why a response cannot be sent: a mistake of the handler.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ResponseError {
    /// The status is outside 200 to 599: it ends no exchange (RFC 9110 §15).
    #[error("invalid response status {0}: one of 200 to 599 ends an exchange")]
    InvalidStatus(u16),
    /// The name of a header field is no token, or its value, or that of a cookie, holds anything but
    /// tabs, blanks and visible ASCII (RFC 9110 §5.1 and §5.5). Encode what is taken from requests
    /// before it is sent back.
    #[error("the response header {name:?} cannot be sent: names are tokens, values visible ASCII")]
    InvalidHeader {
        /// The name of the field; `set-cookie` for a cookie.
        name: String,
    },
    /// A response that is to travel as base64 has a stream: streams are bytes as they are. Leave
    /// [`is_base64`](HttpResponse::is_base64) out.
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
