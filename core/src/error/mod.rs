//! Errors that clients see: what they say, and in which shape.
//!
//! This module decides what an error shows and what its code means in HTTP. It refuses to know what
//! went wrong: every other module may turn its own errors into an [`AppError`], and this one needs
//! none of them.
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

/// What became of the write that an error is about. Ask it before you repeat one: only a write that
/// certainly did not happen can be repeated without a second thought.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Happened {
    /// It took effect, all of it.
    Yes,
    /// It had no effect.
    No,
    /// The answer was lost or came too late: it may have taken effect, wholly or in part.
    Unknown,
}
