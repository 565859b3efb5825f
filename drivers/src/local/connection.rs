//! A connection and its requests.

use core::convert::Infallible;
use core::net::{IpAddr, SocketAddr};
use core::pin::pin;
use core::time::Duration;
use std::sync::Arc;

use apptheory_core::events::HttpSource;
use apptheory_core::http::RawRequest;
use apptheory_core::local::{
    Origins, check_encoding, is_upgrade, managed_connection, takes_trailers,
};
use bytes::Bytes;
use futures_util::future::{Either, select};
use http::request::Parts;
use http::{StatusCode, Version};
use http_body_util::{Either as EitherBody, Full};
use hyper::body::Incoming;
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
use crate::app::frame_body::{FrameBody, Passage};
use crate::app::wire::raw_request;
use crate::app::{AppService, Invocation};
use crate::clock::Clock as _;

/// The largest head of a request, including its request line: 32 KiB, the default of nginx.
pub const MAX_HEAD_BYTES: usize = 32 << 10;

/// The time limit of requests on a [buffered](super::Server::buffered) server: 29 s, the
/// integration timeout of API Gateway (*API Gateway Developer Guide*, quotas).
pub const BUFFERED_TIME: Duration = Duration::from_secs(29);

/// What serves the requests of a connection.
#[derive(Clone)]
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

/// Serves the requests of a connection, one after the other. Returns when the connection ends or
/// becomes a WebSocket, when a head is late, or after the requests in progress when the server
/// stops.
pub(super) async fn serve(
    front: Front,
    stream: TcpStream,
    stopping: &CancellationToken,
) -> hyper::Result<()> {
    // Send small chunks at once. If the option cannot be set, they are only delayed.
    let _ = stream.set_nodelay(true);
    let app = front.gateway.app().clone();
    let progress = Progress::new(app.clock().clone());
    let service = service_fn(|request| {
        let (front, serving) = (front.clone(), progress.serve());
        let progress = progress.clone();
        async move {
            let answer = front.answer(request).await;
            if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
                progress.end();
            }
            Ok::<_, Infallible>(answer.map(|body| Answer::new(body, serving)))
        }
    });
    let transport = Transport::new(TokioIo::new(stream), app, progress.clone());
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
    async fn answer(&self, request: http::Request<Incoming>) -> http::Response<AnswerBody> {
        let app = self.gateway.app();
        let (parts, body) = request.into_parts();
        let mut request = raw_request(&parts, Vec::new());
        let authority = parts.uri.authority().map(|authority| authority.as_str());
        let call = match is_invocation(&parts) && self.takes_invocations() {
            true => Call::Invocation,
            false => Call::of(&parts, &request, app),
        };
        let acts = !matches!(call, Call::Http) || !parts.method.is_safe();
        // An event names its own caller, so no web page may send one, whatever else it may do.
        let cors = app.settings().cors.as_ref().filter(|_| !matches!(call, Call::Invocation));
        let admitted = check_encoding(&request.headers)
            .and_then(|()| self.origins.admit(&request, authority, self.reached, acts, cors));
        if let Err(error) = admitted {
            return refusal::answer(app, &error).map(EitherBody::Right);
        }
        match call {
            Call::Upgrade => {
                let upgraded = http::Request::from_parts(parts, body);
                let answer = self.gateway.connect(upgraded, &request, self.peer, &self.slot).await;
                answer.map(EitherBody::Right)
            }
            Call::Connection(id) => {
                let body = read(app, &request.headers, body).await;
                let answer = self.gateway.manage(&parts.method, &id, body).await;
                answer.map(EitherBody::Right)
            }
            Call::Invocation => {
                let event = read(app, &request.headers, body).await;
                let answer = match event {
                    Ok(event) => {
                        let answer = invoke(app, &event).await;
                        app.flush().await;
                        answer
                    }
                    Err(error) => Err(error),
                };
                let answer = answer.unwrap_or_else(|error| refusal::answer(app, &error));
                answer.map(EitherBody::Right)
            }
            Call::Http => match read(app, &request.headers, body).await {
                Ok(body) => {
                    request.body = body.into();
                    self.respond(parts.version, request).await.map(EitherBody::Left)
                }
                // Refused in front of the application, as it would be in front of a function.
                Err(error) => refusal::answer(app, &error).map(EitherBody::Right),
            },
        }
    }

    /// Returns whether the client may invoke the function. An event names its own caller and
    /// address, so only programs on this machine may send one.
    fn takes_invocations(&self) -> bool {
        !self.origins.is_open && self.peer.ip().to_canonical().is_loopback()
    }

    /// Serves a request with the application.
    async fn respond(
        &self,
        version: Version,
        request: RawRequest<'static>,
    ) -> http::Response<FrameBody> {
        let app = self.gateway.app();
        // Without chunks there are no trailers.
        let takes_trailers = version >= Version::HTTP_11 && takes_trailers(&request.headers);
        // As on Lambda, the id exists from the beginning, so that every log line has it.
        let (request_id, peer) = (app.new_id(), Some(self.peer));
        let invocation = Invocation { request_id, peer, ..Invocation::default() };
        if self.is_buffered {
            let deadline = Some(app.clock().now().saturating_add(BUFFERED_TIME));
            let invocation = Invocation { deadline, ..invocation };
            // The size limit of a buffered response behind a function URL.
            let url = HttpSource::FunctionUrl;
            let serve = |begun| app.serve_within(url, app.arrive(request, begun));
            let whole = app.within(invocation, serve).await;
            app.flush().await;
            return FrameBody::begin(app, whole, None, takes_trailers, Passage::Whole).await;
        }
        let response = app.serve_finished(request, invocation, None).await;
        let (head, stream) = response.split_stream();
        FrameBody::begin(app, head, stream, takes_trailers, Passage::Streamed).await
    }
}

/// The kind of a request.
enum Call {
    /// An upgrade to a WebSocket.
    Upgrade,
    /// A call to the management API of WebSockets, with the connection id.
    Connection(String),
    /// An invocation with an event.
    Invocation,
    /// Any other request, for the application.
    Http,
}

impl Call {
    fn of(parts: &Parts, request: &RawRequest<'_>, app: &AppService) -> Self {
        if !app.serves_websockets() {
            Self::Http
        } else if parts.version >= Version::HTTP_11 && is_upgrade(request) {
            Self::Upgrade
        } else {
            managed_connection(parts.uri.path()).map_or(Self::Http, Self::Connection)
        }
    }
}
