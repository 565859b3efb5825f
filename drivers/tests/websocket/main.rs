//! Sending to WebSocket connections: through the AWS SDK and without it to a server on loopback in
//! place of API Gateway, to many connections, and by topic.
#![expect(clippy::unwrap_used, reason = "a test ends where its stage cannot be set")]

mod broadcast;
mod config;
mod fake;
mod gateway;
mod lean;
mod moto;
mod operations;
#[path = "../support/raw_server.rs"]
mod raw_server;
mod signature;
mod topics;

use core::future::Future;

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
