//! What those who handle one request or record leave for each other.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value as Json;

/// Values under names, which are trimmed. A blank name is ignored.
#[derive(Debug, Default)]
pub(super) struct Values(Mutex<BTreeMap<String, Json>>);

impl Values {
    pub(super) fn set(&self, name: &str, value: Json) {
        let name = name.trim();
        if !name.is_empty() {
            self.with(|values| values.insert(name.to_owned(), value));
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<Json> {
        self.with(|values| values.get(name.trim()).cloned())
    }

    fn with<T>(&self, look: impl FnOnce(&mut BTreeMap<String, Json>) -> T) -> T {
        // Nothing panics while they are locked: poisoning says nothing here.
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
