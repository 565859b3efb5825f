//! A chat room over WebSockets.
//!
//! ```text
//! cargo run --example chat --features websocket
//! websocat ws://localhost:3000      # twice, and say: {"name": "ann", "text": "hello"}
//! ```

use std::process::ExitCode;

use apptheory::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
struct Said {
    name: String,
    text: String,
}

async fn enter(State(room): State<Room>, socket: WebSocket) -> Result<(), AppError> {
    Ok(room.join(&socket).await?)
}

async fn leave(State(room): State<Room>, socket: WebSocket) -> Result<(), AppError> {
    Ok(room.leave(&socket).await?)
}

/// Sends a message to everyone in the room, and removes connections that are gone.
async fn say(
    State(room): State<Room>,
    socket: WebSocket,
    Json(said): Json<Said>,
) -> Result<(), AppError> {
    room.touch(&socket).await?;
    socket.broadcast(&room, &said).await?;
    Ok(())
}

pub(crate) fn app(store: &Store) -> App<Room> {
    App::with_state(Connections::on(store).room("lobby"))
        .websocket("$connect", enter)
        .websocket("$disconnect", leave)
        .websocket("$default", say)
}

fn main() -> ExitCode {
    apptheory::start(async || app(&Store::memory()))
}
