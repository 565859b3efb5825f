//! What becomes of the same message to many connections.

use alloc::string::String;
use alloc::vec::Vec;

use super::error::Error;

/// What became of a broadcast.
#[derive(Clone, Debug, Default)]
pub struct BroadcastReport {
    /// How many connections got the data.
    pub delivered: usize,
    /// Connections that are closed: forget them.
    pub gone: Vec<String>,
    /// Connections that did not get it for another reason.
    pub failed: Vec<(String, Error)>,
}

impl BroadcastReport {
    /// Notes what became of sending to a connection.
    pub fn note(&mut self, connection_id: String, outcome: Result<(), Error>) {
        match outcome {
            Ok(()) => self.delivered = self.delivered.saturating_add(1),
            Err(error) if error.is_gone() => self.gone.push(connection_id),
            Err(error) => self.failed.push((connection_id, error)),
        }
    }
}
