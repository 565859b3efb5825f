//! A room to talk in, over WebSockets: whoever connects is in it.

use std::sync::Arc;

use apptheory::app::{App, Context, Html, Json, State, WebSocket};
use apptheory::websocket::Broadcaster;
use apptheory_core::error::AppError;
use apptheory_core::gateway::json_message;
use apptheory_core::registry::Touched;
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

const ROOM: &str = "room";

/// What somebody says. Without a text, it only keeps their place.
#[derive(Deserialize, Serialize)]
struct Said {
    name: String,
    text: String,
}

async fn enter(State(services): Playground, socket: WebSocket) -> Result<(), AppError> {
    let id = &socket.connection().connection_id;
    Ok(services.room.register(id, ROOM).await?)
}

async fn leave(State(services): Playground, socket: WebSocket) -> Result<(), AppError> {
    let id = &socket.connection().connection_id;
    Ok(services.room.remove(id).await?)
}

/// Tells everybody in the room, the one who says it included.
async fn say(
    State(services): Playground,
    socket: WebSocket,
    context: Context,
    Json(said): Json<Said>,
) -> Result<(), AppError> {
    let (room, id) = (&services.room, &socket.connection().connection_id);
    // Whoever was sent to before being let in was taken for gone.
    if room.touch(id).await? == Touched::Unknown {
        room.register(id, ROOM).await?;
    }
    if said.text.is_empty() {
        return Ok(());
    }
    let message = json_message(&said)?;
    let client = Arc::clone(socket.client().await?);
    let everybody = Broadcaster::new(client).with_clock(context.clock().clone());
    let report = room.broadcast(&everybody, ROOM, &message).await?;
    report.interrupted.map_or(Ok(()), |error| Err(error.into()))
}
