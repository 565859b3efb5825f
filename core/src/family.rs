//! How a closed family of effects is written down, once for all families whose effects any machine
//! may ask for.

/// The request enum of a family, with one variant per effect, and the trait of whoever carries all
/// of them out.
macro_rules! effect_family {
    (
        $(#[$request_doc:meta])*
        pub enum $Request:ident { $($effect:ident),+ $(,)? }
        $(#[$interpreter_doc:meta])*
        pub trait $Interpreter:ident;
    ) => {
        $(#[$request_doc])*
        ///
        /// Closed on purpose: a new effect breaks every driver at compile time. Match it without a
        /// wildcard arm.
        #[derive(Clone, Debug)]
        pub enum $Request<M: $crate::machine::Machine> {
            $(
                #[doc = concat!("Waits for a [`", stringify!($effect), "`].")]
                $effect($crate::machine::Ask<$effect, M>),
            )+
        }

        $(impl<M: $crate::machine::Machine> From<$crate::machine::Ask<$effect, M>> for $Request<M> {
            fn from(ask: $crate::machine::Ask<$effect, M>) -> Self {
                Self::$effect(ask)
            }
        })+

        $(#[$interpreter_doc])*
        pub trait $Interpreter: $($crate::run::Interpret<$effect> +)+ {}
        impl<W: ?Sized> $Interpreter for W where W: $($crate::run::Interpret<$effect> +)+ {}

        impl<M, W> $crate::run::Advance<W, M> for $Request<M>
        where
            M: $crate::machine::Machine<Request = Self>,
            W: $Interpreter + ?Sized,
        {
            fn advance(self, world: &mut W) -> $crate::machine::Step<M> {
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

pub(crate) use effect_family;
