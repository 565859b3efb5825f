//! Ordinary async functions as handlers.

use core::future::Future;
use std::sync::Arc;

use apptheory_core::error::AppError;

use super::context::{Answer, Context};
use super::endpoint::{BoxFuture, Endpoint};
use super::extract::FromContext;
use super::response::IntoResponse;

/// A handler: an `async` function or closure of up to eight [extractors](FromContext) that returns
/// [something to answer](IntoResponse).
///
/// The first extractor that fails answers the request, and the function is not called.
///
/// A closure that captures something takes the form `move |…| { let kept = kept.clone(); async move
/// { … } }`: an `async` closure lends what it captured to its future, and cannot be called for
/// several requests at once.
///
/// ```
/// use apptheory::app::{App, Context, Json, State};
/// use apptheory::error::AppError;
///
/// #[derive(serde::Deserialize, serde::Serialize)]
/// struct Order { item: String }
///
/// async fn create(State(shop): State<&'static str>, Json(order): Json<Order>) -> String {
///     format!("{shop}: {}", order.item)
/// }
///
/// async fn show(context: Context) -> Result<Json<Order>, AppError> {
///     match context.param("id") {
///         "7" => Ok(Json(Order { item: "tea".into() })),
///         _ => Err(AppError::not_found()),
///     }
/// }
///
/// let app = App::with_state("corner shop").post("/orders", create).get("/orders/{id}", show);
/// # app.build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "this is no handler of an application with the state `{S}`",
    note = "a handler is an `async` function of up to eight extractors, such as `Json<T>`, `Path<T>` or `Context`",
    note = "it returns what implements `IntoResponse`, or a `Result` of it and an error such as `AppError`",
    note = "the type in `State<T>` is the one that was given to `App::with_state`"
)]
pub trait Handler<Arguments, S>: Send + Sync + 'static {
    /// Answers a request.
    fn call(&self, context: Context, state: &S) -> BoxFuture<Answer>;
}

/// A handler together with the state of its application.
pub(super) fn endpoint<H, A, S>(handler: H, state: &Arc<S>) -> Arc<dyn Endpoint>
where
    H: Handler<A, S>,
    S: Send + Sync + 'static,
{
    let state = Arc::clone(state);
    Arc::new(move |context: Context| -> BoxFuture<Answer> { handler.call(context, &state) })
}

macro_rules! handlers {
    ($($argument:ident)*) => {
        impl<F, R, S, $($argument),*> Handler<($($argument,)*), S> for F
        where
            F: Fn($($argument),*) -> R + Send + Sync + 'static,
            R: Future + Send + 'static,
            R::Output: IntoResponse,
            $($argument: FromContext<S> + Send + 'static,)*
        {
            #[allow(non_snake_case, reason = "a variable for each type, of its name")]
            fn call(&self, context: Context, state: &S) -> BoxFuture<Answer> {
                match <($($argument,)*)>::from_context(&context, state) {
                    Ok(($($argument,)*)) => {
                        let answer = self($($argument),*);
                        Box::pin(async move { answer.await.into_response() })
                    }
                    Err(error) => Box::pin(core::future::ready(Err(error))),
                }
            }
        }

        impl<S, $($argument: FromContext<S>),*> FromContext<S> for ($($argument,)*) {
            #[allow(unused_variables, reason = "the empty tuple reads nothing")]
            fn from_context(context: &Context, state: &S) -> Result<Self, AppError> {
                Ok(($($argument::from_context(context, state)?,)*))
            }
        }
    };
}

handlers!();
handlers!(A1);
handlers!(A1 A2);
handlers!(A1 A2 A3);
handlers!(A1 A2 A3 A4);
handlers!(A1 A2 A3 A4 A5);
handlers!(A1 A2 A3 A4 A5 A6);
handlers!(A1 A2 A3 A4 A5 A6 A7);
handlers!(A1 A2 A3 A4 A5 A6 A7 A8);
