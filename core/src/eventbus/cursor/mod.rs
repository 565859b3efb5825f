//! Cursors: where a page of a query ended, as an opaque text.
//!
//! Two codecs, both exact to the byte: [`OffsetCursor`] counts the events of
//! the in-memory bus, [`KeyCursor`] holds the key of the last item that a table read. A key cursor
//! is checked against the query that it is used with, and can be sealed so that callers cannot
//! make their own.

mod check;
mod key;
mod offset;
mod seal;

pub use check::CursorMismatch;
pub(super) use check::{KeyShape, check};
pub use key::{InvalidCursor, KeyCursor};
pub use offset::{InvalidOffsetCursor, OffsetCursor};
pub use seal::CursorSeal;
