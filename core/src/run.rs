//! The blocking loop, for tests and for hosts without an async runtime.
//!
//! This module decides nothing: it hands each effect to an interpreter and each outcome back to the
//! machine. Its async twin lives in the drivers.
//!
//! ```
//! use core::time::Duration;
//! use apptheory_core::run::Interpret;
//! use apptheory_core::store::Sleep;
//! use apptheory_core::time::Timestamp;
//!
//! /// A world in which sleeping is free.
//! struct Clockwork(Timestamp);
//!
//! impl Interpret<Sleep> for Clockwork {
//!     fn interpret(&mut self, sleep: &Sleep) -> Timestamp {
//!         self.0 = self.0.saturating_add(sleep.duration);
//!         self.0
//!     }
//! }
//!
//! let mut world = Clockwork(Timestamp::UNIX_EPOCH);
//! assert_eq!(world.interpret(&Sleep { duration: Duration::from_secs(3) }).unix_seconds(), 3);
//! ```

use crate::machine::{Effect, Machine, Step};

/// Carries out one kind of effect, synchronously.
pub trait Interpret<E: Effect> {
    /// Performs `effect` and says what came of it.
    fn interpret(&mut self, effect: &E) -> E::Outcome;
}

/// A request that a world `W` can answer: one family of effects meeting one interpreter.
///
/// Implemented next to each family's request enum (see
/// [`StoreRequest`](crate::store::StoreRequest)), so that [`run`] serves them all.
pub trait Advance<W: ?Sized, M: Machine> {
    /// Carries out the one effect that the machine waits for, and resumes it.
    fn advance(self, world: &mut W) -> Step<M>;
}

/// Runs `machine` to its end, carrying out every effect in `world`.
pub fn run<M, W>(machine: M, world: &mut W) -> M::Output
where
    M: Machine,
    M::Request: Advance<W, M>,
    W: ?Sized,
{
    let mut step = machine.start();
    loop {
        step = match step {
            Step::Ask(request) => request.advance(world),
            Step::Done(output) => return output,
        };
    }
}
