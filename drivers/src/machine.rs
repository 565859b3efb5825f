//! Machines, their steps, and the loop that runs one in a world that answers at once.
//!
//! [`execute`](crate::execute) has the loop for a world that has to be waited for.

#[doc(inline)]
pub use apptheory_core::machine::*;
#[doc(inline)]
pub use apptheory_core::run::*;
