//! Answering from a transcript.

use alloc::string::String;

use serde_json::Value as Json;

use super::transcript::{Exchange, Transcript};
use super::wire::Reply;
use super::{Error, Misconfiguration, StoreEffect};
use crate::run::Interpret;
use crate::time::Timestamp;

/// Answers every effect from a transcript, as long as the same is asked in the same order.
///
/// At the first difference it goes off the record: that effect and all later ones are answered with
/// [`Misconfiguration::InvalidRequest`] (which nobody retries; a sleep ends at once), and
/// [`finish`](Self::finish) says what was different. A decision that was replayed counts only if
/// `finish` agrees.
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

/// How a replay differs from its transcript. The requests hold keys and payloads; the message does
/// not quote them.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Divergence {
    /// Something else was asked. The code has changed since the recording, or was given another
    /// input or instant.
    #[error("exchange {index} asks for {asked}, where the transcript has {recorded}{}", same_operation(.asked, .recorded))]
    Different {
        /// Which exchange, counted from 0.
        index: usize,
        /// The operation recorded.
        recorded: String,
        /// The request recorded.
        recorded_request: Json,
        /// The operation asked for.
        asked: &'static str,
        /// The request asked for.
        asked_request: Json,
    },
    /// More was asked than was recorded: the recording was cut off, or the code has changed.
    #[error("the transcript ends before exchange {index}, which asks for {asked}")]
    PastEnd {
        /// Which exchange, counted from 0: the number of exchanges recorded.
        index: usize,
        /// The operation asked for.
        asked: &'static str,
        /// The request asked for.
        asked_request: Json,
    },
    /// Less was asked than was recorded: the code has changed, or the replay was cut off.
    #[error("only {replayed} of {recorded} exchanges were replayed")]
    Unfinished {
        /// How many exchanges were replayed.
        replayed: usize,
        /// How many the transcript has.
        recorded: usize,
    },
}

impl Playback {
    /// Plays `transcript` from its start.
    #[must_use]
    pub const fn new(transcript: Transcript) -> Self {
        Self { transcript, position: 0, woken_at: Timestamp::UNIX_EPOCH, divergence: None }
    }

    /// Checks that everything recorded was asked for, in that order, and nothing else.
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

/// What is answered after a divergence: an error that machines do not retry.
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
