//! What those who handle one request or record leave for each other.

use core::any::{Any, TypeId};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value as Json;

/// Values under names, values under types, and the stages that were passed.
#[derive(Default)]
pub(super) struct Left(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    values: BTreeMap<String, Json>,
    extensions: BTreeMap<TypeId, Arc<dyn Any + Send + Sync>>,
    stages: Vec<Cow<'static, str>>,
}

impl Left {
    /// Begins with the stages that were passed before.
    pub(super) fn behind(stages: impl Iterator<Item = &'static str>) -> Self {
        let stages = stages.map(Cow::Borrowed).collect();
        Self(Mutex::new(Inner { stages, ..Inner::default() }))
    }

    /// Leaves a value under a name, which is trimmed. A blank name is ignored.
    pub(super) fn set(&self, name: &str, value: Json) {
        let name = name.trim();
        if !name.is_empty() {
            self.lock().values.insert(name.to_owned(), value);
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<Json> {
        self.lock().values.get(name.trim()).cloned()
    }

    pub(super) fn extend<T: Send + Sync + 'static>(&self, value: T) {
        self.lock().extensions.insert(TypeId::of::<T>(), Arc::new(value));
    }

    pub(super) fn extension<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let value = self.lock().extensions.get(&TypeId::of::<T>()).cloned();
        value.and_then(|value| value.downcast().ok())
    }

    pub(super) fn stages(&self) -> Vec<Cow<'static, str>> {
        self.lock().stages.clone()
    }

    pub(super) fn add_stage(&self, stage: Cow<'static, str>) {
        self.lock().stages.push(stage);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it is locked: poisoning says nothing here.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
