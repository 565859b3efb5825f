//! Runs machines asynchronously.
//!
//! [`Execute`] performs one kind of effect; [`drive`] runs a machine of the store to its end. A
//! decorator is one generic `impl<E: StoreEffect, X: Execute<E>> Execute<E> for Layer<X>`, which
//! covers all effects.
//!
//! To cancel, drop the future of [`drive`]. The documentation of each effect says under *if the
//! outcome is lost* what the store may hold afterwards.
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

/// Performs one kind of effect.
pub trait Execute<E: Effect>: Sync {
    /// Performs `effect` and returns its outcome.
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

/// Ties a machine's requests to an executor `X` that can perform them.
pub trait Dispatch<X, M: Machine>: Sized {
    /// Performs the effect that the machine waits for, and resumes the machine.
    fn dispatch(self, executor: &X) -> impl Future<Output = Step<M>> + Send;
}

/// Runs `machine` to its end; `executor` performs every effect.
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

/// Defines the trait of all executors, and how a request is dispatched to one. For two effects that
/// is
///
/// ```text
/// pub trait StoreExecutor: Execute<GetItem> + Execute<Sleep> {}
/// impl … Dispatch<X, M> for StoreRequest<M> { match self { GetItem(ask) => …, Sleep(ask) => … } }
/// ```
macro_rules! executor {
    ($($Effect:ident $method:ident,)+) => {
        /// Performs every store effect.
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
