//! Everything that the store holds, behind its one lock.

use std::collections::BTreeMap;

use apptheory_core::store::{Misconfiguration, StoreError, TableDefinition, TableName};

use super::table::Table;
use super::transact::Tokens;
use crate::usage::StoreUsage;

#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) tables: Tables,
    pub(super) tokens: Tokens,
    pub(super) usage: StoreUsage,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Tables(pub(super) BTreeMap<TableName, Table>);

impl Tables {
    /// Adds an empty table, unless there is one of that name.
    pub(super) fn create(&mut self, definition: TableDefinition) {
        let name = definition.name.clone();
        self.0.entry(name).or_insert_with(|| Table::new(definition));
    }

    pub(super) fn get(&self, name: &TableName) -> Result<&Table, StoreError> {
        self.0.get(name).ok_or(StoreError::Misconfigured(Misconfiguration::MissingTable))
    }
}

/// What DynamoDB calls a `ValidationException`.
pub(super) const INVALID_REQUEST: StoreError =
    StoreError::Misconfigured(Misconfiguration::InvalidRequest);
