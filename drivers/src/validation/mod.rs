//! Rules that values have to keep, and how clients are told all that is wrong with one.

#[doc(inline)]
pub use apptheory_core::validation::*;
