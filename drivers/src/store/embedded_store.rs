//! A DynamoDB in this process, on SQLite: `dynoxide`, in memory or in a file.
//!
//! [`EmbeddedStore`] sends the requests of the core's [`Wire`] to the embedded database exactly as
//! they would be sent over HTTP, and parses the replies the same way. Requests are thus checked by
//! an independent implementation of DynamoDB's expressions.
//!
//! # Blocking
//!
//! The database replies synchronously, and [`Execute`] calls it directly instead of on a thread for
//! blocking work: a reply takes far less than a millisecond, less than switching threads, and the
//! store works with any async runtime, or none. Only a commit to a *file* waits for the disk, once
//! per write; SQLite has one writer, so a second thread would not help. If even that must not delay
//! other tasks, run the workflow on a thread for blocking work.
//!
//! ```
//! use apptheory::clock::ManualClock;
//! use apptheory::execute::Execute;
//! use apptheory::store::{
//!     Assignment, EmbeddedStore, Guard, Key, KeySchema, TableDefinition, UpdateItem, Value,
//!     Written,
//! };
//! use apptheory::time::Timestamp;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let store = EmbeddedStore::in_memory(ManualClock::new(Timestamp::UNIX_EPOCH))?;
//! store.create_table(&TableDefinition {
//!     name: "counters".into(),
//!     key: KeySchema { partition: "ID".into(), sort: None },
//!     indexes: vec![],
//!     ttl: "ttl".into(),
//! })?;
//! let count = UpdateItem {
//!     table: "counters".into(),
//!     key: Key::of("ID", Value::from("c1")),
//!     assignments: vec![Assignment::add("Count", 1)],
//!     guard: Guard::Always,
//! };
//! let Written::Applied { attributes } = store.execute(&count).await?.answer else {
//!     panic!("nothing guards the counter");
//! };
//! assert_eq!(attributes.integer("Count"), Some(1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

use core::fmt;
use std::path::{Path, PathBuf};

use apptheory_core::machine::Effect;
use apptheory_core::store::wire::{Fault, Reply, Wire};
use apptheory_core::store::{
    self, BatchGetItem, DeleteItem, GetItem, PutItem, QueryItems, Sleep, StoreUsage,
    TableDefinition, TableName, TransactWriteItems, UpdateItem,
};
use apptheory_core::time::Timestamp;
use dynoxide::{Database, DynoxideError};
use serde_json::Value as Json;

use super::consumed::consumed;
use super::meter::Meter;
use crate::clock::{Clock, SystemClock};
use crate::execute::Execute;
use crate::see::See;

/// An embedded DynamoDB. Clones share the database. Programs usually take a
/// [`Store::embedded`](super::Store::embedded).
///
/// Needs the feature `embedded`.
#[derive(Clone)]
pub struct EmbeddedStore<C = SystemClock> {
    database: Database,
    clock: C,
    meter: Meter,
}

/// The embedded database could not be set up.
///
/// Needs the feature `embedded`.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// The database in memory could not be created, because SQLite failed. See the source.
    #[error("SQLite cannot create a database in memory; {}", See("getting_started"))]
    Create(#[source] DynoxideError),
    /// The path is not UTF-8 text, which SQLite needs. Choose another path.
    #[error("the path {0:?} is not UTF-8: choose another; {see}", see = See("getting_started"))]
    Path(PathBuf),
    /// The file could not be opened or created: its directory is missing or not writable, or it is
    /// another kind of file. See the source.
    #[error(
        "cannot open the database file {path:?}: its folder has to exist and be writable, and the \
         file to be one of this store; {}",
        See("getting_started")
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// SQLite's error.
        #[source]
        source: DynoxideError,
    },
    /// The table could not be created: DynamoDB would not accept its definition. See the source.
    #[error(
        "cannot create the table {table}: its definition is not one that DynamoDB takes; {}",
        See("getting_started")
    )]
    CreateTable {
        /// The table.
        table: TableName,
        /// The database's error.
        #[source]
        source: DynoxideError,
    },
    /// The TTL could not be enabled: the table exists with another TTL attribute. Configure that
    /// attribute, or use another table or file.
    #[error(
        "cannot enable the TTL of table {table}, which has another TTL attribute: configure that one, \
         or use another table or file; {}",
        See("getting_started")
    )]
    TimeToLive {
        /// The table.
        table: TableName,
        /// The database's error.
        #[source]
        source: DynoxideError,
    },
}

