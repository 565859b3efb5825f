//! The result of sending a message to many connections.

use alloc::string::String;
use alloc::vec::Vec;

use super::error::Error;

/// The result of a broadcast.
#[derive(Clone, Debug, Default)]
pub struct BroadcastReport {
    /// The number of connections that received the data.
    pub delivered: usize,
    /// Connections that are closed; remove them from your records.
    pub gone: Vec<String>,
    /// Connections that did not receive the data for another reason.
    pub failed: Vec<(String, Error)>,
}

impl BroadcastReport {
    /// Records the result of sending to one connection.
    pub fn note(&mut self, connection_id: String, outcome: Result<(), Error>) {
        match outcome {
            Ok(()) => self.delivered = self.delivered.saturating_add(1),
            Err(error) if error.is_gone() => self.gone.push(connection_id),
            Err(error) => self.failed.push((connection_id, error)),
        }
    }
}
