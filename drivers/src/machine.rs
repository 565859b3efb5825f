//! Machines, their steps, and the loop that runs a machine without waiting.
//!
//! [`execute`](crate::execute) has the asynchronous loop.

#[doc(inline)]
pub use apptheory_core::machine::*;
#[doc(inline)]
pub use apptheory_core::run::*;
