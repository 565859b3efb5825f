//! Answers effects from a transcript.

use alloc::string::String;

use serde_json::Value as Json;

use super::transcript::{Exchange, Transcript};
use super::wire::Reply;
use super::{Error, Misconfiguration, StoreEffect};
use crate::run::Interpret;
use crate::time::Timestamp;

/// Answers effects from a transcript, as long as they are the same and in the same order.
///
/// At the first difference, the playback diverges: this effect and all later ones are answered with
/// [`Misconfiguration::InvalidRequest`], which no machine retries (a sleep ends at once).
/// [`finish`](Self::finish) then returns the difference. Trust the result of a replay only if
/// `finish` returns `Ok`.
///
/// ```
/// use apptheory_core::run::Interpret;
/// use apptheory_core::store::transcript::Transcript;
/// use apptheory_core::store::{Answered, Divergence, GetItem, Key, Playback, StoreEffect, Value};
/// use apptheory_core::time::Timestamp;
///
/// let key = Key::of("ID", Value::from("e1"));
/// let order = GetItem { table: "events".into(), key, consistent: true };
/// let nothing = Ok(Answered { answer: None, at: Timestamp::UNIX_EPOCH });
/// let transcript = Transcript { exchanges: vec![order.transcribe(&nothing)] };
/// let mut playback = Playback::new(transcript);
/// assert_eq!(playback.interpret(&order), nothing);
/// assert_eq!(playback.finish(), Ok(()));
/// assert!(playback.interpret(&order).is_err());
/// assert!(matches!(playback.finish(), Err(Divergence::PastEnd { index: 1, .. })));
/// ```
#[derive(Clone, Debug)]
pub struct Playback {
    transcript: Transcript,
    position: usize,
    woken_at: Timestamp,
    divergence: Option<Divergence>,
}

/// A difference between a replay and its transcript. Contains requests, with keys and payloads; the
/// error text does not quote them.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Divergence {
    /// Another effect was requested. The code has changed since the recording, or has other inputs
    /// or another time.
    #[error("exchange {index} asks for {asked}, where the transcript has {recorded}{}", same_operation(.asked, .recorded))]
    Different {
        /// The index of the exchange, from 0.
        index: usize,
        /// The recorded operation.
        recorded: String,
        /// The recorded request.
        recorded_request: Json,
        /// The requested operation.
        asked: &'static str,
        /// The actual request.
        asked_request: Json,
    },
    /// More effects were requested than recorded: the recording is incomplete, or the code has
    /// changed.
    #[error("the transcript ends before exchange {index}, which asks for {asked}")]
    PastEnd {
        /// The index of the exchange, from 0; equals the number of recorded exchanges.
        index: usize,
        /// The requested operation.
        asked: &'static str,
        /// The actual request.
        asked_request: Json,
    },
    /// Fewer effects were requested than recorded: the code has changed, or the replay is
    /// incomplete.
    #[error("only {replayed} of {recorded} exchanges were replayed")]
    Unfinished {
        /// The number of replayed exchanges.
        replayed: usize,
        /// The number of recorded exchanges.
        recorded: usize,
    },
}

impl Playback {
    /// Plays `transcript` from its start.
    #[must_use]
    pub const fn new(transcript: Transcript) -> Self {
        Self { transcript, position: 0, woken_at: Timestamp::UNIX_EPOCH, divergence: None }
    }

    /// Checks that exactly the recorded effects were requested, in order.
    ///
    /// # Errors
    ///
    /// The first [`Divergence`].
    pub fn finish(&self) -> Result<(), Divergence> {
        if let Some(divergence) = &self.divergence {
            return Err(divergence.clone());
        }
        let recorded = self.transcript.exchanges.len();
        if self.position < recorded {
            return Err(Divergence::Unfinished { replayed: self.position, recorded });
        }
        Ok(())
    }

    fn next<E: StoreEffect>(&mut self, effect: &E) -> Result<Exchange, Divergence> {
        if let Some(divergence) = &self.divergence {
            return Err(divergence.clone());
        }
        let index = self.position;
        let (asked, asked_request) = (E::NAME, effect.request());
        let Some(exchange) = self.transcript.exchanges.get(index) else {
            return Err(Divergence::PastEnd { index, asked, asked_request });
        };
        if exchange.operation != asked || exchange.request != asked_request {
            return Err(Divergence::Different {
                index,
                recorded: exchange.operation.clone(),
                recorded_request: exchange.request.clone(),
                asked,
                asked_request,
            });
        }
        self.position = index.saturating_add(1);
        self.woken_at = exchange.answered_at.unwrap_or(self.woken_at);
        Ok(exchange.clone())
    }
}

impl<E: StoreEffect> Interpret<E> for Playback {
    fn interpret(&mut self, effect: &E) -> E::Outcome {
        match self.next(effect) {
            Ok(exchange) => effect.outcome_of(&exchange),
            Err(divergence) => {
                self.divergence.get_or_insert(divergence);
                effect.outcome_of(&off_the_record(self.woken_at))
            }
        }
    }
}

/// Returns the answer after a divergence: an error that machines do not retry.
fn off_the_record(now: Timestamp) -> Exchange {
    let error = Error::Misconfigured(Misconfiguration::InvalidRequest);
    Exchange {
        operation: String::new(),
        request: Json::Null,
        reply: Reply::of_error(error).to_json(),
        answered_at: Some(now),
    }
}

fn same_operation(asked: &str, recorded: &str) -> &'static str {
    if asked == recorded { " with another request" } else { "" }
}
