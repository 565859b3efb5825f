//! Async functions as handlers.

use core::fmt;
use core::future::Future;
use core::marker::PhantomData;
use std::sync::Arc;

use apptheory_core::error::AppError;
use apptheory_core::http::binding;
use apptheory_core::http::exchange::Access;

use super::answer::IntoAnswer;
use super::context::Context;
use super::extract::FromContext;
use super::kind::RequestKind;
use super::middleware::{Endpoint, Layer, Middleware};
use super::{Answer, BoxFuture};

/// A handler: an `async` function or closure of up to eight [extractors](FromContext) that returns
/// a [response type](IntoAnswer). The same function may handle requests, messages and records, if
/// its extractors and its return type allow it.
///
/// If an extractor fails, the function is not called; the error becomes the response, or fails the
/// record.
///
/// A closure that captures a value takes the form
/// `move |…| { let kept = kept.clone(); async move { … } }`: an `async` closure lends its captures
/// to its future, and so cannot run for several requests at once. Keep what all handlers need as
/// [`State`](super::State).
///
/// ```
/// use apptheory::app::{App, Context, Handler, Json, State, Timeout};
/// use apptheory::error::AppError;
///
/// #[derive(serde::Deserialize, serde::Serialize)]
/// struct Order { item: String }
///
/// async fn ship(
///     State(shop): State<&'static str>,
///     Json(order): Json<Order>,
/// ) -> Result<(), AppError> {
///     println!("{shop} ships {}", order.item);
///     Ok(())
/// }
///
/// async fn show(context: Context) -> Result<Json<Order>, AppError> {
///     match context.param("id") {
///         "7" => Ok(Json(Order { item: "tea".into() })),
///         _ => Err(AppError::not_found()),
///     }
/// }
///
/// let app = App::with_state("corner shop")
///     .post("/orders", ship)
///     .sqs("orders", ship)
///     .get("/orders/{id}", show.layer(Timeout::default()))
///     .build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler of this kind of event in an application with the state `{S}`",
    label = "an `async` function of up to eight extractors is expected here",
    note = "an `async` closure that captures something cannot be a handler: take what it captures as `State`",
    note = "every argument implements `FromContext` for the kind of event, and the type in `State<T>` is a part of the application's state",
    note = "it returns what implements `IntoAnswer`, or a `Result` of it and an error such as `AppError`"
)]
pub trait Handler<Arguments, S, K>: Sized + Send + Sync + 'static {
    /// Returns the handler with the layers around it.
    #[doc(hidden)]
    fn into_layered(self) -> Layered<S, K>;

    /// Puts a middleware around this handler alone. The first middleware is the outermost; all of
    /// them run inside of those of the [routers](super::Router::layer) and the
    /// [application](super::App::layer).
    ///
    /// ```
    /// use core::time::Duration;
    ///
    /// use apptheory::prelude::*;
    ///
    /// async fn report() -> &'static str {
    ///     "done"
    /// }
    ///
    /// let timeout = Timeout::after(Duration::from_secs(5));
    /// let app = App::new().get("/report", report.layer(timeout)).build()?;
    /// # Ok::<(), BuildError>(())
    /// ```
    #[must_use]
    fn layer(self, middleware: impl Middleware) -> Layered<S, K> {
        let mut layered = self.into_layered();
        layered.layers.push(Arc::new(middleware));
        layered
    }

    /// Sets who may call this handler; see [`Access`]. Set
    /// [`App::authenticate`](super::App::authenticate) as well, or a handler that is not public
    /// does not build. A handler with two different settings, or with another one than its
    /// router's, does not build either.
    #[must_use]
    fn access(self, access: Access) -> Layered<S, K>
    where
        K: RequestKind,
    {
        let mut layered = self.into_layered();
        layered.accesses.push(access);
        layered
    }

    /// Restricts this handler to authenticated callers, as [`Access::Authenticated`].
    #[must_use]
    fn for_callers(self) -> Layered<S, K>
    where
        K: RequestKind,
    {
        self.access(Access::Authenticated)
    }

    /// Restricts this handler to callers with all of these scopes, as [`Access::AllScopes`]. An
    /// empty list, or a blank scope, does not build.
    #[must_use]
    fn for_scopes<T: Into<String>>(self, scopes: impl IntoIterator<Item = T>) -> Layered<S, K>
    where
        K: RequestKind,
    {
        self.access(Access::AllScopes(scopes.into_iter().map(T::into).collect()))
    }

    /// Restricts this handler to callers with at least one of these scopes, as
    /// [`Access::AnyScope`]. An empty list, or a blank scope, does not build.
    #[must_use]
    fn for_any_scope<T: Into<String>>(self, scopes: impl IntoIterator<Item = T>) -> Layered<S, K>
    where
        K: RequestKind,
    {
        self.access(Access::AnyScope(scopes.into_iter().map(T::into).collect()))
    }
}

