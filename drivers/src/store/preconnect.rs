//! Connecting to DynamoDB before the first invocation.

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use apptheory_core::sanitize::Sanitizer;
use futures_util::future::join_all;

use super::BoxFuture;
use crate::clock::{Clock as _, SharedClock};
use crate::env::{filled, process_env};
use crate::lambda::RUNTIME_API;

/// How long the function waits for connections before it starts without them.
const CONNECT_TIME: Duration = Duration::from_secs(1);

/// A client that can connect before it is needed.
pub(super) trait Connect: Send + Sync {
    /// Opens a connection for the first call, with a request that needs no permission, is not in
    /// CloudTrail and costs no capacity. The error says why not.
    fn connect(&self) -> BoxFuture<'_, Result<(), String>>;
}

/// The clients of this process.
static CLIENTS: Mutex<Vec<Weak<dyn Connect>>> = Mutex::new(Vec::new());

/// Registers a client to connect before the first invocation, if the process runs on Lambda and the
/// client still exists then.
pub(super) fn before_first_invocation<C: Connect + 'static>(client: &Arc<C>) {
    if filled(process_env, RUNTIME_API).is_some() {
        let client: Weak<C> = Arc::downgrade(client);
        let mut clients = clients();
        clients.retain(|known| known.strong_count() > 0);
        clients.push(client);
    }
}

/// Connects all clients. A failure is logged; the client tries again at its first call.
pub(crate) async fn connect_all(clock: &SharedClock) {
    let clients: Vec<_> = clients().iter().filter_map(Weak::upgrade).collect();
    join_all(clients.iter().map(async |client| {
        if let Err(why) = connect(&**client, clock).await {
            tracing::warn!("cannot connect to DynamoDB before the first invocation, the first call tries again: {why}");
        }
    }))
    .await;
}

/// Connects a client in time.
pub(super) async fn connect(client: &dyn Connect, clock: &SharedClock) -> Result<(), String> {
    let by = clock.now().saturating_add(CONNECT_TIME);
    match clock.race(Some(by), client.connect()).await {
        None => Err(format!("no answer within {CONNECT_TIME:?}")),
        Some(connected) => connected.map_err(|why| Sanitizer::new().free_text(&why).into_owned()),
    }
}

fn clients() -> MutexGuard<'static, Vec<Weak<dyn Connect>>> {
    // Nothing panics while the lock is held, so a poisoned lock is still consistent.
    CLIENTS.lock().unwrap_or_else(PoisonError::into_inner)
}
