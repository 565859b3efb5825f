//! An embedded database whose tables are created when they are first needed.

use std::sync::{Mutex, MutexGuard, PoisonError};

use apptheory_core::store::{self, Misconfiguration, StoreEffect, TableDefinition};

use super::EmbeddedStore;
use crate::clock::SharedClock;
use crate::execute::Execute;

/// Creates the tables that were declared since the call before, once, before a call is made. As
/// long as one of them cannot be created, calls fail: it is there with another schema.
#[derive(Debug)]
pub(super) struct OnDemand {
    database: EmbeddedStore<SharedClock>,
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    declared: Vec<TableDefinition>,
    /// How many of them are there.
    created: usize,
}

impl OnDemand {
    pub(super) fn new(database: EmbeddedStore<SharedClock>) -> Self {
        Self { database, tables: Mutex::default() }
    }

    pub(super) fn declare(&self, table: TableDefinition) {
        let mut tables = self.tables();
        if !tables.declared.contains(&table) {
            tables.declared.push(table);
        }
    }

    fn create_declared(&self) -> Result<(), store::Error> {
        let mut tables = self.tables();
        while let Some(table) = tables.declared.get(tables.created) {
            self.database.create_table(table).map_err(|error| {
                #[cfg(feature = "tracing")]
                tracing::warn!(error = &error as &dyn core::error::Error, "a table is missing");
                drop(error);
                store::Error::Misconfigured(Misconfiguration::InvalidRequest)
            })?;
            tables.created = tables.created.saturating_add(1);
        }
        Ok(())
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // A table is counted after it was created: a panic leaves one to be created again.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E> Execute<E> for OnDemand
where
    E: StoreEffect<Outcome: Send> + Sync,
    EmbeddedStore<SharedClock>: Execute<E>,
{
    async fn execute(&self, effect: &E) -> E::Outcome {
        let refused = if E::is_call() { self.create_declared().err() } else { None };
        match refused.and_then(E::failed) {
            Some(failed) => failed,
            None => self.database.execute(effect).await,
        }
    }
}
