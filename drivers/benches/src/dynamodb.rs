//! A DynamoDB on this machine: the embedded one, behind its HTTP server, on a thread of its own.

use apptheory::clock::SystemClock;
use apptheory::store::EmbeddedStore;
use apptheory_core::limiter::{FixedWindow, Limiter};
use tokio::net::TcpListener;
use tokio::runtime::Builder;

/// The name of the limiter's table.
pub(crate) const TABLE: &str = "limits";

/// The limit of every client.
pub(crate) fn limiter() -> Limiter {
    Limiter::fail_closed(FixedWindow::per_minute(1_000_000)).table_name(TABLE).build()
}

/// Serves the limiter's table until the process ends, and returns the address.
pub(crate) fn serve() -> String {
    let store = EmbeddedStore::in_memory(SystemClock).expect("a store");
    store.create_table(&limiter().table()).expect("a table");
    let (address, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let url = format!("http://{}", listener.local_addr().expect("an address"));
            address.send(url).expect("somebody waits for it");
            let never = core::future::pending();
            dynoxide::server::serve_with_shutdown(listener, store.database(), never).await
        })
    });
    told.recv().expect("an address")
}
