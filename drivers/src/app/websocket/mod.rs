//! Messages on WebSockets, and the start and end of them.
//!
//! This module runs the handler of a route key, with the application's middleware around it, and
//! lends it a [`WebSocket`] to answer on. What an event says, and how its answer is spelled, is
//! [`events`](apptheory_core::events)' to decide.

mod socket;
#[cfg(test)]
mod tests;

use core::fmt;
use std::sync::Arc;

use apptheory_core::error::{AppError, ErrorFormat, code};
use apptheory_core::events::{
    EventObservation, EventOutcome, RouteTaken, Routes, Trigger, WebSocketEvent,
};
use apptheory_core::http::HttpResponse as Whole;
use apptheory_core::http::exchange::{Arrival, Call, ErrorStyle};
use apptheory_core::invocation_time::InvocationTime;
use apptheory_core::stream::StreamLimits;
use tokio_util::sync::CancellationToken;

use super::chain::Chain;
use super::collect::Cut;
use super::context::{Context, Subject};
use super::handler::Handler;
use super::hooks::Failure;
use super::invoke::InvokeError;
use super::kind::Socket;
use super::router::{Router, Target};
use super::services::Services;
use super::time::{Begun, TimedOut};
use super::{App, AppService, Response};
use crate::clock::Clock as _;
use crate::websocket::WebSocketClientFactory;

pub use socket::WebSocket;

/// The handlers of an application's WebSockets.
pub(super) struct WebSocketRoutes {
    routes: Routes<Arc<Chain>>,
    are_supported: bool,
}

/// What an application sends with unless told otherwise.
#[cfg(feature = "websocket")]
pub(super) fn default_clients() -> Option<Arc<dyn WebSocketClientFactory>> {
    Some(Arc::new(crate::websocket::AwsWebSocketClients::new()))
}

#[cfg(not(feature = "websocket"))]
pub(super) const fn default_clients() -> Option<Arc<dyn WebSocketClientFactory>> {
    None
}

impl WebSocketRoutes {
    pub(super) const fn new(are_supported: bool) -> Self {
        Self { routes: Routes::new(), are_supported }
    }

    pub(super) fn insert(
        &mut self,
        route_key: &str,
        handler: Arc<Chain>,
    ) -> Result<(), RouteTaken> {
        self.are_supported = true;
        self.routes.insert(route_key, handler)
    }

    /// Whether the application wants events of WebSockets at all.
    pub(super) const fn are_supported(&self) -> bool {
        self.are_supported
    }
}

macro_rules! sockets {
    ($($owner:ident)+) => {$(
        impl<S: Send + Sync + 'static> $owner<S> {
            /// Serves a route of a WebSocket API with a handler: `$connect`, `$disconnect`, `$default`, or
            /// a route key of your own. The key is trimmed; a blank one, and one that has a handler, is an
            /// error of [`build`](App::build). Nothing falls back to `$default`: API Gateway has chosen the route already.
            ///
            /// **Nothing but middleware guards these routes.** [`authenticate`](App::authenticate),
            /// [`policy`](App::policy), the [limit](App::limits) of requests, CORS and
            /// [`response_headers`](App::response_headers) are for HTTP requests alone. Guard `$connect`
            /// with an authorizer of API Gateway, with a middleware, or in its handler: an answer other than
            /// 2xx refuses the connection. Messages come only from clients that were let in there.
            ///
            /// The client gets the answer to a message only where the route has a route response; to send
            /// anything else, and from anywhere else, take a [`WebSocket`]. Nobody gets the answer to
            /// `$disconnect`, which API Gateway delivers at best effort. What an answer streams is collected
            /// as for a request: within the limit of responses, and in time. What is not answered in time
            /// fails the invocation.
            ///
            /// ```
            /// use std::sync::Arc;
            /// use apptheory::app::{App, Invocation, WebSocket};
            /// use apptheory::gateway;
            /// use apptheory::websocket::FakeWebSocketClients;
            ///
            /// async fn greet(socket: WebSocket) -> Result<(), gateway::Error> {
            ///     socket.send(b"hello").await
            /// }
            ///
            /// let clients = FakeWebSocketClients::new();
            /// let app = App::new().websocket("$default", greet).websocket_clients(clients.clone());
            /// let app = app.build()?;
            /// let event = r#"{"requestContext":{"routeKey":"$default","connectionId":"c1=","stage":"dev",
            ///     "domainName":"a1.execute-api.us-east-1.amazonaws.com"}}"#;
            /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            /// let answer = app.invoke(event, Invocation::default()).await?;
            /// assert!(answer.starts_with(r#"{"statusCode":204"#));
            /// assert_eq!(clients.calls()[0].data, b"hello");
            /// # Ok::<(), apptheory::app::InvokeError>(())
            /// # }).unwrap();
            /// # Ok::<(), apptheory::app::BuildError>(())
            /// ```
            #[must_use]
            pub fn websocket<A>(
                mut self,
                route_key: &str,
                handler: impl Handler<A, S, Socket>,
            ) -> Self {
                self.router().add(Target::Message(route_key.to_owned()), handler.into_layered());
                self
            }
        }
    )+};
}

sockets!(Router App);

/// WebSockets.
impl<S> App<S> {
    /// Answers events of WebSockets also where no route is registered: with 404, rather than by
    /// failing the invocation as for an event of an unknown kind.
    #[must_use]
    pub const fn websocket_support(mut self) -> Self {
        self.supports_websockets = true;
        self
    }

