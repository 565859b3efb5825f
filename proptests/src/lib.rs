//! Parts of property tests, beside the test kit's worlds, schedules and models.
//!
//! The tests under `tests/` combine four parts:
//!
//! * [`limit`]: a limit from which both the real limiter and a model of it are created;
//! * [`world`]: operations of tests in a world;
//! * [`any`]: generators of limits and requests;
//! * [`adversary`]: a store with arbitrary replies.
//!
//! ```
//! use apptheory::testkit::World;
//! use apptheory_proptests::limit::{Admission, Limit};
//! use apptheory_proptests::world::{Decide as _, seconds};
//!
//! let limit = Limit::Fixed { window: 60, limit: 2 };
//! let limiter = limit.fail_closed().build();
//! let mut world = World::new(&limiter);
//!
//! let mut admitted = Vec::new();
//! for second in [0, 59, 59, 60] {
//!     let next = Admission { at: seconds(second), cost: 1 };
//!     let decision = world.decide(&limiter, next).unwrap();
//!     assert_eq!(decision.allowed, limit.admits(&admitted, next));
//!     admitted.extend(decision.allowed.then_some(next));
//! }
//! assert_eq!(admitted.len(), 3);
//! ```

use proptest::prelude::ProptestConfig;
use proptest::test_runner::{FileFailurePersistence, RngSeed};

pub mod adversary;
pub mod any;
pub mod limit;
pub mod world;

/// Runs `least` cases, the same in every run: a commit passes or fails as it did before. With
/// `PROPTEST_CASES` it runs that many, if they are more, and draws other ones each time. Failing
/// cases are kept beside the test, in `*.proptest-regressions`, and run first from then on.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "how long tests may take is said from outside")]
pub fn cases(least: u32) -> ProptestConfig {
    let wanted: Option<u32> =
        std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let cases = wanted.unwrap_or(0).max(least);
    let beside = FileFailurePersistence::WithSource("proptest-regressions");
    ProptestConfig {
        failure_persistence: Some(Box::new(beside)),
        // The default is a constant, which long campaigns would reach.
        max_global_rejects: cases.saturating_mul(4),
        rng_seed: wanted.map_or(RngSeed::Fixed(0), |_| RngSeed::Random),
        ..ProptestConfig::with_cases(cases)
    }
}
