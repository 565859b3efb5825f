//! Taking the time: contenders in turns, and the median of each.
//!
//! Turns are what makes ratios honest: whatever else the machine does meanwhile, it does to all of
//! them. A turn goes on for a while, so that reading the clock does not count.

use core::hint::black_box;
use core::time::Duration;
use std::time::Instant;

/// How long things are measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Effort {
    /// As long as the figures of the page need.
    Full,
    /// A few turns: to see where one is.
    Quick,
    /// Once: to see that everything runs.
    Once,
}

impl Effort {
    /// Returns how many turns each contender has.
    pub(crate) const fn turns(self) -> usize {
        match self {
            Self::Full => 25,
            Self::Quick => 5,
            Self::Once => 1,
        }
    }

    /// Returns so many, or fewer where things are only to run.
    pub(crate) fn at_most(self, many: usize) -> usize {
        if self == Self::Once { many.min(1_000) } else { many }
    }

    /// Returns how long a turn is at least.
    const fn turn(self) -> Duration {
        match self {
            Self::Full => Duration::from_millis(20),
            Self::Quick => Duration::from_millis(5),
            Self::Once => Duration::ZERO,
        }
    }
}

/// Something to be timed.
pub(crate) struct Contender<'a> {
    name: &'static str,
    /// How many of what the row is about one go makes.
    each: u32,
    /// Goes so many times, and says how long that took.
    go: Box<dyn FnMut(u64) -> Duration + 'a>,
}

impl<'a> Contender<'a> {
    /// One that does the same thing over and over.
    pub(crate) fn new<T>(name: &'static str, mut go: impl FnMut() -> T + 'a) -> Self {
        Self::timed(name, move |times| {
            let begin = now();
            for _ in 0..times {
                black_box(go());
            }
            begin.elapsed()
        })
    }

    /// One that uses an input up, which is made before the clock runs.
    pub(crate) fn using<I, T>(
        name: &'static str,
        mut make: impl FnMut() -> I + 'a,
        mut go: impl FnMut(I) -> T + 'a,
    ) -> Self {
        Self::timed(name, move |times| {
            let inputs: Vec<I> = (0..times).map(|_| make()).collect();
            let begin = now();
            for input in inputs {
                black_box(go(input));
            }
            begin.elapsed()
        })
    }

    /// One that takes its own time for so many goes.
    pub(crate) fn timed(name: &'static str, go: impl FnMut(u64) -> Duration + 'a) -> Self {
        Self { name, each: 1, go: Box::new(go) }
    }

    /// Divides the time of a go among what it makes: records, connections, requests.
    pub(crate) fn each(self, each: u32) -> Self {
        Self { each, ..self }
    }

    /// Returns how many goes fill a turn.
    fn goes(&mut self, turn: Duration) -> u64 {
        let mut times = 1;
        // The first go also warms up.
        while (self.go)(times) * 2 < turn {
            times *= 2;
        }
        times
    }
}

/// What a contender takes: the median, in seconds.
pub(crate) type Taken = (&'static str, f64);

/// Has contenders go in turns.
pub(crate) fn race(effort: Effort, mut contenders: Vec<Contender<'_>>) -> Vec<Taken> {
    let goes: Vec<u64> = contenders.iter_mut().map(|one| one.goes(effort.turn())).collect();
    let mut taken = vec![Vec::new(); contenders.len()];
    let all = contenders.len();
    for turn in 0..effort.turns() {
        // Nobody is always first.
        for n in (0..all).map(|n| (n + turn) % all) {
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            let times = goes[n] as f64 * f64::from(contenders[n].each);
            taken[n].push((contenders[n].go)(goes[n]).as_secs_f64() / times);
        }
    }
    contenders.iter().zip(taken).map(|(one, taken)| (one.name, median(taken))).collect()
}

/// Returns the median of at least one figure.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

#[expect(clippy::disallowed_methods, reason = "a benchmark takes the time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
