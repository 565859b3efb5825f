//! Sending to WebSocket connections: API Gateway's management API, broadcasts, and the registry of
//! connections.
//!
//! This module has the clients, and limits how many connections are sent to concurrently and for
//! how long. [`gateway`](apptheory_core::gateway) knows endpoints, regions and the meaning of
//! responses; [`registry`](apptheory_core::registry) how connections are stored.
//!
//! | Client | Sends |
//! |---|---|
//! | `AwsWebSocketManagementClient` | through the AWS SDK, with the feature `websocket` |
//! | `LeanWebSocketManagementClient` | without the AWS SDK, with the feature `aws-lean` |
//! | [`FakeWebSocketManagementClient`] | to memory, for tests |
//!
//! ```
//! use apptheory::gateway::Connection;
//! use apptheory::websocket::{FakeWebSocketManagementClient, WebSocketManagementClient};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let client = FakeWebSocketManagementClient::strict("https://ws.example.com");
//! client.connect("c1=", Connection::default());
//! client.post_to_connection("c1=", b"hello").await?;
//! client.disconnect("c1=");
//! assert!(client.post_to_connection("c1=", b"again").await.unwrap_err().is_gone());
//! # Ok::<(), apptheory::gateway::Error>(())
//! # }).unwrap();
//! ```

#[cfg(feature = "websocket")]
mod aws;
mod broadcast;
mod client;
mod connections;
mod fake;
#[cfg(any(feature = "aws-lean", feature = "websocket"))]
mod kept;
#[cfg(feature = "aws-lean")]
mod lean;
mod room;

#[cfg(feature = "websocket")]
pub use aws::{AwsWebSocketClients, AwsWebSocketManagementClient, aws_sdk_apigatewaymanagement};
pub use broadcast::{Broadcaster, DEFAULT_CONCURRENCY, SEND_BUDGET};
pub use client::{
    ClientFuture, FactoryFuture, WebSocketClient, WebSocketClientFactory, WebSocketManagementClient,
};
pub use connections::Connections;
pub use fake::{FakeWebSocketClients, FakeWebSocketManagementClient, RecordedCall};
#[cfg(feature = "aws-lean")]
pub use lean::{LeanWebSocketClients, LeanWebSocketManagementClient};
pub use room::{BroadcastError, Room, RoomReport, RoomSender};
