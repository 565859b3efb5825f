//! Store effects on DynamoDB, without the AWS SDK: the core's requests and replies over one small
//! HTTP client. See [`Store::aws_lean`](super::Store::aws_lean).
//!
//! Effects fail, and are sent again, as they are through the SDK: `retry.rs` has the rules.

mod connections;
mod retry;
mod settings;
mod sign;

use std::borrow::Cow;
use std::sync::Arc;

use apptheory_core::machine::Effect;
use apptheory_core::store::wire::{Fault, Reply, Wire};
use apptheory_core::store::{
    self, BatchGetItem, ConsumedCapacity, DeleteItem, GetItem, Misconfiguration, PutItem,
    QueryItems, Sleep, TransactWriteItems, UpdateItem,
};
use apptheory_core::time::Timestamp;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderValue, Request, Response};

use self::connections::{Body, Connections, Failure};
use self::retry::{ATTEMPTS, BACKOFF, Quota, Repeat};
use self::settings::{Settings, SettingsError};
use self::sign::Signer;
use super::consumed::consumed;
use super::meter::Meter;
use crate::clock::{Clock as _, SharedClock};
use crate::execute::Execute;
use crate::ids::{IdSource as _, RandomIds};
use crate::trace;

/// Performs store effects on DynamoDB. Clones share connections.
#[derive(Clone)]
pub(super) struct LeanStore {
    client: Result<Arc<Client>, SettingsError>,
    clock: SharedClock,
    meter: Meter,
}

/// Sends requests for as long as the process runs.
struct Client {
    connections: Connections,
    signer: Signer,
    quota: Quota,
}

/// A complete reply.
enum Answer {
    Success(Bytes),
    Fault(Fault),
}

impl LeanStore {
    /// Takes the settings from an environment. If one is missing, that is logged, and every effect
    /// fails.
    pub(super) fn new(env: impl Fn(&str) -> Option<String>, clock: SharedClock) -> Self {
        let client = Settings::read(env).map(|settings| {
            let signer = Signer::new(&settings);
            let connections = Connections::new(settings.endpoint);
            Arc::new(Client { connections, signer, quota: Quota::new() })
        });
        match &client {
            #[cfg(feature = "lambda")]
            Ok(client) => super::preconnect::before_first_invocation(client),
            #[cfg(not(feature = "lambda"))]
            Ok(_) => {}
            Err(_error) => {
                #[cfg(feature = "tracing")]
                tracing::error!("cannot call DynamoDB: {_error}");
            }
        }
        Self { client, clock, meter: Meter::default() }
    }

    /// Returns the meter of this store's calls.
    pub(super) fn meter(&self) -> Meter {
        self.meter.clone()
    }

    async fn carry_out<W: Wire + Repeat>(&self, order: &W) -> store::Outcome<W::Answer> {
        order.check()?;
        let client = self.client.as_ref();
        let client =
            client.map_err(|error| store::Error::Misconfigured(error.misconfiguration()))?;
        let mut body = order.to_body_bytes();
        // A body is an object with at least one member.
        body.pop();
        body.extend_from_slice(br#","ReturnConsumedCapacity":"TOTAL"}"#);
        let attempts = if order.is_repeatable() { ATTEMPTS } else { 1 };
        let answer = client.post(W::OPERATION, body.into(), attempts, &self.clock).await;
        let read = |reply: Reply<'_>| {
            self.meter.record(W::OPERATION, consumed(W::OPERATION, &reply));
            order.read_reply(reply, self.clock.now())
        };
        match answer {
            Ok(Answer::Success(answer)) => read(Reply::Answer(Cow::Borrowed(&answer))),
            Ok(Answer::Fault(fault)) => read(Reply::Fault(fault)),
            Err(error) => {
                self.meter.record(W::OPERATION, ConsumedCapacity::default());
                Err(error)
            }
        }
    }
}