impl<C> EmbeddedStore<C> {
    /// Opens a database in memory, which is dropped with its last clone.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError::Create`] if SQLite fails.
    pub fn in_memory(clock: C) -> Result<Self, EmbeddedError> {
        Ok(Self::over(Database::memory().map_err(EmbeddedError::Create)?, clock))
    }

    /// Opens a database file, which is created if it does not exist.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError::Path`] or [`EmbeddedError::Open`].
    pub fn open(path: impl AsRef<Path>, clock: C) -> Result<Self, EmbeddedError> {
        let path = path.as_ref();
        let text = path.to_str().ok_or_else(|| EmbeddedError::Path(path.to_owned()))?;
        let open = |source| EmbeddedError::Open { path: path.to_owned(), source };
        Ok(Self::over(Database::new(text).map_err(open)?, clock))
    }

    fn over(database: Database, clock: C) -> Self {
        Self { database, clock, meter: Meter::default() }
    }

    /// Creates a table with TTL. An existing table is kept with its items; its keys and indexes are
    /// not checked.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError::CreateTable`] or [`EmbeddedError::TimeToLive`].
    pub fn create_table(&self, definition: &TableDefinition) -> Result<(), EmbeddedError> {
        let table = || definition.name.clone();
        let created = serde_json::from_value(definition.create_table_body())
            .map_err(invalid)
            .and_then(|request| self.database.create_table(request));
        match created {
            Ok(_) | Err(DynoxideError::ResourceInUseException(_)) => {}
            Err(source) => return Err(EmbeddedError::CreateTable { table: table(), source }),
        }
        serde_json::from_value(definition.update_time_to_live_body())
            .map_err(invalid)
            .and_then(|request| self.database.update_time_to_live(request))
            .map_err(|source| EmbeddedError::TimeToLive { table: table(), source })?;
        Ok(())
    }

    /// Creates tables, as [`create_table`](Self::create_table) does.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError`] of the first table that cannot be created. Earlier tables exist then.
    pub fn create_tables<'a>(
        &self,
        definitions: impl IntoIterator<Item = &'a TableDefinition>,
    ) -> Result<(), EmbeddedError> {
        definitions.into_iter().try_for_each(|definition| self.create_table(definition))
    }

    /// Returns the database itself, for instance to serve it over HTTP. Clones share the same
    /// database.
    #[must_use]
    pub fn database(&self) -> Database {
        self.database.clone()
    }

    /// Returns the store's clock.
    pub const fn clock(&self) -> &C {
        &self.clock
    }

    /// Returns the number of calls so far, and the capacity that the database reported for them. It
    /// reports none for a refused write or a cancelled transaction, although DynamoDB charges for
    /// them.
    #[must_use]
    pub fn usage(&self) -> StoreUsage {
        self.meter.usage()
    }

    /// Checks a request, executes it, and parses the reply.
    fn carry_out<W: Wire>(
        &self,
        order: &W,
        call: impl FnOnce(&Database, Json) -> Result<Vec<u8>, DynoxideError>,
    ) -> store::Outcome<W::Answer>
    where
        C: Clock,
    {
        order.check()?;
        let mut body = order.to_body();
        if let Some(members) = body.as_object_mut() {
            members.insert("ReturnConsumedCapacity".to_owned(), Json::from("TOTAL"));
        }
        let reply = match call(&self.database, body) {
            Ok(answer) => Reply::Answer(answer.into()),
            Err(error) => Reply::Fault(fault(&error)),
        };
        self.meter.record(W::OPERATION, consumed(W::OPERATION, &reply));
        order.read_reply(reply, self.clock.now())
    }
}

// The database has no `Debug` output.
impl<C: fmt::Debug> fmt::Debug for EmbeddedStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedStore").field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// Implements effects: each is executed by the database's method of its name.
macro_rules! carries_out {
    ($($effect:ident $method:ident,)+) => {$(
        impl<C: Clock> Execute<$effect> for EmbeddedStore<C> {
            async fn execute(&self, order: &$effect) -> <$effect as Effect>::Outcome {
                self.carry_out(order, |database, body| {
                    let request = serde_json::from_value(body).map_err(invalid)?;
                    let answer = database.$method(request)?;
                    serde_json::to_vec(&answer).map_err(unreadable)
                })
            }
        }
    )+};
}

