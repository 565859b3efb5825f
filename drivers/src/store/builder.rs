//! Building a store.

use core::fmt;
#[cfg(feature = "embedded")]
use std::path::Path;
use std::sync::Arc;

use apptheory_core::store::{StoreUsage, TableDefinition};

#[cfg(feature = "aws")]
use super::AwsStore;
#[cfg(feature = "aws-lean")]
use super::aws_lean::LeanStore;
#[cfg(feature = "embedded")]
use super::{EmbeddedError, EmbeddedStore, on_demand::OnDemand};
use super::{MemoryStore, Store, World};
use crate::clock::{Clock, SharedClock, SystemClock};
use crate::env::{OwnedEnv, process_env};
use crate::execute::StoreExecutor;
use crate::ids::{IdSource, RandomIds};

/// Builds a [`Store`] with a clock, ids and an environment of its own; the last method selects the
/// kind of store.
///
/// ```
/// use apptheory::clock::{Clock, VirtualClock};
/// use apptheory::ids::SequentialIds;
/// use apptheory::store::Store;
/// use apptheory::time::Timestamp;
///
/// let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
/// let store = Store::builder().clock(clock).ids(SequentialIds::default()).env(|_| None).memory();
/// assert_eq!(store.clock().now(), Timestamp::UNIX_EPOCH);
/// assert_eq!(store.ids().next_id(), 1);
/// ```
#[must_use = "a builder does nothing until it is built"]
pub struct StoreBuilder {
    clock: SharedClock,
    ids: Arc<dyn IdSource>,
    env: OwnedEnv,
}

impl Default for StoreBuilder {
    fn default() -> Self {
        Self {
            clock: SharedClock::new(SystemClock),
            ids: Arc::new(RandomIds),
            env: Box::new(process_env),
        }
    }
}

impl StoreBuilder {
    /// Sets the clock; by default the system clock.
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        Self { clock: SharedClock::new(clock), ..self }
    }

    /// Sets the source of ids; by default random ids.
    pub fn ids(self, ids: impl IdSource + 'static) -> Self {
        Self { ids: Arc::new(ids), ..self }
    }

    /// Sets the function that looks variables up; by default in the process's environment.
    pub fn env(self, env: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { env: Box::new(env), ..self }
    }

    /// Creates a store in memory. Declared tables are created at once.
    #[must_use]
    pub fn memory(self) -> Store {
        let memory = MemoryStore::new(self.clock.clone());
        let (tables, meter) = (memory.clone(), memory.clone());
        let usage = move || Some(meter.usage());
        self.store(memory, move |table| tables.create_table(table), usage)
    }

    /// Opens a store in a file, as [`Store::embedded`] does.
    ///
    /// Needs the feature `embedded`.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError`] if the file cannot be opened or created, or its path is not UTF-8.
    #[cfg(feature = "embedded")]
    pub fn embedded(self, path: impl AsRef<Path>) -> Result<Store, EmbeddedError> {
        let database = EmbeddedStore::open(path, self.clock.clone())?;
        let meter = database.clone();
        let on_demand = Arc::new(OnDemand::new(database));
        let tables = Arc::clone(&on_demand);
        let usage = move || Some(meter.usage());
        Ok(self.store(on_demand, move |table| tables.declare(table), usage))
    }

    /// Creates a store on DynamoDB, as [`Store::aws`] does.
    ///
    /// Needs the feature `aws`.
    #[cfg(feature = "aws")]
    pub async fn aws(self) -> Store {
        let aws = AwsStore::from_env().await.with_clock(self.clock.clone());
        let meter = aws.clone();
        self.store(aws, |_| (), move || Some(meter.usage()))
    }

    /// Creates a store on DynamoDB, as [`Store::aws_lean`] does. Region, credentials and endpoint
    /// come from the builder's environment.
    ///
    /// Needs the feature `aws-lean`.
    #[cfg(feature = "aws-lean")]
    pub async fn aws_lean(self) -> Store {
        let lean = LeanStore::new(&self.env, self.clock.clone());
        let meter = lean.meter();
        self.store(lean, |_| (), move || Some(meter.usage()))
    }

    /// Creates a store from an executor, as [`Store::new`] does. The executor has a clock of its
    /// own: give it the same clock.
    #[must_use]
    pub fn executor(self, executor: impl StoreExecutor + Send + 'static) -> Store {
        self.store(executor, |_| (), || None)
    }

    fn store(
        self,
        executor: impl StoreExecutor + Send + 'static,
        declare: impl Fn(TableDefinition) + Send + Sync + 'static,
        usage: impl Fn() -> Option<StoreUsage> + Send + Sync + 'static,
    ) -> Store {
        let Self { clock, ids, env } = self;
        let (declare, usage) = (Box::new(declare), Box::new(usage));
        let world = World { clock, ids, env, declare, usage };
        #[cfg(feature = "tracing")]
        let executor = crate::layer::Traced::new(executor);
        Store { executor: Arc::new(executor), world: Arc::new(world) }
    }
}

impl fmt::Debug for StoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreBuilder").finish_non_exhaustive()
    }
}
