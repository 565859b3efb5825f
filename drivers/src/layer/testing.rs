//! Executors for the tests of the decorators.

use core::future::Future;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use apptheory_core::store::{
    self, Answered, Assignment, Guard, Item, Key, Sleep, UpdateItem, Value, Written,
};
use apptheory_core::time::Timestamp;

use crate::clock::{Clock, ManualClock};
use crate::execute::Execute;

/// Applies every update at once to a counter, on a clock of its own.
#[derive(Debug)]
pub(super) struct Answering {
    pub(super) clock: ManualClock,
    applied: AtomicU64,
}

impl Answering {
    pub(super) fn new() -> Self {
        Self { clock: ManualClock::new(Timestamp::UNIX_EPOCH), applied: AtomicU64::new(0) }
    }

    pub(super) fn applied(&self) -> u64 {
        self.applied.load(Ordering::Relaxed)
    }
}

impl Execute<UpdateItem> for Answering {
    async fn execute(&self, _: &UpdateItem) -> store::Outcome<Written> {
        counted(i128::from(self.applied.fetch_add(1, Ordering::Relaxed) + 1))
    }
}

impl Execute<Sleep> for Answering {
    async fn execute(&self, sleep: &Sleep) -> Timestamp {
        self.clock.sleep(sleep.duration).await
    }
}

/// Never returns an outcome.
#[derive(Debug)]
pub(super) struct Silent;

impl Execute<UpdateItem> for Silent {
    async fn execute(&self, _: &UpdateItem) -> store::Outcome<Written> {
        core::future::pending().await
    }
}

/// Increments, sleeps for a second, increments again, and returns both outcomes.
pub(super) async fn twice<X>(executor: &X) -> [store::Outcome<Written>; 2]
where
    X: Execute<UpdateItem> + Execute<Sleep>,
{
    let first = executor.execute(&increment()).await;
    executor.execute(&nap(1)).await;
    [first, executor.execute(&increment()).await]
}

pub(super) fn increment() -> UpdateItem {
    UpdateItem {
        table: "rate-limits".into(),
        key: Key::of("PK", Value::from("user-1#0")),
        assignments: vec![Assignment::add("Count", 1)],
        guard: Guard::Always,
    }
}

pub(super) fn nap(seconds: u64) -> Sleep {
    Sleep { duration: Duration::from_secs(seconds) }
}

/// The outcome that [`Answering`] returns; decorators ignore its instant.
pub(super) fn counted(count: i128) -> store::Outcome<Written> {
    let attributes = Item::new().with("Count", Value::N(count.into()));
    Ok(Answered { answer: Written::Applied { attributes }, at: Timestamp::UNIX_EPOCH })
}

pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}
