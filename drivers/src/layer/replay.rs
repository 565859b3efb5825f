//! Replaying a transcript.

use std::sync::{Mutex, MutexGuard, PoisonError};

use apptheory_core::run::Interpret as _;
use apptheory_core::store::transcript::Transcript;
use apptheory_core::store::{Divergence, Playback, StoreEffect};

use crate::execute::Execute;

/// Executes effects from a transcript, with the core's [`Playback`]: returns the recorded outcomes
/// while the same effects are requested in the same order. See [`Recording`](super::Recording) for
/// an example.
#[derive(Debug)]
pub struct Replay(Mutex<Playback>);

impl Replay {
    /// Replays `transcript` from its start.
    #[must_use]
    pub const fn new(transcript: Transcript) -> Self {
        Self(Mutex::new(Playback::new(transcript)))
    }

    /// Checks that exactly the recorded effects were requested.
    ///
    /// # Errors
    ///
    /// The first [`Divergence`].
    pub fn finish(&self) -> Result<(), Divergence> {
        self.playback().finish()
    }

    fn playback(&self) -> MutexGuard<'_, Playback> {
        // `Playback` never panics half-way, so a poisoned lock is still consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: StoreEffect + Sync> Execute<E> for Replay {
    async fn execute(&self, effect: &E) -> E::Outcome {
        self.playback().interpret(effect)
    }
}

#[cfg(test)]
mod tests {
    use apptheory_core::store::{self, Misconfiguration};
    use apptheory_core::time::Timestamp;

    use super::*;
    use crate::layer::Recording;
    use crate::layer::testing::{Answering, block_on, increment, nap, twice};

    const OFF_THE_RECORD: store::Error =
        store::Error::Misconfigured(Misconfiguration::InvalidRequest);

    /// Returns a recording of [`twice`], written and read again.
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
            // After a divergence, correct requests diverge as well.
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
