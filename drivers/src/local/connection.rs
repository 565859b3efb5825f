//! One connection, and the requests on it.

use core::convert::Infallible;
use core::net::SocketAddr;
use core::pin::pin;
use core::time::Duration;
use std::sync::Arc;

use apptheory_core::http::{AppError, RequestError, Response};
use apptheory_core::stream::StreamLimits;
use bytes::Bytes;
use futures_util::future::{Either, select};
use http::header::{HeaderMap, HeaderName, TE};
use http_body_util::{BodyExt as _, Either as EitherBody, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::body::FrameBody;
use super::websocket::{self, Gateway, Slot};
use crate::app::wire::raw_request;
use crate::app::{App, Invocation};
use crate::clock::Clock as _;

/// The most bytes that the head of a request may have, request line included: 32 KiB
/// (`drivers.md` §3).
pub const MAX_HEAD_BYTES: usize = 32 << 10;

/// The most bytes that the body of a request may have, however large the application lets it be:
/// 6 MB, as an invocation on Lambda (`drivers.md` §3).
#[expect(clippy::cast_possible_truncation, reason = "6 MB fit in every usize that tokio runs on")]
pub const MAX_BODY_BYTES: usize = StreamLimits::MAX_BUFFERED_BYTES as usize;

/// How long requests have on a [buffered](super::Server::buffered) server: 29 s, API Gateway's
/// timeout of integrations (*API Gateway Developer Guide*, quotas).
pub const BUFFERED_TIME: Duration = Duration::from_secs(29);

/// What the requests of a connection are answered with.
#[derive(Clone)]
pub(super) struct Front {
    pub(super) gateway: Arc<Gateway>,
    pub(super) peer: SocketAddr,
    pub(super) is_buffered: bool,
    /// Where the connection goes on when it becomes a WebSocket.
    pub(super) slot: Slot,
}

/// Answers the requests of a connection, one after the other: until it ends or becomes a WebSocket,
/// or those at hand are answered when the server stops.
pub(super) async fn serve(
    front: Front,
    stream: TcpStream,
    stopping: &CancellationToken,
) -> hyper::Result<()> {
    // Chunks are small, and somebody waits for each. Where this is not to be had, they come later.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let front = front.clone();
        async move { Ok::<_, Infallible>(front.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .max_header_size(MAX_HEAD_BYTES)
        // This bounds heads that have no end, and chunks that wait to be sent.
        .max_buf_size(2 * MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    if let Either::Left((ended, _)) = select(connection.as_mut(), pin!(stopping.cancelled())).await
    {
        return ended;
    }
    connection.as_mut().graceful_shutdown();
    connection.await
}

impl Front {
    async fn answer(
        &self,
        request: http::Request<Incoming>,
    ) -> http::Response<EitherBody<FrameBody, Full<Bytes>>> {
        let app = self.gateway.app();
        if app.serves_websockets() {
            if websocket::is_upgrade(&request) {
                let answer = self.gateway.connect(request, self.peer, &self.slot).await;
                return answer.map(EitherBody::Right);
            }
            if let Some(connection_id) = websocket::connection_id(request.uri().path()) {
                let (parts, body) = request.into_parts();
                let body = read(body).await;
                let answer = self.gateway.manage(&parts.method, &connection_id, body).await;
                return answer.map(EitherBody::Right);
            }
        }
        respond(app, self.peer, self.is_buffered, request).await.map(EitherBody::Left)
    }
}

/// Answers a request as the application does.
async fn respond(
    app: &App,
    peer: SocketAddr,
    is_buffered: bool,
    request: http::Request<Incoming>,
) -> http::Response<FrameBody> {
    let (parts, body) = request.into_parts();
    // Where there are no chunks, there are no trailers.
    let takes_trailers = parts.version >= http::Version::HTTP_11 && takes_trailers(&parts.headers);
    let invocation = Invocation { peer: Some(peer), ..Invocation::default() };
    let (head, stream) = match read(body).await {
        Ok(body) if is_buffered => {
            let deadline = Some(app.clock().now().saturating_add(BUFFERED_TIME));
            let invocation = Invocation { deadline, ..invocation };
            (app.serve_whole(raw_request(&parts, body), invocation).await, None)
        }
        Ok(body) => app.serve(raw_request(&parts, body), invocation).await.split_stream(),
        // As in front of a function, the application never sees it.
        Err(error) => (Response::from_error(&error, app.settings().error_format, "", ""), None),
    };
    FrameBody::begin(app, head, stream, takes_trailers).await
}

/// Reads a body, but no more than it takes to see that it is too large.
async fn read(body: Incoming) -> Result<Vec<u8>, AppError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > MAX_BODY_BYTES {
        return Err(RequestError::TooLarge.into());
    }
    match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(body) => Ok(body.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(RequestError::TooLarge.into()),
        // It is malformed, or its client is gone; whoever is still there is told.
        Err(_) => Err(AppError::bad_request("malformed body")),
    }
}

/// Whether a client takes trailers (RFC 9110 §10.1.4).
fn takes_trailers(headers: &HeaderMap) -> bool {
    lists(headers, TE, "trailers")
}

/// Whether a field is a list with a token in it (RFC 9110 §5.6.1), in any case.
pub(super) fn lists(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let lines = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    let mut tokens = lines.flat_map(|line| line.split(','));
    tokens.any(|listed| listed.trim().eq_ignore_ascii_case(token))
}
