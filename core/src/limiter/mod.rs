//! The rate limiter: usually one store round trip per decision.
//!
//! A [`Limiter`] is a value that turns an [`Attempt`] into a machine, which asks for store effects.
//! Every decision counts by a conditional write, so that no interleaving of callers, lost replies
//! or retries admits more than the limit. This module knows neither where counters are stored nor
//! the current time.
//!
//! | Strategy | Calls per decision | When refused |
//! |---|---|---|
//! | [`FixedWindow`] | 1 update | 1, or 0 from the deny cache |
//! | [`SlidingWindow`] | 1 update when warm, 1 read more when cold; when late, both once more | 1 |
//! | [`MultiWindow`] | 1 transaction (or 1 update when packed) | 1 |
//! | [`TokenBucket`] | 1 update, 2 for a key that the process does not know | 1 |
//!
//! ```
//! use core::time::Duration;
//!
//! use apptheory_core::limiter::{Attempt, Basis, FixedWindow, Limiter, RateLimitKey, Recall};
//! use apptheory_core::run::run;
//! use apptheory_core::store::memory::Memory;
//! use apptheory_core::time::Timestamp;
//!
//! let limiter = Limiter::fail_closed(FixedWindow::new(Duration::from_secs(60), 100)?).build();
//! let key = RateLimitKey::new("tenant-7", "/orders", "POST")?;
//! let attempt = Attempt::new(key, Timestamp::from_unix_seconds(1_767_225_630));
//!
//! let mut memory = Memory::default().with_table(limiter.table());
//! let decided = run(limiter.check_and_increment(attempt, &Recall::default()), &mut memory);
//! let decision = decided.decision?;
//! assert!(decision.allowed);
//! assert_eq!((decision.remaining(), decision.basis), (Some(99), Basis::Counted));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod attempt;
mod builder;
mod check;
mod check_and_increment;
mod config;
mod decision;
mod error;
pub mod headers;
pub mod http;
mod key;
mod line;
mod name;
mod plan;
mod recall;
mod record;
mod schema;
mod setting;
mod strategy;
mod usage;
mod window;

pub use crate::store::AttributeStyle;
pub use attempt::{Attempt, DecisionId};
pub use builder::LimiterBuilder;
pub use check::Check;
pub use check_and_increment::{CheckAndIncrement, Decided};
pub use config::{Limiter, OnFailure};
pub use decision::{Basis, Cause, Decision, Stage, UsageStats, UsageWindow};
pub use error::{Error, ErrorKind};
pub use key::RateLimitKey;
pub use line::{LimitLine, MAX_PARTS};
pub use recall::{Learned, Recall};
pub use record::RecordRequest;
pub use strategy::{
    Coverage, FixedWindow, Layout, MAX_SUB_WINDOWS, MultiWindow, Quota, SlidingWindow, Strategy,
    TokenBucket,
};
pub use usage::Usage;
pub use window::{NamedWindow, TimeWindow, day_window, fixed_window, hour_window, minute_window};
