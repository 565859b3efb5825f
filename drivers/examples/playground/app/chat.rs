//! A chat over WebSockets: every connection is in one room.

use apptheory::prelude::*;
use serde::{Deserialize, Serialize};

use super::Services;

/// `/chat`, and the routes of its WebSocket.
pub(crate) fn routes() -> Router<Services> {
    Router::new()
        .get("/chat", async || (POLICY, Html(include_str!("chat.html"))))
        .websocket("$connect", enter)
        .websocket("$disconnect", leave)
        .websocket("$default", say)
}

/// The console may show it in a frame, pages of other sites may not.
const POLICY: [(&str, &str); 1] = [("content-security-policy", "frame-ancestors 'self'")];

/// A message. Without a text, it only keeps the sender in the room.
#[derive(Deserialize, Serialize)]
struct Said {
    name: String,
    text: String,
}

// console: chat
async fn enter(State(room): State<Room>, socket: WebSocket) -> Result<(), AppError> {
    Ok(room.join(&socket).await?)
}

async fn leave(State(room): State<Room>, socket: WebSocket) -> Result<(), AppError> {
    Ok(room.leave(&socket).await?)
}

/// Sends a message to everybody in the room, also to its sender.
async fn say(
    State(room): State<Room>,
    socket: WebSocket,
    Json(said): Json<Said>,
) -> Result<(), AppError> {
    room.touch(&socket).await?;
    if !said.text.is_empty() {
        socket.broadcast(&room, &said).await?;
    }
    Ok(())
}
// console: end
