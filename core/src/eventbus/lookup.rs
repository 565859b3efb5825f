//! Finds the copies of an event by its id.

use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::mem;

use super::codec::instant;
use super::config::BusConfig;
use super::error::{Error, Input};
use super::keys::{EventKey, Separator, check_length, check_tenant};
use super::plan::partition_read;
use super::query::Order;
use super::schema::ID_INDEX;
use crate::store::{Item, MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES, Page, QueryItems};

/// A search for every copy of an id, in one tenant or in all. An id published at two instants gives
/// two events, and the index does not sort them, so all are read.
#[derive(Clone, Debug)]
pub(super) struct LookUp {
    pub(super) id: String,
    tenant_id: Option<String>,
    found: Vec<Item>,
}

impl LookUp {
    pub(super) fn new(id: &str, tenant_id: Option<&str>) -> Result<Self, Error> {
        let id = id.trim();
        if id.is_empty() {
            return Err(Input::EmptyEventId.into());
        }
        check_length("event ID", id, MAX_PARTITION_KEY_BYTES)?;
        let tenant_id = tenant_id.map(str::trim);
        if let Some(tenant_id) = tenant_id {
            // A separator is harmless here, because this only reads.
            check_tenant(tenant_id, Separator::Allowed)?;
        }
        Ok(Self { id: id.into(), tenant_id: tenant_id.map(Into::into), found: Vec::new() })
    }

    /// Returns the search for the single copy with a key, unless the key is invalid.
    pub(super) fn of_key(key: &EventKey) -> Result<Self, Error> {
        if key.partition_key.is_empty() {
            return Err(Input::EmptyTenant.into());
        }
        check_length("partition key", &key.partition_key, MAX_PARTITION_KEY_BYTES)?;
        check_length("sort key", &key.sort_key, MAX_SORT_KEY_BYTES)?;
        Self::new(key.id(), None)
    }

    pub(super) fn read(&self, bus: &BusConfig, start_after: Option<Item>) -> QueryItems {
        let name = bus.codec().names().id;
        let read = partition_read(bus, Some(ID_INDEX), name, &self.id, Order::NewestFirst);
        QueryItems { start_after, ..read }
    }

    /// Adds a page; returns where the next page starts, if there is one.
    pub(super) fn add(&mut self, page: Page) -> Option<Item> {
        self.found.extend(page.items);
        page.next
    }

    /// Takes the found copies, newest first.
    pub(super) fn take_copies(&mut self, bus: &BusConfig) -> Vec<Item> {
        let names = bus.codec().names();
        let mut copies = mem::take(&mut self.found);
        if let Some(wanted) = &self.tenant_id {
            copies.retain(|item| item.text(names.tenant_id) == Some(wanted));
        }
        copies.sort_by_cached_key(|item| {
            let at = item.text(names.published_at).and_then(|text| instant(text).ok()?);
            Reverse((at, EventKey::of_item(item, names)))
        });
        copies
    }
}
