//! The playground on a port, over a file.

use core::future::Future;
use core::time::Duration;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use apptheory::app::BuildError;
use apptheory::clock::Clock;
use apptheory::limiter;
use apptheory::local::{ListenError, Server};
use apptheory::store::{EmbeddedError, Store};
use tempfile::TempDir;

use crate::app::{app, limited_routes};

/// The app on a port, ready to be served.
pub(crate) struct Playground {
    server: Server,
    data: DataDir,
    is_buffered: bool,
}

/// Why the playground does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaygroundError {
    /// The directory cannot be created or is none. Name another one, or none.
    #[error("cannot use the data directory {dir:?}")]
    Data {
        /// The directory, as far as one is known.
        dir: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file in the directory cannot be used, or is not a database; the error names it.
    #[error(transparent)]
    Store(#[from] EmbeddedError),
    /// A limit is not one.
    #[error(transparent)]
    Limit(#[from] limiter::Error),
    /// The routes contradict each other.
    #[error(transparent)]
    Routes(#[from] BuildError),
    /// The port is taken, or not for everyone to use. Name another one, or none.
    #[error(transparent)]
    Listen(#[from] ListenError),
}

impl Playground {
    /// Opens the counters and events in `data`, or in a directory that ends with the playground,
    /// and listens on loopback.
    pub(crate) async fn open(
        port: u16,
        data: Option<PathBuf>,
        clock: impl Clock + 'static,
    ) -> Result<Self, PlaygroundError> {
        let data = DataDir::open(data)?;
        let store = Store::builder().clock(clock).embedded(data.file())?;
        let server = Server::bind(app(limited_routes()?, &store)?, port).await?;
        let server = server.with_drain_time(DRAIN_TIME);
        Ok(Self { server, data, is_buffered: false })
    }

    /// The same, with streams answered in one piece.
    pub(crate) fn buffered(self) -> Self {
        Self { server: self.server.buffered(), is_buffered: true, ..self }
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// What to tell whoever started it.
    pub(crate) fn greeting(&self) -> String {
        let (address, file) = (self.address(), self.data.file());
        let waits = if self.is_buffered { WAITS } else { "" };
        let kept = if self.data.is_kept() { "kept" } else { "gone when this ends" };
        format!(
            "listening on http://{address}\n\
             counters and events in {file:?} ({kept})\n\
             \n\
             try:\n  \
             curl http://{address}/\n  \
             for i in 1 2 3 4 5 6; do curl -i http://{address}/fixed; done\n  \
             curl http://{address}/usage/fixed\n  \
             curl http://{address}/events -d '{HELLO}'\n  \
             curl 'http://{address}/events?tenant=t1&limit=2'\n  \
             curl -N 'http://{address}/events?tenant=t1' -H 'accept: text/event-stream'\n  \
             curl -N http://{address}/page\n\
             in two browser windows: http://{address}/chat\n{waits}"
        )
    }

    /// Serves until `stop` is over and the requests at hand are answered; streams are cut off.
    pub(crate) async fn serve(self, stop: impl Future<Output = ()>) {
        self.server.serve(stop).await;
        drop(self.data); // not before: everything lives in it
    }
}

/// What to expect of streams that are answered in one piece.
const WAITS: &str = "buffered: streams are answered when they end; those that do not, such as events, \
                     after 29 s\n";

/// Whoever stops it does not want to wait for readers of events, which never finish.
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// An event to try the bus with.
const HELLO: &str = r#"{"tenant_id":"t1","event_type":"hello","payload":{"n":1}}"#;

/// Where counters and events are.
enum DataDir {
    Kept(PathBuf),
    Temporary(TempDir),
}

impl DataDir {
    fn open(dir: Option<PathBuf>) -> Result<Self, PlaygroundError> {
        let Some(dir) = dir else {
            let failed = |source| PlaygroundError::Data { dir: std::env::temp_dir(), source };
            return tempfile::tempdir().map(Self::Temporary).map_err(failed);
        };
        match fs::create_dir_all(&dir) {
            Ok(()) => Ok(Self::Kept(dir)),
            Err(source) => Err(PlaygroundError::Data { dir, source }),
        }
    }

    fn file(&self) -> PathBuf {
        let dir = match self {
            Self::Kept(dir) => dir,
            Self::Temporary(dir) => dir.path(),
        };
        dir.join("playground.db")
    }

    const fn is_kept(&self) -> bool {
        matches!(self, Self::Kept(_))
    }
}
