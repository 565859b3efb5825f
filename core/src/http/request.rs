//! Requests: raw, and as handlers see them.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::cookies::Cookies;
use super::cut::cut;
use super::headers::HeaderMap;
use super::multimap::MultiMap;
use super::names::{canonical_method, canonical_name, respelled};
use super::path::UriPath;
use super::platform::PlatformContext;
use super::provenance::SourceProvenance;
use super::query::QueryString;
use super::trace;
use super::values::Values;
use crate::base64_text::{self, Base64Error};
use crate::error::{AppError, code};

/// A request from a provider, a test or a socket, before any checks.
#[derive(Clone)]
pub struct RawRequest<'a> {
    /// The method, in any case.
    pub method: String,
    /// The path.
    pub path: UriPath,
    /// The query.
    pub query: QueryString,
    /// Headers, with names in any case.
    pub headers: MultiMap,
    /// The body; base64 if `is_base64`.
    pub body: Cow<'a, [u8]>,
    /// Whether `body` is base64.
    pub is_base64: bool,
    /// The client's verified address.
    pub source_provenance: SourceProvenance,
    /// The provider's id of the request, or an empty text.
    pub provider_request_id: String,
    /// The event's context besides the request: authorizer results and stage variables.
    pub platform: PlatformContext,
}

/// A request as handlers see it.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Request {
    /// The method, in upper case.
    pub method: String,
    /// The path, percent-encoded.
    pub path: UriPath,
    /// The query's decoded parameters. Names are case-sensitive.
    pub query: MultiMap,
    /// The query as the client sent it, without `?`, for signatures and cache keys. Load balancers,
    /// REST APIs and payload format 1.0 do not pass it on; then it is rebuilt from the parameters,
    /// sorted by name. For load balancers the parameters keep the client's encoding, for the others
    /// they are encoded again.
    pub raw_query: String,
    /// Headers as they arrived; there may be several `cookie` headers. [`fields`](Self::fields) and
    /// [`header`](Self::header) join these.
    pub headers: HeaderMap,
    /// Cookies by name.
    pub cookies: Cookies,
    /// The decoded body.
    pub body: Vec<u8>,
    /// Whether the body arrived as base64.
    pub is_base64: bool,
    /// The client's verified address.
    pub source_provenance: SourceProvenance,
    /// The request's trace id, or an empty text.
    pub trace_id: String,
    /// The provider's id of the request, or an empty text.
    pub provider_request_id: String,
    /// The event's context besides the request: authorizer results and stage variables.
    pub platform: PlatformContext,
}

/// A malformed request, with everything that could be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{error}")]
pub struct Rejected {
    /// The request without its body. Its origin, tenant and trace are used for the response.
    pub request: Request,
    /// What is wrong with the request.
    pub error: RequestError,
}

/// Says what is wrong with a request. Only the client can fix it; each variant is a 4xx response.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// A header contains CR, LF or NUL, which would end it early when it is sent on: 400.
    #[error("invalid header")]
    InvalidHeader,
    /// The body is not valid base64, although the request says so: 400.
    #[error("invalid base64")]
    InvalidBase64,
    /// The decoded body is larger than allowed: 413.
    #[error("request too large")]
    TooLarge,
}

impl From<Base64Error> for RequestError {
    fn from(error: Base64Error) -> Self {
        match error {
            Base64Error::Invalid => Self::InvalidBase64,
            Base64Error::TooLarge => Self::TooLarge,
        }
    }
}

