//! Sending to WebSocket connections: API Gateway's management API, broadcasts, and who is
//! connected.
//!
//! This module decides who carries the core's effects on connections out, how many at a time, and
//! how long a client that does not read is waited for. Endpoints, regions, and what an answer means
//! are [`gateway`](apptheory_core::gateway)'s to decide; how connections are kept is
//! [`registry`](apptheory_core::registry)'s.
//!
//! | Client | Sends |
//! |---|---|
//! | `AwsWebSocketManagementClient` | through the AWS SDK, with the feature `websocket` |
//! | [`FakeWebSocketManagementClient`] | nowhere: it keeps what was sent, for tests |
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
mod room;

#[cfg(feature = "websocket")]
pub use aws::{AwsWebSocketClients, AwsWebSocketManagementClient, aws_sdk_apigatewaymanagement};
pub use broadcast::{Broadcaster, DEFAULT_CONCURRENCY, SEND_BUDGET};
pub use client::{
    ClientFuture, FactoryFuture, WebSocketClient, WebSocketClientFactory, WebSocketManagementClient,
};
pub use connections::Connections;
pub use fake::{FakeWebSocketClients, FakeWebSocketManagementClient, RecordedCall};
pub use room::{BroadcastError, Room, RoomReport, RoomSender};
