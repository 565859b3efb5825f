//! Cursors: where a page of a query ended, as an opaque text.
//!
//! [`OffsetCursor`] counts the events of the in-memory bus. For a table, a cursor is a
//! [`KeyCursor`](crate::store::KeyCursor), which is checked against its query, and sealed if
//! callers must not create their own.

mod check;
mod offset;
mod seal;

pub(super) use check::{KeyShape, check};
pub use offset::OffsetCursor;
pub use seal::CursorSeal;
