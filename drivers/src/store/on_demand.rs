//! An embedded database that creates declared tables when they are needed.

use std::sync::{Mutex, MutexGuard, PoisonError};

use apptheory_core::store::{self, Misconfiguration, StoreEffect, TableDefinition};

use super::EmbeddedStore;
use crate::clock::SharedClock;
use crate::execute::Execute;

/// Creates the tables that were declared since the last call, before a call is executed. If a table
/// cannot be created, because it exists with another schema, calls fail.
#[derive(Debug)]
pub(super) struct OnDemand {
    database: EmbeddedStore<SharedClock>,
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    declared: Vec<TableDefinition>,
    /// How many of them exist.
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
                tracing::warn!(
                    error = &error as &dyn core::error::Error,
                    "cannot create a declared table"
                );
                drop(error);
                store::Error::Misconfigured(Misconfiguration::InvalidRequest)
            })?;
            tables.created = tables.created.saturating_add(1);
        }
        Ok(())
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // Counted after its creation: after a panic, the table is created again.
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