impl Client {
    /// Sends a request until there is a reply that no further attempt would change.
    async fn post(
        &self,
        operation: &'static str,
        body: Bytes,
        attempts: u32,
        clock: &SharedClock,
    ) -> Result<Answer, store::Error> {
        let mut attempt = 1;
        loop {
            let (request, signed_at) = self.request(operation, &body)?;
            let (outcome, may_repeat) = match self.connections.send(request).await {
                Ok(reply) if reply.status().is_success() => {
                    self.quota.succeeded(attempt);
                    return Ok(Answer::Success(reply.into_body()));
                }
                Ok(reply) => self.fault(&reply, signed_at),
                Err(failure) => {
                    record_failure(&failure);
                    (Err(failure.error()), failure.is_transient())
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

    /// Returns an error reply, and whether another attempt may have a better one.
    fn fault(
        &self,
        reply: &Response<Bytes>,
        signed_at: i64,
    ) -> (Result<Answer, store::Error>, bool) {
        let status = reply.status().as_u16();
        let Reply::Fault(fault) = Reply::from_http(status, reply.body()) else {
            return (Err(store::Error::Unavailable), false);
        };
        record_fault(&fault, reply);
        let may_repeat = retry::is_transient(status, &fault.code)
            || self.signer.learns(&fault.code, reply.headers(), signed_at);
        (Ok(Answer::Fault(fault)), may_repeat)
    }

    /// Returns a signed request, and the time of its signature.
    fn request(&self, operation: &str, body: &Bytes) -> Result<(Request<Body>, i64), store::Error> {
        let invalid = store::Error::Misconfigured(Misconfiguration::InvalidRequest);
        let target = format!("DynamoDB_20120810.{operation}");
        let endpoint = self.connections.endpoint();
        let mut request = Request::post(endpoint.path())
            .header(HOST, &endpoint.authority)
            .header(CONTENT_TYPE, "application/x-amz-json-1.0")
            .header("x-amz-target", target)
            .body(Body::new(body.clone()))
            .map_err(|_| invalid)?;
        let signed_at = self.signer.sign(&mut request, body).map_err(|_error| {
            #[cfg(feature = "tracing")]
            tracing::error!("cannot sign a request: {_error}");
            invalid
        })?;
        // Signatures do not cover these.
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        if let Ok(trace) = HeaderValue::from_str(trace::current().x_amzn_trace_id())
            && !trace.is_empty()
        {
            headers.insert("x-amzn-trace-id", trace);
        }
        Ok((request, signed_at))
    }
}

const AGENT: &str = concat!("apptheory/", env!("CARGO_PKG_VERSION"));

/// Opens a connection without a signature: DynamoDB replies that it is healthy.
#[cfg(feature = "lambda")]
impl super::preconnect::Connect for Client {
    fn connect(&self) -> super::BoxFuture<'_, Result<(), String>> {
        Box::pin(async {
            let endpoint = self.connections.endpoint();
            let ping = Request::get(endpoint.path()).header(HOST, &endpoint.authority);
            let ping = ping.body(Body::default()).map_err(|error| error.to_string())?;
            match self.connections.send(ping).await {
                Ok(_) => Ok(()),
                Err(failure) => Err(crate::causes::line(&failure)),
            }
        })
    }
}

/// Emits a debug event of an error reply. Its message may quote keys and values: only code and
/// request id are shown.
#[cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "nothing is logged"))]
fn record_fault(fault: &Fault, reply: &Response<Bytes>) {
    #[cfg(feature = "tracing")]
    {
        use apptheory_core::sanitize::log_text;

        let id = reply.headers().get("x-amzn-requestid").and_then(|id| id.to_str().ok());
        let (code, request_id) = (log_text(&fault.code), id.map(log_text));
        let kind = fault.error();
        tracing::debug!(target: "apptheory::aws", %kind, code = &*code, request_id = request_id.as_deref(), "service error");
    }
}

/// Records why there is no reply.
#[cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "nothing is logged"))]
fn record_failure(failure: &Failure) {
    #[cfg(feature = "tracing")]
    {
        use apptheory_core::sanitize::Sanitizer;

        let text = crate::causes::WithCauses(failure).to_string();
        let text = Sanitizer::new().free_text(&text).into_owned();
        let kind = failure.error();
        if failure.is_transient() {
            tracing::debug!(target: "apptheory::aws", %kind, "{text}");
        } else {
            tracing::error!("{text}");
        }
    }
}

/// Implements all effects.
macro_rules! carries_out {
    ($($effect:ident $method:ident,)+) => {$(
        impl Execute<$effect> for LeanStore {
            async fn execute(&self, order: &$effect) -> <$effect as Effect>::Outcome {
                self.carry_out(order).await
            }
        }
    )+};
}

apptheory_core::each_store_order!(carries_out);

impl Execute<Sleep> for LeanStore {
    async fn execute(&self, sleep: &Sleep) -> Timestamp {
        self.clock.sleep(sleep.duration).await
    }
}
