//! Requests: as they arrive, and as handlers see them.

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

/// A request as a provider, a test or a socket hands it over: nothing is checked yet.
#[derive(Clone)]
pub struct RawRequest<'a> {
    /// The method, in any case.
    pub method: String,
    /// The path.
    pub path: UriPath,
    /// The query.
    pub query: QueryString,
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
    /// What the event says beside the request: who its authorizer found out the caller is, and stage
    /// variables.
    pub platform: PlatformContext,
}

/// A request as handlers see it.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Request {
    /// The method, in upper case.
    pub method: String,
    /// The path, percent-encoded.
    pub path: UriPath,
    /// The query's parameters, decoded. Names are told apart by case.
    pub query: MultiMap,
    /// The query as the client sent it, without `?`: for signatures and cache keys. Load balancers,
    /// REST APIs and payload format 1.0 do not pass it on. Then it is put together from the
    /// parameters, sorted by name: of a load balancer's as the client spelled them, of the others',
    /// which are decoded, spelled anew.
    pub raw_query: String,
    /// Header fields, as they came: `cookie` may be several. [`fields`](Self::fields) and
    /// [`header`](Self::header) make one of them.
    pub headers: HeaderMap,
    /// Cookies by name.
    pub cookies: Cookies,
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
    /// What the event says beside the request: who its authorizer found out the caller is, and stage
    /// variables.
    pub platform: PlatformContext,
}

/// A request that is answered without being served, with all of it that could be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{error}")]
pub struct Rejected {
    /// The request without its body. It says which origin, tenant and trace to answer.
    pub request: Request,
    /// What is wrong with it.
    pub error: RequestError,
}

/// What is wrong with a request. Nobody but the client can mend it; each is a 4xx answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RequestError {
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

impl From<Base64Error> for RequestError {
    fn from(error: Base64Error) -> Self {
        match error {
            Base64Error::Invalid => Self::InvalidBase64,
            Base64Error::TooLarge => Self::TooLarge,
        }
    }
}

impl RawRequest<'_> {
    /// Returns a request for a target as a client sends it, percent-encoded and with its query:
    /// `/orders?status=open`. It has neither header fields nor a body.
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

    /// Checks and decodes the request. A body may have `max_bytes` bytes, decoded; `None` is any
    /// number.
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

/// The field that a request may have several of, and is to be read as one.
const COOKIE: &str = "cookie";

impl Request {
    /// Returns the first value of a header field, or an empty text. `cookie` is all of its values,
    /// joined by `; ` (RFC 9113 §8.2.3).
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.header_values(name).first().unwrap_or_default()
    }

    /// Returns all values of a header field. `cookie` has one at most.
    #[must_use]
    pub fn header_values(&self, name: &str) -> Values<'_> {
        let name = canonical_name(name);
        self.read_as_one(&name, self.headers.get_all(&name))
    }

    /// Returns the header fields, sorted by name. `cookie` has one value at most.
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

    /// Returns the id that the client gave the request in `x-request-id`, trimmed; or an empty
    /// text.
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
            RequestError::InvalidHeader | RequestError::InvalidBase64 => code::BAD_REQUEST,
            RequestError::TooLarge => code::TOO_LARGE,
        };
        Self::new(code, alloc::format!("{error}"))
    }
}
