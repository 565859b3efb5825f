//! Answering from a transcript.

use std::sync::{Mutex, MutexGuard, PoisonError};

use apptheory_core::store::transcript::{Exchange, Transcribe, Transcript};
use apptheory_core::store::wire::Reply;
use apptheory_core::store::{self, Misconfiguration};
use apptheory_core::time::Timestamp;
use serde_json::Value as Json;

use crate::execute::Execute;

/// Answers every effect from a transcript, as long as the same is asked in the same order.
///
/// At the first difference it goes off the record: that effect and all later ones are answered with
/// [`Misconfiguration::InvalidRequest`] (which nobody retries; a sleep ends at once), and
/// [`finish`](Self::finish) says what was different. A decision that was replayed counts only if
/// `finish` agrees. See [`Recording`](super::Recording) for an example.
#[derive(Debug)]
pub struct Replay(Mutex<Playback>);

#[derive(Debug)]
struct Playback {
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

impl Replay {
    /// Replays `transcript` from its start.
    #[must_use]
    pub const fn new(transcript: Transcript) -> Self {
        Self(Mutex::new(Playback {
            transcript,
            position: 0,
            woken_at: Timestamp::UNIX_EPOCH,
            divergence: None,
        }))
    }

    /// Whether everything recorded was asked for, in that order, and nothing else.
    ///
    /// # Errors
    ///
    /// The first [`Divergence`].
    pub fn finish(&self) -> Result<(), Divergence> {
        let playback = self.playback();
        if let Some(divergence) = &playback.divergence {
            return Err(divergence.clone());
        }
        let recorded = playback.transcript.exchanges.len();
        if playback.position < recorded {
            return Err(Divergence::Unfinished { replayed: playback.position, recorded });
        }
        Ok(())
    }

    fn playback(&self) -> MutexGuard<'_, Playback> {
        // Nothing in `Playback` panics half-way: poisoning says nothing here.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Playback {
    fn answer<E: Transcribe>(&mut self, effect: &E) -> E::Outcome {
        match self.next(effect) {
            Ok(exchange) => effect.outcome_of(&exchange),
            Err(divergence) => {
                self.divergence.get_or_insert(divergence);
                effect.outcome_of(&off_the_record(self.woken_at))
            }
        }
    }

    fn next<E: Transcribe>(&mut self, effect: &E) -> Result<Exchange, Divergence> {
        let index = self.position;
        let (asked, asked_request) = effect.asked();
        if let Some(divergence) = &self.divergence {
            return Err(divergence.clone());
        }
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

impl<E: Transcribe + Sync> Execute<E> for Replay {
    async fn execute(&self, effect: &E) -> E::Outcome {
        self.playback().answer(effect)
    }
}

/// What is answered after a divergence: an error that machines do not retry.
fn off_the_record(now: Timestamp) -> Exchange {
    let error = store::Error::Misconfigured(Misconfiguration::InvalidRequest);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Recording;
    use crate::layer::testing::{Answering, block_on, increment, nap, twice};

    const OFF_THE_RECORD: store::Error =
        store::Error::Misconfigured(Misconfiguration::InvalidRequest);

    /// A recording of [`twice`], through a file.
    fn recorded() -> Transcript {
        let store = Recording::new(Answering::new());
        block_on(twice(&store)).into_iter().for_each(|outcome| assert!(outcome.is_ok()));
        let file = store.transcript().to_json().to_string();
        Transcript::from_json(&serde_json::from_str(&file).unwrap()).unwrap()
    }

    #[test]
    fn a_replay_answers_as_the_recording_did() {
        let replay = Replay::new(recorded());
        assert_eq!(block_on(twice(&replay)), block_on(twice(&Answering::new())));
        assert_eq!(replay.finish(), Ok(()));
    }

    #[test]
    fn another_order_is_reported_and_nothing_answered_after_it() {
        let replay = Replay::new(recorded());
        block_on(async {
            assert!(replay.execute(&increment()).await.is_ok());
            assert_eq!(replay.execute(&increment()).await, Err(OFF_THE_RECORD));
            // What would have been right is no longer.
            assert_eq!(replay.execute(&nap(1)).await, Timestamp::UNIX_EPOCH);
        });
        let divergence = replay.finish().unwrap_err();
        assert!(matches!(&divergence, Divergence::Different { index: 1, recorded, asked, .. }
            if recorded == "Sleep" && *asked == "UpdateItem"));
        assert_eq!(
            divergence.to_string(),
            "exchange 1 asks for UpdateItem, where the transcript has Sleep"
        );
    }

    #[test]
    fn another_request_is_reported() {
        let replay = Replay::new(recorded());
        block_on(async {
            assert!(replay.execute(&increment()).await.is_ok());
            assert_eq!(replay.execute(&nap(2)).await, Timestamp::UNIX_EPOCH);
        });
        assert_eq!(
            replay.finish().unwrap_err().to_string(),
            "exchange 1 asks for Sleep, where the transcript has Sleep with another request"
        );
    }

    #[test]
    fn asking_too_much_or_too_little_is_reported() {
        let replay = Replay::new(recorded());
        assert_eq!(replay.finish(), Err(Divergence::Unfinished { replayed: 0, recorded: 3 }));
        block_on(async {
            let _ = twice(&replay).await;
            assert_eq!(replay.finish(), Ok(()));
            assert_eq!(replay.execute(&increment()).await, Err(OFF_THE_RECORD));
        });
        assert!(matches!(replay.finish(), Err(Divergence::PastEnd { index: 3, .. })));
    }
}
