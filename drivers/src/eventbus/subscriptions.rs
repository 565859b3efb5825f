//! Subscriptions of a bus.

use core::error::Error as StdError;
use core::fmt;
use core::future::Future;
use core::panic::AssertUnwindSafe;
use core::pin::Pin;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use apptheory_core::eventbus::{Error, Event, subscription_type};
use futures_util::FutureExt as _;

/// Handlers by event type.
#[derive(Default)]
pub(super) struct Subscriptions(RwLock<BTreeMap<String, Vec<Handler>>>);

type Handler = Arc<dyn Fn(Arc<Event>) -> Handling + Send + Sync>;
/// The error of a handler.
type Failure = Box<dyn StdError + Send + Sync>;

type Handling = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

impl Subscriptions {
    pub(super) fn subscribe<F, R>(&self, event_type: &str, handler: F) -> Result<(), Error>
    where
        F: Fn(Arc<Event>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let event_type = subscription_type(event_type)?;
        let handler: Handler = Arc::new(move |event| Box::pin(handler(event)));
        let mut handlers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        handlers.entry(event_type.to_owned()).or_default().push(handler);
        Ok(())
    }

    /// Runs the handlers of an event's type one after the other, in the order of subscription,
    /// until one fails.
    pub(super) async fn deliver(&self, event: &Event) -> Result<(), Error> {
        let handlers = self.of_type(event.event_type.trim());
        if handlers.is_empty() {
            return Ok(());
        }
        let event = Arc::new(event.clone());
        for (position, handler) in handlers.iter().enumerate() {
            let ran = run(handler, &event).await;
            ran.map_err(|cause| Error::handler(event.event_type.trim(), position, cause))?;
        }
        Ok(())
    }

    /// Returns the handlers of a type, so that they run without the lock, and may subscribe others.
    fn of_type(&self, event_type: &str) -> Vec<Handler> {
        let handlers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        handlers.get(event_type).cloned().unwrap_or_default()
    }
}

/// Runs one handler. The event is immutable, so a panic cannot leave it half-changed.
async fn run(handler: &Handler, event: &Arc<Event>) -> Result<(), Failure> {
    let handling = AssertUnwindSafe(async { handler(Arc::clone(event)).await });
    match handling.catch_unwind().await {
        Ok(result) => result,
        // The process's panic hook has already reported the location.
        Err(_) => Err("it panicked".into()),
    }
}

// Handlers have no `Debug` output.
impl fmt::Debug for Subscriptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let handlers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let counts = handlers.iter().map(|(event_type, handlers)| (event_type, handlers.len()));
        f.debug_map().entries(counts).finish()
    }
}