    /// Sends with clients of this factory. With the feature `websocket`, clients of the AWS SDK are
    /// used unless told otherwise; without it, and without a factory, nothing can be sent.
    #[must_use]
    pub fn websocket_clients(mut self, clients: impl WebSocketClientFactory + 'static) -> Self {
        self.websocket_clients = Some(Arc::new(clients));
        self
    }
}

impl AppService {
    /// Sends with clients of another factory: on a server that stands in for
    /// API Gateway, or in a test.
    #[must_use]
    pub fn with_websocket_clients(self, clients: impl WebSocketClientFactory + 'static) -> Self {
        let websocket_clients = Some::<Arc<dyn WebSocketClientFactory>>(Arc::new(clients));
        let services = Arc::new(Services { websocket_clients, ..Services::clone(&self.services) });
        Self { services, ..self }
    }

    /// Whether the application wants events of WebSockets at all.
    #[cfg(feature = "local")]
    pub(crate) fn serves_websockets(&self) -> bool {
        self.inner.websockets.are_supported()
    }

    /// Whether a handler serves exactly this route key.
    #[cfg(feature = "local")]
    pub(crate) fn has_websocket_route(&self, route_key: &str) -> bool {
        self.inner.websockets.routes.find(route_key).is_some()
    }

    /// Answers the event of an invocation that has begun.
    pub(super) async fn answer_websocket(
        &self,
        event: WebSocketEvent<'_>,
        begun: Begun,
    ) -> Result<String, InvokeError> {
        let new_id = || self.services.ids.next_text();
        let request_id = event.request_id(&begun.invocation.request_id, new_id);
        let observation = self.inner.events.observes_messages().then(|| {
            let (route_key, id) = (&event.connection.route_key, &event.connection.connection_id);
            EventObservation::message(Trigger::WebSocket, route_key, id, &request_id)
        });
        let errors = self.websocket_errors();
        let (answer, error) = match self.serve_message(event, &request_id, begun).await {
            Ok(response) => (Ok(WebSocketEvent::write_response(&response)), response.error),
            Err(Cut::Failed(error)) => {
                let response = errors.answer(error, &request_id, "");
                (Ok(WebSocketEvent::write_response(&response)), response.error)
            }
            Err(Cut::TimedOut) => {
                let error = AppError::of(code::TIMEOUT).with_cause(TimedOut);
                (Err(TimedOut.into()), Some(error))
            }
        };
        let failure = error.filter(|error| error.status() >= 500);
        if let Some(observation) = observation {
            let outcome =
                if failure.is_some() { EventOutcome::Error } else { EventOutcome::Success };
            self.observe(&observation, outcome, &request_id);
        }
        if let Some(error) = failure {
            self.tell(Failure { request_id, error });
        }
        answer
    }

    /// How errors are answered: nested, whatever shape those of HTTP requests have, and without a
    /// trace.
    fn websocket_errors(&self) -> ErrorStyle {
        ErrorStyle { format: ErrorFormat::Nested, ..self.settings().error_style() }
    }

    async fn serve_message(
        &self,
        event: WebSocketEvent<'_>,
        request_id: &str,
        begun: Begun,
    ) -> Result<Whole, Cut> {
        let routes = &self.inner.websockets.routes;
        let connection = event.connection.clone();
        let request =
            event.into_request(None).map_err(|rejected| AppError::from(rejected.error))?;
        let handler = routes.find(&connection.route_key).ok_or_else(AppError::not_found)?;

        let services = &self.services;
        let now = services.clock.now();
        let time = begun.time;
        let remaining = time.ends_at().map(|deadline| now.until(deadline));
        let call = Call::unrouted(
            request,
            request_id.to_owned(),
            Arrival { now, remaining },
            self.settings().tenant,
        );
        let given_up = CancellationToken::new();
        let guard = given_up.clone().drop_guard();
        let subject = Subject::Call { call: Arc::new(call), principal: None };
        let context = Context::new(subject, services, &Arc::new(begun), &given_up);
        context.extend(WebSocket::new(connection, services.websocket_clients.clone()));
        let answering = handler.run(context, self.websocket_errors());
        let response = self.in_time(time, answering).await.ok_or(Cut::TimedOut)?;
        let response = self.whole(response, time).await?;
        // Whoever got the answer may go on in the background.
        let _ = guard.disarm();
        Ok(response)
    }

    /// Reads what a response streams, within what is sent in one piece: API Gateway takes an answer
    /// no other way.
    async fn whole(&self, response: Response, time: InvocationTime) -> Result<Whole, Cut> {
        let most = self.most_in_one_piece(StreamLimits::MAX_BUFFERED_BYTES);
        let response = response.normalize().map_err(AppError::from)?;
        let (whole, collected) = self.collect(response, most, time).await;
        collected?;
        let is_too_large = |len: usize, most: u64| u64::try_from(len).unwrap_or(u64::MAX) > most;
        if most.is_some_and(|most| is_too_large(whole.body.len(), most.get()))
            || is_too_large(
                WebSocketEvent::write_response(&whole).len(),
                StreamLimits::MAX_BUFFERED_BYTES,
            )
        {
            return Err(self.settings().response_too_large().into());
        }
        Ok(whole)
    }
}

impl fmt::Debug for WebSocketRoutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketRoutes")
            .field("are_supported", &self.are_supported)
            .finish_non_exhaustive()
    }
}
