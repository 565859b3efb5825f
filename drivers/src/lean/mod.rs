//! Requests to services of AWS without the AWS SDK: signed, over idle connections, and sent again
//! as the SDK does it. See [`Store::aws_lean`](crate::store::Store::aws_lean) and
//! [`LeanWebSocketClients`](crate::websocket::LeanWebSocketClients).

mod body;
mod connections;
mod credentials;
mod endpoint;
mod retry;
mod sign;

use std::borrow::Cow;

use aws_smithy_runtime_api::client::identity::Identity;
use bytes::Bytes;
#[cfg(feature = "lambda")]
use http::Uri;
use http::header::{CONTENT_LENGTH, HOST, USER_AGENT};
use http::response::Parts;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, StatusCode};

use self::connections::{Body, Connections};
use self::retry::{BACKOFF, Quota, is_transient};
use self::sign::Signer;
use crate::clock::{Clock as _, SharedClock};
use crate::ids::{IdSource as _, RandomIds};
use crate::trace;

pub(crate) use self::body::Incomplete;
pub(crate) use self::connections::Failure;
pub(crate) use self::credentials::{MissingCredential, credentials};
pub(crate) use self::endpoint::Endpoint;

/// Sends requests to one endpoint for as long as the process runs.
pub(crate) struct Client {
    connections: Connections,
    signer: Signer,
    quota: Quota,
}

/// A reply of a service.
pub(crate) trait ServiceReply: Sized {
    /// Reads a complete reply.
    fn read(head: &Parts, body: Bytes) -> Self;

    /// Reads a reply to a request with this method whose body is lost; `None` if that is needed.
    fn read_head(_: &Parts, _: &Method) -> Option<Self> {
        None
    }

    /// Returns the code of an error, which may be empty; `None` for a success.
    fn error_code(&self) -> Option<Cow<'_, str>>;

    /// Returns whether another attempt may succeed after an error with this status, whatever its
    /// code.
    fn is_transient(status: StatusCode) -> bool {
        matches!(status.as_u16(), 500 | 502 | 503 | 504)
    }
}

impl Client {
    /// Creates a client that signs for a service, by its name in signatures.
    pub(crate) fn new(
        service: &'static str,
        endpoint: Endpoint,
        region: String,
        identity: Identity,
    ) -> Self {
        let signer = Signer::new(service, region, identity);
        Self { connections: Connections::new(endpoint), signer, quota: Quota::new() }
    }

    /// Returns the path of the endpoint.
    pub(crate) const fn path(&self) -> &PathAndQuery {
        &self.connections.endpoint().path
    }

    /// Sends a request, whose URL is its path, until it succeeds, or another attempt could not, or
    /// all `attempts` are used. If this future is dropped, the connection of its attempt is closed.
    pub(crate) async fn send<R: ServiceReply>(
        &self,
        request: &Request<Bytes>,
        attempts: u32,
        clock: &SharedClock,
    ) -> Result<R, Failure> {
        let mut attempt = 1;
        loop {
            let (signed, signed_at) = self.sign(request).inspect_err(record)?;
            let (outcome, may_repeat) = match self.exchange::<R>(signed).await {
                Ok((head, reply)) => {
                    let Some(code) = reply.error_code() else {
                        self.quota.succeeded(attempt);
                        return Ok(reply);
                    };
                    let may_repeat = R::is_transient(head.status)
                        || is_transient(&code)
                        || self.signer.learns(&code, &head.headers, signed_at);
                    drop(code);
                    (Ok(reply), may_repeat)
                }
                Err(failure) => {
                    let may_repeat = failure.is_transient();
                    (Err(failure), may_repeat)
                }
            };
            if !may_repeat || attempt >= attempts || !self.quota.take() {
                return outcome;
            }
            // Any 64 bits of a random id are random.
            #[expect(clippy::cast_possible_truncation, reason = "a part of the id is enough")]
            let seed = RandomIds.next_id() as u64;
            clock.sleep(BACKOFF.delay(attempt, seed)).await;
            attempt += 1;
        }
    }

    /// Sends a signed request once. Returns the head of the reply, and what the reply says.
    async fn exchange<R: ServiceReply>(
        &self,
        signed: Request<Body>,
    ) -> Result<(Parts, R), Failure> {
        let method = signed.method().clone();
        let failure = match self.connections.send(signed).await {
            Ok(reply) => {
                let (head, body) = reply.into_parts();
                let reply = R::read(&head, body);
                return Ok((head, reply));
            }
            Err(failure) => failure,
        };
        record(&failure);
        if let Failure::Reply { head, .. } = &failure
            && let Some(reply) = R::read_head(head, &method)
        {
            return Ok((Parts::clone(head), reply));
        }
        Err(failure)
    }

    /// Opens a connection without a signature. Any reply is fine.
    #[cfg(feature = "lambda")]
    pub(crate) async fn ping(&self) -> Result<(), Failure> {
        let endpoint = self.connections.endpoint();
        let mut ping = Request::new(Body::default());
        *ping.uri_mut() = Uri::from(endpoint.path.clone());
        ping.headers_mut().insert(HOST, endpoint.authority.clone());
        self.connections.send(ping).await.map(drop)
    }

    /// Returns a signed request, and the time of its signature.
    fn sign(&self, request: &Request<Bytes>) -> Result<(Request<Body>, i64), Failure> {
        let (mut head, body) = request.clone().into_parts();
        let endpoint = self.connections.endpoint();
        head.headers.insert(HOST, endpoint.authority.clone());
        let mut signed = Request::from_parts(head, Body::new(body.clone()));
        let is_empty_post = body.is_empty() && signed.method() == Method::POST;
        let url = format!("{}{}", endpoint.origin, signed.uri());
        let signed_at = self.signer.sign(&url, &mut signed, &body)?;
        // Signatures do not cover these.
        let headers = signed.headers_mut();
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        if is_empty_post {
            // An empty body is expected to have a length (RFC 9110 §8.6), and gets none by itself.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        if let Ok(trace) = HeaderValue::from_str(trace::current().x_amzn_trace_id())
            && !trace.is_empty()
        {
            headers.insert("x-amzn-trace-id", trace);
        }
        Ok((signed, signed_at))
    }
}

const AGENT: &str = concat!("apptheory/", env!("CARGO_PKG_VERSION"));

/// Logs why there is no reply.
#[cfg(feature = "tracing")]
fn record(failure: &Failure) {
    use apptheory_core::sanitize::Sanitizer;

    let text = crate::causes::WithCauses(failure).to_string();
    let text = Sanitizer::new().free_text(&text).into_owned();
    let kind = failure.kind();
    if failure.is_transient() {
        tracing::debug!(target: "apptheory::aws", %kind, "{text}");
    } else {
        tracing::error!("{text}");
    }
}

#[cfg(not(feature = "tracing"))]
const fn record(_: &Failure) {}