apptheory_core::each_store_order!(carries_out);

impl<C: Clock> Execute<Sleep> for EmbeddedStore<C> {
    async fn execute(&self, sleep: &Sleep) -> Timestamp {
        self.clock.sleep(sleep.duration).await
    }
}

/// A request that the database's parser refuses; DynamoDB would refuse it, too.
fn invalid(error: serde_json::Error) -> DynoxideError {
    DynoxideError::ValidationException(error.to_string())
}

/// A reply that is not JSON does not say what happened.
fn unreadable(error: serde_json::Error) -> DynoxideError {
    DynoxideError::InternalServerError(error.to_string())
}

fn fault(error: &DynoxideError) -> Fault {
    serde_json::from_str(&error.to_json())
        .map_or_else(|_| Fault::default(), |json| Fault::from_json(&json))
}

const _: () = {
    const fn shared_between_threads<T: Send + Sync>() {}
    shared_between_threads::<EmbeddedStore>();
};

#[cfg(test)]
mod tests {
    use apptheory_core::store::{Guard, Item, KeySchema, Value, Written};

    use super::*;
    use crate::clock::ManualClock;

    fn notes(ttl: &'static str) -> TableDefinition {
        TableDefinition {
            name: "notes".into(),
            key: KeySchema { partition: "ID".into(), sort: None },
            indexes: vec![],
            ttl: ttl.into(),
        }
    }

    fn note() -> PutItem {
        let item = Item::new().with("ID", Value::from("n1"));
        PutItem { table: "notes".into(), item, guard: Guard::absent("ID") }
    }

    fn open(path: &Path) -> EmbeddedStore<ManualClock> {
        EmbeddedStore::open(path, ManualClock::new(Timestamp::UNIX_EPOCH)).unwrap()
    }

    #[tokio::test]
    async fn a_file_keeps_its_tables_and_items() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notes.db");

        let store = open(&path);
        store.create_table(&notes("ttl")).unwrap();
        let written = store.execute(&note()).await.unwrap().answer;
        assert_eq!(written, Written::Applied { attributes: Item::new() });
        drop(store);

        let store = open(&path);
        store.create_table(&notes("ttl")).unwrap();
        let written = store.execute(&note()).await.unwrap().answer;
        assert_eq!(written, Written::Refused { seen: Some(note().item) });
        assert!(matches!(
            store.create_table(&notes("expires")),
            Err(EmbeddedError::TimeToLive { .. })
        ));
    }

    #[tokio::test]
    async fn what_cannot_be_set_up_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let clock = || ManualClock::new(Timestamp::UNIX_EPOCH);
        let missing = directory.path().join("missing").join("notes.db");
        assert!(matches!(
            EmbeddedStore::open(&missing, clock()),
            Err(EmbeddedError::Open { path, .. }) if path == missing
        ));

        let store = EmbeddedStore::in_memory(clock()).unwrap();
        let unnamed = TableDefinition { name: "".into(), ..notes("ttl") };
        assert!(matches!(store.create_table(&unnamed), Err(EmbeddedError::CreateTable { .. })));
        assert_eq!(
            store.execute(&note()).await,
            Err(store::Error::Misconfigured(store::Misconfiguration::MissingTable))
        );
    }

    #[tokio::test]
    async fn reported_capacity_is_booked() {
        let store = EmbeddedStore::in_memory(ManualClock::new(Timestamp::UNIX_EPOCH)).unwrap();
        store.create_table(&notes("ttl")).unwrap();
        let key = store::Key::of("ID", Value::from("n1"));
        let get = GetItem { table: "notes".into(), key, consistent: false };
        store.execute(&get).await.unwrap();
        let before = store.usage();
        store.execute(&note()).await.unwrap();
        assert_eq!(before.operation("GetItem").consumed.read_units(), 0.5);
        assert_eq!(store.usage().since(&before).total().consumed.write_units, 1);
    }
}
