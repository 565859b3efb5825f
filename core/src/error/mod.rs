//! Errors that clients see: their contents and format.
//!
//! This module has no dependencies on other modules. Each of them converts its own errors to an
//! [`AppError`].
//!
//! ```
//! use apptheory_core::error::{AppError, code};
//!
//! let error = AppError::conflict("the order is shipped");
//! assert_eq!((error.status(), error.code()), (409, code::CONFLICT));
//! ```

mod app_error;
pub mod code;
#[cfg(test)]
mod tests;

pub use app_error::{AppError, ErrorFormat};

/// Says whether a failed write was applied. Check it before you repeat a write: only after
/// [`No`](Self::No) a repetition is always safe.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Happened {
    /// The write was applied completely.
    Yes,
    /// The write was not applied.
    No,
    /// The reply was lost or came too late: the write may have been applied, completely or
    /// partially.
    Unknown,
}
