//! Stores: where services keep their data.
//!
//! Every service is created on a [`Store`]. A store is an executor (tables in memory for tests, a
//! DynamoDB in a file for a laptop or an appliance, or DynamoDB itself) with one clock, one source
//! of ids, one environment, and the tables that services declare.
//!
//! ```
//! use apptheory::eventbus::EventBus;
//! use apptheory::store::Store;
//!
//! let store = Store::memory(); // or Store::embedded("shop.db")?, or Store::aws().await
//! let bus = EventBus::on(&store);
//! ```
//!
//! The executors below are generic, for programs that choose a clock or client of their own; a
//! `Store` has no type parameters.
//!
//! | Executor | Keeps data in | Feature |
//! |---|---|---|
//! | [`MemoryStore`] | memory | |
//! | `EmbeddedStore` | a DynamoDB in this process, in memory or in a file | `embedded` |
//! | `AwsStore` | DynamoDB, through the AWS SDK | `aws` |
//!
//! `Store::aws_lean` calls DynamoDB without the SDK, with the feature `aws-lean`.

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "aws-lean")]
mod aws_lean;
mod builder;
#[cfg(any(feature = "aws-lean", feature = "embedded"))]
mod consumed;
#[cfg(feature = "embedded")]
mod embedded_store;
mod memory_store;
#[cfg(any(feature = "aws", feature = "aws-lean", feature = "embedded"))]
mod meter;
#[cfg(feature = "embedded")]
mod on_demand;
#[cfg(all(feature = "lambda", any(feature = "aws", feature = "aws-lean")))]
mod preconnect;
#[cfg(test)]
mod tests;

use core::fmt;
use core::future::Future;
use core::pin::Pin;
#[cfg(feature = "embedded")]
use std::path::Path;
use std::sync::Arc;

use apptheory_core::machine::Effect;
#[doc(inline)]
pub use apptheory_core::store::*;

#[cfg(feature = "aws")]
pub use aws::AwsStore;
pub use builder::StoreBuilder;
#[cfg(feature = "embedded")]
pub use embedded_store::{EmbeddedError, EmbeddedStore};
pub use memory_store::MemoryStore;
#[cfg(all(feature = "lambda", any(feature = "aws", feature = "aws-lean")))]
pub(crate) use preconnect::connect_all;

use crate::clock::SharedClock;
use crate::env::OwnedEnv;
use crate::execute::{Execute, StoreExecutor};
use crate::ids::IdSource;

/// A store of any kind, with the clock, ids and environment of the services on it. Clones share the
/// same store, and are cheap.
///
/// Create services on a store: `EventBus::on(&store)`. A service uses the store's clock and ids,
/// reads its table's name from the store's environment, and [declares](Self::declare) its table.
///
/// A store is an executor itself. A call costs a boxed future for the store and one for each
/// [layer](Self::layer), beside the executor's work.
///
/// ```
/// use apptheory::prelude::*;
///
/// // The same function with `Store::memory()` in tests and `Store::aws().await` in production.
/// fn app(store: &Store) -> App<EventBus> {
///     let limit = RateLimit::per_minute(100).fail_closed().on(store);
///     App::with_state(EventBus::on(store)).get("/", async || "hello").layer(limit)
/// }
///
/// let app = app(&Store::memory()).build()?;
/// # Ok::<(), BuildError>(())
/// ```
#[derive(Clone)]
pub struct Store {
    executor: Arc<dyn ErasedExecutor>,
    world: Arc<World>,
}

/// The parts of a store that do not depend on layers.
struct World {
    clock: SharedClock,
    ids: Arc<dyn IdSource>,
    env: OwnedEnv,
    declare: Box<dyn Fn(TableDefinition) + Send + Sync>,
    usage: Box<dyn Fn() -> Option<StoreUsage> + Send + Sync>,
}

impl Store {
    /// Creates a store in memory, with the system clock, random ids and the process's environment,
    /// for tests. Use the [builder](Self::builder) to change them.
    #[must_use]
    pub fn memory() -> Self {
        Self::builder().memory()
    }

    /// Opens a store in a file, which is created if it does not exist, for a laptop or an
    /// appliance. Declared tables are created at the next call.
    ///
    /// Needs the feature `embedded`.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError`] if the file cannot be opened or created, or its path is not UTF-8.
    #[cfg(feature = "embedded")]
    pub fn embedded(path: impl AsRef<Path>) -> Result<Self, EmbeddedError> {
        Self::builder().embedded(path)
    }

    /// Creates a store on DynamoDB, with the settings of [`AwsStore::from_env`], for production.
    /// Tables are never created: deploy them.
    ///
    /// Needs the feature `aws`.
    ///
    /// ```no_run
    /// use apptheory::prelude::*;
    ///
    /// fn main() -> std::process::ExitCode {
    ///     apptheory::start(async || {
    ///         let store = Store::aws().await;
    ///         let limit = RateLimit::per_minute(100).fail_closed().on(&store);
    ///         App::new().get("/", async || "hello").layer(limit)
    ///     })
    /// }
    /// ```
    #[cfg(feature = "aws")]
    pub async fn aws() -> Self {
        Self::builder().aws().await
    }

