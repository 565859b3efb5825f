//! Signals that stop the process.

use core::future::Future;
use std::io;

/// Returns a future that completes when the process is asked to stop: by Ctrl-C or, if the system
/// has it, SIGTERM. Pass it to [`Server::serve`](super::Server::serve). Signals are caught from
/// this call on, not from the first poll.
///
/// # Errors
///
/// The system's error, if it cannot listen for signals.
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

/// Returns a future that completes when the process is asked to stop by Ctrl-C. Pass it to
/// [`Server::serve`](super::Server::serve).
///
/// # Errors
///
/// The system's error, if it cannot listen for signals.
#[cfg(windows)]
pub fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