/// A handler with its middleware and its access. It is a [`Handler`] itself.
pub struct Layered<S, K> {
    pub(super) handler: Erased<S>,
    /// The outermost first.
    pub(super) layers: Vec<Layer>,
    /// All access settings of the handler.
    pub(super) accesses: Vec<Access>,
    /// Whether the handler reads the events behind its requests.
    pub(super) keeps_event: bool,
    pub(super) check_params: CheckParams,
    /// The formats in which the handler reads the body.
    pub(super) body_formats: Vec<&'static str>,
    kind: PhantomData<fn() -> K>,
}

/// Checks that the handler can read the parameters of a route's pattern.
pub(super) type CheckParams = fn(&[&str]) -> Result<(), binding::Error>;

/// A type-erased handler that waits for the application's state.
pub(super) type Erased<S> = Box<dyn FnOnce(&Arc<S>) -> Endpoint + Send + Sync>;

impl<S: Send + Sync + 'static, K> Layered<S, K> {
    /// Erases the type of a handler that is called with the state.
    pub(super) fn of(
        call: impl Fn(Context, &S) -> BoxFuture<Answer> + Send + Sync + 'static,
    ) -> Self {
        let handler: Erased<S> = Box::new(move |state| {
            let state = Arc::clone(state);
            Box::new(move |context| call(context, &state))
        });
        let (layers, accesses) = (Vec::new(), Vec::new());
        Self {
            handler,
            layers,
            accesses,
            keeps_event: false,
            check_params: |_| Ok(()),
            body_formats: Vec::new(),
            kind: PhantomData,
        }
    }
}

// For a function that does not fit, the compiler would name this implementation as one that does.
#[diagnostic::do_not_recommend]
impl<S: 'static, K: 'static> Handler<Self, S, K> for Layered<S, K> {
    fn into_layered(self) -> Self {
        self
    }
}

impl<S, K> fmt::Debug for Layered<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layered")
            .field("layers", &self.layers.len())
            .field("accesses", &self.accesses)
            .finish_non_exhaustive()
    }
}

/// An `async` function or closure with any arguments. It gives [`Handler`] a single implementation
/// for all functions, so that the compiler names the argument or the return type that does not fit
/// instead of the function.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an `async` function of up to eight arguments",
    label = "an `async` function is expected here"
)]
pub trait AsyncFunction<Arguments>: Send + Sync + 'static {
    type Future: Future<Output = Self::Output>;
    type Output;

    fn call(&self, arguments: Arguments) -> Self::Future;
}

impl<F, A, S, K> Handler<A, S, K> for F
where
    F: AsyncFunction<A>,
    F::Future: Send + 'static,
    F::Output: IntoAnswer<K>,
    A: FromContext<S, K>,
    S: Send + Sync + 'static,
    K: 'static,
{
    fn into_layered(self) -> Layered<S, K> {
        let layered = Layered::of(move |context, state| match A::from_context(&context, state) {
            Ok(arguments) => {
                let answer = self.call(arguments);
                Box::pin(async move { answer.await.into_answer() })
            }
            Err(error) => Box::pin(core::future::ready(Err(error))),
        });
        Layered {
            keeps_event: A::KEEPS_EVENT,
            check_params: A::check_params,
            body_formats: A::body_formats(),
            ..layered
        }
    }
}

macro_rules! functions {
    ($($argument:ident)*) => {
        impl<F, R, $($argument),*> AsyncFunction<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> R + Send + Sync + 'static,
            R: Future,
        {
            type Future = R;
            type Output = R::Output;

            #[allow(non_snake_case, reason = "each variable has the name of its type")]
            fn call(&self, ($($argument,)*): ($($argument,)*)) -> R {
                self($($argument),*)
            }
        }

        impl<S, K, $($argument: FromContext<S, K>),*> FromContext<S, K> for ($($argument,)*) {
            const KEEPS_EVENT: bool = false $(|| $argument::KEEPS_EVENT)*;

            #[allow(unused_variables, reason = "the empty tuple reads nothing")]
            fn check_params(names: &[&str]) -> Result<(), binding::Error> {
                $($argument::check_params(names)?;)*
                Ok(())
            }

            fn body_formats() -> Vec<&'static str> {
                let formats: [Vec<&'static str>; _] = [$($argument::body_formats()),*];
                formats.concat()
            }

            #[allow(unused_variables, reason = "the empty tuple reads nothing")]
            fn from_context(context: &Context, state: &S) -> Result<Self, AppError> {
                Ok(($($argument::from_context(context, state)?,)*))
            }
        }
    };
}

functions!();
functions!(A1);
functions!(A1 A2);
functions!(A1 A2 A3);
functions!(A1 A2 A3 A4);
functions!(A1 A2 A3 A4 A5);
functions!(A1 A2 A3 A4 A5 A6);
functions!(A1 A2 A3 A4 A5 A6 A7);
functions!(A1 A2 A3 A4 A5 A6 A7 A8);
