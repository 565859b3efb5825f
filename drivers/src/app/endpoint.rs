//! Handlers of any type, and the middleware around them.

use core::future::Future;
use core::pin::Pin;
use std::sync::Arc;

use apptheory_core::http::exchange::ErrorStyle;
use apptheory_core::limiter::Limiter;

use super::Response;
use super::builder::BuildWarning;
use super::context::{Answer, Context};
use super::guard::guarded;

/// A future of a type that nobody has to name.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Whatever answers requests.
pub(super) trait Endpoint: Send + Sync {
    fn call(&self, context: Context) -> BoxFuture<Answer>;
}

impl<F> Endpoint for F
where
    F: Fn(Context) -> BoxFuture<Answer> + Send + Sync,
{
    fn call(&self, context: Context) -> BoxFuture<Answer> {
        self(context)
    }
}

/// Goes around handlers: it may look at the request, answer it itself, or change the answer.
///
/// What comes back from those further in is always a response: an error of theirs, or a panic, has
/// been answered by then, and is the response's [`error`](apptheory_core::http::HttpResponse::error).
/// What a middleware sets on a response is therefore on every answer that passes it.
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
/// let app = App::builder().middleware(no_store).get("/", async || "hello").build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "this is no middleware",
    note = "a middleware is an `async` function of a `Context` and a `Next` that returns an `Answer`"
)]
pub trait Middleware: Send + Sync + 'static {
    /// Answers the request, usually by [running](Next::run) the next.
    ///
    /// An error is answered as a handler's is: those further out see its response.
    fn handle(&self, context: Context, next: Next) -> impl Future<Output = Answer> + Send;

    /// Returns the limiters that requests are counted in; none by default. Two middlewares of an
    /// application that would count in the same items do not
    /// [build](super::AppBuilder::build). Implement it where a middleware of your own limits rates.
    fn limiters(&self) -> Vec<Limiter> {
        Vec::new()
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

/// What comes after a middleware: the next one, or the handler.
pub struct Next {
    layers: Arc<[Layer]>,
    at: usize,
    endpoint: Arc<dyn Endpoint>,
    errors: ErrorStyle,
}

/// A middleware of any type.
pub(super) type Layer = Box<dyn ErasedMiddleware>;

impl Next {
    pub(super) fn new(
        layers: &Arc<[Layer]>,
        endpoint: &Arc<dyn Endpoint>,
        errors: ErrorStyle,
    ) -> Self {
        Self { layers: Arc::clone(layers), at: 0, endpoint: Arc::clone(endpoint), errors }
    }

    /// Returns the response of what comes next. An error or a panic is answered by then, and is the
    /// response's [`error`](apptheory_core::http::HttpResponse::error); a panic is a masked 500.
    pub async fn run(self, context: Context) -> Response {
        let Self { layers, at, endpoint, errors } = self;
        let call = context.shared_call();
        let answer = match layers.get(at) {
            Some(layer) => {
                let (layers, at) = (Arc::clone(&layers), at.saturating_add(1));
                let next = Self { layers, at, endpoint, errors };
                guarded("a middleware", async { layer.handle(context, next).await }).await
            }
            None => guarded("a handler", async { endpoint.call(context).await }).await,
        };
        answer
            .unwrap_or_else(|error| errors.answer(error, &call.request_id, &call.request.trace_id))
    }
}

impl core::fmt::Debug for Next {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Next").field("at", &self.at).finish_non_exhaustive()
    }
}

pub(super) trait ErasedMiddleware: Send + Sync {
    fn handle<'m>(
        &'m self,
        context: Context,
        next: Next,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'm>>;

    fn limiters(&self) -> Vec<Limiter>;
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

    fn limiters(&self) -> Vec<Limiter> {
        Middleware::limiters(self)
    }

    fn warnings(&self, authenticates: bool) -> Vec<BuildWarning> {
        Middleware::warnings(self, authenticates)
    }
}
