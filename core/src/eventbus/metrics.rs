//! Metric records: what happened, for counting.

use alloc::collections::BTreeMap;
use alloc::string::String;

/// One metric, as part of an operation's output. The host decides where it goes.
#[derive(Clone, Debug, PartialEq)]
pub struct BusMetric {
    /// The namespace from the configuration, `AppTheory/EventBus` unless set otherwise.
    pub namespace: String,
    /// The name: `PublishSuccess`, `PublishDeduped`, `PublishError`, `QuerySuccess`, `QueryError`,
    /// `DeleteSuccess` or `DeleteError`.
    pub name: &'static str,
    /// The value, always 1.
    pub value: f64,
    /// Tags by name. `tenant_id` has as many values as there are tenants: mind what a metrics
    /// service charges per combination.
    pub tags: BTreeMap<&'static str, String>,
}

/// What an operation concluded with, and its metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured<T, E> {
    /// The operation's result.
    pub result: Result<T, E>,
    /// The metric; `None` when metrics are off and for input that was refused.
    pub metric: Option<BusMetric>,
}

impl<T, E> Measured<T, E> {
    pub(super) const fn refused(error: E) -> Self {
        Self { result: Err(error), metric: None }
    }
}
