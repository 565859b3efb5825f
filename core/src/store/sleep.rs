//! `Sleep`: waits for a duration.

use core::time::Duration;

use crate::machine::Effect;
use crate::time::Timestamp;

/// Waits for a duration, and returns the time afterwards.
///
/// *If the outcome is lost*: harmless.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sleep {
    /// How long to wait.
    pub duration: Duration,
}

/// Answered with the instant at which the sleep ended, on the executor's clock.
impl Effect for Sleep {
    type Outcome = Timestamp;
}
