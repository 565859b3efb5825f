//! Converts provider events to requests, and responses to provider JSON.
//!
//! This module interprets the members of events and renders responses, without losing or
//! duplicating data. Serving the request is not its concern.
//!
//! | | Path | Query | Headers | Cookies: request, response |
//! |---|---|---|---|---|
//! | [`ApiGatewayV2`] | decoded, with stage | raw, else single | single | list or header, list |
//! | [`FunctionUrl`] | as sent | raw, else single | single | list or header, list |
//! | [`ApiGatewayV1`], REST API | as sent | lists, else single | lists, else single | header |
//! | [`ApiGatewayV1`], HTTP API | decoded, with stage | as above | as above | header |
//! | [`Alb`] | as sent | lists, else single; encoded | lists, else single | header, cased headers |
//! | [`VpcLatticeV1`] | as sent | of the path, else single | single | header, cased headers |
//! | [`VpcLatticeV2`] | as sent | of the path, else lists | lists | header, cased headers |
//!
//! "Single" means one value per name. "Cased headers" are one `set-cookie` header per cookie, each
//! in another case. An HTTP API with payload format 1.0 sends `"version": "1.0"`.
//!
//! [`ApiGatewayV2`]: HttpSource::ApiGatewayV2
//! [`FunctionUrl`]: HttpSource::FunctionUrl
//! [`ApiGatewayV1`]: HttpSource::ApiGatewayV1
//! [`Alb`]: HttpSource::Alb
//! [`VpcLatticeV1`]: HttpSource::VpcLatticeV1
//! [`VpcLatticeV2`]: HttpSource::VpcLatticeV2
//!
//! A request's path is always a [`UriPath`](crate::http::UriPath) without the stage, created once
//! from the event's text. If an HTTP API has decoded `%2F`, it cannot be distinguished from `/`.
//! With a custom domain and an API mapping, the path is as in the event: with the mapping in
//! payload format 1.0, without it in 2.0.
//!
//! An event with members of wrong JSON types is invalid: [`Error`] fails the invocation. Values
//! that a client controls, such as its body, are kept in the [`RawRequest`] and checked by
//! [`normalize`](RawRequest::normalize), so that the client gets an error response. Names are
//! case-sensitive, null is a missing member, and unknown members are ignored.
//!
//! ```
//! use apptheory_core::http::HttpResponse;
//! use apptheory_core::events::HttpSource;
//!
//! let event = r#"{"rawPath":"/hi","rawQueryString":"to=a+b",
//!     "requestContext":{"http":{"method":"GET"}}}"#;
//! let request = HttpSource::FunctionUrl.read_request(event)?.normalize(None)?;
//! assert_eq!((&*request.path, request.query.get("to")), ("/hi", Some("a b")));
//!
//! let response = HttpResponse::new(204).with_cookie("a=1");
//! assert_eq!(
//!     HttpSource::FunctionUrl.write_response(&response),
//!     r#"{"statusCode":204,"headers":{},"body":"","isBase64Encoded":false,"cookies":["a=1"]}"#,
//! );
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod answer;
mod lattice;
mod stage;
mod streaming;
#[cfg(test)]
mod tests;
pub(super) mod v1;
mod v2;
mod write;

use alloc::borrow::Cow;
use alloc::string::String;

pub use self::streaming::{InvokeMode, UnknownMode, rest_streaming_variable};
use super::error::Error;
use super::event::refuse_authorizer;
use crate::document::{Document, Object, Value};
use crate::http::platform::{EventJson, PlatformContext};
use crate::http::{HttpResponse, RawRequest};
use crate::json::JsonError;
use crate::stream::StreamLimits;

/// An HTTP request from an event.
#[derive(Clone, Debug)]
pub struct HttpEvent<'a> {
    /// The provider, which also determines the form of the response.
    pub source: HttpSource,
    /// The request. Its body borrows from the event if possible.
    pub request: RawRequest<'a>,
    /// Whether a stage variable marks the route of a REST API as streaming.
    is_flagged: bool,
}

impl<'a> HttpEvent<'a> {
    pub(super) fn of(source: HttpSource, event: Object<'a, '_>) -> Result<Self, Error> {
        refuse_authorizer(event, |cause| Error::malformed(source.event(), cause))?;
        Self::of_request(source, event)
    }

    /// Reads an event that is known not to be for a Lambda authorizer.
    pub(super) fn of_request(source: HttpSource, event: Object<'a, '_>) -> Result<Self, Error> {
        Self::from_object(source, event).map_err(|cause| Error::malformed(source.event(), cause))
    }

    fn from_object(source: HttpSource, event: Object<'a, '_>) -> Result<Self, JsonError> {
        let request = unauthorized_request(source, event)?;
        let is_rest = source == HttpSource::ApiGatewayV1;
        let is_flagged = is_rest && streaming::is_flagged(event)?;
        Ok(Self { source, request, is_flagged })
    }
}

/// Returns the request in an event, or in an authorizer event.
pub(super) fn unauthorized_request<'a>(
    source: HttpSource,
    event: Object<'a, '_>,
) -> Result<RawRequest<'a>, JsonError> {
    match source {
        HttpSource::ApiGatewayV2 | HttpSource::FunctionUrl => v2::request(source, event),
        HttpSource::ApiGatewayV1 => v1::api_gateway(event),
        HttpSource::Alb => v1::load_balancer(event),
        HttpSource::VpcLatticeV1 => lattice::v1(event),
        HttpSource::VpcLatticeV2 => lattice::v2(event),
    }
}