    /// Creates a store on DynamoDB that calls it without the AWS SDK: a function starts sooner, and
    /// its file is smaller. Costs, errors and retries are those of [`aws`](Self::aws), with the
    /// default settings of the SDK, but a reply may stall for 5 s. Tables are never created: deploy
    /// them.
    ///
    /// Region and credentials are those that Lambda gives a function: `AWS_REGION`,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, read once, because
    /// they do not change while the process runs. If one is missing, the log says which, and every
    /// effect returns [`Misconfiguration::MissingCredentials`], or
    /// [`Misconfiguration::MissingTable`] without a region. Profiles, SSO, containers, SnapStart,
    /// instance metadata and proxies need [`aws`](Self::aws). `AWS_ENDPOINT_URL_DYNAMODB` or `AWS_ENDPOINT_URL` names another server.
    ///
    /// Needs the feature `aws-lean`.
    ///
    /// ```no_run
    /// use apptheory::prelude::*;
    ///
    /// fn main() -> std::process::ExitCode {
    ///     apptheory::start(async || {
    ///         let store = Store::aws_lean().await;
    ///         let limit = RateLimit::per_minute(100).fail_closed().on(&store);
    ///         App::new().get("/", async || "hello").layer(limit)
    ///     })
    /// }
    /// ```
    #[cfg(feature = "aws-lean")]
    pub async fn aws_lean() -> Self {
        Self::builder().aws_lean().await
    }

    /// Creates a store from an executor, with the system clock, random ids and the process's
    /// environment. Create the executor's tables yourself.
    #[must_use]
    pub fn new(executor: impl StoreExecutor + Send + 'static) -> Self {
        Self::builder().executor(executor)
    }

    /// Builds a store with another clock, other ids or another environment.
    pub fn builder() -> StoreBuilder {
        StoreBuilder::default()
    }

    /// Returns a store with a layer around its executor. Clock, ids, environment and declared
    /// tables stay the same.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use apptheory::eventbus::{Event, EventBus};
    /// use apptheory::layer::{Counted, FaultPlan, Faulty};
    /// use apptheory::store::{self, Store};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// let plan = FaultPlan::default().fail(1, store::Error::Throttled);
    /// let faulty = Store::memory().layer(|store| Faulty::new(store, plan));
    /// let counted = Arc::new(Counted::new(faulty.clone()));
    ///
    /// let bus = EventBus::on(&faulty.layer(|_| Arc::clone(&counted)));
    /// bus.publish(bus.new_event("tenant-7", "order.created")).await?;
    /// assert_eq!(counted.calls(), 2); // the bus tried again
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn layer<X>(&self, layer: impl FnOnce(Self) -> X) -> Self
    where
        X: StoreExecutor + Send + 'static,
    {
        Self { executor: Arc::new(layer(self.clone())), world: Arc::clone(&self.world) }
    }

    /// Returns the clock of the services on this store.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        &self.world.clock
    }

    /// Returns the source of ids of the services on this store.
    #[must_use]
    pub fn ids(&self) -> &dyn IdSource {
        &*self.world.ids
    }

    /// Looks a variable up in the store's environment.
    #[must_use]
    pub fn env(&self, name: &str) -> Option<String> {
        (self.world.env)(name)
    }

    /// Returns the calls so far, and the capacity that they consumed. `None` for a store from an
    /// [executor](Self::new), whose calls are not counted.
    ///
    /// DynamoDB charges for refused writes and cancelled transactions, but does not report them:
    /// only a store in memory counts those.
    #[must_use]
    pub fn usage(&self) -> Option<StoreUsage> {
        (self.world.usage)()
    }

    /// Declares a table that is needed. In memory it is created at once, in a file at the next
    /// call, and on DynamoDB or an executor of your own never. An existing table is kept.
    ///
    /// Services declare their tables themselves; call this for tables of your own.
    pub fn declare(&self, table: TableDefinition) {
        (self.world.declare)(table);
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Erases an executor's type, and makes a store an executor. For one effect that is
///
/// ```text
/// trait ErasedExecutor { fn get_item(&self, effect: &GetItem) -> BoxFuture<…>; }
/// impl<X: StoreExecutor> ErasedExecutor for X { … }
/// impl Execute<GetItem> for Store { … }
/// ```
macro_rules! erased {
    ($($Effect:ident $method:ident,)+) => {
        trait ErasedExecutor: Send + Sync {
            $(fn $method<'a>(
                &'a self,
                effect: &'a $Effect,
            ) -> BoxFuture<'a, <$Effect as Effect>::Outcome>;)+
        }

        impl<X: StoreExecutor + Send> ErasedExecutor for X {
            $(fn $method<'a>(
                &'a self,
                effect: &'a $Effect,
            ) -> BoxFuture<'a, <$Effect as Effect>::Outcome> {
                Box::pin(self.execute(effect))
            })+
        }

        $(impl Execute<$Effect> for Store {
            async fn execute(&self, effect: &$Effect) -> <$Effect as Effect>::Outcome {
                self.executor.$method(effect).await
            }
        })+
    };
}

apptheory_core::each_store_effect!(erased);
