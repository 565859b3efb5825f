//! `tracing` events of effects.

use apptheory_core::store::{Conclusion, StoreEffect};
use tracing::{Instrument as _, debug, debug_span, field, warn};

use crate::execute::Execute;

/// Runs every effect in a `tracing` span `effect` (level debug; fields `operation`, `table`), and
/// reports its outcome in one event: level debug for a reply, warn for a failure. Keys, values and
/// payloads are never reported.
///
/// Needs the feature `tracing`.
///
/// [`Store`](crate::store::Store) wraps its executor in it. Use it with an executor outside of a
/// store.
///
/// ```
/// # use apptheory::execute::Execute;
/// # use apptheory::store::{self, Answered, GetItem, Item, Key, Value};
/// # use apptheory::time::Timestamp;
/// # struct Empty;
/// # impl Execute<GetItem> for Empty {
/// #     async fn execute(&self, _: &GetItem) -> store::Outcome<Option<Item>> {
/// #         Ok(Answered { answer: None, at: Timestamp::UNIX_EPOCH })
/// #     }
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use apptheory::layer::Traced;
///
/// let store = Traced::new(Empty);
/// let key = Key::of("ID", Value::from("e1"));
/// let order = GetItem { table: "events".into(), key, consistent: true };
/// let read = store.execute(&order).await; // effect{operation=GetItem table=events}
/// assert_eq!(read.map(|read| read.answer), Ok(None));
/// # });
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Traced<X> {
    inner: X,
}

impl<X> Traced<X> {
    /// Wraps `inner`, and traces its effects.
    pub const fn new(inner: X) -> Self {
        Self { inner }
    }
}

impl<E, X> Execute<E> for Traced<X>
where
    E: StoreEffect<Outcome: Send> + Sync,
    X: Execute<E> + Send,
{
    async fn execute(&self, effect: &E) -> E::Outcome {
        let operation = E::NAME;
        let span = debug_span!("effect", operation, table = field::Empty);
        if !span.is_disabled()
            && let Some(table) = effect.table_name()
        {
            span.record("table", table.as_ref());
        }
        let traced = async {
            let outcome = self.inner.execute(effect).await;
            report(operation, E::conclusion(&outcome));
            outcome
        };
        traced.instrument(span).await
    }
}

fn report(operation: &str, conclusion: Conclusion) {
    match conclusion {
        Conclusion::Answered => debug!(operation, outcome = "answered"),
        Conclusion::Applied => debug!(operation, outcome = "applied"),
        Conclusion::Refused => debug!(operation, outcome = "refused"),
        Conclusion::Failed(error) => warn!(operation, outcome = "failed", %error),
    }
}

#[cfg(test)]
mod tests {
    use core::fmt::Debug;
    use std::sync::{Arc, Mutex};

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use apptheory_core::store;

    use super::*;
    use crate::layer::testing::{Answering, block_on, twice};
    use crate::layer::{FaultPlan, Faulty};

    /// Writes every span and event, one per line.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<String>>);

    struct Line<'a>(&'a mut String);

    impl Visit for Line<'_> {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            self.0.push_str(&format!(" {field}={value:?}"));
        }
    }

    impl Lines {
        fn write(&self, head: &str, record: impl FnOnce(&mut Line<'_>)) {
            let mut lines = self.0.lock().unwrap();
            lines.push_str(head);
            record(&mut Line(&mut lines));
            lines.push('\n');
        }
    }

    impl Subscriber for Lines {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, span: &Attributes<'_>) -> Id {
            self.write(span.metadata().name(), |line| span.record(line));
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, values: &Record<'_>) {
            self.write(" ", |line| values.record(line));
        }
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, event: &Event<'_>) {
            self.write(event.metadata().level().as_str(), |line| event.record(line));
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn spans_hold_only_the_operation_the_table_and_the_outcome() {
        let lines = Lines::default();
        let plan = FaultPlan::default().fail(2, store::Error::Throttled);
        let store = Traced::new(Faulty::new(Answering::new(), plan));
        tracing::subscriber::with_default(lines.clone(), || {
            let outcomes = block_on(twice(&store));
            assert_eq!(outcomes[1], Err(store::Error::Throttled));
        });
        let expected = [
            "effect operation=\"UpdateItem\"",
            "  table=\"rate-limits\"",
            "DEBUG operation=\"UpdateItem\" outcome=\"applied\"",
            "effect operation=\"Sleep\"",
            "DEBUG operation=\"Sleep\" outcome=\"answered\"",
            "effect operation=\"UpdateItem\"",
            "  table=\"rate-limits\"",
            "WARN operation=\"UpdateItem\" outcome=\"failed\" error=throttled",
        ];
        assert_eq!(lines.0.lock().unwrap().lines().collect::<Vec<_>>(), expected);
    }
}
