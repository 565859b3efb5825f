//! A client of the Runtime API.

use apptheory_core::stream::{FrameOutcome, FrameOutput};
use bytes::Bytes;
use http::header::{
    CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, TRAILER, TRANSFER_ENCODING,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use serde_json::json;
use tokio::sync::oneshot;

use super::address::Address;
use super::connection::{Body, Connection, ConnectionError};
use super::error::{FunctionError, RuntimeError};
use super::frames::{FrameBody, Frames};
use super::head::Head;

/// One worker's client of the Runtime API: one exchange at a time, over one connection that is
/// reopened when it was closed.
pub(super) struct RuntimeApi {
    address: Address,
    connection: Option<Connection>,
}

/// The next invocation: its head, and the event that follows.
pub(super) struct Next {
    pub(super) reply: Reply,
    pub(super) event: Unread,
    pub(super) head: Head,
}

/// An event that is still being received.
pub(super) struct Unread {
    connection: Connection,
    body: Incoming,
}

/// Where the response to an invocation is sent.
pub(super) struct Reply {
    pub(super) request_id: String,
    /// Sent back unchanged.
    invocation_id: Option<HeaderValue>,
}

/// The path of the Runtime API, in the version that this client speaks.
const RUNTIME: &str = "/2018-06-01/runtime";

const REQUEST_ID: HeaderName = HeaderName::from_static("lambda-runtime-aws-request-id");
const INVOCATION_ID: HeaderName = HeaderName::from_static("lambda-runtime-invocation-id");
const ERROR_TYPE: HeaderName = HeaderName::from_static("lambda-runtime-function-error-type");
const RESPONSE_MODE: HeaderName = HeaderName::from_static("lambda-runtime-function-response-mode");

/// How often in a row the connection may be closed before an invocation arrives. A server that
/// closes idle connections is asked again; a server that closes every connection is down.
const MAX_CLOSED: u32 = 3;

impl RuntimeApi {
    pub(super) const fn new(address: Address) -> Self {
        Self { address, connection: None }
    }

    /// Waits for the next invocation, however long that takes. Dropping the future loses no
    /// invocation.
    pub(super) async fn next(&mut self) -> Result<Next, RuntimeError> {
        let mut closed = 0;
        loop {
            let error = match self.try_next().await {
                Ok(next) => return next,
                Err(error) => error,
            };
            note_closed(&mut closed, error)?;
        }
    }

    /// Waits until the process was restored from its snapshot, however long that takes.
    pub(super) async fn restored(&mut self) -> Result<(), RuntimeError> {
        let mut closed = 0;
        loop {
            let request = self.request(Method::GET, &format!("{RUNTIME}/restore/next"));
            match self.exchange(request.body(Full::default())).await {
                Ok((status, _, _)) if status.is_success() => return Ok(()),
                Ok((status, _, _)) => return Err(RuntimeError::NoMoreInvocations(status)),
                Err(error) => note_closed(&mut closed, error)?,
            }
        }
    }

    async fn try_next(&mut self) -> Result<Result<Next, RuntimeError>, ConnectionError> {
        let request = self.request(Method::GET, &format!("{RUNTIME}/invocation/next"));
        let request = request.body(Either::Left(Full::default()))?;
        let (connection, answer) = self.send(request, None).await?;
        let (head, body) = answer.into_parts();
        if !head.status.is_success() {
            return Ok(Err(RuntimeError::NoMoreInvocations(head.status)));
        }
        let request_id = head.headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
        let Some(request_id) = request_id.map(str::trim).filter(|id| is_segment(id)) else {
            return Ok(Err(RuntimeError::NoRequestId));
        };
        Ok(Ok(Next {
            reply: Reply {
                request_id: request_id.to_owned(),
                invocation_id: head.headers.get(&INVOCATION_ID).cloned(),
            },
            event: Unread { connection, body },
            head: Head { request_id: request_id.to_owned(), fields: head.headers },
        }))
    }

    /// Receives an event to its end.
    pub(super) async fn receive(&mut self, event: Unread) -> Result<Bytes, ConnectionError> {
        let Unread { mut connection, body } = event;
        let event = connection.read(body).await?;
        self.connection = Some(connection);
        Ok(event)
    }

    /// Sends a buffered response.
    pub(super) async fn respond(
        &mut self,
        reply: &Reply,
        answer: String,
    ) -> Result<StatusCode, ConnectionError> {
        let request = self.reply(reply, "response").header(CONTENT_TYPE, "application/json");
        self.answer(request.body(Full::from(answer))).await
    }

    /// Reports a failed invocation.
    pub(super) async fn fail(
        &mut self,
        reply: &Reply,
        error: &FunctionError,
    ) -> Result<StatusCode, ConnectionError> {
        self.answer(failed(self.reply(reply, "error"), error)).await
    }

    /// Reports that the function failed to start: in its `init`, or its `restore` from a snapshot.
    pub(super) async fn fail_start(
        &mut self,
        what: &str,
        error: &FunctionError,
    ) -> Result<StatusCode, ConnectionError> {
        let request = self.request(Method::POST, &format!("{RUNTIME}/{what}/error"));
        self.answer(failed(request, error)).await
    }

    /// Streams a response. Unless Lambda accepts it, the connection is closed, so that the rest of
    /// the body is not taken for another response.
    pub(super) async fn stream(
        &mut self,
        reply: &Reply,
        frames: Box<Frames>,
    ) -> (Result<StatusCode, ConnectionError>, Option<FrameOutcome>) {
        let copy = frames.copy().map(|copy| self.frames(reply, Box::new(copy)).0);
        let (request, ended) = self.frames(reply, frames);
        // The body was dropped before anything was polled.
        match self.send_frames(request, copy).await {
            Ok((mut connection, status)) if status.is_success() => {
                // Emulators may accept a response before its end.
                let outcome = connection.run(ended).await;
                self.connection = Some(connection);
                (Ok(status), outcome.ok().flatten())
            }
            Ok((connection, status)) => {
                drop(connection);
                (Ok(status), ended.await.ok().flatten())
            }
            Err(error) => (Err(error), ended.await.ok().flatten()),
        }
    }

    /// Returns the request that carries a streamed response, and a receiver for how it ended.
    fn frames(
        &self,
        reply: &Reply,
        frames: Box<Frames>,
    ) -> (http::Result<Request<Body>>, oneshot::Receiver<Option<FrameOutcome>>) {
        let (body, ended) = FrameBody::new(frames);
        let request = self
            .reply(reply, "response")
            .header(CONTENT_TYPE, "application/vnd.awslambda.http-integration-response")
            .header(RESPONSE_MODE, "streaming")
            .header(TRANSFER_ENCODING, "chunked")
            .header(TRAILER, FrameOutput::DECLARED_TRAILERS.join(", "))
            .body(Either::Right(body));
        (request, ended)
    }

    async fn send_frames(
        &mut self,
        request: http::Result<Request<Body>>,
        copy: Option<http::Result<Request<Body>>>,
    ) -> Result<(Connection, StatusCode), ConnectionError> {
        let (mut connection, answer) = self.send(request?, copy.transpose()?).await?;
        let (head, body) = answer.into_parts();
        connection.read(body).await?;
        Ok((connection, head.status))
    }

    /// Sends a request, and reads the response to its end.
    pub(super) async fn exchange(
        &mut self,
        request: http::Result<Request<Full<Bytes>>>,
    ) -> Result<(StatusCode, HeaderMap, Bytes), ConnectionError> {
        let sent = self.send(request?.map(Either::Left), None).await?;
        self.read(sent).await
    }

    /// Sends a response that is complete.
    async fn answer(
        &mut self,
        request: http::Result<Request<Full<Bytes>>>,
    ) -> Result<StatusCode, ConnectionError> {
        let request = request?;
        let copy = request.clone().map(Either::Left);
        let sent = self.send(request.map(Either::Left), Some(copy)).await?;
        Ok(self.read(sent).await?.0)
    }

    /// Reads the Runtime API's reply to its end.
    async fn read(
        &mut self,
        (mut connection, answer): (Connection, Response<Incoming>),
    ) -> Result<(StatusCode, HeaderMap, Bytes), ConnectionError> {
        let (head, body) = answer.into_parts();
        let body = connection.read(body).await?;
        self.connection = Some(connection);
        Ok((head.status, head.headers, body))
    }

    /// Sends a request over the open connection, or else a new one, and waits for the reply's head.
    ///
    /// A server may close an idle connection at any time, also just before it is used again. If no
    /// byte came back then, a copy of the request is sent over a new connection, once.
    async fn send(
        &mut self,
        mut request: Request<Body>,
        copy: Option<Request<Body>>,
    ) -> Result<(Connection, Response<Incoming>), ConnectionError> {
        if let Some(mut connection) = self.connection.take()
            && connection.is_ready().await
        {
            match (connection.send(request).await, copy) {
                (Ok(answer), _) => return Ok((connection, answer)),
                (Err(error), Some(copy)) if !connection.was_answered() => {
                    tracing::debug!(%error, "an idle connection was closed: sending the request again");
                    request = copy;
                }
                (Err(error), _) => return Err(error.into()),
            }
        }
        let mut connection = Connection::open(&self.address.host).await?;
        let answer = connection.send(request).await?;
        Ok((connection, answer))
    }

    pub(super) fn request(&self, method: Method, resource: &str) -> http::request::Builder {
        let path = self.address.path(resource);
        Request::builder().method(method).uri(path).header(HOST, &self.address.host)
    }

    fn reply(&self, reply: &Reply, what: &str) -> http::request::Builder {
        let path = format!("{RUNTIME}/invocation/{}/{what}", reply.request_id);
        let mut request = self.request(Method::POST, &path);
        if let Some(id) = &reply.invocation_id {
            request = request.header(INVOCATION_ID, id);
        }
        request
    }
}

/// Counts a connection that was closed before a reply; returns an error when there were too many.
fn note_closed(closed: &mut u32, error: ConnectionError) -> Result<(), RuntimeError> {
    *closed = closed.saturating_add(1);
    if *closed == MAX_CLOSED || matches!(error, ConnectionError::Connect(_)) {
        return Err(RuntimeError::Closed(Box::new(error)));
    }
    Ok(())
}

/// Returns the request that reports a failure.
fn failed(
    request: http::request::Builder,
    error: &FunctionError,
) -> http::Result<Request<Full<Bytes>>> {
    let FunctionError { error_type, message } = error;
    let body = json!({"errorType": error_type, "errorMessage": message}).to_string();
    let request = request.header(CONTENT_TYPE, "application/json");
    request.header(ERROR_TYPE, &**error_type).body(Full::from(body))
}

/// Returns whether an id is a valid path segment.
fn is_segment(id: &str) -> bool {
    let is_unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    !id.is_empty() && id.bytes().all(is_unreserved)
}
