//! Rules that values have to keep, and how clients are told all that is wrong with one.
//!
//! With the feature `validation`, [`Valid`](crate::app::Valid) checks what a handler asks for by
//! the rules of its type, which the crate `garde` derives. Without it, a handler adds what it finds
//! to [`Violations`] itself. The answer is the same.

#[cfg(feature = "validation")]
mod names;
#[cfg(feature = "validation")]
mod report;

#[doc(inline)]
pub use apptheory_core::validation::*;
#[cfg(feature = "validation")]
pub use report::check;
