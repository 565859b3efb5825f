//! The playground on a port, over a file.

use core::future::{Future, pending};
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use apptheory::clock::Clock;
use apptheory::local::{ListenError, Server};
use tempfile::TempDir;

use crate::app::{AppFailure, app};

/// The app on a port, ready to be served.
pub(crate) struct Playground {
    server: Server,
    data: DataDir,
    is_buffered: bool,
}

/// Why the playground does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaygroundError {
    /// The directory cannot be created, or is not a directory. Name another, or omit `--data`.
    #[error("cannot use the data directory {dir:?}")]
    Data {
        dir: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The file in the directory cannot be used, or the application does not build.
    #[error(transparent)]
    App(#[from] AppFailure),
    /// The port is in use, or needs privileges. Name another, or omit `--port`.
    #[error(transparent)]
    Listen(#[from] ListenError),
}

impl Playground {
    /// Opens the counters and events in `data`, or in a directory that is deleted with the
    /// playground, and listens on loopback.
    pub(crate) async fn open(
        port: u16,
        data: Option<PathBuf>,
        clock: impl Clock + 'static,
    ) -> Result<Self, PlaygroundError> {
        let data = DataDir::open(data)?;
        let server = Server::bind(app(&data.file(), clock)?, port).await?;
        Ok(Self { server, data, is_buffered: false })
    }

    /// Sends streams in one piece.
    pub(crate) fn buffered(self) -> Self {
        Self { server: self.server.buffered(), is_buffered: true, ..self }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Returns what to print after the start. `taken` is the default port if it is in use.
    pub(crate) fn greeting(&self, taken: Option<u16>) -> String {
        let (address, file) = (self.address(), self.data.file());
        let waits = if self.is_buffered { WAITS } else { "" };
        let kept = if self.data.is_kept() { "kept" } else { "gone when this ends" };
        let taken = taken.map(|port| format!("port {port} is taken: ")).unwrap_or_default();
        format!(
            "{taken}listening on http://{address}\n\
             counters and events in {file:?} ({kept})\n\
             \n\
             open http://{address}/ in a browser, or try:\n  \
             curl http://{address}/\n  \
             for i in 1 2 3 4 5 6; do curl -i http://{address}/fixed; done\n  \
             curl http://{address}/usage/fixed\n  \
             curl http://{address}/events -H 'content-type: application/json' -d '{HELLO}'\n  \
             curl 'http://{address}/events?tenant=t1&limit=2'\n  \
             curl -N 'http://{address}/events?tenant=t1' -H 'accept: text/event-stream'\n  \
             curl -N http://{address}/page\n  \
             curl -X PUT http://{address}/fault/down    # and /fault/none\n\
             in two browser windows: http://{address}/chat\n{waits}"
        )
    }

    /// Serves until `stop` is ready. Then everything ends at once, also streams without an end.
    pub(crate) async fn serve(self, stop: impl Future<Output = ()>) {
        tokio::select! {
            () = self.server.serve(pending()) => {}
            () = stop => {}
        }
        drop(self.data); // after the server, which uses it
    }
}

/// What to expect of streams that are sent in one piece.
const WAITS: &str =
    "buffered: streams are sent when they end; those that do not, such as events, after 29 s\n";

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
