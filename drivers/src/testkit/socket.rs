//! A client of a WebSocket API.

use core::net::SocketAddr;

use apptheory_core::gateway::RouteSelection;
use apptheory_core::http::RawRequest;
use apptheory_core::local::{ConnectAnswer, WebSocketPeer};
use serde::Serialize;

use super::answer::TestAnswer;
use super::app::TestApp;
use super::events::DOMAIN;
use super::json_of;
use super::report::Report;
use crate::clock::Clock as _;
use crate::ids::IdSource as _;
use crate::websocket::FakeWebSocketManagementClient;

impl TestApp {
    /// Starts a connection to the application's WebSocket API. Open connections receive what
    /// handlers send to them, or to their room.
    ///
    /// The API selects routes by a message's member `action` (`$request.body.action`), else
    /// `$default`.
    ///
    /// ```
    /// use apptheory::prelude::*;
    /// use apptheory::testkit::TestApp;
    ///
    /// async fn echo(socket: WebSocket, Body(message): Body) -> Result<(), AppError> {
    ///     Ok(socket.send(&message).await?)
    /// }
    ///
    /// let app = TestApp::new(|_| App::new().websocket("$default", echo));
    /// app.websocket().connect("/").send("hi").assert_received("hi").close();
    /// ```
    pub fn websocket(&self) -> TestHandshake<'_> {
        TestHandshake { app: self, fields: Vec::new() }
    }
}

/// A connection before its handshake.
#[derive(Debug)]
#[must_use = "a handshake does nothing until it is sent"]
pub struct TestHandshake<'a> {
    app: &'a TestApp,
    fields: Vec<(String, String)>,
}

impl<'a> TestHandshake<'a> {
    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_ascii_lowercase(), value.to_owned()));
        self
    }

    /// Connects, with a path that may have a query. As on AWS, handlers get the query, but no path.
    ///
    /// # Panics
    ///
    /// If the application refuses the connection.
    #[track_caller]
    pub fn connect(self, path: &str) -> TestSocket<'a> {
        let (socket, answer) = self.ask(path);
        if !answer.lets_in() {
            socket
                .report
                .fail(format_args!("expected a connection, refused with {}", answer.status));
        }
        socket
    }

    /// Asserts that the application refuses the connection with this status.
    #[track_caller]
    pub fn assert_refused(self, path: &str, status: u16) {
        let (socket, answer) = self.ask(path);
        socket.report.expect("status", &status, &answer.status);
    }

    fn ask(self, path: &str) -> (TestSocket<'a>, ConnectAnswer) {
        let Self { app, fields } = self;
        let mut request = RawRequest::new("GET", path);
        fields.into_iter().for_each(|(name, value)| request.headers.append(name, value));
        let peer = WebSocketPeer {
            id: app.ids().next_text(),
            address: SocketAddr::from((TestApp::CLIENT, 50_000)),
            agent: request.headers.get("user-agent").unwrap_or_default().to_owned(),
            connected_at: app.clock().now(),
            domain: DOMAIN.to_owned(),
        };
        let report = Report { sent: format!("$connect {path}"), ..Report::default() };
        let mut socket = TestSocket { app, peer, heard: 0, report };
        let mut answer = ConnectAnswer::WELCOME;
        if app.service.has_websocket_route("$connect") {
            let event = socket.peer.connect(&app.ids().next_text(), app.clock().now(), &request);
            let answered = socket.invoke(&event);
            answer = ConnectAnswer::read(answered.answer.ok().as_deref());
        }
        if answer.lets_in() {
            socket.client().connect(&socket.peer.id, socket.peer.connection());
        }
        (socket, answer)
    }
}

/// An open connection, as its client sees it.
#[derive(Debug)]
#[must_use = "check the messages"]
pub struct TestSocket<'a> {
    app: &'a TestApp,
    peer: WebSocketPeer,
    /// The number of messages that were read.
    heard: usize,
    report: Report,
}

