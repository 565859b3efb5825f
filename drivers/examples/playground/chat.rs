//! A room to talk in, over WebSockets: whoever connects is in it.

use std::sync::Arc;

use apptheory::app::{AppBuilder, Context, Html, Json, State, WebSocket};
use apptheory::clock::Clock;
use apptheory::websocket::Broadcaster;
use apptheory_core::error::AppError;
use apptheory_core::gateway::json_message;
use apptheory_core::registry::{RegistryConfig, Touched};
use serde::{Deserialize, Serialize};

use crate::app::Services;

type Playground<C> = State<Arc<Services<C>>>;

/// Who is in the room: one table, every default.
pub(crate) fn registry() -> RegistryConfig {
    RegistryConfig::builder().build()
}

/// Adds `/chat`, and the routes of the WebSocket behind it.
pub(crate) fn routes<C: Clock + Clone + 'static>(
    app: AppBuilder<Arc<Services<C>>>,
) -> AppBuilder<Arc<Services<C>>> {
    app.get("/chat", async || Html(include_str!("chat.html")))
        .websocket("$connect", enter::<C>)
        .websocket("$disconnect", leave::<C>)
        .websocket("$default", say::<C>)
}

const ROOM: &str = "room";

/// What somebody says. Without a text, it only keeps their place.
#[derive(Deserialize, Serialize)]
struct Said {
    name: String,
    text: String,
}

async fn enter<C: Clock + 'static>(
    State(services): Playground<C>,
    socket: WebSocket,
) -> Result<(), AppError> {
    let id = &socket.connection().connection_id;
    Ok(services.room.register(id, ROOM).await?)
}

async fn leave<C: Clock + 'static>(
    State(services): Playground<C>,
    socket: WebSocket,
) -> Result<(), AppError> {
    let id = &socket.connection().connection_id;
    Ok(services.room.remove(id).await?)
}

/// Tells everybody in the room, the one who says it included.
async fn say<C: Clock + 'static>(
    State(services): Playground<C>,
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
