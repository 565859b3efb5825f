//! The store: an embedded DynamoDB in a file, with faults to switch on, and a journal of its calls
//! and their cost.

use std::collections::VecDeque;
use std::path::Path as FilePath;

use apptheory::clock::SharedClock;
use apptheory::execute::Execute;
use apptheory::layer::{FaultPlan, Faulty};
use apptheory::prelude::*;
use apptheory::store::{
    self, Conclusion, ConsumedCapacity, EmbeddedError, EmbeddedStore, StoreEffect, TableName,
};
use apptheory::time::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, watch};

use super::tables::Tables;

/// One file, opened three times: the console's own reads are not in the journal, and do not fail.
pub(super) struct Stores {
    /// For the services: with faults and a journal.
    pub(super) watched: Store,
    /// For the console's gauges: without them.
    pub(super) plain: Store,
    /// For the console's list of items.
    pub(super) tables: Tables,
    pub(super) switch: Switch,
    pub(super) journal: Journal,
}

impl Stores {
    pub(super) fn open(
        file: &FilePath,
        clock: impl Clock + 'static,
    ) -> Result<Self, EmbeddedError> {
        let clock = SharedClock::new(clock);
        let (switch, journal) = (Switch::default(), Journal::default());
        let services = Store::builder().clock(clock.clone()).embedded(file)?;
        let watched = services.layer(|store| Watched {
            store,
            turn: Mutex::default(),
            switch: switch.clone(),
            journal: journal.clone(),
        });
        let plain = Store::builder().clock(clock.clone()).embedded(file)?;
        let tables = EmbeddedStore::open(file, clock)?;
        Ok(Self { watched, plain, tables, switch, journal })
    }
}

/// A fault of the store.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fault {
    /// The store works.
    #[default]
    None,
    /// No call reaches the database.
    Down,
    /// Every call takes a second.
    Slow,
    /// The table is over its throughput.
    Throttled,
    /// Calls are carried out, but their replies are lost.
    LostReplies,
}

impl Fault {
    // console: faults
    /// Returns the faults of a call.
    fn plan(self) -> FaultPlan {
        let plan = FaultPlan::default();
        match self {
            Self::None | Self::Slow => plan,
            Self::Down => plan.fail(1, store::Error::Unavailable),
            Self::Throttled => plan.fail(1, store::Error::Throttled),
            Self::LostReplies => plan.lose_reply(1, store::Error::Timeout),
        }
    }

    /// Returns how long a call takes to reach the database.
    fn delay(self) -> Option<Duration> {
        matches!(self, Self::Slow).then_some(Duration::from_secs(1))
    }
    // console: end
}

/// The fault that is on. Clones are the same switch.
#[derive(Clone, Default)]
pub(super) struct Switch(watch::Sender<Fault>);

impl Switch {
    pub(super) fn fault(&self) -> Fault {
        *self.0.borrow()
    }

    pub(super) fn set(&self, fault: Fault) {
        self.0.send_replace(fault);
    }
}

/// A call that was made.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Call {
    /// The first is number 1.
    pub(super) number: u64,
    operation: &'static str,
    table: String,
    /// How it ended; `given up` if its caller stopped waiting.
    outcome: String,
    millis: u64,
    /// The capacity that the database reports; 0 for a refused write.
    write_units: u64,
    read_units: f64,
}

/// The last calls, oldest first. Clones are the same journal.
#[derive(Clone, Default)]
pub(super) struct Journal(watch::Sender<VecDeque<Call>>);

impl Journal {
    /// How many calls are kept.
    const KEPT: usize = 100;

    /// The last calls, oldest first.
    pub(super) fn calls(&self) -> Vec<Call> {
        self.0.borrow().iter().cloned().collect()
    }

    /// Yields the calls after a number, and later ones as they are made. A number that was not
    /// reached yet comes from an earlier journal: then it yields all calls.
    pub(super) fn follow(&self, number: u64) -> impl Stream<Item = Call> + use<> {
        let is_reached = self.0.borrow().back().is_some_and(|last| number <= last.number);
        let number = if is_reached { number } else { 0 };
        stream::unfold((self.0.subscribe(), number), |(mut calls, number)| async move {
            let is_new = |call: &&Call| call.number > number;
            let next = {
                let calls = calls.wait_for(|calls| calls.iter().any(|call| is_new(&call))).await;
                calls.ok()?.iter().find(is_new).cloned()?
            };
            let number = next.number;
            Some((next, (calls, number)))
        })
    }

    fn push(&self, call: Call) {
        self.0.send_modify(|calls| {
            let number = calls.back().map_or(1, |last| last.number.saturating_add(1));
            calls.push_back(Call { number, ..call });
            if calls.len() > Self::KEPT {
                calls.pop_front();
            }
        });
    }
}

/// The layer around the store.
struct Watched {
    store: Store,
    /// Held during a call, so that what the database counts meanwhile is of that call.
    turn: Mutex<()>,
    switch: Switch,
    journal: Journal,
}

impl<E> Execute<E> for Watched
where
    E: StoreEffect<Outcome: Send> + Sync,
    Store: Execute<E>,
{
    async fn execute(&self, effect: &E) -> E::Outcome {
        if !E::is_call() {
            return self.store.execute(effect).await;
        }
        // console: store
        let mut made = Made::new(self, E::NAME, effect.table_name());
        let fault = self.switch.fault();
        if let Some(delay) = fault.delay() {
            self.store.clock().sleep(delay).await;
        }
        let turn = self.turn.lock().await;
        let before = self.store.usage().unwrap_or_default();
        let outcome = Faulty::new(&self.store, fault.plan()).execute(effect).await;
        let cost = self.store.usage().unwrap_or_default().since(&before);
        drop(turn);
        made.end(E::conclusion(&outcome), cost.total().consumed);
        outcome
        // console: end
    }
}

/// A call that is being made. Dropping it adds it to the journal: after its end, or when its caller
/// stops waiting.
struct Made<'a> {
    watched: &'a Watched,
    begun: Timestamp,
    call: Call,
}

impl<'a> Made<'a> {
    fn new(watched: &'a Watched, operation: &'static str, table: Option<&TableName>) -> Self {
        let table = table.map(TableName::to_string).unwrap_or_default();
        let call = Call { operation, table, outcome: "given up".to_owned(), ..Call::default() };
        Self { watched, begun: watched.store.clock().now(), call }
    }

    fn end(&mut self, conclusion: Conclusion, cost: ConsumedCapacity) {
        self.call.outcome = match conclusion {
            Conclusion::Answered => "answered".to_owned(),
            Conclusion::Applied => "applied".to_owned(),
            Conclusion::Refused => "refused".to_owned(),
            Conclusion::Failed(error) => format!("failed: {error}"),
        };
        self.call.write_units = cost.write_units;
        self.call.read_units = cost.read_units();
    }
}

impl Drop for Made<'_> {
    fn drop(&mut self) {
        let now = self.watched.store.clock().now();
        self.call.millis = u64::try_from(self.begun.until(now).as_millis()).unwrap_or(u64::MAX);
        self.watched.journal.push(core::mem::take(&mut self.call));
    }
}
