//! Common properties of all effects on a store.
//!
//! Decorators of executors use them: how an effect fails, how it is shortened to a deadline, when
//! its outcome arrived, and what may be logged or recorded. All of them follow from [`Wire`] for
//! the orders that DynamoDB carries out; the only other effect is [`Sleep`].

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

/// An effect on a store: an order of [`Wire`], or a [`Sleep`]. A decorator that uses this trait
/// works for all effects.
pub trait StoreEffect: Effect + Sized {
    /// The operation's name in DynamoDB, or `Sleep`.
    const NAME: &'static str;

    /// Returns the effect's table; for a transaction, the first write's table.
    fn table_name(&self) -> Option<&TableName>;

    /// Returns the outcome that reports `error`; `None` for a sleep, which cannot fail.
    fn failed(error: Error) -> Option<Self::Outcome>;

    /// Returns whether the effect calls the store. A sleep does not.
    #[must_use]
    fn is_call() -> bool {
        Self::failed(Error::Unavailable).is_some()
    }

    /// Returns the same effect limited to `most`, if its duration is part of it, as for a sleep.
    ///
    /// # Errors
    ///
    /// For any other effect, the outcome after the time has passed: [`Error::Timeout`].
    fn shortened_to(&self, most: Duration) -> Result<Self, Self::Outcome>;

    /// Returns when the outcome arrived, if it has this time.
    fn answered_at(outcome: &Self::Outcome) -> Option<Timestamp>;

    /// Returns the same outcome as if it had arrived at `now`, if it has this time. A decorator can
    /// thereby give a machine its own clock instead of the store's.
    fn arrived_at(outcome: Self::Outcome, now: Timestamp) -> Self::Outcome;

    /// Returns how the effect ended, without its data.
    fn conclusion(outcome: &Self::Outcome) -> Conclusion;

    /// Returns the request as JSON. Effects with the same name and request are the same.
    fn request(&self) -> Json;

    /// Returns the same JSON as bytes, as a host posts them.
    fn request_bytes(&self) -> Vec<u8>;

    /// Reads DynamoDB's reply, which arrived at `at`. A sleep, which DynamoDB does not know, ends
    /// at that instant.
    fn read(&self, reply: Reply<'_>, at: Timestamp) -> Self::Outcome;

    /// Records the effect and its outcome.
    fn transcribe(&self, outcome: &Self::Outcome) -> Exchange;

    /// Reads this effect's outcome from a recorded exchange, as from a live reply.
    fn outcome_of(&self, exchange: &Exchange) -> Self::Outcome;
}

/// How an effect ended. Contains no data of users.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Conclusion {
    /// A read was answered, or a sleep ended.
    Answered,
    /// A write was applied.
    Applied,
    /// A condition did not hold; nothing was written.
    Refused,
    /// The effect failed.
    Failed(Error),
}

/// A store's answer, and when it arrived.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answered<A> {
    /// The answer.
    pub answer: A,
    /// When it arrived, on the executor's clock.
    pub at: Timestamp,
}

/// The outcome of an order: the answer, or an error.
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
