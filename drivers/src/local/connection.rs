//! One connection, and the requests on it.

use core::convert::Infallible;
use core::net::SocketAddr;
use core::time::Duration;

use apptheory_core::http::{AppError, RequestError};
use apptheory_core::stream::StreamLimits;
use http::header::{HeaderMap, TE};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulConnection;
use tokio::net::TcpStream;

use super::body::FrameBody;
use crate::app::wire::raw_request;
use crate::app::{App, Invocation, Response};
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

/// Answers the requests of a connection, one after the other.
pub(super) fn serve(
    app: App,
    stream: TcpStream,
    peer: SocketAddr,
    is_buffered: bool,
) -> impl GracefulConnection<Error = hyper::Error> + Send {
    // Chunks are small, and somebody waits for each. Where this is not to be had, they come later.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let app = app.clone();
        async move { Ok::<_, Infallible>(answer(&app, peer, is_buffered, request).await) }
    });
    http1::Builder::new()
        .max_header_size(MAX_HEAD_BYTES)
        // This bounds heads that have no end, and chunks that wait to be sent.
        .max_buf_size(2 * MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
}

async fn answer(
    app: &App,
    peer: SocketAddr,
    is_buffered: bool,
    request: http::Request<Incoming>,
) -> http::Response<FrameBody> {
    let (parts, body) = request.into_parts();
    let takes_trailers = takes_trailers(&parts.headers);
    let response = match read(body).await {
        Ok(body) => {
            let deadline = || app.clock().now().saturating_add(BUFFERED_TIME);
            let deadline = is_buffered.then(deadline);
            let invocation = Invocation { peer: Some(peer), deadline, ..Invocation::default() };
            app.serve(raw_request(&parts, body), invocation).await
        }
        // As in front of a function, the application never sees it.
        Err(error) => Response::from_error(&error, app.settings().error_format, "", ""),
    };
    let (head, stream) =
        if is_buffered { (app.collect(response).await, None) } else { response.split_stream() };
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
    let lines = headers.get_all(TE).into_iter().filter_map(|value| value.to_str().ok());
    let mut codings = lines.flat_map(|line| line.split(','));
    codings.any(|coding| coding.trim().eq_ignore_ascii_case("trailers"))
}
