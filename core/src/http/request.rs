//! Requests: as they arrive, and as handlers see them.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::headers::Headers;
use super::multimap::MultiMap;
use super::names::{canonical_method, normalize_path, respelled};
use super::provenance::SourceProvenance;
use super::query::QueryError;
use super::{AppError, base64_body, code, cookies, trace};

/// A request as a provider, a test or a socket hands it over: nothing is checked yet.
#[derive(Clone)]
pub struct RawRequest<'a> {
    /// The method, in any case.
    pub method: String,
    /// The path; a query in it is cut off and not read.
    pub path: String,
    /// The query, decoded; or the fact that it cannot be.
    pub query: Result<MultiMap, QueryError>,
    /// Header fields, their names in any spelling.
    pub headers: MultiMap,
    /// The body; base64 text when `is_base64`.
    pub body: Cow<'a, [u8]>,
    /// Whether `body` is base64 text.
    pub is_base64: bool,
    /// Who vouches for the caller's address.
    pub source_provenance: SourceProvenance,
    /// The id that the provider gave the request, or an empty text.
    pub provider_request_id: String,
}

/// A request as handlers see it.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Request {
    /// The method, in upper case.
    pub method: String,
    /// The path: it starts with `/`, holds no query, and is not decoded.
    pub path: String,
    /// The query, decoded. Names are told apart by case.
    pub query: MultiMap,
    /// Header fields.
    pub headers: Headers,
    /// Cookies by name.
    pub cookies: BTreeMap<String, String>,
    /// The body, decoded.
    pub body: Vec<u8>,
    /// Whether the body arrived as base64.
    pub is_base64: bool,
    /// Who vouches for the caller's address.
    pub source_provenance: SourceProvenance,
    /// The trace that the request belongs to, or an empty text.
    pub trace_id: String,
    /// The id that the provider gave the request, or an empty text.
    pub provider_request_id: String,
}

/// A request that is answered without being served, with all of it that could be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{error}")]
pub struct Rejected {
    /// The request without what could not be read: its query or body is empty then. It says which
    /// origin, tenant and trace to answer.
    pub request: Request,
    /// What is wrong with it.
    pub error: RequestError,
}

/// What is wrong with a request. Nobody but the client can mend it; each is a 4xx answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// The query string is ambiguous or badly escaped: 400.
    #[error("invalid query string")]
    InvalidQuery,
    /// A header field holds CR, LF or NUL, which would end it early where it is sent on: 400.
    #[error("invalid header")]
    InvalidHeader,
    /// The body is said to be base64, and is not: 400.
    #[error("invalid base64")]
    InvalidBase64,
    /// The decoded body is larger than allowed: 413.
    #[error("request too large")]
    TooLarge,
}

impl RawRequest<'_> {
    /// A request without query, header fields and body.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.into(),
            path: path.into(),
            query: Ok(MultiMap::new()),
            headers: MultiMap::new(),
            body: Cow::Borrowed(&[]),
            is_base64: false,
            source_provenance: SourceProvenance::UNKNOWN,
            provider_request_id: String::new(),
        }
    }

    /// Checks and decodes the request. A body may have `max_bytes` bytes, decoded; `None` is any
    /// number.
    ///
    /// # Errors
    ///
    /// [`Rejected`] with the first [`RequestError`] in the order of its variants.
    pub fn normalize(self, max_bytes: Option<usize>) -> Result<Request, Box<Rejected>> {
        let headers = Headers::canonical(self.headers);
        let (query, query_error) = match self.query {
            Ok(query) => (query, None),
            Err(QueryError) => (MultiMap::new(), Some(RequestError::InvalidQuery)),
        };
        let body = match query_error {
            Some(error) => Err(error),
            None if !headers.are_clean() => Err(RequestError::InvalidHeader),
            None if self.is_base64 => base64_body::decode(&self.body, max_bytes),
            None if max_bytes.is_some_and(|most| self.body.len() > most) => {
                Err(RequestError::TooLarge)
            }
            None => Ok(self.body.into_owned()),
        };
        let mut request = Request {
            method: respelled(self.method, canonical_method),
            path: respelled(self.path, normalize_path),
            cookies: cookies::parse(headers.get_all("cookie")),
            trace_id: trace::trace_id(&headers),
            query,
            headers,
            body: Vec::new(),
            is_base64: self.is_base64,
            source_provenance: self.source_provenance,
            provider_request_id: self.provider_request_id,
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

impl Request {
    /// The tenant: the `x-tenant-id` field, else the `tenant` in the query, else an empty text.
    /// Clients choose both: authorize it before relying on it.
    #[must_use]
    pub fn tenant_id(&self) -> &str {
        match self.headers.first("x-tenant-id") {
            "" => self.query.get("tenant").unwrap_or_default(),
            tenant => tenant,
        }
    }

    /// The id that the client gave the request in `x-request-id`, trimmed; or an empty text.
    #[must_use]
    pub fn client_request_id(&self) -> &str {
        self.headers.first("x-request-id").trim()
    }
}

// What clients send is theirs: neither values of header fields, queries and cookies nor bodies are
// printed, so that no log gets them by way of an error or an assertion.
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
            RequestError::InvalidQuery
            | RequestError::InvalidHeader
            | RequestError::InvalidBase64 => code::BAD_REQUEST,
            RequestError::TooLarge => code::TOO_LARGE,
        };
        Self::new(code, alloc::format!("{error}"))
    }
}
