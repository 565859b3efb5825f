//! What can be done with any effect on a store, whatever it asks for.
//!
//! This module decides what decorators of executors need: how an effect fails, how it fits into a
//! deadline, when its outcome arrived, and what of both may be told or written down. Everything here
//! follows from [`Wire`] for the orders that DynamoDB carries out; a [`Sleep`] is the one other effect.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::time::Duration;

use serde_json::Value as Json;

use super::transcript::Exchange;
use super::wire::{Reply, Wire, body};
use super::{Error, Sleep, TableName};
use crate::duration::write_duration;
use crate::machine::Effect;
use crate::time::Timestamp;

/// An effect on a store: an order of [`Wire`], or a [`Sleep`]. One decorator serves them all.
pub trait StoreEffect: Effect + Sized {
    /// The operation's name: DynamoDB's, or `Sleep`.
    const NAME: &'static str;

    /// Returns the table that the effect is about; of a transaction, the first write's.
    fn table_name(&self) -> Option<&TableName>;

    /// Returns the outcome that reports `error`; `None` for a sleep, which only ends.
    fn failed(error: Error) -> Option<Self::Outcome>;

    /// Returns whether the effect goes to the store: a sleep does not.
    #[must_use]
    fn is_call() -> bool {
        Self::failed(Error::Unavailable).is_some()
    }

    /// Returns the same effect taking at most `most`, if how long it takes is its own matter, as a
    /// sleep's is.
    ///
    /// # Errors
    ///
    /// For any other effect the outcome that it has when the time is over: [`Error::Timeout`].
    fn shortened_to(&self, most: Duration) -> Result<Self, Self::Outcome>;

    /// Returns when the outcome arrived, if it says so.
    fn answered_at(outcome: &Self::Outcome) -> Option<Timestamp>;

    /// Returns the same outcome, arrived at `now`, if it says when it arrived. A decorator gives a
    /// machine one clock by this, whatever clock the store has.
    fn arrived_at(outcome: Self::Outcome, now: Timestamp) -> Self::Outcome;

    /// Returns how the effect ended, without what it brought.
    fn conclusion(outcome: &Self::Outcome) -> Conclusion;

    /// Returns the request as JSON. Two effects with the same name and request are the same.
    fn request(&self) -> Json;

    /// Returns the bytes of the same JSON, as a host posts them.
    fn request_bytes(&self) -> Vec<u8>;

    /// Reads DynamoDB's reply, which arrived at `at`. Of a sleep, which DynamoDB knows nothing of, it
    /// is over at that instant.
    fn read(&self, reply: Reply<'_>, at: Timestamp) -> Self::Outcome;

    /// Writes the effect and its outcome down.
    fn transcribe(&self, outcome: &Self::Outcome) -> Exchange;

    /// Reads the outcome of this effect from an exchange, as a live reply would be read.
    fn outcome_of(&self, exchange: &Exchange) -> Self::Outcome;
}

/// How an effect ended, without what it brought: nothing in here is a user's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Conclusion {
    /// A read was answered, or a sleep ended.
    Answered,
    /// A write took effect.
    Applied,
    /// A condition did not hold; nothing was written.
    Refused,
    /// There was no answer.
    Failed(Error),
}

/// What the store answered, and when.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answered<A> {
    /// The answer.
    pub answer: A,
    /// When it arrived, on the executor's clock.
    pub at: Timestamp,
}

/// The outcome of an order: the answer, or why there was none.
pub type Outcome<A> = Result<Answered<A>, Error>;

impl<W: Wire> Effect for W {
    type Outcome = Outcome<W::Answer>;
}

impl<W: Wire> StoreEffect for W {
    const NAME: &'static str = W::OPERATION;

    fn table_name(&self) -> Option<&TableName> {
        self.table()
    }

    fn failed(error: Error) -> Option<Self::Outcome> {
        Some(Err(error))
    }

    fn shortened_to(&self, _: Duration) -> Result<Self, Self::Outcome> {
        Err(Err(Error::Timeout))
    }

    fn answered_at(outcome: &Self::Outcome) -> Option<Timestamp> {
        outcome.as_ref().ok().map(|answered| answered.at)
    }

    fn arrived_at(outcome: Self::Outcome, now: Timestamp) -> Self::Outcome {
        outcome.map(|answered| Answered { at: now, ..answered })
    }

    fn conclusion(outcome: &Self::Outcome) -> Conclusion {
        match outcome {
            Ok(answered) => W::conclude(&answered.answer),
            Err(error) => Conclusion::Failed(*error),
        }
    }

    fn request(&self) -> Json {
        self.to_body()
    }

    fn request_bytes(&self) -> Vec<u8> {
        self.to_body_bytes()
    }

    fn read(&self, reply: Reply<'_>, at: Timestamp) -> Self::Outcome {
        self.read_reply(reply, at)
    }

    fn transcribe(&self, outcome: &Self::Outcome) -> Exchange {
        let reply = match outcome {
            Ok(answered) => self.to_reply(&answered.answer),
            Err(error) => Reply::of_error(*error),
        };
        Exchange {
            operation: W::OPERATION.to_string(),
            request: self.to_body(),
            reply: reply.to_json(),
            answered_at: Self::answered_at(outcome),
        }
    }

    fn outcome_of(&self, exchange: &Exchange) -> Self::Outcome {
        let reply = Reply::from_json(&exchange.reply);
        self.read_reply(reply, exchange.answered_at.unwrap_or_default())
    }
}

impl StoreEffect for Sleep {
    const NAME: &'static str = "Sleep";

    fn table_name(&self) -> Option<&TableName> {
        None
    }

    fn failed(_: Error) -> Option<Timestamp> {
        None
    }

    fn shortened_to(&self, most: Duration) -> Result<Self, Timestamp> {
        Ok(Self { duration: self.duration.min(most) })
    }

    fn answered_at(woken: &Timestamp) -> Option<Timestamp> {
        Some(*woken)
    }

    fn arrived_at(_: Timestamp, now: Timestamp) -> Timestamp {
        now
    }

    fn conclusion(_: &Timestamp) -> Conclusion {
        Conclusion::Answered
    }

    fn request(&self) -> Json {
        Json::Object(body([("Duration", Json::from(write_duration(self.duration)))]))
    }

    fn request_bytes(&self) -> Vec<u8> {
        self.request().to_string().into_bytes()
    }

    fn read(&self, _: Reply<'_>, at: Timestamp) -> Timestamp {
        at
    }

    fn transcribe(&self, woken: &Timestamp) -> Exchange {
        Exchange {
            operation: Self::NAME.to_string(),
            request: self.request(),
            reply: Json::Object(body([])),
            answered_at: Some(*woken),
        }
    }

    fn outcome_of(&self, exchange: &Exchange) -> Timestamp {
        exchange.answered_at.unwrap_or_default()
    }
}
