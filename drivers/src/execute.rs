//! Carrying out effects, asynchronously.
//!
//! [`Execute`] is one method per kind of effect; [`drive`] runs a machine of the store to its end. A
//! decorator is one generic `impl<E: StoreEffect, X: Execute<E>> Execute<E> for Layer<X>` for all
//! effects at once.
//!
//! Cancelling is dropping the future of [`drive`]: the machine dies with it, and what may be left
//! behind in the store is what the effect's documentation says under *if the outcome is lost*.
//!
//! ```
//! use core::time::Duration;
//!
//! use apptheory::clock::{Clock, ManualClock};
//! use apptheory::execute::Execute;
//! use apptheory::store::Sleep;
//! use apptheory::time::Timestamp;
//!
//! /// Counts what it is asked to do.
//! struct Sleepless(ManualClock);
//!
//! impl Execute<Sleep> for Sleepless {
//!     async fn execute(&self, sleep: &Sleep) -> Timestamp {
//!         self.0.sleep(sleep.duration).await
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let executor = Sleepless(ManualClock::new(Timestamp::UNIX_EPOCH));
//! let woken = executor.execute(&Sleep { duration: Duration::from_secs(9) }).await;
//! assert_eq!(woken.unix_seconds(), 9);
//! # });
//! ```

use core::future::Future;
use std::sync::Arc;

use apptheory_core::machine::{Effect, Machine, Step};
use apptheory_core::store::{
    BatchGetItem, DeleteItem, GetItem, PutItem, QueryItems, Sleep, StoreRequest,
    TransactWriteItems, UpdateItem,
};

/// Carries out one kind of effect.
pub trait Execute<E: Effect>: Sync {
    /// Performs `effect` and says what came of it.
    fn execute(&self, effect: &E) -> impl Future<Output = E::Outcome> + Send;
}

impl<E: Effect, X: Execute<E>> Execute<E> for &X {
    fn execute(&self, effect: &E) -> impl Future<Output = E::Outcome> + Send {
        (**self).execute(effect)
    }
}

impl<E: Effect, X: Execute<E> + Send> Execute<E> for Arc<X> {
    fn execute(&self, effect: &E) -> impl Future<Output = E::Outcome> + Send {
        (**self).execute(effect)
    }
}

/// A request that an executor `X` can answer: one family of effects meeting one executor.
pub trait Dispatch<X, M: Machine>: Sized {
    /// Carries out the one effect that the machine waits for, and resumes it.
    fn dispatch(self, executor: &X) -> impl Future<Output = Step<M>> + Send;
}

/// Drives `machine` to its end, carrying out every effect with `executor`.
pub async fn drive<M, X>(machine: M, executor: &X) -> M::Output
where
    M: Machine,
    M::Request: Dispatch<X, M>,
{
    let mut step = machine.start();
    loop {
        step = match step {
            Step::Ask(request) => request.dispatch(executor).await,
            Step::Done(output) => return output,
        };
    }
}

/// Makes the trait of all executors, and how one answers a request. For two effects that is
///
/// ```text
/// pub trait StoreExecutor: Execute<GetItem> + Execute<Sleep> {}
/// impl … Dispatch<X, M> for StoreRequest<M> { match self { GetItem(ask) => …, Sleep(ask) => … } }
/// ```
macro_rules! executor {
    ($($Effect:ident $method:ident,)+) => {
        /// Carries out every store effect.
        pub trait StoreExecutor: $(Execute<$Effect> +)+ {}
        impl<X> StoreExecutor for X where X: $(Execute<$Effect> +)+ {}

        impl<X, M> Dispatch<X, M> for StoreRequest<M>
        where
            X: StoreExecutor,
            M: Machine<Request = Self> + Send,
            M::Output: Send,
        {
            async fn dispatch(self, executor: &X) -> Step<M> {
                match self {
                    $(Self::$Effect(ask) => {
                        let outcome = executor.execute(ask.effect()).await;
                        ask.answer(outcome)
                    })+
                }
            }
        }
    };
}

apptheory_core::each_store_effect!(executor);
