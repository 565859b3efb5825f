//! The application: limits, an event bus, streams and a chat on one store, and a console that shows
//! them.

mod chat;
mod console;
pub(crate) mod cursor;
mod events;
mod limits;
mod page;
mod store;
mod tables;

use core::error::Error;
use std::path::Path as FilePath;

use apptheory::limiter;
use apptheory::prelude::*;
use apptheory::store::EmbeddedError;

use limits::Limits;
use store::{Journal, Stores, Switch};
use tables::Tables;

/// The state that handlers share. Each handler takes the part that it needs.
#[derive(Clone, FromRef)]
struct Services {
    limits: Limits,
    bus: EventBus,
    room: Room,
    switch: Switch,
    journal: Journal,
    tables: Tables,
}

/// Why the application cannot be built.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppFailure {
    /// The file cannot be used, or is not a database; the error names it.
    #[error(transparent)]
    Store(#[from] EmbeddedError),
    /// A limit is invalid.
    #[error(transparent)]
    Limit(#[from] limiter::Error),
    /// The routes are invalid.
    #[error(transparent)]
    Routes(#[from] BuildError),
}

/// Builds the application on a file.
pub(crate) fn app(file: &FilePath, clock: impl Clock + 'static) -> Result<AppService, AppFailure> {
    let Stores { watched, plain, tables, switch, journal } = Stores::open(file, clock)?;
    let limits = limits::all(&watched, &plain)?;
    let limited = limits::routes(&limits);
    let (bus, room) = (EventBus::on(&watched), Connections::on(&watched).room("room"));
    let app = App::with_state(Services { limits, bus, room, switch, journal, tables })
        .clock(watched.clock().clone())
        .on_failure(|failure| eprintln!("{}", with_sources(&failure.error)))
        .get("/page", page::page)
        .merge(limited)
        .merge(events::routes())
        .merge(chat::routes())
        .merge(console::routes())
        .build()?;
    Ok(app)
}

/// Returns an error and its sources, in one line.
pub(crate) fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
