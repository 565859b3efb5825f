//! The blocking loop, for tests and for hosts without an async runtime.
//!
//! It passes each effect to an interpreter and each outcome back to the machine. The drivers
//! contain the async version.
//!
//! ```
//! use core::time::Duration;
//! use apptheory_core::run::Interpret;
//! use apptheory_core::store::Sleep;
//! use apptheory_core::time::Timestamp;
//!
//! /// A host for which sleeping takes no time.
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

/// Carries out one kind of effect synchronously.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not carry out the effect `{E}`",
    note = "a machine may ask for each effect of its family: implement `Interpret` for all of them, or match \
            on the request in a loop of your own"
)]
pub trait Interpret<E: Effect> {
    /// Performs `effect` and returns its outcome.
    fn interpret(&mut self, effect: &E) -> E::Outcome;
}

/// A request that a host `W` can carry out.
///
/// Implemented for [`StoreRequest`](crate::store::StoreRequest) and for
/// [`ProducerRequest`](crate::kinesis::ProducerRequest), so that [`run`] works for machines of these
/// families. The requests of an HTTP exchange are answered in a loop of your own.
pub trait Advance<W: ?Sized, M: Machine> {
    /// Carries out the one effect that the machine waits for, and resumes the machine.
    fn advance(self, world: &mut W) -> Step<M>;
}

/// Runs `machine` to its end; `world` carries out every effect.
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
