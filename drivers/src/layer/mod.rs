//! Decorators that wrap any executor.
//!
//! A decorator acts on effects and outcomes: it injects faults, records, sets deadlines, counts or
//! traces. Each decorator is one `impl` for all effects, and they nest in any order.
//!
//! The outermost decorator sees what the machine sees. Put [`Recording`] outside of a [`Deadline`],
//! so that the transcript contains the timeouts.
//!
//! ```
//! use core::time::Duration;
//!
//! use apptheory::clock::{Clock, ManualClock};
//! use apptheory::execute::Execute;
//! use apptheory::layer::{Deadline, Recording};
//! use apptheory::store::Sleep;
//! use apptheory::time::Timestamp;
//!
//! struct World(ManualClock);
//!
//! impl Execute<Sleep> for World {
//!     async fn execute(&self, sleep: &Sleep) -> Timestamp {
//!         self.0.sleep(sleep.duration).await
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
//! let deadline = Deadline::after(World(clock.clone()), clock, Duration::from_secs(1));
//! let world = Recording::new(deadline);
//! let woken = world.execute(&Sleep { duration: Duration::from_secs(60) }).await;
//! assert_eq!(woken.unix_seconds(), 1);
//! assert_eq!(world.transcript().exchanges.len(), 1);
//! # });
//! ```

mod count;
mod deadline;
mod each;
mod fault;
mod record;
mod replay;
#[cfg(feature = "tracing")]
mod trace;

pub use count::Counted;
pub use deadline::{DECISION_BUDGET, Deadline};
pub(crate) use each::EachInTime;
pub use fault::{Fault, FaultPlan, Faulty};
pub use record::Recording;
pub use replay::Replay;
#[cfg(feature = "tracing")]
pub use trace::Traced;

#[cfg(test)]
mod testing;
