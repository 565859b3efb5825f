//! A connection and its requests.

use core::convert::Infallible;
use core::net::{IpAddr, SocketAddr};
use core::pin::pin;
use core::time::Duration;
use std::sync::Arc;

use apptheory_core::error::AppError;
use apptheory_core::events::HttpSource;
use apptheory_core::http::RawRequest;
use apptheory_core::local::{
    Origins, check_encoding, is_upgrade, managed_connection, takes_trailers,
};
use bytes::Bytes;
use futures_util::future::{BoxFuture, Either, select};
use http::request::Parts;
use http::{StatusCode, Version};
use http_body_util::{Either as EitherBody, Full};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::invocation::{invoke, is_invocation};
use super::refusal;
use super::request_body::read;
use super::transport::{Answer, Progress, Transport};
use super::websocket::{Gateway, Slot};
use crate::app::Invocation;
use crate::app::frame_body::{FrameBody, Passage};
use crate::app::hand_over::TakenOver;
use crate::app::wire::raw_request;
use crate::clock::Clock as _;

/// The largest head of a request, including its request line: 32 KiB, the default of nginx.
pub const MAX_HEAD_BYTES: usize = 32 << 10;

/// The time limit of requests on a [buffered](super::Server::buffered) server: 29 s, the
/// integration timeout of API Gateway (*API Gateway Developer Guide*, quotas).
pub const BUFFERED_TIME: Duration = Duration::from_secs(29);

/// What serves the requests of a connection.
pub(super) struct Front {
    pub(super) gateway: Arc<Gateway>,
    pub(super) origins: Origins,
    pub(super) peer: SocketAddr,
    /// The local address that the connection reached.
    pub(super) reached: IpAddr,
    pub(super) is_buffered: bool,
    /// Receives the connection when it becomes a WebSocket.
    pub(super) slot: Slot,
}

type AnswerBody = EitherBody<FrameBody, Full<Bytes>>;

