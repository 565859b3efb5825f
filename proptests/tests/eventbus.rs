//! The event bus: pages are complete, cursors fit only their query, publishing happens once.

#![expect(clippy::unwrap_used, reason = "a test ends where its stage cannot be set")]

#[path = "eventbus/cursors.rs"]
mod cursors;
#[path = "eventbus/model.rs"]
mod model;
#[path = "eventbus/paging.rs"]
mod paging;
#[path = "eventbus/writing.rs"]
mod writing;
