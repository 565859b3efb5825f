//! The management API without the AWS SDK.

mod clients;
mod outcome;

use core::fmt;

use apptheory_core::gateway::{
    self, Connection, ConnectionOperation, ConnectionReply, ErrorKind, MAX_ATTEMPTS, RequestBase,
    ResolvedRegion,
};
use apptheory_core::percent;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request};

use self::outcome::{MissingCredentials, Replied};
use super::client::{ClientFuture, WebSocketManagementClient};
use super::kept::Api;
use crate::clock::SharedClock;
use crate::lean::Client;

pub use self::clients::LeanWebSocketClients;

/// Manages the connections of one WebSocket API without the AWS SDK; made by
/// [`LeanWebSocketClients`].
///
/// Needs the feature `aws-lean`.
///
/// Its requests, errors and retries are those of `AwsWebSocketManagementClient`: a blank id, one of
/// more than 1,019 bytes, and a message of more than 128 KiB are refused before anything is sent.
/// Responses of 429 and 5xx, and lost ones, are retried, with three attempts in all and pauses of
/// up to 2 s; 403, 410 and 413 are not. Of a response that breaks off, the status counts; the SDK
/// would send again what has succeeded. An attempt to connect ends after 3.1 s, a response once it
/// has stalled for 5 s. Dropping a future closes its connection: the service may have carried the
/// operation out.
pub struct LeanWebSocketManagementClient {
    api: Api,
    client: Result<Client, MissingCredentials>,
    clock: SharedClock,
}

impl LeanWebSocketManagementClient {
    /// Returns the base URL of requests.
    #[must_use]
    pub const fn request_base(&self) -> &RequestBase {
        &self.api.base
    }

    /// Returns the region that requests are signed for, and where it comes from.
    #[must_use]
    pub const fn region(&self) -> &ResolvedRegion {
        &self.api.region
    }

    async fn post(&self, id: &str, data: &[u8]) -> Result<(), gateway::Error> {
        const OPERATION: ConnectionOperation = ConnectionOperation::PostToConnection;
        let path = self.path(OPERATION.check(id, data)?);
        let request = Request::post(path).header(CONTENT_TYPE, BYTES);
        let request = request.body(Bytes::copy_from_slice(data));
        let replied = self.send(OPERATION, request).await?;
        replied.read(|reply| reply.read(OPERATION))
    }

    async fn get(&self, id: &str) -> Result<Connection, gateway::Error> {
        const OPERATION: ConnectionOperation = ConnectionOperation::GetConnection;
        let request = Request::get(self.path(OPERATION.check(id, &[])?)).body(Bytes::new());
        self.send(OPERATION, request).await?.read(ConnectionReply::read_connection)
    }

    async fn delete(&self, id: &str) -> Result<(), gateway::Error> {
        const OPERATION: ConnectionOperation = ConnectionOperation::DeleteConnection;
        let request = Request::delete(self.path(OPERATION.check(id, &[])?)).body(Bytes::new());
        let replied = self.send(OPERATION, request).await?;
        replied.read(|reply| reply.read(OPERATION))
    }

    fn path(&self, id: &str) -> String {
        format!("{}/@connections/{}", self.api.base.path(), percent::encode(id))
    }

    async fn send(
        &self,
        operation: ConnectionOperation,
        request: http::Result<Request<Bytes>>,
    ) -> Result<Replied, gateway::Error> {
        let failed = |kind| gateway::Error::new(operation, kind);
        let lost = |how: &str| failed(ErrorKind::Transport).with_message(how);
        let client = self.client.as_ref();
        let client = client
            .map_err(|missing| failed(ErrorKind::MissingCredentials).with_cause(missing.clone()))?;
        // The endpoint may be so long that no URL has room for the id as well.
        let request = request.map_err(|error| lost("unavailable").with_cause(error))?;
        let replied = client.send(&request, MAX_ATTEMPTS, &self.clock).await;
        replied.map_err(|failure| lost(failure.kind()).with_cause(failure))
    }
}

const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

impl WebSocketManagementClient for LeanWebSocketManagementClient {
    fn endpoint(&self) -> &str {
        &self.api.endpoint
    }

    fn post_to_connection<'c>(&'c self, id: &'c str, data: &'c [u8]) -> ClientFuture<'c, ()> {
        Box::pin(self.post(id, data))
    }

    fn get_connection<'c>(&'c self, id: &'c str) -> ClientFuture<'c, Connection> {
        Box::pin(self.get(id))
    }

    fn delete_connection<'c>(&'c self, id: &'c str) -> ClientFuture<'c, ()> {
        Box::pin(self.delete(id))
    }
}

impl fmt::Debug for LeanWebSocketManagementClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeanWebSocketManagementClient")
            .field("api", &self.api)
            .finish_non_exhaustive()
    }
}
