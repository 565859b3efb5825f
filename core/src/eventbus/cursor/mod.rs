//! Cursors: where a page of a query ended, as an opaque text.
//!
//! [`OffsetCursor`] counts the events of the in-memory bus; in a table it is a
//! [`KeyCursor`](crate::store::KeyCursor), checked against the query that it is used with, and
//! sealed where callers must not make their own.

mod check;
mod offset;
mod seal;

pub(super) use check::{KeyShape, check};
pub use offset::OffsetCursor;
pub use seal::CursorSeal;