impl TestSocket<'_> {
    /// Returns the connection's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.peer.id
    }

    /// Sends a message, and runs its handler to its end.
    ///
    /// # Panics
    ///
    /// If the connection is closed, the message has no route, or its handler does not respond with
    /// 2xx. In production the client would not notice the last two.
    #[track_caller]
    pub fn send(&mut self, message: &str) -> &mut Self {
        let answer = self.ask(message);
        if !answer.lets_in() {
            self.report.fail(format_args!("expected a handled message, got {}", answer.status));
        }
        self
    }

    /// Sends a message, and asserts that the application refuses it with this status: its handler,
    /// an extractor or a layer. In production the client is not told.
    ///
    /// # Panics
    ///
    /// If the connection is closed, or the message has no route.
    #[track_caller]
    pub fn assert_refused(&mut self, message: &str, status: u16) -> &mut Self {
        let answer = self.ask(message);
        self.report.expect("status", &status, &answer.status);
        self
    }

    /// Sends a message, and returns the response of its handler, which has the form of that to a
    /// handshake.
    #[track_caller]
    fn ask(&mut self, message: &str) -> ConnectAnswer {
        let is_served = |key: &str| self.app.service.has_websocket_route(key);
        self.report = Report { sent: message.to_owned(), ..Report::default() };
        if !self.client().is_connected(&self.peer.id) {
            self.report.fail("the connection is closed");
        }
        let Some(route_key) = RouteSelection::default().route(message, is_served) else {
            self.report.fail("the message has no route, and there is no `$default`")
        };
        let (id, now) = (self.app.ids().next_text(), self.app.clock().now());
        let event = self.peer.message(&route_key, &id, now, message);
        ConnectAnswer::read(self.invoke(&event).answer.ok().as_deref())
    }

    /// Returns the messages that have arrived and were not read yet.
    ///
    /// # Panics
    ///
    /// If a message is not UTF-8.
    #[track_caller]
    pub fn received(&mut self) -> Vec<String> {
        let messages = self.messages();
        let unread = messages.into_iter().skip(self.heard).collect::<Vec<_>>();
        self.heard = self.heard.saturating_add(unread.len());
        unread
    }

    /// Asserts that the next unread message is `expected`.
    #[track_caller]
    pub fn assert_received(&mut self, expected: &str) -> &mut Self {
        let next = self.next();
        self.report.expect("next message", &Some(expected), &next.as_deref());
        self
    }

    /// Asserts that the next unread message is this JSON value.
    #[track_caller]
    pub fn assert_received_json<T: Serialize + ?Sized>(&mut self, expected: &T) -> &mut Self {
        let Some(next) = self.next() else { self.report.fail("next message: got nothing") };
        match serde_json::from_str(&next) {
            Ok(got) => self.report.expect_json(&json_of(expected), &got),
            Err(error) => self.report.fail(format_args!("{next:?} is not JSON: {error}")),
        }
        self
    }

    /// Asserts that there are no unread messages.
    #[track_caller]
    pub fn assert_silent(&mut self) -> &mut Self {
        let unread = self.received();
        self.report.expect("messages", &Vec::new(), &unread);
        self
    }

    /// Asserts that the connection is closed, by a handler or by the test. On AWS `$disconnect`
    /// follows; here [`close`](Self::close) sends it.
    #[track_caller]
    pub fn assert_closed(&self) -> &Self {
        if self.client().is_connected(&self.peer.id) {
            self.report.fail("the connection is open");
        }
        self
    }

    /// Closes the connection, and runs the handler of `$disconnect` to its end. Sending to the
    /// connection fails from then on.
    #[track_caller]
    pub fn close(&mut self) {
        self.client().disconnect(&self.peer.id);
        if self.app.service.has_websocket_route("$disconnect") {
            let (id, now) = (self.app.ids().next_text(), self.app.clock().now());
            // 1000 is a normal close (RFC 6455 §7.4.1).
            let event = self.peer.disconnect(&id, now, 1000, "");
            self.report = Report { sent: "$disconnect".to_owned(), ..Report::default() };
            if self.invoke(&event).answer.is_err() {
                self.report.fail("the handler of `$disconnect` failed");
            }
        }
    }

    /// Invokes the application, and keeps its report for failed expectations.
    fn invoke(&mut self, event: &str) -> TestAnswer {
        let app = self.app;
        let answer = app.invoke_text(event.to_owned());
        let Report { got, failures, .. } = answer.report.clone();
        self.report = Report { got, failures, ..core::mem::take(&mut self.report) };
        answer
    }

    /// Reads the next message.
    #[track_caller]
    fn next(&mut self) -> Option<String> {
        let next = self.messages().into_iter().nth(self.heard)?;
        self.heard = self.heard.saturating_add(1);
        Some(next)
    }

    /// Returns all messages that have arrived.
    #[track_caller]
    fn messages(&self) -> Vec<String> {
        let messages = self.client().received(&self.peer.id).into_iter();
        messages
            .map(|message| match String::from_utf8(message) {
                Ok(text) => text,
                Err(error) => self.report.fail(format_args!("a message is not UTF-8: {error}")),
            })
            .collect()
    }

    fn client(&self) -> FakeWebSocketManagementClient {
        // The peer's data in events of the connection; the stage is `local`.
        let endpoint = format!("https://{DOMAIN}/local");
        self.app.env.websocket_clients().at(&endpoint)
    }
}
