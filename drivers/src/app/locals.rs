//! Values that middleware and handlers of one request or record share.

use core::any::{Any, TypeId};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use apptheory_core::http::exchange::Stages;
use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;

use super::context::Context;

/// Values by name, values by type, and the stages passed so far.
pub(super) struct Locals {
    inner: Mutex<Inner>,
    /// The token that cancels this record alone; created on demand, because few handlers use it.
    cancellation: OnceLock<CancellationToken>,
}

#[derive(Default)]
struct Inner {
    values: BTreeMap<String, Json>,
    extensions: BTreeMap<TypeId, Arc<dyn Any + Send + Sync>>,
    /// Stages of the pipeline.
    passed: Stages,
    /// Stages that middleware added.
    added: Vec<Cow<'static, str>>,
}

impl Locals {
    /// Creates an empty set of values, after the pipeline's stages.
    pub(super) fn behind(passed: Stages) -> Self {
        let inner = Mutex::new(Inner { passed, ..Inner::default() });
        Self { inner, cancellation: OnceLock::new() }
    }

    /// Returns the token that is cancelled with the record or with its invocation.
    pub(super) fn cancellation(&self, invocation: &CancellationToken) -> &CancellationToken {
        self.cancellation.get_or_init(|| invocation.child_token())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while the lock is held, so a poisoned lock is still consistent.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Values shared within one request or record.
impl Context {
    /// Sets a value under a name, for the other middleware and the handler of the same request or
    /// record. The name is trimmed; a blank name is ignored.
    pub fn set(&self, name: &str, value: impl Into<Json>) {
        let (name, value) = (name.trim(), value.into());
        if !name.is_empty() {
            self.locals().lock().values.insert(name.to_owned(), value);
        }
    }

    /// Returns the value that was set under a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Json> {
        self.locals().lock().values.get(name.trim()).cloned()
    }

    /// Sets a value under its type, for the other middleware and the handler of the same request or
    /// record. The extractor [`Extension`](super::Extension) reads it.
    pub fn extend<T: Send + Sync + 'static>(&self, value: T) {
        let before = self.locals().lock().extensions.insert(TypeId::of::<T>(), Arc::new(value));
        // A value's own `Drop` runs after the lock is released.
        drop(before);
    }

    /// Returns the value that was set under a type.
    #[must_use]
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let value = self.locals().lock().extensions.get(&TypeId::of::<T>()).cloned();
        value.and_then(|value| value.downcast().ok())
    }

    /// Returns the stages that the request has passed, in order: those of the pipeline, and those
    /// that middleware [added](Self::add_stage).
    #[must_use]
    pub fn stages(&self) -> Vec<Cow<'static, str>> {
        let locals = self.locals().lock();
        locals.passed.names().map(Cow::Borrowed).chain(locals.added.iter().cloned()).collect()
    }

    /// Adds a stage to the list that [`stages`](Self::stages) returns.
    pub fn add_stage(&self, stage: impl Into<Cow<'static, str>>) {
        let stage = stage.into();
        self.locals().lock().added.push(stage);
    }
}