impl RawRequest<'_> {
    /// Creates a request for a percent-encoded target with an optional query:
    /// `/orders?status=open`. It has no headers and no body.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        let (path, query) = cut(target, b'?');
        Self {
            method: method.into(),
            path: UriPath::from_encoded(path),
            query: QueryString::parse(query.unwrap_or_default()),
            headers: MultiMap::new(),
            body: Cow::Borrowed(&[]),
            is_base64: false,
            source_provenance: SourceProvenance::UNKNOWN,
            provider_request_id: String::new(),
            platform: PlatformContext::default(),
        }
    }

    /// Checks and decodes the request. The decoded body may have at most `max_bytes`; `None` means
    /// unlimited.
    ///
    /// # Errors
    ///
    /// [`Rejected`] with the first [`RequestError`] in the order of its variants.
    pub fn normalize(self, max_bytes: Option<usize>) -> Result<Request, Box<Rejected>> {
        let headers = HeaderMap::canonical(self.headers);
        let (query, raw_query) = self.query.into_parts();
        let body = if !headers.are_clean() {
            Err(RequestError::InvalidHeader)
        } else if self.is_base64 {
            base64_text::decode(&self.body, max_bytes).map_err(RequestError::from)
        } else if max_bytes.is_some_and(|most| self.body.len() > most) {
            Err(RequestError::TooLarge)
        } else {
            Ok(self.body.into_owned())
        };
        let mut request = Request {
            method: respelled(self.method, canonical_method),
            path: self.path,
            cookies: Cookies::parse(headers.get_all(COOKIE).iter()),
            trace_id: trace::trace_id(&headers),
            query,
            raw_query,
            headers,
            body: Vec::new(),
            is_base64: self.is_base64,
            source_provenance: self.source_provenance,
            provider_request_id: self.provider_request_id,
            platform: self.platform,
        };
        match body {
            Ok(body) => {
                request.body = body;
                Ok(request)
            }
            Err(error) => Err(Box::new(Rejected { request, error })),
        }
    }
}

/// The header that may occur several times in a request, and is read as one.
const COOKIE: &str = "cookie";

impl Request {
    /// Returns the first value of a header, or an empty text. Values of `cookie` are joined by `; `
    /// (RFC 9113 §8.2.3).
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.header_values(name).first().unwrap_or_default()
    }

    /// Returns all values of a header. `cookie` has at most one.
    #[must_use]
    pub fn header_values(&self, name: &str) -> Values<'_> {
        let name = canonical_name(name);
        self.read_as_one(&name, self.headers.get_all(&name))
    }

    /// Yields the headers, sorted by name. `cookie` has at most one value.
    pub fn fields(&self) -> impl Iterator<Item = (&str, Values<'_>)> {
        self.headers.iter().map(|(name, values)| (name, self.read_as_one(name, values)))
    }

    fn read_as_one<'a>(&'a self, name: &str, values: Values<'a>) -> Values<'a> {
        if name == COOKIE { self.cookies.joined().unwrap_or(values) } else { values }
    }

    /// Returns the tenant: the `x-tenant-id` field, else the `tenant` in the query, else an empty
    /// text. Clients choose both: authorize it before relying on it.
    #[must_use]
    pub fn tenant_id(&self) -> &str {
        match self.headers.first("x-tenant-id") {
            "" => self.query.get("tenant").unwrap_or_default(),
            tenant => tenant,
        }
    }

    /// Returns the client's request id, the trimmed `x-request-id` header, or an empty text.
    #[must_use]
    pub fn client_request_id(&self) -> &str {
        self.headers.first("x-request-id").trim()
    }
}

// Header values, queries, cookies and bodies are not printed, so that errors and assertions do not
// leak them into logs.
impl fmt::Debug for RawRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("body_len", &self.body.len())
            .field("is_base64", &self.is_base64)
            .field("provider_request_id", &self.provider_request_id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.headers.iter().map(|(name, _)| name);
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("header_names", &names.collect::<Vec<_>>())
            .field("body_len", &self.body.len())
            .field("trace_id", &self.trace_id)
            .finish_non_exhaustive()
    }
}

impl From<RequestError> for AppError {
    fn from(error: RequestError) -> Self {
        let code = match error {
            RequestError::InvalidHeader | RequestError::InvalidBase64 => code::BAD_REQUEST,
            RequestError::TooLarge => code::TOO_LARGE,
        };
        Self::new(code, alloc::format!("{error}"))
    }
}
