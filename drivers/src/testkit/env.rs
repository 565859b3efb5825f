//! The environment of an application in a test.

#[cfg(feature = "cloudformation")]
use core::future::ready;
#[cfg(feature = "cloudformation")]
use core::mem;
#[cfg(feature = "cloudformation")]
use std::sync::{Arc, Mutex, PoisonError};

use apptheory_core::time::Timestamp;

use super::ids::TestIds;
use crate::app::{App, AppService, BuildError};
use crate::clock::VirtualClock;
use crate::execute::StoreExecutor;
use crate::store::Store;
use crate::websocket::FakeWebSocketClients;

/// The environment of an application in a test: a store in memory, a clock that jumps while all
/// tasks wait, sequential ids, and WebSocket clients that record messages. The application and its
/// store share clock and ids. Clones share everything.
///
/// [`TestApp`](super::TestApp) creates one, and runs its clock. Without a `TestApp`, time stands
/// still until the [clock](Self::clock) is advanced.
///
/// Create one if the store needs layers, the clock another initial time, or the test has a runtime
/// of its own, such as that of `#[tokio::test]`:
///
/// ```
/// use apptheory::app::{App, Invocation};
/// use apptheory::testkit::{TestEnv, requests};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let env = TestEnv::new();
/// let app = env.build(|_| App::new().get("/", async || "hello"))?;
/// let event = requests::get("/").event();
/// let answer = app.invoke(&event.to_string(), Invocation::default()).await?;
/// assert!(answer.contains(r#""x-request-id":"test-id-1""#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TestEnv {
    clock: VirtualClock,
    ids: TestIds,
    store: Store,
    websocket_clients: FakeWebSocketClients,
    /// The responses that CloudFormation got.
    #[cfg(feature = "cloudformation")]
    replies: Arc<Mutex<Vec<String>>>,
}

impl Default for TestEnv {
    fn default() -> Self {
        Self::new()
    }
}

impl TestEnv {
    /// The initial time by default: 2026-01-01T00:00:00Z. The event bus accepts no events of 1970.
    pub const BEGINNING: Timestamp = Timestamp::from_unix_seconds(1_767_225_600);

    /// Creates an environment whose clock shows [`BEGINNING`](Self::BEGINNING).
    #[must_use]
    pub fn new() -> Self {
        Self::at(Self::BEGINNING)
    }

    /// Creates an environment whose clock shows `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        let (clock, ids) = (VirtualClock::new(now), TestIds::default());
        let store = Store::builder().clock(clock.clone()).ids(ids.clone()).env(|_| None).memory();
        Self {
            clock,
            ids,
            store,
            websocket_clients: FakeWebSocketClients::of_one_api(),
            #[cfg(feature = "cloudformation")]
            replies: Arc::default(),
        }
    }

    /// Puts a layer around the store, such as a [`FaultPlan`](crate::layer::FaultPlan), a
    /// [recording](crate::layer::Recording) or a [count](crate::layer::Counted).
    #[must_use]
    pub fn layer<X>(self, layer: impl FnOnce(Store) -> X) -> Self
    where
        X: StoreExecutor + Send + 'static,
    {
        Self { store: self.store.layer(layer), ..self }
    }

    /// Builds the application that `app` creates on the store. Pass the function that `main` uses.
    ///
    /// # Errors
    ///
    /// [`BuildError`].
    pub fn build<S: Send + Sync + 'static>(
        &self,
        app: impl FnOnce(&Store) -> App<S>,
    ) -> Result<AppService, BuildError> {
        self.around(app(&self.store)).build()
    }

    /// Gives the application the environment's clock, ids and clients.
    pub(super) fn around<S>(&self, app: App<S>) -> App<S> {
        #[cfg(feature = "cloudformation")]
        let app = {
            let replies = Arc::clone(&self.replies);
            app.answering_cloudformation_by(Arc::new(move |_, answer| {
                replies.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
                Box::pin(ready(Ok(())))
            }))
        };
        app.clock(self.clock.clone())
            .ids(self.ids.clone())
            .websocket_clients(self.websocket_clients.clone())
    }

    /// Takes the responses that CloudFormation has got.
    #[cfg(feature = "cloudformation")]
    pub(super) fn take_replies(&self) -> Vec<String> {
        mem::take(&mut *self.replies.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the clock.
    #[must_use]
    pub const fn clock(&self) -> &VirtualClock {
        &self.clock
    }

    /// Returns the source of ids.
    #[must_use]
    pub const fn ids(&self) -> &TestIds {
        &self.ids
    }

    /// Returns the store with its layers.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Returns the WebSocket clients, which record messages. Clients of all endpoints know the same
    /// connections.
    #[must_use]
    pub const fn websocket_clients(&self) -> &FakeWebSocketClients {
        &self.websocket_clients
    }
}