/// Returns the first text unless it is empty, otherwise the second.
fn either<'a>(first: Cow<'a, str>, second: Cow<'a, str>) -> Cow<'a, str> {
    if first.is_empty() { second } else { first }
}

/// Returns the event's context besides the request.
fn platform(request_context: Value<'_, '_>, stage_variables: Value<'_, '_>) -> PlatformContext {
    PlatformContext {
        request_context: EventJson::of(request_context),
        stage_variables: EventJson::of(stage_variables),
        tenant_id: None,
    }
}

/// Returns the bytes of a text, without copying them.
fn bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// The providers of HTTP events.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum HttpSource {
    /// API Gateway, HTTP API, payload format 2.0.
    ApiGatewayV2,
    /// A Lambda function URL.
    FunctionUrl,
    /// API Gateway, payload format 1.0: a REST API's proxy integration, or an HTTP API with this
    /// format.
    ApiGatewayV1,
    /// An application load balancer.
    Alb,
    /// VPC Lattice, version 1 of its events.
    VpcLatticeV1,
    /// VPC Lattice, version 2 of its events.
    VpcLatticeV2,
}

impl HttpSource {
    /// All providers.
    pub const ALL: [Self; 6] = [
        Self::ApiGatewayV2,
        Self::FunctionUrl,
        Self::ApiGatewayV1,
        Self::Alb,
        Self::VpcLatticeV1,
        Self::VpcLatticeV2,
    ];

    /// Reads an event of this provider, without checking that it is from this provider. The body
    /// borrows from the event if possible.
    ///
    /// # Errors
    ///
    /// [`Error`] if the text is not a JSON object, a member has the wrong type or occurs twice, or
    /// the event is for a Lambda authorizer.
    pub fn read_request(self, event: &str) -> Result<RawRequest<'_>, Error> {
        let malformed = |cause| Error::malformed(self.event(), cause);
        let document = Document::scan(event).map_err(malformed)?;
        HttpEvent::of(self, document.object().map_err(malformed)?).map(|event| event.request)
    }

    /// Returns the JSON of a [normalized](HttpResponse::normalize) response without a stream. A
    /// body that is not UTF-8 becomes base64 in any case.
    #[must_use]
    pub fn write_response(self, response: &HttpResponse) -> String {
        write::write(self, response)
    }

    /// Returns the provider's largest response in bytes of JSON: 1 MB for load balancers (*Elastic
    /// Load Balancing*, Lambda functions as targets), Lambda's 6 MB for all others (*AWS Lambda
    /// Developer Guide*, quotas).
    #[must_use]
    pub const fn max_answer_bytes(self) -> u64 {
        match self {
            Self::Alb => 1 << 20,
            Self::ApiGatewayV2
            | Self::FunctionUrl
            | Self::ApiGatewayV1
            | Self::VpcLatticeV1
            | Self::VpcLatticeV2 => StreamLimits::MAX_BUFFERED_BYTES,
        }
    }

    /// Returns whether the encoded response exceeds the [provider's limit](Self::max_answer_bytes).
    /// Clients would get a 502, so respond with an error instead.
    #[must_use]
    pub fn is_too_large(self, response: &HttpResponse) -> bool {
        let len = |text: &str| u64::try_from(text.len()).unwrap_or(u64::MAX);
        let fields = response.headers.iter();
        let fields = fields.flat_map(|(name, values)| {
            values.iter().map(move |value| len(name).saturating_add(len(value)))
        });
        let cookies = response.cookies.iter().map(|cookie| len(cookie));
        // In JSON a byte has at most six bytes (`\u0000`), and a header is written twice, with
        // quotes and commas. Only a response that may be too large is encoded to find out.
        let head = fields.chain(cookies).map(|bytes| bytes.saturating_add(32).saturating_mul(12));
        let body = u64::try_from(response.body.len()).unwrap_or(u64::MAX).saturating_mul(6);
        let at_most = head.fold(body.saturating_add(256), u64::saturating_add);
        at_most > self.max_answer_bytes()
            && len(&self.write_response(response)) > self.max_answer_bytes()
    }

    /// Returns the provider's name: `apigw_v2`, `function_url`, `apigw_v1`, `alb`, `vpc_lattice_v1`
    /// or `vpc_lattice_v2`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApiGatewayV2 => "apigw_v2",
            Self::FunctionUrl => "function_url",
            Self::ApiGatewayV1 => "apigw_v1",
            Self::Alb => "alb",
            Self::VpcLatticeV1 => "vpc_lattice_v1",
            Self::VpcLatticeV2 => "vpc_lattice_v2",
        }
    }

    /// Returns the provider with a [name](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == name)
    }

    /// Returns how error messages call the provider's events.
    const fn event(self) -> &'static str {
        match self {
            Self::ApiGatewayV2 => "apigw v2 event",
            Self::FunctionUrl => "lambda url event",
            Self::ApiGatewayV1 => "apigw proxy event",
            Self::Alb => "alb event",
            Self::VpcLatticeV1 | Self::VpcLatticeV2 => "vpc lattice event",
        }
    }
}
