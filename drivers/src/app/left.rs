//! What those who handle one request or record leave for each other.

use core::any::{Any, TypeId};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use apptheory_core::http::exchange::Stages;
use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;

use super::context::Context;

/// Values under names, values under types, and the stages that were passed.
pub(super) struct Left {
    inner: Mutex<Inner>,
    /// What ends when the record is given up, once somebody has asked for it: most handlers do not.
    given_up: OnceLock<CancellationToken>,
}

#[derive(Default)]
struct Inner {
    values: BTreeMap<String, Json>,
    extensions: BTreeMap<TypeId, Arc<dyn Any + Send + Sync>>,
    /// Those of the pipeline.
    passed: Stages,
    /// Those of middleware.
    added: Vec<Cow<'static, str>>,
}

impl Left {
    /// Begins with the stages that were passed before.
    pub(super) fn behind(passed: Stages) -> Self {
        let inner = Mutex::new(Inner { passed, ..Inner::default() });
        Self { inner, given_up: OnceLock::new() }
    }

    /// What ends when the record is given up, or all of its invocation.
    pub(super) fn given_up(&self, invocation: &CancellationToken) -> &CancellationToken {
        self.given_up.get_or_init(|| invocation.child_token())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it is locked: poisoning says nothing here.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is left for others.
impl Context {
    /// Leaves a value for those who handle the same request or record, under a name that is trimmed.
    /// A blank name is ignored.
    pub fn set(&self, name: &str, value: impl Into<Json>) {
        let (name, value) = (name.trim(), value.into());
        if !name.is_empty() {
            self.left.lock().values.insert(name.to_owned(), value);
        }
    }

    /// Returns a value that was left under a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Json> {
        self.left.lock().values.get(name.trim()).cloned()
    }

    /// Leaves a value for those who handle the same request or record, under its type. The extractor
    /// [`Extension`](super::Extension) reads it.
    pub fn extend<T: Send + Sync + 'static>(&self, value: T) {
        let before = self.left.lock().extensions.insert(TypeId::of::<T>(), Arc::new(value));
        // A value of the application's own is dropped where nothing is locked.
        drop(before);
    }

    /// Returns the value that was left under a type.
    #[must_use]
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let value = self.left.lock().extensions.get(&TypeId::of::<T>()).cloned();
        value.and_then(|value| value.downcast().ok())
    }

    /// Returns the stages that the request has passed, in order: the pipeline's, and what middleware
    /// [added](Self::add_stage).
    #[must_use]
    pub fn stages(&self) -> Vec<Cow<'static, str>> {
        let left = self.left.lock();
        left.passed.names().map(Cow::Borrowed).chain(left.added.iter().cloned()).collect()
    }

    /// Adds a stage.
    pub fn add_stage(&self, stage: impl Into<Cow<'static, str>>) {
        let stage = stage.into();
        self.left.lock().added.push(stage);
    }
}
