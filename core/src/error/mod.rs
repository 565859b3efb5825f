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
mod happened;

pub use app_error::{AppError, ErrorFormat};
pub use happened::Happened;
