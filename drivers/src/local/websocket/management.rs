//! `/@connections/{id}`: sending to a connection, asking about one, closing one.

use apptheory_core::error::AppError;
use apptheory_core::gateway::{
    self, Connection, ConnectionEffect, ConnectionReply, DeleteConnection, GetConnection,
    MAX_DATA_BYTES, PostToConnection,
};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use http_body_util::Full;
use percent_encoding::percent_decode_str;
use tokio::sync::oneshot;

use super::{Gateway, Post};

/// The connection that a path is about, if it is one of the management API's.
pub(in crate::local) fn connection_id(path: &str) -> Option<String> {
    let id = path.strip_prefix("/@connections/")?;
    // An id that is no UTF-8 is nobody's.
    Some(percent_decode_str(id).decode_utf8_lossy().into_owned())
}

impl Gateway {
    /// Answers a request of the management API, as API Gateway does. Signatures are not looked at.
    pub(in crate::local) async fn manage(
        &self,
        method: &Method,
        connection_id: &str,
        body: Result<Vec<u8>, AppError>,
    ) -> Response<Full<Bytes>> {
        match *method {
            Method::POST => {
                let outcome = match body {
                    Ok(data) => self.post(connection_id, data).await,
                    Err(error) => Err(unreadable(&error)),
                };
                response(PostToConnection::to_reply(&outcome))
            }
            Method::GET => response(GetConnection::to_reply(&self.known(connection_id))),
            Method::DELETE => {
                let closed = self.forget(connection_id).ok_or_else(gone::<DeleteConnection>);
                response(DeleteConnection::to_reply(&closed.map(drop)))
            }
            // API Gateway takes what it has no route for as not allowed.
            _ => response(ConnectionReply::of_error(&failed::<GetConnection>(
                gateway::ErrorKind::Forbidden,
            ))),
        }
    }

    /// Sends to a connection, and waits until that is done: for a client that does not read, until
    /// its connection ends.
    async fn post(&self, connection_id: &str, data: Vec<u8>) -> Result<(), gateway::Error> {
        if data.len() > MAX_DATA_BYTES {
            return Err(failed::<PostToConnection>(gateway::ErrorKind::PayloadTooLarge));
        }
        let posts = self.posts(connection_id).ok_or_else(gone::<PostToConnection>)?;
        let (sent, is_sent) = oneshot::channel();
        let handed_over = posts.send(Post { data, sent }).await;
        handed_over.map_err(|_| gone::<PostToConnection>())?;
        // It may be closed meanwhile, also by whoever asks for that next.
        drop(posts);
        is_sent.await.map_err(|_| gone::<PostToConnection>())
    }

    fn known(&self, connection_id: &str) -> Result<Connection, gateway::Error> {
        let established = self.established();
        let found = established.get(connection_id.trim());
        found.map(|found| found.known.clone()).ok_or_else(gone::<GetConnection>)
    }
}

fn failed<E: ConnectionEffect>(kind: gateway::ErrorKind) -> gateway::Error {
    gateway::Error::new(E::OPERATION, kind)
}

fn gone<E: ConnectionEffect>() -> gateway::Error {
    failed::<E>(gateway::ErrorKind::Gone)
}

fn unreadable(error: &AppError) -> gateway::Error {
    failed::<PostToConnection>(match error.status() {
        413 => gateway::ErrorKind::PayloadTooLarge,
        status => gateway::ErrorKind::Service { status, code: "BadRequestException".to_owned() },
    })
}

fn response(reply: ConnectionReply) -> Response<Full<Bytes>> {
    let has_body = !reply.body.is_empty();
    let mut response = Response::new(Full::from(reply.body));
    // Replies have statuses that HTTP knows.
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or_default();
    let json = has_body.then(|| (CONTENT_TYPE, HeaderValue::from_static("application/json")));
    let error_type = HeaderValue::try_from(reply.error_type).ok();
    let error_type = error_type.filter(|error_type| !error_type.is_empty());
    response.headers_mut().extend(json);
    response.headers_mut().extend(error_type.map(|error_type| (ERROR_TYPE, error_type)));
    response
}

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
