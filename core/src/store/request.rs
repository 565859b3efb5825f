//! The closed family of store effects.

use super::{
    BatchGetItem, DeleteItem, GetItem, PutItem, Query, Sleep, TransactWriteItems, UpdateItem,
};
use crate::machine::{Ask, Machine, Step};
use crate::run::{Advance, Interpret};

macro_rules! store_effects {
    ($($effect:ident),+ $(,)?) => {
        /// One effect on the store, with the machine that waits for its outcome.
        ///
        /// Closed on purpose: a new effect breaks every driver at compile time. Match it without a
        /// wildcard arm.
        #[derive(Clone, Debug)]
        pub enum StoreRequest<M: Machine> {
            $(
                #[doc = concat!("Waits for a [`", stringify!($effect), "`].")]
                $effect(Ask<$effect, M>),
            )+
        }

        $(impl<M: Machine> From<Ask<$effect, M>> for StoreRequest<M> {
            fn from(ask: Ask<$effect, M>) -> Self {
                Self::$effect(ask)
            }
        })+

        /// Whoever carries out every store effect, synchronously.
        pub trait StoreInterpreter: $(Interpret<$effect> +)+ {}
        impl<W: ?Sized> StoreInterpreter for W where W: $(Interpret<$effect> +)+ {}

        impl<M, W> Advance<W, M> for StoreRequest<M>
        where
            M: Machine<Request = Self>,
            W: StoreInterpreter + ?Sized,
        {
            fn advance(self, world: &mut W) -> Step<M> {
                match self {
                    $(Self::$effect(ask) => {
                        let outcome = world.interpret(ask.effect());
                        ask.answer(outcome)
                    })+
                }
            }
        }
    };
}

store_effects! {
    GetItem,
    BatchGetItem,
    PutItem,
    UpdateItem,
    DeleteItem,
    Query,
    TransactWriteItems,
    Sleep,
}
