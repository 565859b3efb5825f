//! The management API at `/@connections/{id}`: sends to a connection, describes it, closes it.

use apptheory_core::error::AppError;
use apptheory_core::gateway::{
    self, Connection, ConnectionOperation, ConnectionReply, ErrorKind, MAX_DATA_BYTES,
};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use http_body_util::Full;
use tokio::sync::oneshot;

use super::{Gateway, Post};

impl Gateway {
    /// Serves a request of the management API, as API Gateway does. Signatures are not checked.
    pub(in crate::local) async fn manage(
        &self,
        method: &Method,
        connection_id: &str,
        body: Result<Vec<u8>, AppError>,
    ) -> Response<Full<Bytes>> {
        let outcome = match *method {
            Method::POST => match body {
                Ok(data) => self.post(connection_id, data).await,
                Err(error) => Err(unreadable(&error)),
            }
            .map(|()| ConnectionReply::of_status(200)),
            Method::GET => {
                self.known(connection_id).map(|known| ConnectionReply::of_connection(&known))
            }
            Method::DELETE => match self.forget(connection_id) {
                Some(_) => Ok(ConnectionReply::of_status(204)),
                None => Err(gone(ConnectionOperation::DeleteConnection)),
            },
            // API Gateway responds to unknown routes as to a forbidden method.
            _ => Err(gateway::Error::new(ConnectionOperation::GetConnection, ErrorKind::Forbidden)),
        };
        response(outcome.unwrap_or_else(|error| ConnectionReply::of_error(&error)))
    }

    /// Sends to a connection, and waits until the data is sent; if the client does not read, until
    /// its connection ends.
    async fn post(&self, connection_id: &str, data: Vec<u8>) -> Result<(), gateway::Error> {
        if data.len() > MAX_DATA_BYTES {
            return Err(gateway::Error::new(POST, ErrorKind::PayloadTooLarge));
        }
        let posts = self.posts(connection_id).ok_or_else(|| gone(POST))?;
        let (sent, is_sent) = oneshot::channel();
        let handed_over = posts.send(Post { data, sent }).await;
        handed_over.map_err(|_| gone(POST))?;
        // The connection may be closed meanwhile, also by the caller's next request.
        drop(posts);
        is_sent.await.map_err(|_| gone(POST))
    }

    fn known(&self, connection_id: &str) -> Result<Connection, gateway::Error> {
        let established = self.established();
        let found = established.get(connection_id.trim());
        found
            .map(|found| found.known.clone())
            .ok_or_else(|| gone(ConnectionOperation::GetConnection))
    }
}

const fn gone(operation: ConnectionOperation) -> gateway::Error {
    gateway::Error::new(operation, ErrorKind::Gone)
}

fn unreadable(error: &AppError) -> gateway::Error {
    let kind = match error.status() {
        413 => ErrorKind::PayloadTooLarge,
        status => ErrorKind::Service { status, code: "BadRequestException".to_owned() },
    };
    gateway::Error::new(POST, kind)
}

const POST: ConnectionOperation = ConnectionOperation::PostToConnection;

fn response(reply: ConnectionReply) -> Response<Full<Bytes>> {
    let has_body = !reply.body.is_empty();
    let mut response = Response::new(Full::from(reply.body));
    // Replies have valid statuses.
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or_default();
    let json = has_body.then(|| (CONTENT_TYPE, HeaderValue::from_static("application/json")));
    let error_type = HeaderValue::try_from(reply.error_type).ok();
    let error_type = error_type.filter(|error_type| !error_type.is_empty());
    response.headers_mut().extend(json);
    response.headers_mut().extend(error_type.map(|error_type| (ERROR_TYPE, error_type)));
    response
}

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
