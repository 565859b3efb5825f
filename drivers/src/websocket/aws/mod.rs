//! The management API through the AWS SDK.

mod clients;
mod credentials;
mod outcome;

use apptheory_core::gateway::{
    self, Connection, ConnectionOperation, ConnectionReply, RequestBase, ResolvedRegion,
};
use apptheory_core::time::Timestamp;
use aws_sdk_apigatewaymanagement::Client;
use aws_sdk_apigatewaymanagement::operation::get_connection::GetConnectionOutput;
use aws_sdk_apigatewaymanagement::primitives::{Blob, DateTime};

use super::client::{ClientFuture, WebSocketManagementClient};
use super::kept::Api;
use outcome::outcome_of;

pub use aws_sdk_apigatewaymanagement;
pub use clients::AwsWebSocketClients;

/// Manages the connections of one WebSocket API through the AWS SDK; made by
/// [`AwsWebSocketClients`]. Clones share connections and credentials.
///
/// Needs the feature `websocket`.
///
/// A blank id, one of more than 1,019 bytes, and a message of more than 128 KiB are refused before
/// anything is sent. Responses of 429 and 5xx are retried, with three attempts in all and the SDK's
/// back-off; 403, 410 and 413 are not. Requests go to the [request
/// base](apptheory_core::gateway::RequestBase) of the endpoint, also if the environment asks for
/// FIPS or dual-stack endpoints, which do not exist for APIs.
#[derive(Clone, Debug)]
pub struct AwsWebSocketManagementClient {
    api: Api,
    client: Client,
}

impl AwsWebSocketManagementClient {
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
        let call = self.client.post_to_connection().connection_id(OPERATION.check(id, data)?);
        let sent = call.data(Blob::new(data)).send().await.map(drop);
        sent.or_else(|error| outcome_of(OPERATION, error, |reply| reply.read(OPERATION)))
    }

    async fn get(&self, id: &str) -> Result<Connection, gateway::Error> {
        const OPERATION: ConnectionOperation = ConnectionOperation::GetConnection;
        let call = self.client.get_connection().connection_id(OPERATION.check(id, &[])?);
        let answer = call.send().await.map(connection);
        answer.or_else(|error| outcome_of(OPERATION, error, ConnectionReply::read_connection))
    }

    async fn delete(&self, id: &str) -> Result<(), gateway::Error> {
        const OPERATION: ConnectionOperation = ConnectionOperation::DeleteConnection;
        let call = self.client.delete_connection().connection_id(OPERATION.check(id, &[])?);
        let closed = call.send().await.map(drop);
        closed.or_else(|error| outcome_of(OPERATION, error, |reply| reply.read(OPERATION)))
    }
}

impl WebSocketManagementClient for AwsWebSocketManagementClient {
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

fn connection(output: GetConnectionOutput) -> Connection {
    let timestamp = |at: DateTime| Timestamp::from_unix_nanos(at.as_nanos()).ok();
    let (ip, agent) = match output.identity {
        Some(identity) => (identity.source_ip, identity.user_agent),
        None => (None, None),
    };
    Connection {
        connected_at: output.connected_at.and_then(timestamp),
        last_active_at: output.last_active_at.and_then(timestamp),
        identity_ip: ip.unwrap_or_default(),
        identity_agent: agent.unwrap_or_default(),
    }
}
