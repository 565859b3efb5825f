//! Settings with exceptions for some identifiers and resources.

use alloc::collections::BTreeMap;
use alloc::string::String;

use crate::limiter::key::{RateLimitKey, stored_identifier, stored_resource};

/// A setting with exceptions by identifier and by resource.
#[derive(Clone, Debug)]
pub(in crate::limiter) struct Exceptions<T> {
    default: T,
    identifiers: BTreeMap<String, T>,
    resources: BTreeMap<String, T>,
}

impl<T> Exceptions<T> {
    pub(in crate::limiter) fn new(default: T) -> Self {
        Self { default, identifiers: BTreeMap::new(), resources: BTreeMap::new() }
    }

    // Keys hold long texts in hashed form. Exceptions are stored in the same form, so that any
    // identifier finds its own.
    pub(in crate::limiter) fn for_identifier(&mut self, identifier: &str, value: T) {
        self.identifiers.insert(stored_identifier(identifier).into_owned(), value);
    }

    pub(in crate::limiter) fn for_resource(&mut self, resource: &str, value: T) {
        self.resources.insert(stored_resource(resource).into_owned(), value);
    }

    /// Returns the setting for a key: that of its identifier, or else of its resource, or else the
    /// default.
    pub(in crate::limiter) fn of(&self, key: &RateLimitKey) -> &T {
        if self.identifiers.is_empty() && self.resources.is_empty() {
            return &self.default;
        }
        self.identifiers
            .get(key.identifier())
            .or_else(|| self.resources.get(key.resource()))
            .unwrap_or(&self.default)
    }

    pub(in crate::limiter) const fn default(&self) -> &T {
        &self.default
    }

    pub(super) fn lists(&self) -> impl Iterator<Item = &T> {
        core::iter::once(&self.default)
            .chain(self.identifiers.values())
            .chain(self.resources.values())
    }
}
