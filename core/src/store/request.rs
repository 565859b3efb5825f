//! The closed family of store effects: the one list of them, and what is made of it.

use super::{
    BatchGetItem, DeleteItem, GetItem, PutItem, QueryItems, Sleep, TransactWriteItems, UpdateItem,
};
use crate::machine::{Ask, Machine, Step};
use crate::run::{Advance, Interpret};

/// Hands the list of orders, each with the name of a method for it, to the macro `$make`: the one
/// place where they are listed. Executors implement themselves with it; a new order then breaks
/// each of them at compile time.
///
/// ```
/// use apptheory_core::each_store_order;
///
/// macro_rules! method_of_update_item {
///     ($($Order:ident $method:ident,)+) => {
///         match "UpdateItem" {
///             $(stringify!($Order) => stringify!($method),)+
///             _ => "",
///         }
///     };
/// }
/// assert_eq!(each_store_order!(method_of_update_item), "update_item");
/// ```
#[macro_export]
macro_rules! each_store_order {
    ($make:ident $(, $Effect:ident $method:ident)?) => {
        $make! {
            GetItem get_item,
            BatchGetItem batch_get_item,
            PutItem put_item,
            UpdateItem update_item,
            DeleteItem delete_item,
            QueryItems query,
            TransactWriteItems transact_write_items,
            $($Effect $method,)?
        }
    };
}

/// Hands the list of all store effects to the macro `$make`: every order of
/// [`each_store_order!`](crate::each_store_order), and `Sleep sleep`.
#[macro_export]
macro_rules! each_store_effect {
    ($make:ident) => {
        $crate::each_store_order!($make, Sleep sleep);
    };
}

/// Makes the request enum, and how a synchronous world answers it. For two effects that is
///
/// ```text
/// pub enum StoreRequest<M: Machine> { GetItem(Ask<GetItem, M>), Sleep(Ask<Sleep, M>) }
/// impl<M: Machine> From<Ask<GetItem, M>> for StoreRequest<M> { … }    and for Sleep
/// pub trait StoreInterpreter: Interpret<GetItem> + Interpret<Sleep> {}
/// impl … Advance<W, M> for StoreRequest<M> { match self { GetItem(ask) => …, Sleep(ask) => … } }
/// ```
macro_rules! family {
    ($($Effect:ident $method:ident,)+) => {
        /// One effect on the store, with the machine that waits for its outcome.
        ///
        /// Closed on purpose: a new effect breaks every driver at compile time. Match it without a
        /// wildcard arm.
        #[derive(Clone, Debug)]
        pub enum StoreRequest<M: Machine> {
            $(
                #[doc = concat!("Waits for a [`", stringify!($Effect), "`].")]
                $Effect(Ask<$Effect, M>),
            )+
        }

        $(impl<M: Machine> From<Ask<$Effect, M>> for StoreRequest<M> {
            fn from(ask: Ask<$Effect, M>) -> Self {
                Self::$Effect(ask)
            }
        })+

        /// Carries out every store effect, synchronously.
        pub trait StoreInterpreter: $(Interpret<$Effect> +)+ {}
        impl<W: ?Sized> StoreInterpreter for W where W: $(Interpret<$Effect> +)+ {}

        impl<M, W> Advance<W, M> for StoreRequest<M>
        where
            M: Machine<Request = Self>,
            W: StoreInterpreter + ?Sized,
        {
            fn advance(self, world: &mut W) -> Step<M> {
                match self {
                    $(Self::$Effect(ask) => {
                        let outcome = world.interpret(ask.effect());
                        ask.answer(outcome)
                    })+
                }
            }
        }
    };
}

each_store_effect!(family);
