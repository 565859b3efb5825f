//! The kernel: workflows that suspend on effects, as plain values.
//!
//! This module decides how a workflow waits for an outcome. It does not know what an effect does or
//! who carries it out.
//!
//! ```text
//!             start()                      answer(outcome)
//!  Machine ───────────▶ Step::Ask(request) ───────────────▶ Step::Ask(…) … ──▶ Step::Done(output)
//! ```
//!
//! A machine asks for one effect at a time. The [`Ask`] holds the effect, the suspended machine (or
//! its state) and a function pointer that receives the outcome. Nothing is boxed or captured. A
//! suspended workflow is `Clone` if its parts are, so a test can hold several and step them in any
//! order.
//!
//! ```
//! use core::time::Duration;
//! use apptheory_core::machine::{Machine, Step};
//! use apptheory_core::store::{Sleep, StoreRequest};
//! use apptheory_core::time::Timestamp;
//!
//! /// Waits `left` seconds, one at a time.
//! struct Countdown { left: u32, now: Timestamp }
//!
//! impl Machine for Countdown {
//!     type Output = Timestamp;
//!     type Request = StoreRequest<Self>;
//!
//!     fn start(self) -> Step<Self> {
//!         if self.left == 0 {
//!             return Step::Done(self.now);
//!         }
//!         self.ask(Sleep { duration: Duration::from_secs(1) }, Self::on_wake)
//!     }
//! }
//!
//! impl Countdown {
//!     fn on_wake(self, now: Timestamp) -> Step<Self> {
//!         Self { left: self.left - 1, now }.start()
//!     }
//! }
//!
//! let mut now = Timestamp::UNIX_EPOCH;
//! let mut step = Countdown { left: 2, now }.start();
//! while let Step::Ask(StoreRequest::Sleep(ask)) = step {
//!     now = now.saturating_add(ask.effect().duration);
//!     step = ask.answer(now);
//! }
//! assert!(matches!(step, Step::Done(end) if end.unix_seconds() == 2));
//! ```
//!
//! A function that drives any machine of a family names the machine in its bound:
//!
//! ```
//! use apptheory_core::machine::{Machine, Step};
//! use apptheory_core::store::StoreRequest;
//! use apptheory_core::time::Timestamp;
//!
//! /// Ends a machine's first sleeps at once.
//! fn wake<M: Machine<Request = StoreRequest<M>>>(mut step: Step<M>, now: Timestamp) -> Step<M> {
//!     while let Step::Ask(StoreRequest::Sleep(ask)) = step {
//!         step = ask.answer(now);
//!     }
//!     step
//! }
//! ```
//!
//! # What does not compile
//!
//! The outcome of another effect:
//!
//! ```compile_fail,E0308
//! # use apptheory_core::machine::{Ask, Machine, Step};
//! # use apptheory_core::store::{self, Item, Sleep};
//! fn mix_up<M: Machine>(ask: Ask<Sleep, M>, read: store::Outcome<Option<Item>>) -> Step<M> {
//!     ask.answer(read) // the answer to a GetItem
//! }
//! ```
//!
//! A second outcome for the same effect:
//!
//! ```compile_fail,E0382
//! # use apptheory_core::machine::{Ask, Machine, Step};
//! # use apptheory_core::store::Sleep;
//! # use apptheory_core::time::Timestamp;
//! fn answer_twice<M: Machine>(ask: Ask<Sleep, M>) -> (Step<M>, Step<M>) {
//!     (ask.answer(Timestamp::UNIX_EPOCH), ask.answer(Timestamp::UNIX_EPOCH))
//! }
//! ```
//!
//! A dropped step, with the lint that this workspace and its templates enable:
//!
//! ```compile_fail
//! #![deny(unused_must_use)]
//! # use apptheory_core::machine::{Ask, Machine};
//! # use apptheory_core::store::Sleep;
//! # use apptheory_core::time::Timestamp;
//! fn forget<M: Machine>(ask: Ask<Sleep, M>) {
//!     ask.answer(Timestamp::UNIX_EPOCH);
//! }
//! ```

use core::fmt;

/// Describes one side effect and fixes the type of its outcome.
///
/// Implementors are small structs with public fields, named by an imperative
/// ([`UpdateItem`](crate::store::UpdateItem)). Their outcomes are named by participles.
pub trait Effect {
    /// What the host answers after it has carried out the effect.
    type Outcome;
}

/// A workflow as a value. It never performs an effect: it asks for one and receives the outcome.
///
/// Dropping a machine, or the [`Step`] that holds it, cancels the workflow. Each effect documents
/// what a lost outcome leaves behind.
pub trait Machine: Sized {
    /// The workflow's result.
    type Output;

    /// The closed family of effects that the workflow may ask for, for example
    /// [`StoreRequest<Self>`](crate::store::StoreRequest).
    type Request;

    /// Runs to the first effect, or to the end if no effect is needed.
    fn start(self) -> Step<Self>;

    /// Suspends on `effect`; `then` receives its outcome. This and [`Step::ask`] are the only ways
    /// to wait.
    fn ask<E: Effect>(self, effect: E, then: fn(Self, E::Outcome) -> Step<Self>) -> Step<Self>
    where
        Self::Request: From<Ask<E, Self>>,
    {
        Step::ask(effect, self, then)
    }
}

/// The state of a workflow: waiting for an outcome, or done.
#[must_use = "a dropped step abandons its workflow"]
#[derive(Clone, Debug)]
pub enum Step<M: Machine> {
    /// The workflow waits for the outcome of one effect.
    Ask(M::Request),
    /// The workflow has ended with this output.
    Done(M::Output),
}

impl<M: Machine> Step<M> {
    /// Suspends a workflow in a state of its own type. Use it for machines whose states hold
    /// different data: `then` can only use what `state` holds.
    pub fn ask<E: Effect, S>(effect: E, state: S, then: fn(S, E::Outcome) -> Self) -> Self
    where
        M::Request: From<Ask<E, M, S>>,
    {
        Self::Ask(M::Request::from(Ask { effect, state, then }))
    }
}

/// An effect and the machine, or its state `S`, that waits for the outcome. Consumed by exactly one
/// answer.
#[must_use = "an unanswered ask abandons its workflow"]
pub struct Ask<E: Effect, M: Machine, S = M> {
    effect: E,
    state: S,
    then: fn(S, E::Outcome) -> Step<M>,
}

impl<E: Effect, M: Machine, S> Ask<E, M, S> {
    /// Returns the effect to carry out.
    pub fn effect(&self) -> &E {
        &self.effect
    }

    /// Resumes the machine with the effect's outcome.
    pub fn answer(self, outcome: E::Outcome) -> Step<M> {
        (self.then)(self.state, outcome)
    }
}

impl<E: Effect + Clone, M: Machine, S: Clone> Clone for Ask<E, M, S> {
    fn clone(&self) -> Self {
        Self { effect: self.effect.clone(), state: self.state.clone(), then: self.then }
    }
}

// Leaves out the function pointer: its address means nothing and changes with every build.
impl<E: Effect + fmt::Debug, M: Machine, S: fmt::Debug> fmt::Debug for Ask<E, M, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask")
            .field("effect", &self.effect)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
