//! Store effects on DynamoDB, without the AWS SDK: the core's requests and replies over one small
//! HTTP client. See [`Store::aws_lean`](super::Store::aws_lean).
//!
//! Effects fail, and are sent again, as they are through the SDK: `repeat.rs` has the rules.

mod repeat;
mod settings;

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
use http::header::CONTENT_TYPE;
use http::response::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Uri};

use self::repeat::Repeat;
use self::settings::{Settings, SettingsError};
use super::consumed::consumed;
use super::meter::Meter;
use crate::clock::{Clock as _, SharedClock};
use crate::execute::Execute;
use crate::lean::{Client, Failure, Incomplete, ServiceReply};

/// Performs store effects on DynamoDB. Clones share connections.
#[derive(Clone)]
pub(super) struct LeanStore {
    client: Result<Arc<Client>, SettingsError>,
    clock: SharedClock,
    meter: Meter,
}

/// A complete reply.
enum Replied {
    Success(Bytes),
    Fault(Fault),
}

impl LeanStore {
    /// Takes the settings from an environment. If one is missing, that is logged, and every effect
    /// fails.
    pub(super) fn new(env: impl Fn(&str) -> Option<String>, clock: SharedClock) -> Self {
        let client = Settings::read(env).map(|Settings { endpoint, region, identity }| {
            Arc::new(Client::new("dynamodb", endpoint, region, identity))
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
        let request = request::<W>(client, body.into());
        let answer = client.send(&request, order.attempts(), &self.clock).await;
        let read = |reply: Reply<'_>| {
            self.meter.record(W::OPERATION, consumed(W::OPERATION, &reply));
            order.read_reply(reply, self.clock.now())
        };
        match answer {
            Ok(Replied::Success(answer)) => read(Reply::Answer(Cow::Borrowed(&answer))),
            Ok(Replied::Fault(fault)) => read(Reply::Fault(fault)),
            Err(failure) => {
                self.meter.record(W::OPERATION, ConsumedCapacity::default());
                Err(error_of(&failure))
            }
        }
    }
}

/// Returns the request of an operation.
fn request<W: Wire>(client: &Client, body: Bytes) -> Request<Bytes> {
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from(client.path().clone());
    request.headers_mut().insert(CONTENT_TYPE, JSON);
    // Operations are named in ASCII.
    if let Ok(target) = HeaderValue::try_from(format!("DynamoDB_20120810.{}", W::OPERATION)) {
        request.headers_mut().insert(TARGET, target);
    }
    request
}

const JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");
const TARGET: HeaderName = HeaderName::from_static("x-amz-target");

impl ServiceReply for Replied {
    fn read(head: &Parts, body: Bytes) -> Self {
        if head.status.is_success() {
            return Self::Success(body);
        }
        match Reply::from_http(head.status.as_u16(), &body) {
            Reply::Fault(fault) => {
                record_fault(&fault, head);
                Self::Fault(fault)
            }
            // Only a success has an answer.
            Reply::Answer(_) => Self::Fault(Fault::default()),
        }
    }

    fn error_code(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Success(_) => None,
            Self::Fault(fault) => Some(Cow::Borrowed(&fault.code)),
        }
    }
}

/// Returns what a failure means for a machine of the store.
const fn error_of(failure: &Failure) -> store::Error {
    match failure {
        Failure::ConnectTime | Failure::Reply { source: Incomplete::Stalled, .. } => {
            store::Error::Timeout
        }
        Failure::Unsigned(_) => store::Error::Misconfigured(Misconfiguration::InvalidRequest),
        Failure::Connect(_)
        | Failure::Untrusted(_)
        | Failure::Trust(_)
        | Failure::Broken(_)
        | Failure::Reply { source: Incomplete::Broken(_) | Incomplete::TooLarge, .. } => {
            store::Error::Unavailable
        }
    }
}

/// Opens a connection without a signature: DynamoDB replies that it is healthy.
#[cfg(feature = "lambda")]
impl super::preconnect::Connect for Client {
    fn connect(&self) -> super::BoxFuture<'_, Result<(), String>> {
        Box::pin(async { self.ping().await.map_err(|failure| crate::causes::line(&failure)) })
    }
}

/// Emits a debug event of an error reply. Its message may quote keys and values: only code and
/// request id are shown.
#[cfg(feature = "tracing")]
fn record_fault(fault: &Fault, head: &Parts) {
    use apptheory_core::sanitize::log_text;

    let id = head.headers.get("x-amzn-requestid").and_then(|id| id.to_str().ok());
    let (code, request_id) = (log_text(&fault.code), id.map(log_text));
    let kind = fault.error();
    tracing::debug!(target: "apptheory::aws", %kind, code = &*code, request_id = request_id.as_deref(), "service error");
}

#[cfg(not(feature = "tracing"))]
const fn record_fault(_: &Fault, _: &Parts) {}

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
