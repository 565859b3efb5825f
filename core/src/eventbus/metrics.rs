//! Metric records of the event bus.

use alloc::collections::BTreeMap;
use alloc::string::String;

/// One metric, as part of an operation's output. The host decides where to send it.
#[derive(Clone, Debug, PartialEq)]
pub struct BusMetric {
    /// The namespace from the configuration; `AppTheory/EventBus` by default.
    pub namespace: String,
    /// The name: `PublishSuccess`, `PublishDeduped`, `PublishError`, `QuerySuccess`, `QueryError`,
    /// `DeleteSuccess` or `DeleteError`.
    pub name: &'static str,
    /// The value, always 1.
    pub value: f64,
    /// Tags by name. `tenant_id` has as many values as there are tenants; consider that metrics
    /// services charge per combination.
    pub tags: BTreeMap<&'static str, String>,
}

/// The result of an operation, with its metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured<T, E> {
    /// The operation's result.
    pub result: Result<T, E>,
    /// The metric; `None` if metrics are disabled or the input was refused.
    pub metric: Option<BusMetric>,
}

impl<T, E> Measured<T, E> {
    pub(super) const fn refused(error: E) -> Self {
        Self { result: Err(error), metric: None }
    }
}
