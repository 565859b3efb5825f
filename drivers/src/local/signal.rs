//! When to stop.

use core::future::Future;
use std::io;

/// Returns what is over when the process is asked to stop: by Ctrl-C, or by SIGTERM where there is
/// one. Give it to [`Server::serve`](super::Server::serve). Signals are heeded from the call on, not
/// from the first poll.
///
/// # Errors
///
/// What the system said, where signals cannot be listened for.
///
/// # Panics
///
/// Outside of a tokio runtime with I/O enabled.
#[cfg(unix)]
pub fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Returns what is over when the process is asked to stop by Ctrl-C. Give it to
/// [`Server::serve`](super::Server::serve).
///
/// # Errors
///
/// What the system said, where signals cannot be listened for.
#[cfg(windows)]
pub fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
