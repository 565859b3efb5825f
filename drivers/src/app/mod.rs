//! Applications: routes with async functions as handlers.
//!
//! This module runs handlers, middleware and hooks, and catches their panics. The order in which
//! they apply, and the response when one of them refuses, are decided by
//! [`exchange`](apptheory_core::http::exchange).
//!
//! ```
//! use apptheory::app::{App, Context, Invocation, Json};
//! use serde_json::json;
//!
//! let app = App::new()
//!     .get("/users/{id}", async |context: Context| Json(json!({"id": context.param("id")})))
//!     .build()?;
//!
//! let event = r#"{"rawPath":"/users/7","requestContext":{"http":{"method":"GET"}}}"#;
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let answer = app.invoke(event, Invocation::default()).await?;
//! assert!(answer.contains(r#""body":"{\"id\":\"7\"}""#));
//! # Ok::<(), apptheory::app::InvokeError>(())
//! # }).unwrap();
//! # Ok::<(), apptheory::app::BuildError>(())
//! ```

pub(crate) mod after;
mod answer;
mod application;
pub(crate) mod body;
mod build;
mod cancellation;
mod chain;
mod collect;
mod context;
pub mod events;
mod extract;
mod flush;
#[cfg(any(feature = "lambda_runtime", feature = "local"))]
pub(crate) mod frame_body;
#[cfg(any(feature = "lambda", feature = "local", feature = "testkit"))]
pub(crate) mod framing;
mod guard;
#[cfg(feature = "tower")]
pub(crate) mod hand_over;
mod handler;
mod hooks;
mod invocation;
mod invoke;
pub mod kind;
mod locals;
mod measure;
mod middleware;
#[cfg(feature = "tower")]
mod mount;
mod rate_limit;
mod raw;
mod router;
mod serve;
#[cfg(feature = "tower")]
mod service;
mod services;
mod settings;
#[cfg(feature = "lambda")]
mod snapshot;
mod span;
mod sse;
mod subject;
mod target;
#[cfg(test)]
mod tests;
pub(crate) mod time;
mod timeout;
#[cfg(feature = "tower")]
mod tower_layer;
mod watch;
mod websocket;
#[cfg(feature = "tower")]
pub(crate) mod wire;

use core::fmt;
use core::future::Future;
use core::pin::Pin;
#[cfg(any(feature = "lambda", feature = "testkit"))]
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::Arc;

use apptheory_core::error::AppError;
use apptheory_core::http::exchange::{HttpService, HttpSettings};

#[doc(hidden)]
pub use answer::HandlerError;
pub use answer::{HeaderFields, Html, IntoAnswer, Redirect, Response};
pub use application::App;
pub use body::BodyStream;
pub use build::{BuildError, BuildWarning};
pub use chain::Next;
pub use context::Context;
pub use extract::{
    Authorizer, Body, Claims, ClientIp, Extension, Form, FromContext, FromRef, Headers, Json,
    MatchedPath, OptionalFromContext, Path, PrincipalId, Query, RawQuery, RequestContext, Scopes,
    StageVariables, State, Tenant,
};
#[cfg(feature = "validation")]
pub use extract::{Checked, Valid};
#[cfg(feature = "multipart")]
pub use extract::{Multipart, Part};
pub use flush::FLUSH_TIME;
pub use guard::Panicked;
#[doc(hidden)]
pub use handler::AsyncFunction;
pub use handler::{Handler, Layered};
pub use hooks::Failure;
pub use invocation::{ClientContext, Function, Invocation};
pub use invoke::InvokeError;
pub use middleware::Middleware;
pub use rate_limit::RateLimit;
pub use raw::Raw;
pub use router::Router;
#[cfg(feature = "tower")]
pub use service::AppBody;
pub use sse::Sse;
pub use subject::ContextKind;
pub use time::TimedOut;
pub use timeout::{DEFAULT_TIMEOUT, Timeout};
#[cfg(feature = "tower")]
pub use tower_layer::{HandlerService, TowerLayer, tower};
pub use websocket::WebSocket;

use chain::Chain;
use events::EventRoutes;
use hooks::Hooks;
use measure::Measures;
use services::Services;

use crate::clock::SharedClock;

/// What a handler or middleware returns: a response, or an error that becomes one.
pub type Answer = Result<Response, AppError>;

/// A boxed future.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A built application, which serves requests and events. [`App::build`] makes it. Clones share the
/// same application.
#[derive(Clone)]
pub struct AppService {
    inner: Arc<Inner>,
    services: Arc<Services>,
}

struct Inner {
    service: HttpService<Arc<Chain>>,
    events: EventRoutes,
    serves_requests: bool,
    /// Whether a handler of requests or messages reads the event behind its request.
    keeps_events: bool,
    /// Whether WebSocket events are answered even where no route matches.
    supports_websockets: bool,
    /// Names of the registered handlers, for errors about events without a handler.
    registered: Vec<String>,
    hooks: Hooks,
    measures: Option<Measures>,
    /// How long before the deadline work is cancelled; `None` for a default that depends on the
    /// time given.
    reserve: Option<Duration>,
    warnings: Vec<BuildWarning>,
    /// How responses are sent to CloudFormation.
    #[cfg(feature = "cloudformation")]
    replies: events::cloudformation::Replies,
    /// Whether Lambda or a test has invoked the application before.
    #[cfg(any(feature = "lambda", feature = "testkit"))]
    is_warm: AtomicBool,
}

impl AppService {
    /// Returns the settings that the application was built with.
    #[must_use]
    pub fn settings(&self) -> &HttpSettings {
        self.inner.service.settings()
    }

    /// Returns warnings about configurations that build but may fail where they are deployed.
    /// Assert in a test that the list is empty.
    ///
    /// ```
    /// use apptheory::app::App;
    ///
    /// let app = App::new().get("/", async || "hello").build()?;
    /// assert!(app.warnings().is_empty());
    /// # Ok::<(), apptheory::app::BuildError>(())
    /// ```
    #[must_use]
    pub fn warnings(&self) -> &[BuildWarning] {
        &self.inner.warnings
    }

    /// Returns whether this is the first invocation. Call it once per invocation.
    #[cfg(any(feature = "lambda", feature = "testkit"))]
    pub(crate) fn starts_cold(&self) -> bool {
        !self.inner.is_warm.swap(true, Ordering::Relaxed)
    }

    /// Draws a new id from the application's source.
    #[cfg(feature = "local")]
    pub(crate) fn new_id(&self) -> String {
        self.services.ids.next_text()
    }

    /// Returns the application with ids that a local server draws faster.
    #[cfg(feature = "local")]
    pub(crate) fn with_stocked_ids(self) -> Self {
        let ids = self.services.ids.stocked();
        let services = Arc::new(Services { ids, ..Services::clone(&self.services) });
        Self { services, ..self }
    }

    /// Returns the application's clock.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        &self.services.clock
    }
}

impl fmt::Debug for AppService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let routes = self.inner.service.router().routes().iter();
        let routes = routes.map(|route| format!("{} {}", route.method(), route.pattern()));
        f.debug_struct("AppService")
            .field("routes", &routes.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
