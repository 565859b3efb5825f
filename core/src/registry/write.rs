//! Registers, extends and removes connections.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;

use super::config::{Config, ConnectionKey, PARTITION_KEY, expires_at};
use super::error::Error;
use crate::machine::{Machine, Step};
use crate::store::{
    self, Assignment, DeleteItem, Guard, PutItem, StoreRequest, UpdateItem, Value, Written,
};
use crate::time::Timestamp;

/// Registers a connection with one `PutItem`. Repeating it is harmless.
#[derive(Clone, Debug)]
#[must_use = "a machine does nothing until it is driven"]
pub struct Register {
    config: Arc<Config>,
    key: ConnectionKey,
    topic: String,
    now: Timestamp,
}

/// Extends a registration with one conditional `UpdateItem`. Repeating it is harmless.
#[derive(Clone, Debug)]
#[must_use = "a machine does nothing until it is driven"]
pub struct Touch {
    config: Arc<Config>,
    key: ConnectionKey,
    now: Timestamp,
}

/// Removes a connection with one `DeleteItem`. Repeating it, or removing an unknown connection, is
/// harmless.
#[derive(Clone, Debug)]
#[must_use = "a machine does nothing until it is driven"]
pub struct Remove {
    config: Arc<Config>,
    key: ConnectionKey,
}

/// Says whether a registration was extended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Touched {
    /// The registration was extended.
    Kept,
    /// The connection is not registered, or no longer registered.
    Unknown,
}

impl Register {
    pub(super) const fn new(
        config: Arc<Config>,
        key: ConnectionKey,
        topic: String,
        now: Timestamp,
    ) -> Self {
        Self { config, key, topic, now }
    }

    fn on_put(self, outcome: store::Outcome<Written>) -> Step<Self> {
        Step::Done(outcome.map(|_| ()).map_err(|error| self.config.not_written(error)))
    }
}

impl Machine for Register {
    type Output = Result<(), Error>;
    type Request = StoreRequest<Self>;

    fn start(self) -> Step<Self> {
        let names = self.config.names();
        let key = self.key.to_store_key().to_item();
        let item = key
            .with(names.topic, Value::from(&*self.topic))
            .with(names.connected_at, Value::S(self.now.to_rfc3339_fixed9()))
            .with(names.ttl, Value::N(expires_at(self.now).into()));
        let put = PutItem { table: self.config.table.clone(), item, guard: Guard::Always };
        self.ask(put, Self::on_put)
    }
}

impl Touch {
    pub(super) const fn new(config: Arc<Config>, key: ConnectionKey, now: Timestamp) -> Self {
        Self { config, key, now }
    }

    fn on_update(self, outcome: store::Outcome<Written>) -> Step<Self> {
        Step::Done(match outcome.map(|answered| answered.answer) {
            Ok(Written::Applied { .. }) => Ok(Touched::Kept),
            Ok(Written::Refused { .. }) => Ok(Touched::Unknown),
            Err(error) => Err(self.config.not_written(error)),
        })
    }
}

impl Machine for Touch {
    type Output = Result<Touched, Error>;
    type Request = StoreRequest<Self>;

    fn start(self) -> Step<Self> {
        let expires_at = Value::N(expires_at(self.now).into());
        let update = UpdateItem {
            table: self.config.table.clone(),
            key: self.key.to_store_key(),
            assignments: vec![Assignment::set(self.config.names().ttl, expires_at)],
            guard: Guard::Present(PARTITION_KEY.into()),
        };
        self.ask(update, Self::on_update)
    }
}

impl Remove {
    pub(super) const fn new(config: Arc<Config>, key: ConnectionKey) -> Self {
        Self { config, key }
    }

    fn on_delete(self, outcome: store::Outcome<Written>) -> Step<Self> {
        Step::Done(outcome.map(|_| ()).map_err(|error| self.config.not_written(error)))
    }
}

impl Machine for Remove {
    type Output = Result<(), Error>;
    type Request = StoreRequest<Self>;

    fn start(self) -> Step<Self> {
        let delete = DeleteItem {
            table: self.config.table.clone(),
            key: self.key.to_store_key(),
            guard: Guard::Always,
        };
        self.ask(delete, Self::on_delete)
    }
}
