//! What can go wrong around connections.

use core::net::SocketAddr;
use std::io;

use apptheory_core::error::AppError;

use crate::app::{AppService, Failure, InvokeError};

/// The address cannot be listened on: it is taken, not this machine's, or not for everyone to use.
/// Choose another port, or 0 to have one chosen.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct ListenError {
    /// The address.
    pub address: SocketAddr,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// Trouble that is no request's: the cause of a [`Failure`](crate::app::Failure) with an empty
/// request id. Nothing of what clients sent is in it.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The server can be reached from other machines. Bind it to loopback, unless that is meant.
    #[error("{0} can be reached from other machines")]
    Exposed(SocketAddr),
    /// A connection was not accepted, for want of file descriptors or memory. Accepting goes on
    /// after a second; raise the limits of the process if it comes again.
    #[error("a connection was not accepted")]
    NotAccepted(#[source] io::Error),
    /// There are [`MAX_CONNECTIONS`](super::MAX_CONNECTIONS). Further ones are answered 503 until some
    /// end; this is reported once until then. Find out which clients keep them open.
    #[error("there is no room for more than {} connections", super::MAX_CONNECTIONS)]
    Full,
    /// A client sent what is no HTTP, or a head over the limit. It was answered with 400 or 431, and
    /// its connection ended.
    #[error("a malformed request")]
    Malformed(#[source] hyper::Error),
    /// The application cannot read an event of a WebSocket that this server made. The connection is
    /// refused, or its client told.
    #[error("an event of a WebSocket was not served")]
    NotInvoked(#[source] InvokeError),
    /// The server stopped, and connections were not finished in time. Give them more, or end streams
    /// when the server stops.
    #[error("cut off when the server stopped: {connections} connections")]
    CutOff {
        /// How many.
        connections: usize,
    },
}

impl Trouble {
    /// The error that it is reported as. Only what failed in the application is an internal one.
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

/// Reports trouble outside of any request to the application.
pub(super) fn tell(app: &AppService, trouble: Trouble) {
    app.tell(Failure { request_id: String::new(), error: trouble.into_error() });
}
