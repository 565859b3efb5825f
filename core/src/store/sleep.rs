//! `Sleep`: lets time pass.

use core::time::Duration;

use crate::machine::Effect;
use crate::time::Timestamp;

/// Lets time pass, and says what time it is then.
///
/// *If the outcome is lost*: harmless.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sleep {
    /// For how long.
    pub duration: Duration,
}

/// The instant at which the sleep ended, on the executor's clock.
impl Effect for Sleep {
    type Outcome = Timestamp;
}
