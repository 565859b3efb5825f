//! Measuring time: contenders run in turns, and the median of each counts.
//!
//! Because of the turns, other load on the machine affects all contenders alike. A turn lasts long
//! enough that reading the clock does not matter.

use core::hint::black_box;
use core::time::Duration;
use std::time::Instant;

/// How thoroughly to measure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Effort {
    /// As long as the page's figures need.
    Full,
    /// A few turns, for a first impression.
    Quick,
    /// Once, to check that everything runs.
    Once,
}

impl Effort {
    /// Returns the number of turns of each contender.
    pub(crate) const fn turns(self) -> usize {
        match self {
            Self::Full => 25,
            Self::Quick => 5,
            Self::Once => 1,
        }
    }

    /// Returns `many`, or fewer if the benchmarks only have to run.
    pub(crate) fn at_most(self, many: usize) -> usize {
        if self == Self::Once { many.min(1_000) } else { many }
    }

    /// Returns the shortest duration of a turn.
    const fn turn(self) -> Duration {
        match self {
            Self::Full => Duration::from_millis(20),
            Self::Quick => Duration::from_millis(5),
            Self::Once => Duration::ZERO,
        }
    }
}

/// Code to be timed.
pub(crate) struct Contender<'a> {
    name: &'static str,
    /// How many units (records, requests) one run handles.
    each: u32,
    /// Runs the code a number of times, and returns the duration.
    go: Box<dyn FnMut(u64) -> Duration + 'a>,
}

impl<'a> Contender<'a> {
    /// Creates a contender that repeats the same call.
    pub(crate) fn new<T>(name: &'static str, mut go: impl FnMut() -> T + 'a) -> Self {
        Self::timed(name, move |times| {
            let begin = now();
            for _ in 0..times {
                black_box(go());
            }
            begin.elapsed()
        })
    }

    /// Creates a contender that consumes an input, which is created before the clock runs.
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

    /// Creates a contender that measures its own time.
    pub(crate) fn timed(name: &'static str, go: impl FnMut(u64) -> Duration + 'a) -> Self {
        Self { name, each: 1, go: Box::new(go) }
    }

    /// Divides the time of a run by the units that it handles: records, connections, requests.
    pub(crate) fn each(self, each: u32) -> Self {
        Self { each, ..self }
    }

    /// Returns how many runs fill a turn.
    fn goes(&mut self, turn: Duration) -> u64 {
        let mut times = 1;
        // The first run also warms up.
        while (self.go)(times) * 2 < turn {
            times *= 2;
        }
        times
    }
}

/// The median time of a contender, in seconds.
pub(crate) type Taken = (&'static str, f64);

/// Runs contenders in turns.
pub(crate) fn race(effort: Effort, mut contenders: Vec<Contender<'_>>) -> Vec<Taken> {
    let goes: Vec<u64> = contenders.iter_mut().map(|one| one.goes(effort.turn())).collect();
    let mut taken = vec![Vec::new(); contenders.len()];
    let all = contenders.len();
    for turn in 0..effort.turns() {
        // Rotate, so that none is always first.
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
