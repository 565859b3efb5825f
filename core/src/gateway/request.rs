//! The closed family of effects on connections.

use super::management::{DeleteConnection, GetConnection, PostToConnection};
use crate::machine::{Ask, Machine, Step};
use crate::run::{Advance, Interpret};

macro_rules! connection_effects {
    ($($effect:ident),+ $(,)?) => {
        /// One effect on a connection, with the machine that waits for its outcome.
        ///
        /// Closed on purpose: a new effect breaks every driver at compile time. Match it without a
        /// wildcard arm.
        #[derive(Clone, Debug)]
        pub enum ConnectionRequest<M: Machine> {
            $(
                #[doc = concat!("Waits for a [`", stringify!($effect), "`].")]
                $effect(Ask<$effect, M>),
            )+
        }

        $(impl<M: Machine> From<Ask<$effect, M>> for ConnectionRequest<M> {
            fn from(ask: Ask<$effect, M>) -> Self {
                Self::$effect(ask)
            }
        })+

        /// Whoever carries out every effect on connections, synchronously.
        pub trait ConnectionInterpreter: $(Interpret<$effect> +)+ {}
        impl<W: ?Sized> ConnectionInterpreter for W where W: $(Interpret<$effect> +)+ {}

        impl<M, W> Advance<W, M> for ConnectionRequest<M>
        where
            M: Machine<Request = Self>,
            W: ConnectionInterpreter + ?Sized,
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

connection_effects! {
    PostToConnection,
    GetConnection,
    DeleteConnection,
}
