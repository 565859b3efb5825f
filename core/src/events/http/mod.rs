//! Between the events of providers and requests, and between responses and what providers expect.
//!
//! This module decides what an event's members mean and how a response is spelled, so that nothing
//! is lost and nothing is doubled. It refuses to know who serves the request.
//!
//! | | path | query | header fields | cookies in requests | cookies in responses |
//! |---|---|---|---|---|---|
//! | [`ApiGatewayV2`](HttpSource::ApiGatewayV2) | decoded, with the stage | raw string, else single values | single values | list, else header | list |
//! | [`FunctionUrl`](HttpSource::FunctionUrl) | as sent | raw string, else single values | single values | list, else header | list |
//! | [`ApiGatewayV1`](HttpSource::ApiGatewayV1), REST API | as sent | lists, else single values | lists, else single values | header | header |
//! | the same, HTTP API (`"version": "1.0"`) | decoded, with the stage | the same | the same | header | header |
//! | [`Alb`](HttpSource::Alb) | as sent | lists, else single values, still encoded | lists, else single values | header | header, each in a spelling of its own |
//!
//! Whatever a provider does, a request's path is a [`UriPath`](crate::http::UriPath) without the stage,
//! made from the event's text once. Where an HTTP API decodes `%2F`, no adapter can tell it from `/`
//! any more. The path of a custom domain with an API mapping stays what the event says: in payload
//! format 1.0 that is with the mapping, in 2.0 without it.
//!
//! An event with members of wrong JSON types is no event of its provider: [`HttpEventError`], which
//! fails the invocation. Values that a client can get wrong, such as its body, are kept in the
//! [`RawRequest`] for [`normalize`](RawRequest::normalize) to reject, so that the client is
//! answered. Members are read by their exact names, null is a missing member, and members that
//! decide nothing are skipped.
//!
//! ```
//! use apptheory_core::http::HttpResponse;
//! use apptheory_core::events::HttpSource;
//!
//! let event = r#"{"rawPath":"/hi","rawQueryString":"to=a+b","requestContext":{"http":{"method":"GET"}}}"#;
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

mod alb;
mod apigw_v1;
mod apigw_v2;
mod authorizer;
mod function_url;
pub(crate) mod payload_v1;
mod payload_v2;
mod rest_envelope;
mod stage;
#[cfg(test)]
mod tests;
mod write;

use alloc::string::String;

pub use self::authorizer::AuthorizerEvent;
pub(crate) use self::authorizer::{Unread, refuse_authorizer_event};
pub(crate) use self::payload_v2::is_function_url;
pub use self::payload_v2::read_payload_v2;
pub use self::rest_envelope::{RestEnvelope, rest_streaming_variable};
use crate::http::{HttpResponse, RawRequest};
use crate::json::JsonError;
use crate::stream::StreamLimits;

/// The providers of HTTP events.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum HttpSource {
    /// API Gateway, HTTP API, payload format 2.0.
    ApiGatewayV2,
    /// A Lambda function URL.
    FunctionUrl,
    /// API Gateway, payload format 1.0: a REST API's proxy integration, or an HTTP API that is set
    /// to it.
    ApiGatewayV1,
    /// An application load balancer.
    Alb,
}

impl HttpSource {
    /// All providers.
    pub const ALL: [Self; 4] =
        [Self::ApiGatewayV2, Self::FunctionUrl, Self::ApiGatewayV1, Self::Alb];

    /// Reads an event. The body is borrowed from it where it can be.
    ///
    /// # Errors
    ///
    /// [`HttpEventError`] when the text is no JSON object, a member that is read has another type or
    /// comes twice, or the event asks a Lambda authorizer.
    pub fn read_request(self, event: &str) -> Result<RawRequest<'_>, HttpEventError> {
        let read = match self {
            Self::ApiGatewayV2 => apigw_v2::read(event),
            Self::FunctionUrl => function_url::read(event),
            Self::ApiGatewayV1 => apigw_v1::read(event),
            Self::Alb => alb::read(event),
        };
        read.map_err(|unread| match unread {
            Unread::Json(cause) => HttpEventError::Malformed { sender: self, cause },
            Unread::Authorizer(cause) => HttpEventError::Authorizer(cause),
        })
    }

    /// Writes a [normalised](HttpResponse::normalize) response, whose stream was read to its end. A body
    /// that is not UTF-8 becomes base64 whatever the response says.
    #[must_use]
    pub fn write_response(self, response: &HttpResponse) -> String {
        match self {
            Self::ApiGatewayV2 => apigw_v2::write(response),
            Self::FunctionUrl => function_url::write(response),
            Self::ApiGatewayV1 => apigw_v1::write(response),
            Self::Alb => alb::write(response),
        }
    }

    /// Returns how many bytes an answer to an event of the provider has at most, as the JSON that
    /// is written: 1 MB for load balancers (*Elastic Load Balancing*, Lambda functions as targets),
    /// Lambda's 6 MB for all others (*AWS Lambda Developer Guide*, quotas).
    #[must_use]
    pub const fn max_answer_bytes(self) -> u64 {
        match self {
            Self::Alb => 1 << 20,
            Self::ApiGatewayV2 | Self::FunctionUrl | Self::ApiGatewayV1 => {
                StreamLimits::MAX_BUFFERED_BYTES
            }
        }
    }

    /// Returns whether a response is larger than the [provider takes](Self::max_answer_bytes), once
    /// it is encoded. Clients get a 502 for one that is: answer an error instead of it.
    #[must_use]
    pub fn is_too_large(self, response: &HttpResponse) -> bool {
        let len = |text: &str| u64::try_from(text.len()).unwrap_or(u64::MAX);
        let fields = response.headers.iter();
        let fields = fields.flat_map(|(name, values)| {
            values.iter().map(move |value| len(name).saturating_add(len(value)))
        });
        let cookies = response.cookies.iter().map(|cookie| len(cookie));
        // In JSON a byte takes six at the most, as `\u0000`, and a field is written twice, with quotes
        // and commas. Only a response that may be too large is encoded to find out.
        let head = fields.chain(cookies).map(|bytes| bytes.saturating_add(32).saturating_mul(12));
        let body = u64::try_from(response.body.len()).unwrap_or(u64::MAX).saturating_mul(6);
        let at_most = head.fold(body.saturating_add(256), u64::saturating_add);
        at_most > self.max_answer_bytes()
            && len(&self.write_response(response)) > self.max_answer_bytes()
    }

    /// The provider's name: `apigw_v2`, `function_url`, `apigw_v1` or `alb`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApiGatewayV2 => "apigw_v2",
            Self::FunctionUrl => "function_url",
            Self::ApiGatewayV1 => "apigw_v1",
            Self::Alb => "alb",
        }
    }

    /// The provider of a [name](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == name)
    }

    /// What its events are called in errors.
    const fn event(self) -> &'static str {
        match self {
            Self::ApiGatewayV2 => "apigw v2 event",
            Self::FunctionUrl => "lambda url event",
            Self::ApiGatewayV1 => "apigw proxy event",
            Self::Alb => "alb event",
        }
    }
}

/// An event is not what its provider sends. The invocation fails: there is nobody to answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HttpEventError {
    /// A member that is read has another type than it should, or comes twice.
    #[error("apptheory: parse {}: {cause}", .sender.event())]
    Malformed {
        /// The provider that it was taken to be of.
        sender: HttpSource,
        /// Where in the event reading failed.
        #[source]
        cause: JsonError,
    },
    /// The event asks a Lambda authorizer.
    #[error("apptheory: unknown event type")]
    Authorizer(#[source] AuthorizerEvent),
}
