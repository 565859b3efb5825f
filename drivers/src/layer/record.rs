//! Recording effects and their outcomes.

use std::sync::{Mutex, PoisonError};

use apptheory_core::store::StoreEffect;
use apptheory_core::store::transcript::{Exchange, Transcript};

use crate::execute::Execute;

/// Records every effect with its outcome, in the order of the outcomes.
///
/// Use one recording per decision: concurrent decisions are interleaved. Effects that were dropped
/// before their outcome are not recorded. The transcript contains keys and payloads: protect it
/// like the data itself.
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
/// use apptheory::layer::{Recording, Replay};
/// use apptheory::store::transcript::Transcript;
///
/// let store = Recording::new(Empty);
/// let key = Key::of("ID", Value::from("e1"));
/// let order = GetItem { table: "events".into(), key, consistent: true };
/// assert_eq!(store.execute(&order).await.map(|read| read.answer), Ok(None));
/// let file = store.transcript().to_json().to_string();
///
/// // Elsewhere, later, without a store:
/// let transcript = Transcript::from_json(&serde_json::from_str(&file)?)?;
/// let store = Replay::new(transcript);
/// assert_eq!(store.execute(&order).await.map(|read| read.answer), Ok(None));
/// store.finish()?;
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Default)]
pub struct Recording<X> {
    inner: X,
    exchanges: Mutex<Vec<Exchange>>,
}

impl<X> Recording<X> {
    /// Wraps `inner`, and records its effects.
    pub const fn new(inner: X) -> Self {
        Self { inner, exchanges: Mutex::new(Vec::new()) }
    }

    /// Returns the transcript so far.
    pub fn transcript(&self) -> Transcript {
        let exchanges = self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Transcript { exchanges }
    }

    fn push(&self, exchange: Exchange) {
        // An exchange is complete before the lock is taken, so a poisoned lock is still consistent.
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
    }
}

impl<E, X> Execute<E> for Recording<X>
where
    E: StoreEffect + Sync,
    X: Execute<E> + Send,
{
    async fn execute(&self, effect: &E) -> E::Outcome {
        let outcome = self.inner.execute(effect).await;
        self.push(effect.transcribe(&outcome));
        outcome
    }
}
