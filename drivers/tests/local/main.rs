//! The local server over real sockets, on ports that the system chose, with a clock that stands
//! still.
#![expect(clippy::unwrap_used, reason = "a test ends where its stage cannot be set")]

#[path = "../support/client.rs"]
mod client;
mod connections;
mod management;
mod requests;
mod sockets;
mod strangers;
mod streams;
mod visitor;

use core::net::SocketAddr;
use std::sync::{Arc, Mutex};

use apptheory::app::{App, AppService, Failure};
use apptheory::clock::VirtualClock;
use apptheory::local::Server;
use apptheory_core::time::Timestamp;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use client::Client;

/// A running server, and its reported failures.
struct Running {
    address: SocketAddr,
    clock: VirtualClock,
    told: Arc<Mutex<Vec<Failure>>>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Running {
    async fn of<S: Send + Sync + 'static>(app: App<S>) -> Self {
        Self::with(app, |server| server).await
    }

    async fn with<S: Send + Sync + 'static>(
        app: App<S>,
        configure: impl FnOnce(Server) -> Server,
    ) -> Self {
        let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
        let (app, told) = listened_to(app.clock(clock.clone()));
        let server = configure(Server::bind(app, 0).await.unwrap());
        let address = server.address();
        assert!(address.ip().is_loopback() && address.port() != 0);
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(server.serve(async { drop(stopped.await) }));
        Self { address, clock, told, stop, served }
    }

    async fn connect(&self) -> Client {
        Client::connect(self.address).await
    }

    /// Returns the reported failures so far, each with its innermost cause.
    fn told(&self) -> Vec<String> {
        texts(&self.told)
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.served.await.unwrap();
    }
}

/// Returns the application, and its reported failures.
fn listened_to<S: Send + Sync + 'static>(app: App<S>) -> (AppService, Arc<Mutex<Vec<Failure>>>) {
    let told = Arc::<Mutex<Vec<Failure>>>::default();
    let hears = Arc::clone(&told);
    let app = app.on_failure(move |failure| hears.lock().unwrap().push(failure.clone()));
    (app.build().unwrap(), told)
}

fn texts(told: &Mutex<Vec<Failure>>) -> Vec<String> {
    let told = told.lock().unwrap();
    let text = |failure: &Failure| {
        let cause = core::error::Error::source(&failure.error);
        cause.map_or_else(|| failure.error.to_string(), ToString::to_string)
    };
    told.iter().map(text).collect()
}
