//! The effect on streams, and the family of a producer's effects.

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

/// Puts records into a stream with one request. Each record is accepted or refused separately.
///
/// *If the outcome is lost*: any of the records may be in the stream; sent again, they are in it
/// twice.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PutRecords {
    /// The stream.
    pub stream: StreamName,
    /// The records: 1 to [`MAX_REQUEST_RECORDS`](super::MAX_REQUEST_RECORDS), with at most
    /// [`MAX_REQUEST_BYTES`](super::MAX_REQUEST_BYTES) in total.
    pub records: Vec<Arc<Record>>,
}

/// Answered with the result of each record, in the order of the request.
impl Effect for PutRecords {
    type Outcome = Result<Vec<PutResult>, Error>;
}

/// The result of a record. The default is an accepted record.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct PutResult {
    /// The record's number in its shard; empty if it was not accepted.
    pub sequence_number: String,
    /// The shard; empty if the record was not accepted.
    pub shard_id: String,
    /// The code of the error: `ProvisionedThroughputExceededException` or `InternalFailure`. Empty
    /// if the record was accepted.
    pub error_code: String,
    /// The message of the error, which names the account and stream. Empty if the record was
    /// accepted.
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

/// The effects that a producer waits for. Closed on purpose: a new effect breaks every driver at
/// compile time.
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
