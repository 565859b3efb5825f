//! Errors of the server and its connections.

use core::net::SocketAddr;
use std::io;

use apptheory_core::error::AppError;

use crate::app::{AppService, Failure, InvokeError};
use crate::see::See;

/// The address cannot be listened on: it is in use, does not belong to this machine, or needs
/// privileges. Choose another port, or 0 to let the system choose one.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen on {address}: choose another port, or 0 to have a free one chosen; {}",
    See("getting_started")
)]
pub struct ListenError {
    /// The address.
    pub address: SocketAddr,
    /// The system's error.
    #[source]
    pub source: io::Error,
}

/// A problem outside of requests. It is the cause of a [`Failure`](crate::app::Failure) with an
/// empty request id, and contains no client input.
#[derive(Debug, thiserror::Error)]
pub enum ServerProblem {
    /// The server is reachable from other machines. Bind it to loopback, unless that is intended.
    #[error(
        "{0} can be reached from other machines: bind to 127.0.0.1, unless that is meant; {see}",
        see = See("security")
    )]
    Exposed(SocketAddr),
    /// A connection was not accepted because the process lacks file descriptors or memory. The
    /// server tries again after a second. If this is repeated, raise the limits of the process.
    #[error(
        "a connection was not accepted: raise the process's limit of open files if it comes again"
    )]
    NotAccepted(#[source] io::Error),
    /// There are [`MAX_CONNECTIONS`](super::MAX_CONNECTIONS). Further connections get a 503 until
    /// some end. Reported once until then. Find out which clients keep connections open.
    #[error(
        "there is no room for more than {} connections: find out which clients keep them open",
        super::MAX_CONNECTIONS
    )]
    Full,
    /// A client sent something other than HTTP, or a head above the limit. The response was 400 or
    /// 431, and the connection was closed.
    #[error("a malformed request")]
    Malformed(#[source] hyper::Error),
    /// The application failed on a WebSocket event of this server. The handshake was refused, or
    /// the client was notified.
    #[error("an event of a WebSocket was not served")]
    NotInvoked(#[source] InvokeError),
    /// The server stopped before these connections were finished. Raise the drain time, or end
    /// streams when the server stops.
    #[error(
        "cut off when the server stopped: {connections} connections; end streams earlier, or give \
         them more time"
    )]
    CutOff {
        /// The number of connections.
        connections: usize,
    },
}

impl ServerProblem {
    /// Returns the error to report. Only a failure of the application is an internal error.
    fn into_error(self) -> AppError {
        let error = match &self {
            Self::Exposed(_) => AppError::new("local.exposed", "local server"),
            Self::NotAccepted(_) => AppError::new("local.not_accepted", "local server"),
            Self::Full => AppError::new("local.full", "local server"),
            Self::CutOff { .. } => AppError::new("local.cut_off", "local server"),
            Self::Malformed(_) => AppError::bad_request("local server"),
            Self::NotInvoked(_) => AppError::internal(),
        };
        error.with_cause(self)
    }
}

/// Reports a problem outside of requests to the application.
pub(super) fn report(app: &AppService, problem: ServerProblem) {
    app.report_failure(Failure { request_id: String::new(), error: problem.into_error() });
}
