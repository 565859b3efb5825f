//! The closed family of store effects, and the items that are generated from it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::effect::StoreEffect;
use super::wire::Reply;
use super::{
    BatchGetItem, DeleteItem, GetItem, PutItem, QueryItems, Sleep, TransactWriteItems, UpdateItem,
};
use crate::machine::{Ask, Machine, Step};
use crate::run::{Advance, Interpret};
use crate::time::Timestamp;

/// The version of DynamoDB's API in which requests are written.
const API_VERSION: &str = "DynamoDB_20120810";

/// Passes the list of orders, each with a method name, to the macro `$make`. This is the only list
/// of orders. Executors use it to implement all of them, so that a new order breaks each executor
/// at compile time.
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

/// Passes the list of all store effects to the macro `$make`: every order of
/// [`each_store_order!`](crate::each_store_order), and `Sleep sleep`.
#[macro_export]
macro_rules! each_store_effect {
    ($make:ident) => {
        $crate::each_store_order!($make, Sleep sleep);
    };
}

/// Generates the request enum, and its synchronous execution. For two effects this is
///
/// ```text
/// pub enum StoreRequest<M: Machine> { GetItem(Ask<GetItem, M>), Sleep(Ask<Sleep, M>) }
/// impl<M: Machine> From<Ask<GetItem, M>> for StoreRequest<M> { … }    and for Sleep
/// impl<M: Machine> StoreRequest<M> { fn target(&self) … fn body(&self) … fn read(self, …) … }
/// pub trait StoreInterpreter: Interpret<GetItem> + Interpret<Sleep> {}
/// impl … Advance<W, M> for StoreRequest<M> { match self { GetItem(ask) => …, Sleep(ask) => … } }
/// ```
macro_rules! family {
    ($($Effect:ident $method:ident,)+) => {
        /// One effect on the store, with the machine that waits for its outcome.
        ///
        /// Closed on purpose: a new effect breaks every driver at compile time that matches this
        /// enum without a wildcard arm.
        ///
        /// A host that posts JSON to DynamoDB needs one arm for all orders, and one for [`Sleep`],
        /// which the host carries out itself:
        ///
        /// ```
        /// use apptheory_core::machine::{Machine, Step};
        /// use apptheory_core::store::StoreRequest;
        /// use apptheory_core::store::wire::Reply;
        /// # use core::time::Duration;
        /// use apptheory_core::limiter::{Attempt, FixedWindow, Limiter, RateLimitKey, Recall};
        /// # use apptheory_core::time::Timestamp;
        /// # struct Answer { status: u16, body: Vec<u8> }
        /// # let clock = || Timestamp::from_unix_seconds(1_767_225_630);
        /// # let sleep = |_: Duration| ();
        /// # type Posted = Result<Answer, apptheory_core::limiter::Error>;
        /// # let post = |target: String, body: Vec<u8>| -> Posted {
        /// #     assert_eq!(target, "DynamoDB_20120810.UpdateItem");
        /// #     assert!(String::from_utf8(body).unwrap().contains("rate-limits"));
        /// #     let body = br#"{"Attributes": {"Count": {"N": "7"}}}"#.to_vec();
        /// #     Ok(Answer { status: 200, body })
        /// # };
        ///
        /// let limiter = Limiter::fail_closed(FixedWindow::per_minute(100)).build();
        /// let key = RateLimitKey::new("tenant-7", "/orders", "POST")?;
        /// let recall = Recall::default();
        /// let mut step = limiter.check_and_increment(Attempt::new(key, clock()), &recall).start();
        /// let decision = loop {
        ///     match step {
        ///         Step::Ask(StoreRequest::Sleep(ask)) => {
        ///             sleep(ask.effect().duration);
        ///             step = ask.answer(clock());
        ///         }
        ///         Step::Ask(ask) => {
        ///             let reply = post(ask.target(), ask.body())?;
        ///             step = ask.read(Reply::from_http(reply.status, &reply.body), clock());
        ///         }
        ///         Step::Done(done) => break done.decision?,
        ///     }
        /// };
        /// assert_eq!(decision.remaining(), Some(93));
        /// # Ok::<(), apptheory_core::limiter::Error>(())
        /// ```
        /// Strategies that never wait, such as a fixed window, need no arm for the sleep. Do not
        /// answer a sleep early: the machine would sleep again until the time has passed.
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

        impl<M: Machine> StoreRequest<M> {
            /// Returns the value of the `x-amz-target` header of the request, such as
            /// `DynamoDB_20120810.UpdateItem`.
            #[must_use]
            pub fn target(&self) -> String {
                let operation = match self {
                    $(Self::$Effect(_) => <$Effect as StoreEffect>::NAME,)+
                };
                format!("{API_VERSION}.{operation}")
            }

            /// Returns the JSON body to post.
            #[must_use]
            pub fn body(&self) -> Vec<u8> {
                match self {
                    $(Self::$Effect(ask) => ask.effect().request_bytes(),)+
                }
            }

            /// Reads the reply, which arrived at `at`, and resumes the machine with its outcome.
            pub fn read(self, reply: Reply<'_>, at: Timestamp) -> Step<M> {
                match self {
                    $(Self::$Effect(ask) => {
                        let outcome = ask.effect().read(reply, at);
                        ask.answer(outcome)
                    })+
                }
            }
        }

        /// Carries out every store effect synchronously.
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
