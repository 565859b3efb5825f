//! Applications: routes with ordinary async functions behind them.
//!
//! This module runs handlers, middleware and hooks, and keeps their panics to themselves. In which
//! order they apply, and what is answered when they refuse, is
//! [`exchange`](apptheory_core::http::exchange)'s to decide.
//!
//! ```
//! use apptheory::app::{App, Context, Invocation, Json};
//! use serde_json::json;
//!
//! let app = App::builder()
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

mod body;
mod builder;
mod collect;
mod context;
mod endpoint;
pub mod events;
mod extract;
mod guard;
mod handler;
mod hooks;
mod invocation;
mod invoke;
#[cfg(feature = "tower")]
mod mount;
mod rate_limit;
mod response;
mod serve;
#[cfg(feature = "tower")]
mod service;
mod sse;
#[cfg(test)]
mod tests;
pub(crate) mod time;
mod timeout;
mod values;
mod watch;
mod websocket;
#[cfg(feature = "tower")]
pub(crate) mod wire;

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use apptheory_core::http::exchange::{HttpService, HttpSettings};

pub use body::BodyStream;
pub use builder::{AppBuilder, BuildError, BuildWarning};
pub use context::{Answer, Context};
pub use endpoint::{BoxFuture, Middleware, Next};
pub use extract::{Body, Extension, FromContext, FromRef, Headers, Json, Path, Query, State};
pub use guard::Panicked;
pub use handler::Handler;
pub use hooks::Failure;
pub use invocation::{ClientContext, Invocation};
pub use invoke::InvokeError;
pub use rate_limit::RateLimit;
pub use response::{Html, IntoResponse, Response};
#[cfg(feature = "tower")]
pub use service::AppBody;
pub use sse::Sse;
pub use time::TimedOut;
pub use timeout::{DEFAULT_TIMEOUT, Timeout};
pub use websocket::WebSocket;

use context::Services;
use endpoint::{Endpoint, Layer};
use events::EventRoutes;
use hooks::Hooks;
use websocket::WebSocketRoutes;

use crate::clock::SharedClock;

/// An application. Clones are the same application.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
    services: Arc<Services>,
}

struct Inner {
    service: HttpService<Arc<dyn Endpoint>>,
    layers: Arc<[Layer]>,
    events: EventRoutes,
    websockets: WebSocketRoutes,
    hooks: Hooks,
    /// How long before a deadline work is cut short; `None` for what suits the time given.
    reserve: Option<Duration>,
    warnings: Vec<BuildWarning>,
}

impl App {
    /// Begins an application without state.
    #[must_use]
    pub fn builder() -> AppBuilder {
        AppBuilder::new(())
    }

    /// Begins an application whose handlers may ask for its [`State`].
    #[must_use]
    pub fn with_state<S: Send + Sync + 'static>(state: S) -> AppBuilder<S> {
        AppBuilder::new(state)
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &HttpSettings {
        self.inner.service.settings()
    }

    /// Returns what may not do what is meant where the application is deployed. A test that expects
    /// none finds it before a deployment does.
    #[must_use]
    pub fn warnings(&self) -> &[BuildWarning] {
        &self.inner.warnings
    }

    /// A new id from the application's source.
    #[cfg(feature = "local")]
    pub(crate) fn new_id(&self) -> String {
        self.services.ids.next_text()
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        &self.services.clock
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let routes = self.inner.service.router().routes().iter();
        let routes = routes.map(|route| format!("{} {}", route.method(), route.pattern()));
        f.debug_struct("App").field("routes", &routes.collect::<Vec<_>>()).finish_non_exhaustive()
    }
}
