//! WebSocket messages, connects and disconnects.
//!
//! This module gives the handler of a route key a [`WebSocket`] to send on, and collects its
//! response. [`exchange`](apptheory_core::http::exchange) decides the order of guards, handlers and
//! middleware; [`events`](apptheory_core::events) parses the events and writes the responses.

mod clients;
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

pub(super) use clients::{Clients, NoFactory};
pub use socket::WebSocket;

macro_rules! sockets {
    ($($owner:ident)+) => {$(
        impl<S: Send + Sync + 'static> $owner<S> {
            /// Serves a route of a WebSocket API: `$connect`, `$disconnect`, `$default`, or a route
            /// key of your own. The key is trimmed; a blank key, or a key that already has a
            /// handler, is an error of [`build`](App::build). Unknown keys do not fall back to
            /// `$default`, because API Gateway has already chosen the route: the response is 404.
            ///
            /// Messages pass the same stages as requests: the [policy](App::policy),
            /// [`authenticate`](App::authenticate) if the handler is restricted to certain callers,
            /// the [limit](App::limits) of a body, and middleware. In each stage
            /// [`Context::websocket`](super::Context::websocket) has the connection, with the
            /// identity that the authorizer of `$connect` returned. CORS applies to requests only;
            /// [`response_headers`](App::response_headers) are set on the response to `$connect`,
            /// and a status other than 2xx refuses the connection. Error bodies of messages are
            /// always nested, whatever the error format of requests.
            ///
            /// The client gets the response to a message only if the route has a route response. To
            /// send anything else, or from another handler, take a [`WebSocket`]. Nobody gets the
            /// response to `$disconnect`, which API Gateway delivers on a best-effort basis. A
            /// streamed body is buffered as for a request: within the size limit, and in time. A
            /// handler that does not finish in time fails the invocation.
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
            /// let app = App::new()
            ///     .websocket("$default", greet)
            ///     .websocket_clients(clients.clone())
            ///     .build()?;
            /// let event = r#"{"requestContext":{"routeKey":"$default","connectionId":"c1=",
            ///     "stage":"dev","domainName":"a1.execute-api.us-east-1.amazonaws.com"}}"#;
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
                self,
                route_key: &str,
                handler: impl Handler<A, S, Socket>,
            ) -> Self {
                self.register(Target::Message(route_key.to_owned()), handler)
            }
        }
    )+};
}

sockets!(Router App);

/// Settings for WebSockets.
impl<S> App<S> {
    /// Responds with 404 to WebSocket events even if no route is registered for WebSockets. Without
    /// it, such an event fails the invocation as an event of an unknown kind.
    #[must_use]
    pub const fn websocket_support(mut self) -> Self {
        self.supports_websockets = true;
        self
    }

    /// Sets the factory of clients that send to connections. The default with the feature
    /// `websocket` is clients of the AWS SDK; with the feature `aws-lean` alone, clients without
    /// it. Without these features and without a factory, sending fails, and
    /// [`AppService::warnings`] says so.
    #[must_use]
    pub fn websocket_clients(mut self, clients: impl WebSocketClientFactory + 'static) -> Self {
        self.websocket_clients = Clients::own(clients);
        self
    }
}

impl AppService {
    /// Replaces the factory of clients, for a server that stands in for API Gateway, or for a test.
    #[must_use]
    pub fn with_websocket_clients(self, clients: impl WebSocketClientFactory + 'static) -> Self {
        self.with_clients(Clients::own(clients))
    }

    /// Replaces the factory of clients by one for the local server at an endpoint.
    #[cfg(all(feature = "local", any(feature = "aws-lean", feature = "websocket")))]
    pub(crate) fn with_clients_of_local_server(self, endpoint: String) -> Self {
        self.with_clients(Clients::of_local_server(endpoint))
    }

    fn with_clients(self, websocket_clients: Clients) -> Self {
        let services = Arc::new(Services { websocket_clients, ..Services::clone(&self.services) });
        Self { services, ..self }
    }

    /// Returns whether the application serves WebSocket events at all.
    pub(crate) fn serves_websockets(&self) -> bool {
        self.inner.supports_websockets || self.inner.service.has_message_routes()
    }

    /// Returns whether a handler serves exactly this route key.
    #[cfg(any(feature = "local", feature = "testkit"))]
    pub(crate) fn has_websocket_route(&self, route_key: &str) -> bool {
        self.inner.service.message_endpoint(route_key).is_some()
    }

    /// Serves the event of an invocation that has begun.
    pub(super) async fn answer_websocket(
        &self,
        event: WebSocketEvent<'_>,
        begun: Arc<Begun>,
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
        // All other responses are frames, which have no headers.
        if call.route_key() == Some("$connect") {
            self.change_headers(&mut response, &call);
        }
        Ok(WebSocketEvent::write_response(&response))
    }

    /// Buffers a response's stream, within the size limit: API Gateway does not stream these
    /// responses.
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

    /// Records how a message was answered, and reports a failure to the application.
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
                self.report_failure(Failure {
                    request_id: request_id.clone(),
                    error: error.clone(),
                });
            }
            // A client that connects sees its refusal; for other messages it may see nothing.
            Some(error) if call.route_key() != Some("$connect") => {
                log_refused(error, socket.connection(), request_id);
            }
            _ => {}
        }
    }
}

/// Logs a refused message, without the error's message, which may quote the client.
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
