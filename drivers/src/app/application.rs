//! An application before it is built.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use apptheory_core::http::exchange::HttpSettings;

use super::events::EventSettings;
#[cfg(feature = "cloudformation")]
use super::events::cloudformation::Replies;
use super::hooks::Hooks;
use super::measure::Measuring;
use super::router::Router;
use super::websocket::Clients;
use crate::clock::{SharedClock, SystemClock};
use crate::ids::AppIds;

/// An application before it is built: its routes, settings, hooks and shared services.
/// [`build`](Self::build) checks them and makes an [`AppService`](super::AppService).
///
/// Handlers can take the application's [`State`](super::State). Parts of an application can be
/// defined separately, as [`Router`]s.
///
/// ```
/// use apptheory::prelude::*;
///
/// let app = App::new()
///     .get("/users/{id}", async |Path(id): Path<u32>| Json(json!({ "id": id })))
///     .sqs("orders", async |Json(order): Json<String>| println!("{order}"))
///     .build()?;
/// # Ok::<(), BuildError>(())
/// ```
pub struct App<S = ()> {
    pub(super) state: Arc<S>,
    pub(super) router: Router<S>,
    pub(super) settings: HttpSettings,
    pub(super) events: EventSettings,
    pub(super) hooks: Hooks,
    pub(super) measuring: Option<Measuring>,
    pub(super) clock: SharedClock,
    pub(super) ids: AppIds,
    pub(super) reserve: Option<Duration>,
    pub(super) websocket_clients: Clients,
    #[cfg(feature = "cloudformation")]
    pub(super) replies: Replies,
    pub(super) supports_websockets: bool,
}

impl App {
    /// Creates an application without state.
    #[must_use]
    pub fn new() -> Self {
        Self::with_state(())
    }
}

impl Default for App {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> App<S> {
    /// Creates an application whose handlers can take its [`State`](super::State).
    ///
    /// ```
    /// use apptheory::app::{App, State};
    ///
    /// #[derive(Clone)]
    /// struct Greeting(&'static str);
    ///
    /// let app = App::with_state(Greeting("hello"))
    ///     .get("/", async |State(Greeting(text)): State<Greeting>| text)
    ///     .build()?;
    /// # Ok::<(), apptheory::app::BuildError>(())
    /// ```
    #[must_use]
    pub fn with_state(state: S) -> Self {
        Self {
            state: Arc::new(state),
            router: Router::new(),
            settings: HttpSettings::default(),
            events: EventSettings::default(),
            hooks: Hooks::default(),
            measuring: None,
            clock: SharedClock::new(SystemClock),
            ids: AppIds::default(),
            reserve: None,
            websocket_clients: Clients::default(),
            #[cfg(feature = "cloudformation")]
            replies: Replies::default(),
            supports_websockets: false,
        }
    }

    pub(super) const fn router(&mut self) -> &mut Router<S> {
        &mut self.router
    }
}

impl<S> fmt::Debug for App<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("router", &self.router)
            .field("settings", &self.settings)
            .field("hooks", &self.hooks)
            .finish_non_exhaustive()
    }
}
