//! The Runtime API, as this driver uses it.

use apptheory_core::stream::Outcome;
use bytes::Bytes;
use http::header::{
    CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, TRAILER, TRANSFER_ENCODING,
};
use http::{Method, Request, StatusCode};
use http_body_util::{Either, Full};
use serde_json::json;

use super::address::Address;
use super::connection::{Body, Connection, ConnectionError};
use super::error::{FunctionError, RuntimeError};
use super::frames::{FrameBody, Frames, Open};

/// One worker's side of the Runtime API: one exchange at a time, over one connection that is made
/// anew when it is closed.
pub(super) struct RuntimeApi {
    address: Address,
    connection: Option<Connection>,
}

/// An invocation, as the Runtime API gives it.
pub(super) struct Next {
    pub(super) reply: Reply,
    pub(super) event: Bytes,
    pub(super) deadline_ms: Option<u64>,
    pub(super) trace: String,
}

/// Where the answer to an invocation goes.
pub(super) struct Reply {
    pub(super) request_id: String,
    /// To be sent back as it came.
    invocation_id: Option<HeaderValue>,
}

/// The Runtime API, in the version that this driver speaks.
const RUNTIME: &str = "/2018-06-01/runtime";

const REQUEST_ID: HeaderName = HeaderName::from_static("lambda-runtime-aws-request-id");
const INVOCATION_ID: HeaderName = HeaderName::from_static("lambda-runtime-invocation-id");
const DEADLINE_MS: HeaderName = HeaderName::from_static("lambda-runtime-deadline-ms");
const TRACE_ID: HeaderName = HeaderName::from_static("lambda-runtime-trace-id");
const ERROR_TYPE: HeaderName = HeaderName::from_static("lambda-runtime-function-error-type");
const RESPONSE_MODE: HeaderName = HeaderName::from_static("lambda-runtime-function-response-mode");

/// How often the connection may close before an invocation has come. A server that closes idle
/// connections is asked again; one that closes every connection is gone.
const MAX_CLOSED: u32 = 3;

impl RuntimeApi {
    pub(super) const fn new(address: Address) -> Self {
        Self { address, connection: None }
    }

    /// Waits for the next invocation, however long that takes.
    pub(super) async fn next(&mut self) -> Result<Next, RuntimeError> {
        let mut closed = 0;
        loop {
            let error = match self.try_next().await {
                Ok(next) => return next,
                Err(error) => error,
            };
            closed += 1;
            if closed == MAX_CLOSED || matches!(error, ConnectionError::Connect(_)) {
                return Err(RuntimeError::Closed(Box::new(error)));
            }
        }
    }

    async fn try_next(&mut self) -> Result<Result<Next, RuntimeError>, ConnectionError> {
        let request = self.request(Method::GET, &format!("{RUNTIME}/invocation/next"));
        let request = request.body(Either::Left(Full::default()));
        let (status, headers, event) = self.exchange(request).await?;
        if !status.is_success() {
            return Ok(Err(RuntimeError::NoMoreInvocations(status)));
        }
        let text = |name: HeaderName| {
            headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
        };
        let Some(request_id) = text(REQUEST_ID).filter(|id| is_segment(id)) else {
            return Ok(Err(RuntimeError::NoRequestId));
        };
        Ok(Ok(Next {
            reply: Reply {
                request_id: request_id.to_owned(),
                invocation_id: headers.get(&INVOCATION_ID).cloned(),
            },
            event,
            deadline_ms: text(DEADLINE_MS).and_then(|ms| ms.parse().ok()),
            trace: text(TRACE_ID).unwrap_or_default().to_owned(),
        }))
    }

    /// Answers an invocation in one piece.
    pub(super) async fn respond(
        &mut self,
        reply: &Reply,
        answer: String,
    ) -> Result<StatusCode, ConnectionError> {
        let request = self.reply(reply, "response").header(CONTENT_TYPE, "application/json");
        let request = request.body(Either::Left(Full::from(answer)));
        self.exchange(request).await.map(|(status, _, _)| status)
    }

    /// Fails an invocation.
    pub(super) async fn fail(
        &mut self,
        reply: &Reply,
        error: &FunctionError,
    ) -> Result<StatusCode, ConnectionError> {
        let FunctionError { error_type, message } = error;
        let body = json!({"errorType": error_type, "errorMessage": message}).to_string();
        let request = self.reply(reply, "error").header(CONTENT_TYPE, "application/json");
        let request = request.header(ERROR_TYPE, *error_type);
        let request = request.body(Either::Left(Full::from(body)));
        self.exchange(request).await.map(|(status, _, _)| status)
    }

    /// Answers an invocation while the answer is made. Unless it is accepted, the connection is
    /// closed: what else of it was to be sent must not be taken for an answer.
    pub(super) async fn stream(
        &mut self,
        reply: &Reply,
        open: &Open,
        frames: Box<Frames>,
    ) -> (Result<StatusCode, ConnectionError>, Option<Outcome>) {
        let (body, ended) = FrameBody::new(frames);
        let request = self
            .reply(reply, "response")
            .header(CONTENT_TYPE, open.content_type)
            .header(RESPONSE_MODE, open.response_mode)
            .header(TRANSFER_ENCODING, "chunked")
            .header(TRAILER, open.declared_trailers.join(", "))
            .body(Either::Right(body));
        let answered = self.exchange(request).await.map(|(status, _, _)| status);
        let is_accepted = answered.as_ref().is_ok_and(StatusCode::is_success);
        self.connection = self.connection.take().filter(|_| is_accepted);
        // Emulators accept a response before it is all there.
        let outcome = match &mut self.connection {
            Some(connection) => connection.run(ended).await,
            None => ended.await,
        };
        // A body that is dropped without a word was never asked for anything.
        (answered, outcome.ok().flatten())
    }

    /// Sends a request, and reads the answer to its end.
    pub(super) async fn exchange(
        &mut self,
        request: http::Result<Request<Body>>,
    ) -> Result<(StatusCode, HeaderMap, Bytes), ConnectionError> {
        let request = request?;
        let mut connection = self.connect().await?;
        let answer = connection.send(request).await?;
        let (head, body) = answer.into_parts();
        let body = connection.read(body).await?;
        self.connection = Some(connection);
        Ok((head.status, head.headers, body))
    }

    /// The connection, if it is still good; else a new one.
    async fn connect(&mut self) -> Result<Connection, ConnectionError> {
        if let Some(mut connection) = self.connection.take()
            && connection.is_ready().await
        {
            return Ok(connection);
        }
        Connection::open(&self.address.host).await
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

/// Whether an id can stand in a path.
fn is_segment(id: &str) -> bool {
    let is_unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    !id.is_empty() && id.bytes().all(is_unreserved)
}
