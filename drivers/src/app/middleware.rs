//! What goes around handlers.

use core::future::Future;
use core::pin::Pin;
use std::sync::Arc;

use apptheory_core::limiter::{self, Limiter};

use super::build::BuildWarning;
use super::chain::Next;
use super::context::Context;
use super::{Answer, BoxFuture};

/// Goes around handlers: it may look at the request or record, answer it itself, or change the
/// answer. Put it around with `layer`: on a [handler](super::Handler::layer), a
/// [router](super::Router::layer) or an [application](super::App::layer).
///
/// What comes back from those further in is always a response: an error of theirs, or a panic, has
/// been answered by then, and is the response's [`error`](apptheory_core::http::HttpResponse::error).
/// What a middleware sets on a response is therefore on every answer that passes it.
///
/// Around a record, a response with an error, or with a status other than 2xx, is a record that
/// failed. Any other says that the record was handled, also where the handler did not run; its body
/// is what SNS and EventBridge are answered.
///
/// An `async` function or closure of a [`Context`] and [`Next`] is one:
///
/// ```
/// use apptheory::app::{Answer, App, Context, Next};
///
/// async fn no_store(context: Context, next: Next) -> Answer {
///     Ok(next.run(context).await.with_header("cache-control", "no-store"))
/// }
///
/// let app = App::new().layer(no_store).get("/", async || "hello").build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a middleware",
    note = "a middleware is an `async` function of a `Context` and a `Next` that returns an `Answer`",
    note = "a line such as `RateLimit::per_minute(100)` is one after `fail_closed()` or `fail_open()`, and `on(&store)`"
)]
pub trait Middleware: Send + Sync + 'static {
    /// Answers the request or record, usually by [running](Next::run) the next.
    ///
    /// An error is answered as a handler's is: those further out see its response.
    fn handle(&self, context: Context, next: Next) -> impl Future<Output = Answer> + Send;

    /// Returns the limiters that requests are counted in; none by default. Two middlewares around
    /// one handler that would count in the same items do not [build](super::App::build). Implement
    /// it where a middleware of your own limits rates.
    ///
    /// # Errors
    ///
    /// [`limiter::Error`] when a limit cannot work: then the application does not build either.
    fn limiters(&self) -> Result<Vec<Limiter>, limiter::Error> {
        Ok(Vec::new())
    }

    /// Returns what may be meant otherwise than it is built; nothing by default. `authenticates` is
    /// whether the application says who calls.
    fn warnings(&self, authenticates: bool) -> Vec<BuildWarning> {
        let _ = authenticates;
        Vec::new()
    }
}

impl<F, R> Middleware for F
where
    F: Fn(Context, Next) -> R + Send + Sync + 'static,
    R: Future<Output = Answer> + Send,
{
    fn handle(&self, context: Context, next: Next) -> impl Future<Output = Answer> + Send {
        self(context, next)
    }
}

/// A middleware of any type, around as many handlers as share it.
pub(super) type Layer = Arc<dyn ErasedMiddleware>;

pub(super) trait ErasedMiddleware: Send + Sync {
    fn handle<'m>(
        &'m self,
        context: Context,
        next: Next,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'm>>;

    fn limiters(&self) -> Result<Vec<Limiter>, limiter::Error>;
    fn warnings(&self, authenticates: bool) -> Vec<BuildWarning>;
}

impl<M: Middleware> ErasedMiddleware for M {
    fn handle<'m>(
        &'m self,
        context: Context,
        next: Next,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'm>> {
        Box::pin(Middleware::handle(self, context, next))
    }

    fn limiters(&self) -> Result<Vec<Limiter>, limiter::Error> {
        Middleware::limiters(self)
    }

    fn warnings(&self, authenticates: bool) -> Vec<BuildWarning> {
        Middleware::warnings(self, authenticates)
    }
}

/// A handler of any type, with the application's state.
pub(super) type Endpoint = Box<dyn Fn(Context) -> BoxFuture<Answer> + Send + Sync>;
