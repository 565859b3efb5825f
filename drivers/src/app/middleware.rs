//! Middleware around handlers.

use core::future::Future;
use core::pin::Pin;
use std::sync::Arc;

use apptheory_core::limiter::{self, Limiter};

use super::build::BuildWarning;
use super::chain::Next;
use super::context::Context;
use super::{Answer, BoxFuture};

/// Middleware: code that runs around handlers and may inspect the request or record, return a
/// response itself, or change the response. Add it with `layer` to a
/// [handler](super::Handler::layer), a [router](super::Router::layer) or an
/// [application](super::App::layer).
///
/// [`Next::run`] always returns a response: an inner error or panic has become one, with the cause
/// in [`error`](apptheory_core::http::HttpResponse::error). A header that a middleware sets is
/// therefore on every response that passes it.
///
/// For a record, a response with an error, or with a status other than 2xx, means that the record
/// failed. Any other response means that the record was handled, even if its handler did not run;
/// SNS and EventBridge get its body as the result.
///
/// An `async` function or closure of a [`Context`] and a [`Next`] is a middleware:
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
    note = "a line such as `RateLimit::per_minute(100)` becomes a middleware with `fail_closed()` or `fail_open()`, and `on(&store)`"
)]
pub trait Middleware: Send + Sync + 'static {
    /// Handles the request or record, usually by [running](Next::run) the rest of the chain.
    ///
    /// An error is treated like a handler's: outer middleware sees its response.
    fn handle(&self, context: Context, next: Next) -> impl Future<Output = Answer> + Send;

    /// Returns the limiters that count requests here; none by default. Implement it in a middleware
    /// that limits rates: the application does not [build](super::App::build) if two limiters
    /// around one handler would share their counters.
    ///
    /// # Errors
    ///
    /// [`limiter::Error`] if a limit cannot work; the application does not build then.
    fn limiters(&self) -> Result<Vec<Limiter>, limiter::Error> {
        Ok(Vec::new())
    }

    /// Returns warnings about this middleware's configuration; none by default. `authenticates`
    /// says whether the application authenticates callers.
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

/// A type-erased middleware, shared by the handlers inside it.
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

/// A type-erased handler, with the application's state.
pub(super) type Endpoint = Box<dyn Fn(Context) -> BoxFuture<Answer> + Send + Sync>;
