//! A room to talk in, over WebSockets: whoever connects is in it.

use std::sync::Arc;

use apptheory::app::{App, Html, Json, State, WebSocket};
use apptheory::error::AppError;
use serde::{Deserialize, Serialize};

use crate::app::Services;

type Playground = State<Arc<Services>>;

/// Adds `/chat`, and the routes of the WebSocket behind it.
pub(crate) fn routes(app: App<Arc<Services>>) -> App<Arc<Services>> {
    app.get("/chat", async || Html(include_str!("chat.html")))
        .websocket("$connect", enter)
        .websocket("$disconnect", leave)
        .websocket("$default", say)
}

/// What somebody says. Without a text, it only keeps their place.
#[derive(Deserialize, Serialize)]
struct Said {
    name: String,
    text: String,
}

async fn enter(State(services): Playground, socket: WebSocket) -> Result<(), AppError> {
    Ok(services.room.join(&socket).await?)
}

async fn leave(State(services): Playground, socket: WebSocket) -> Result<(), AppError> {
    Ok(services.room.leave(&socket).await?)
}

/// Tells everybody in the room, the one who says it included.
async fn say(
    State(services): Playground,
    socket: WebSocket,
    Json(said): Json<Said>,
) -> Result<(), AppError> {
    services.room.touch(&socket).await?;
    if !said.text.is_empty() {
        socket.broadcast(&services.room, &said).await?;
    }
    Ok(())
}
