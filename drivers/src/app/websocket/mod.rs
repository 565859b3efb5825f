//! Messages on WebSockets, and the start and end of them.
//!
//! This module lends the handler of a route key a [`WebSocket`] to answer on, and collects its answer.
//! In which order guards, handlers and middleware apply is
//! [`exchange`](apptheory_core::http::exchange)'s to decide, and what an event says, and how its
//! answer is spelled, [`events`](apptheory_core::events)'.

mod socket;
#[cfg(test)]
#[cfg(feature = "testkit")]
mod tests;

use std::sync::Arc;

use apptheory_core::error::{AppError, code};
use apptheory_core::events::{
    EventObservation, EventOutcome, Trigger, WebSocketConnection, WebSocketEvent,
};
use apptheory_core::http::HttpResponse as Whole;
use apptheory_core::http::exchange::{Call, Exchanged, Report};
use apptheory_core::invocation_time::InvocationTime;
use apptheory_core::stream::StreamLimits;

use super::collect::Cut;
use super::handler::Handler;
use super::hooks::Failure;
use super::invoke::InvokeError;
use super::kind::Socket;
use super::router::Router;
use super::services::Services;
use super::target::Target;
use super::time::{Begun, TimedOut};
use super::{App, AppService, Response};
use crate::websocket::WebSocketClientFactory;

pub use socket::WebSocket;

/// What an application sends with unless told otherwise.
#[cfg(feature = "websocket")]
pub(super) fn default_clients() -> Option<Arc<dyn WebSocketClientFactory>> {
    Some(Arc::new(crate::websocket::AwsWebSocketClients::new()))
}

#[cfg(not(feature = "websocket"))]
pub(super) const fn default_clients() -> Option<Arc<dyn WebSocketClientFactory>> {
    None
}

macro_rules! sockets {
    ($($owner:ident)+) => {$(
        impl<S: Send + Sync + 'static> $owner<S> {
            /// Serves a route of a WebSocket API with a handler: `$connect`, `$disconnect`,
            /// `$default`, or a route key of your own. The key is trimmed; a blank one, and one that has
            /// a handler, is an error of [`build`](App::build). Nothing falls back to `$default`: API
            /// Gateway has chosen the route already, and a key without a route is answered with 404.
            ///
            /// Messages pass the same stages as requests: the [policy](App::policy),
            /// [`authenticate`](App::authenticate) where the handler is for certain callers, the
            /// [limit](App::limits) of a body, middleware. Each of them finds the connection with
            /// [`Context::websocket`](super::Context::websocket), and on it who `$connect`'s authorizer
            /// said is connected. CORS is for requests alone; [`response_headers`](App::response_headers)
            /// are set on the answer to `$connect`, and an answer other than 2xx to that refuses the
            /// connection. Errors are nested, whatever shape those of requests have.
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
    pub(crate) fn serves_websockets(&self) -> bool {
        self.inner.supports_websockets || self.inner.service.has_message_routes()
    }

    /// Whether a handler serves exactly this route key.
    #[cfg(any(feature = "local", feature = "testkit"))]
    pub(crate) fn has_websocket_route(&self, route_key: &str) -> bool {
        self.inner.service.message_endpoint(route_key).is_some()
    }

    /// Answers the event of an invocation that has begun.
    pub(super) async fn answer_websocket(
        &self,
        event: WebSocketEvent<'_>,
        begun: Begun,
    ) -> Result<String, InvokeError> {
        let time = begun.time;
        let clients = self.services.websocket_clients.clone();
        let socket = WebSocket::new(event.connection.clone(), clients);
        let message = event.into_raw_request();
        let (exchanged, is_in_time) = self.exchange_message(&socket, message, begun).await;
        let Exchanged { response, report: Report { call, .. } } = exchanged;
        let whole = if is_in_time { self.whole(response, time).await } else { Err(Cut::TimedOut) };
        let answer = match whole {
            Ok(response) => Ok(response),
            Err(Cut::Failed(error)) => {
                Ok(self.settings().error_style_for(&call).answer(error, &call.request_id, ""))
            }
            Err(Cut::TimedOut) => Err(AppError::of(code::TIMEOUT).with_cause(TimedOut)),
        };
        self.report_message(&socket, &call, answer.as_ref());
        let mut response = answer.map_err(|_| TimedOut)?;
        // The answers to all others are frames, which have no header fields.
        if call.route_key() == Some("$connect") {
            self.change_headers(&mut response, &call);
        }
        Ok(WebSocketEvent::write_response(&response))
    }

    /// Reads what a response streams, within what is sent in one piece: API Gateway takes an answer
    /// no other way.
    async fn whole(&self, response: Response, time: InvocationTime) -> Result<Whole, Cut> {
        let most = StreamLimits::MAX_BUFFERED_BYTES;
        let (whole, collected) = self.collect(response, self.most_in_one_piece(most), time).await;
        collected?;
        let len = WebSocketEvent::write_response(&whole).len();
        if u64::try_from(len).unwrap_or(u64::MAX) > most {
            return Err(self.settings().response_too_large().into());
        }
        Ok(whole)
    }

    /// Records how a message was answered, and reports to the application why it was not.
    fn report_message(&self, socket: &WebSocket, call: &Call, answer: Result<&Whole, &AppError>) {
        let request_id = &call.request_id;
        let error = answer.map_or_else(Some, |response| response.error.as_ref());
        let failure = error.filter(|error| error.status() >= 500);
        let outcome = if failure.is_some() { EventOutcome::Error } else { EventOutcome::Success };
        self.count_event(Trigger::WebSocket, outcome);
        if self.inner.events.observes_messages() {
            let WebSocketConnection { route_key, connection_id, .. } = socket.connection();
            let observation =
                EventObservation::message(Trigger::WebSocket, route_key, connection_id, request_id);
            self.observe(&observation, outcome, request_id);
        }
        match error {
            Some(error) if error.status() >= 500 => {
                self.tell(Failure { request_id: request_id.clone(), error: error.clone() });
            }
            // A client that connects sees its refusal; of other messages it may see nothing.
            Some(error) if call.route_key() != Some("$connect") => {
                log_refused(error, socket.connection(), request_id);
            }
            _ => {}
        }
    }
}

/// Logs a message that was refused, without what its error says: that may quote the client.
#[cfg(feature = "tracing")]
fn log_refused(error: &AppError, connection: &WebSocketConnection, request_id: &str) {
    use apptheory_core::sanitize::log_text;

    let WebSocketConnection { route_key, connection_id, .. } = connection;
    let (route_key, connection_id) = (&*log_text(route_key), &*log_text(connection_id));
    let (code, request_id) = (error.printable_code(), &*log_text(request_id));
    tracing::warn!(code, route_key, connection_id, request_id, "a WebSocket message was refused");
}

#[cfg(not(feature = "tracing"))]
const fn log_refused(_: &AppError, _: &WebSocketConnection, _: &str) {}
