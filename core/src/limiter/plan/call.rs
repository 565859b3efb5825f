//! One call on the limiter: its arguments, and how rulings become decisions.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::error::Happened;
use crate::limiter::attempt::Attempt;
use crate::limiter::config::{Config, OnFailure};
use crate::limiter::decision::{Basis, Cause, Decision, Stage};
use crate::limiter::error::{Error, Operation, Reason};
use crate::limiter::schema::AttributeNames;
use crate::limiter::strategy::Quota;
use crate::limiter::window::TimeWindow;
use crate::store::{self, Assignment, Guard, Key, Number, UpdateItem, Value};
use crate::time::Timestamp;

#[derive(Clone, Debug)]
pub(in crate::limiter) struct Call {
    pub(in crate::limiter) config: Arc<Config>,
    pub(in crate::limiter) attempt: Attempt,
    pub(in crate::limiter) operation: Operation,
}

/// A strategy's verdict on the counts. A count is `None` if the store did not return it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ruling {
    Admitted(Option<i64>),
    Denied(Option<i64>),
    /// Denied without asking the store.
    DeniedLocally(i64),
}

/// The quota that limits a request.
pub(super) struct Limiting<'a> {
    pub(super) quotas: &'a Arc<[Quota]>,
    /// The index of the limiting quota.
    pub(super) at: usize,
    pub(super) window: Option<TimeWindow>,
    pub(super) resets_at: Timestamp,
}

/// The attributes of an item besides its counters.
pub(super) struct Description {
    /// The window in which the item counts, if it has one.
    pub(super) window: Option<DescribedWindow>,
    pub(super) expires_at: i64,
}

/// A window as its item describes it.
pub(super) struct DescribedWindow {
    pub(super) start: Timestamp,
    /// The start as text.
    pub(super) id: String,
    pub(super) window_type: String,
}

impl From<&TimeWindow> for DescribedWindow {
    fn from(window: &TimeWindow) -> Self {
        let (start, id) = (window.start, window.start.to_rfc3339_seconds());
        Self { start, window_type: window.key_after(id.clone()), id }
    }
}

impl Call {
    pub(super) fn now(&self) -> Timestamp {
        self.attempt.now
    }

    pub(super) fn cost(&self) -> i64 {
        i64::from(self.attempt.cost.get())
    }

    pub(in crate::limiter) fn names(&self) -> &'static AttributeNames {
        AttributeNames::of(self.config.attribute_style)
    }

    /// Builds a strategy's decision. By default, a unit becomes available, and the same request can
    /// be admitted, when the limiting window ends.
    pub(super) fn decision(&self, ruling: Ruling, limiting: Limiting<'_>) -> Decision {
        let Limiting { quotas, at, window, resets_at } = limiting;
        let (allowed, basis, count) = match ruling {
            Ruling::Admitted(count) => (true, Basis::Counted, count),
            Ruling::Denied(count) => (false, Basis::Counted, count),
            Ruling::DeniedLocally(count) => (false, Basis::LocalDeny, Some(count)),
        };
        let limit = quotas.get(at).map_or(0, |quota| quota.limit);
        Decision {
            allowed,
            count,
            limit,
            resets_at,
            room_at: resets_at,
            retry_after: (!allowed).then(|| self.now().until(resets_at)),
            basis,
            near_limit: count.is_some_and(|count| is_near(count, limit)),
            shadowed: false,
            decided_at: self.now(),
            window,
            quotas: Arc::clone(quotas),
            quota: at,
        }
    }

    /// Returns the decision to enforce: in shadow mode a denial is only reported.
    pub(in crate::limiter) fn enforce(&self, decision: Decision) -> Decision {
        if decision.allowed || !self.config.shadow {
            return decision;
        }
        Decision { allowed: true, shadowed: true, retry_after: None, ..decision }
    }

    /// Returns the decision, or the error, if the store did not answer. `admitted` is the decision
    /// that an allowed request would get.
    pub(in crate::limiter) fn fail(
        &self,
        error: store::Error,
        (stage, happened): (Stage, Happened),
        admitted: Decision,
    ) -> Result<Decision, Error> {
        let cause = Cause::from(error);
        let on_unavailable = self.config.on_unavailable();
        let policy = match cause {
            _ if self.config.shadow => OnFailure::Open,
            Cause::Misconfigured => self.config.on_misconfigured.unwrap_or(on_unavailable),
            Cause::Throttled | Cause::Unavailable | Cause::Timeout | Cause::Conflict => {
                on_unavailable
            }
        };
        match policy {
            OnFailure::Closed => Err(self.error(error, happened)),
            OnFailure::Open => Ok(Decision { basis: Basis::FailOpen { cause, stage }, ..admitted }),
        }
    }

    pub(in crate::limiter) fn error(&self, error: store::Error, happened: Happened) -> Error {
        let (operation, table) = (self.operation, self.config.table.clone());
        Reason::Store { operation, error, table, happened }.into()
    }

    /// Returns an update of one of this call's items: its counters and its descriptive attributes.
    pub(super) fn update(
        &self,
        key: Key,
        counters: impl IntoIterator<Item = Assignment>,
        description: Description,
        guard: Guard,
    ) -> UpdateItem {
        let mut assignments = Vec::with_capacity(12);
        assignments.extend(counters);
        self.describe(description, &mut assignments);
        UpdateItem { table: self.config.table.clone(), key, assignments, guard }
    }

    fn describe(&self, description: Description, assignments: &mut Vec<Assignment>) {
        let names = self.names();
        let key = &self.attempt.key;
        let now = self.now().to_rfc3339_fixed9();
        let expires_at = Number::from(description.expires_at);
        // A window's expiry never changes; a token bucket's changes with every request.
        let expiry = match description.window {
            Some(window) => {
                let start = Number::from(window.start.unix_seconds());
                assignments.extend([
                    Assignment::set_if_absent(names.window_id, window.id),
                    Assignment::set_if_absent(names.window_start, start),
                    Assignment::set_if_absent(names.window_type, window.window_type),
                ]);
                Assignment::set_if_absent(names.ttl, expires_at)
            }
            None => Assignment::set(names.ttl, expires_at),
        };
        assignments.extend([
            Assignment::set_if_absent(names.identifier, key.identifier()),
            Assignment::set_if_absent(names.resource, key.resource()),
            Assignment::set_if_absent(names.operation, key.operation()),
            expiry,
            Assignment::set_if_absent(names.created_at, now.clone()),
            Assignment::set(names.updated_at, now),
        ]);
        if !self.attempt.metadata.is_empty() {
            let metadata = metadata_value(&self.attempt.metadata);
            assignments
                .push(Assignment::SetIfAbsent { name: names.metadata.into(), value: metadata });
        }
    }
}

impl Decision {
    /// Replaces the instant at which a unit becomes available, if a better one is known.
    pub(super) fn with_room_at(self, room_at: Option<Timestamp>) -> Self {
        Self { room_at: room_at.unwrap_or(self.room_at), ..self }
    }
}

fn metadata_value(metadata: &BTreeMap<String, String>) -> Value {
    Value::M(
        metadata.iter().map(|(name, text)| (name.clone(), Value::from(text.as_str()))).collect(),
    )
}

/// Returns whether at least 80 % of a limit is used.
fn is_near(count: i64, limit: i64) -> bool {
    i128::from(count).saturating_mul(5) >= i128::from(limit).saturating_mul(4)
}