/// A request whose head was read.
enum Received<'f> {
    /// For the application, and complete, as most are that are not buffered.
    Complete { request: TakenOver<'f>, takes_trailers: bool },
    /// What takes more steps, in a box because its future is large: a request with a body that is
    /// still to be read, any on a buffered server, and a call of the server itself.
    Other(BoxFuture<'f, Result<http::Response<AnswerBody>, AppError>>),
    /// Refused in front of the application, as it would be in front of a function.
    Refused(AppError),
}

/// What a request asks of the server itself.
enum Call {
    /// An upgrade to a WebSocket.
    Upgrade,
    /// A call to the management API of WebSockets, with the connection id.
    Connection(String),
    /// An invocation with an event.
    Invocation,
}

/// Serves the requests of a connection, one after the other. Returns when the connection ends or
/// becomes a WebSocket, when a head is late, or after the requests in progress when the server
/// stops.
pub(super) async fn serve(
    front: &Front,
    stream: TcpStream,
    stopping: &CancellationToken,
) -> hyper::Result<()> {
    // Send small chunks at once. If the option cannot be set, they are only delayed.
    let _ = stream.set_nodelay(true);
    let app = front.gateway.app();
    let progress = &Progress::new(app.clock().clone());
    let service = service_fn(|request| front.answer(request, progress));
    let transport = Transport::new(TokioIo::new(stream), app.clone(), progress.clone());
    let connection = http1::Builder::new()
        .max_header_size(MAX_HEAD_BYTES)
        // Bounds heads without an end, and chunks that wait to be sent.
        .max_buf_size(2 * MAX_HEAD_BYTES)
        .serve_connection(transport, service)
        .with_upgrades();
    let (mut connection, mut late) = (pin!(connection), pin!(progress.head_is_late()));
    tokio::select! {
        biased;
        ended = connection.as_mut() => return ended,
        () = late.as_mut() => return Ok(()),
        () = stopping.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    match select(connection, late).await {
        Either::Left((ended, _)) => ended,
        Either::Right(_) => Ok(()),
    }
}

impl Front {
    /// Responds to a request. Its head is read at once, not when the future is polled: hyper reads
    /// on in between, and needs another buffer for that while the head is in use.
    fn answer(
        &self,
        request: http::Request<Incoming>,
        progress: &Progress,
    ) -> impl Future<Output = Result<http::Response<Answer<AnswerBody>>, Infallible>> {
        let serving = progress.serve();
        let received = self.receive(request);
        async move {
            let answered = match received {
                Received::Complete { request, takes_trailers } => {
                    Ok(self.respond(request, takes_trailers).await)
                }
                Received::Other(answering) => answering.await,
                Received::Refused(error) => Err(error),
            };
            let answer = answered.unwrap_or_else(|error| {
                refusal::answer(self.gateway.app(), &error).map(EitherBody::Right)
            });
            if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
                progress.end();
            }
            Ok(answer.map(|body| Answer::new(body, serving)))
        }
    }

    /// Reads the head of a request, and decides what serves it.
    fn receive(&self, request: http::Request<Incoming>) -> Received<'_> {
        let app = self.gateway.app();
        let (parts, body) = request.into_parts();
        let request = raw_request(&parts, Vec::new());
        let authority = parts.uri.authority().map(|authority| authority.as_str());
        let call = self.call(&parts, &request);
        let acts = call.is_some() || !parts.method.is_safe();
        // An event names its own caller, so no web page may send one, whatever else it may do.
        let is_invocation = matches!(call, Some(Call::Invocation));
        let cors = app.settings().cors.as_ref().filter(|_| !is_invocation);
        let admitted = check_encoding(&request.headers)
            .and_then(|()| self.origins.admit(&request, authority, self.reached, acts, cors));
        match (admitted, call) {
            (Err(error), _) => Received::Refused(error),
            (Ok(()), Some(call)) => {
                let carried = http::Request::from_parts(parts, body);
                let answering = self.serve_call(call, carried, request);
                Received::Other(Box::pin(async { Ok(answering.await.map(EitherBody::Right)) }))
            }
            (Ok(()), None) => {
                // Without chunks there are no trailers.
                let takes_trailers =
                    parts.version >= Version::HTTP_11 && takes_trailers(&request.headers);
                if self.is_buffered || !body.is_end_stream() {
                    let answering = self.read_and_respond(request, body, takes_trailers);
                    return Received::Other(Box::pin(answering));
                }
                let request = app.take_over(request, self.invocation(), None);
                Received::Complete { request, takes_trailers }
            }
        }
    }

    /// Returns what the request asks of the server itself; `None` for a request to the application.
    fn call(&self, parts: &Parts, request: &RawRequest<'_>) -> Option<Call> {
        if is_invocation(parts) && self.takes_invocations() {
            return Some(Call::Invocation);
        }
        if !self.gateway.app().serves_websockets() {
            return None;
        }
        if parts.version >= Version::HTTP_11 && is_upgrade(request) {
            return Some(Call::Upgrade);
        }
        managed_connection(parts.uri.path()).map(Call::Connection)
    }

    /// Returns whether the client may invoke the function. An event names its own caller and
    /// address, so only programs on this machine may send one.
    fn takes_invocations(&self) -> bool {
        !self.origins.is_open && self.peer.ip().to_canonical().is_loopback()
    }

    /// Serves a call of the server itself.
    async fn serve_call(
        &self,
        call: Call,
        carried: http::Request<Incoming>,
        request: RawRequest<'static>,
    ) -> http::Response<Full<Bytes>> {
        let app = self.gateway.app();
        match call {
            Call::Upgrade => self.gateway.connect(carried, &request, self.peer, &self.slot).await,
            Call::Connection(id) => {
                let (parts, body) = carried.into_parts();
                let body = read(app, &request.headers, body).await;
                self.gateway.manage(&parts.method, &id, body).await
            }
            Call::Invocation => {
                let answer = match read(app, &request.headers, carried.into_body()).await {
                    Ok(event) => {
                        let answer = invoke(app, &event).await;
                        app.flush().await;
                        answer
                    }
                    Err(error) => Err(error),
                };
                answer.unwrap_or_else(|error| refusal::answer(app, &error))
            }
        }
    }

    /// Reads the body of a request, and serves it with the application unless that is refused.
    async fn read_and_respond(
        &self,
        mut request: RawRequest<'static>,
        body: Incoming,
        takes_trailers: bool,
    ) -> Result<http::Response<AnswerBody>, AppError> {
        let app = self.gateway.app();
        request.body = read(app, &request.headers, body).await?.into();
        if !self.is_buffered {
            let request = app.take_over(request, self.invocation(), None);
            return Ok(self.respond(request, takes_trailers).await);
        }
        let deadline = Some(app.clock().now().saturating_add(BUFFERED_TIME));
        let invocation = Invocation { deadline, ..self.invocation() };
        // The size limit of a buffered response behind a function URL.
        let url = HttpSource::FunctionUrl;
        let serve = |begun| app.serve_within(url, app.arrive(request, begun));
        let whole = app.within(invocation, serve).await;
        app.flush().await;
        let framed = FrameBody::begin(app, whole, None, takes_trailers, Passage::Whole).await;
        Ok(framed.map(EitherBody::Left))
    }

    /// Serves a complete request with the application.
    async fn respond(
        &self,
        request: TakenOver<'_>,
        takes_trailers: bool,
    ) -> http::Response<AnswerBody> {
        let app = self.gateway.app();
        let (head, stream) = app.serve_finished(request).await.split_stream();
        let framed = FrameBody::begin(app, head, stream, takes_trailers, Passage::Streamed).await;
        framed.map(EitherBody::Left)
    }

    /// Returns the invocation of a request. As on Lambda, its id exists from the beginning, so that
    /// every log line has it.
    fn invocation(&self) -> Invocation {
        let (request_id, peer) = (self.gateway.app().new_id(), Some(self.peer));
        Invocation { request_id, peer, ..Invocation::default() }
    }
}
