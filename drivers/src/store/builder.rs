//! Putting a store together.

use core::fmt;
#[cfg(feature = "embedded")]
use std::path::Path;
use std::sync::Arc;

use apptheory_core::store::{StoreUsage, TableDefinition};

#[cfg(feature = "aws")]
use super::AwsStore;
#[cfg(feature = "embedded")]
use super::{EmbeddedError, EmbeddedStore, on_demand::OnDemand};
use super::{MemoryStore, Store, World};
use crate::clock::{Clock, SharedClock, SystemClock};
use crate::env::{OwnedEnv, process_env};
use crate::execute::StoreExecutor;
use crate::ids::{IdSource, RandomIds};

/// Collects what goes with a [`Store`]; the last method says what kind of store it is.
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
    /// Goes by a clock; by default the machine's.
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        Self { clock: SharedClock::new(clock), ..self }
    }

    /// Takes ids from a source; by default they are random.
    pub fn ids(self, ids: impl IdSource + 'static) -> Self {
        Self { ids: Arc::new(ids), ..self }
    }

    /// Looks variables up with a function; by default in the process's environment.
    pub fn env(self, env: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { env: Box::new(env), ..self }
    }

    /// Makes a store in memory. Declared tables are created at once.
    #[must_use]
    pub fn memory(self) -> Store {
        let memory = MemoryStore::new(self.clock.clone());
        let (tables, meter) = (memory.clone(), memory.clone());
        let usage = move || Some(meter.usage());
        self.store(memory, move |table| tables.create_table(table), usage)
    }

    /// Opens a store in a file, as [`Store::embedded`] does.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError`] when the file cannot be opened or created, or its path is not UTF-8.
    #[cfg(feature = "embedded")]
    pub fn embedded(self, path: impl AsRef<Path>) -> Result<Store, EmbeddedError> {
        let database = EmbeddedStore::open(path, self.clock.clone())?;
        let meter = database.clone();
        let on_demand = Arc::new(OnDemand::new(database));
        let tables = Arc::clone(&on_demand);
        let usage = move || Some(meter.usage());
        Ok(self.store(on_demand, move |table| tables.declare(table), usage))
    }

    /// Makes a store on DynamoDB, as [`Store::aws`] does.
    #[cfg(feature = "aws")]
    pub async fn aws(self) -> Store {
        let aws = AwsStore::from_env().await.with_clock(self.clock.clone());
        let meter = aws.clone();
        self.store(aws, |_| (), move || Some(meter.usage()))
    }

    /// Makes a store of an executor, as [`Store::new`] does. The executor keeps a clock of its own:
    /// give it the same one.
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
