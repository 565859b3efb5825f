//! The one effect on streams, and the family of what a producer waits for.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::config::StreamName;
use super::error::Error;
use super::record::Record;
use crate::machine::{Ask, Effect, Machine, Step};
use crate::printing::prints;
use crate::run::{Advance, Interpret};
use crate::store::Sleep;

/// Puts records into a stream with one request. Each is accepted or refused for itself.
///
/// *If the outcome is lost*: any of the records may be in the stream; repeated, they are there twice.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PutRecords {
    /// The stream.
    pub stream: StreamName,
    /// The records: from 1 to [`MAX_REQUEST_RECORDS`](super::MAX_REQUEST_RECORDS), of
    /// [`MAX_REQUEST_BYTES`](super::MAX_REQUEST_BYTES) in all.
    pub records: Vec<Arc<Record>>,
}

/// What became of each record, in the order of the request.
impl Effect for PutRecords {
    type Outcome = Result<Vec<PutResult>, Error>;
}

/// What became of a record. The default is one that was accepted.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct PutResult {
    /// The record's number in its shard; empty if it was not accepted.
    pub sequence_number: String,
    /// The shard; empty if the record was not accepted.
    pub shard_id: String,
    /// Why it was not accepted, as a code: `ProvisionedThroughputExceededException` or
    /// `InternalFailure`. Empty if it was.
    pub error_code: String,
    /// Why it was not accepted, in words, which name account and stream. Empty if it was.
    pub error_message: String,
}

prints!(PutResult: sequence_number, shard_id, error_code);

impl PutResult {
    /// Returns whether the record is in the stream.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.error_code.trim().is_empty()
    }
}

/// What a producer waits for. Closed on purpose: a new effect breaks every driver at compile time.
#[derive(Clone, Debug)]
pub enum ProducerRequest<M: Machine> {
    /// Waits for a [`PutRecords`].
    PutRecords(Ask<PutRecords, M>),
    /// Waits for a [`Sleep`].
    Sleep(Ask<Sleep, M>),
}

impl<M: Machine> From<Ask<PutRecords, M>> for ProducerRequest<M> {
    fn from(ask: Ask<PutRecords, M>) -> Self {
        Self::PutRecords(ask)
    }
}

impl<M: Machine> From<Ask<Sleep, M>> for ProducerRequest<M> {
    fn from(ask: Ask<Sleep, M>) -> Self {
        Self::Sleep(ask)
    }
}

impl<M, W> Advance<W, M> for ProducerRequest<M>
where
    M: Machine<Request = Self>,
    W: Interpret<PutRecords> + Interpret<Sleep> + ?Sized,
{
    fn advance(self, world: &mut W) -> Step<M> {
        match self {
            Self::PutRecords(ask) => {
                let outcome = world.interpret(ask.effect());
                ask.answer(outcome)
            }
            Self::Sleep(ask) => {
                let outcome = world.interpret(ask.effect());
                ask.answer(outcome)
            }
        }
    }
}
