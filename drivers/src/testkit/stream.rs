//! Streamed responses, as clients see them.

use core::fmt;
use core::future::{Future, pending, poll_fn};
use core::time::Duration;

use apptheory_core::events::{InvokeMode, LambdaEvent, rest_streaming_variable};
use apptheory_core::http::HeaderMap;
use apptheory_core::stream::sse::{SseMessage, SseParser};
use apptheory_core::stream::{FrameConfig, FrameEnd, FrameOutput, FrameState, Head};
use bytes::Bytes;
use serde_json::Value;

use super::app::TestApp;
use super::report::Report;
use super::requests::{ANY_PATH, TestRequest, Via};
use crate::app::after::Ending;
use crate::app::framing::{Framed, Framing};
use crate::clock::{Clock as _, before};

/// A streamed response, as the service forwards it: its head, its chunks one after the other, and
/// how it ends.
///
/// Chunks are only pulled when they are read. Dropping the stream disconnects the client.
///
/// ```
/// use apptheory::prelude::*;
/// use apptheory::testkit::{TestApp, TestEnv};
///
/// async fn ticks(sse: Sse, context: Context) -> Response {
///     let clock = context.clock().clone();
///     sse.send(stream::iter(1..=2).then(move |n| {
///         let clock = clock.clone();
///         async move {
///             clock.sleep(Duration::from_secs(10)).await;
///             SseEvent::json(&n)
///         }
///     }))
/// }
///
/// let app = TestApp::new(|_| App::new().get("/ticks", ticks));
/// // An empty chunk first: it sends the head.
/// app.get("/ticks").stream().assert_chunks(["", "data: 1\n\n", "data: 2\n\n"]);
/// assert_eq!(TestEnv::BEGINNING.until(app.clock().now()), Duration::from_secs(20));
/// ```
#[derive(Debug)]
#[must_use = "check the response"]
pub struct TestStream<'a> {
    app: &'a TestApp,
    framing: Framing,
    /// The end of the invocation, until it was run.
    ending: Option<Ending>,
    head: Head,
    /// Chunks that were sent and not read yet.
    unread: Vec<Bytes>,
    /// Holds an event of which only a part was read.
    parser: SseParser,
    trailers: Vec<(&'static str, String)>,
    report: Report,
}

/// Bytes; printed as text if they are UTF-8.
#[derive(PartialEq)]
struct Shown<'t>(&'t [u8]);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match str::from_utf8(self.0) {
            Ok(text) => text.fmt(f),
            Err(_) => self.0.fmt(f),
        }
    }
}

/// The longest line of server-sent events.
const MAX_SSE_BYTES: usize = 1 << 20;

impl<'a> TestRequest<&'a TestApp> {
    /// Sends the request to a function that streams its responses, and waits for the head. Function
    /// URLs stream, and so do REST APIs whose route is configured for it.
    ///
    /// # Panics
    ///
    /// If the service does not stream.
    #[track_caller]
    pub fn stream(self) -> TestStream<'a> {
        let (app, sent) = (self.app, self.line());
        let mut event = self.event();
        if self.via == Via::RestApi {
            event["stageVariables"] = Value::Object(
                [(rest_streaming_variable("ANY", ANY_PATH), "1".into())].into_iter().collect(),
            );
        }
        let event = event.to_string();
        let Ok(LambdaEvent::Http(event)) = LambdaEvent::read(&event) else {
            panic!("the builder creates requests: {event}")
        };
        let Some(target) = InvokeMode::Streaming.target(&event) else {
            panic!("{sent}: that service does not stream responses: use `.send()`")
        };
        let service = &app.service;
        let (begun, ending) = service.begin(app.invocation());
        let serving = begun.span.clone().run(service.serve_begun(event.request, begun));
        let (response, producer) = app.run(serving).split_stream();
        let opening = Framing::open(service, FrameConfig::new(target), response, producer);
        let (framing, mut framed) = app.run(opening);
        let Some(head) = framed.open.take() else {
            panic!("{sent}: a response without a head is a bug in the test kit")
        };
        let (unread, trailers) = (Vec::new(), Vec::new());
        let report = Report { sent, ..Report::default() };
        let parser = SseParser::new(MAX_SSE_BYTES);
        let ending = Some(ending);
        let mut stream =
            TestStream { app, framing, ending, head, unread, parser, trailers, report };
        stream.keep(framed);
        if stream.is_done() {
            app.run(stream.finish());
        }
        stream.look(&[]);
        stream
    }
}

impl TestStream<'_> {
    /// Returns the status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.head.status
    }

    /// Returns the first value of a header, or an empty text.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.head.headers.first(name)
    }

    /// Returns the headers, without cookies.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// Returns the cookies that the response sets, each as in its header.
    #[must_use]
    pub fn cookies(&self) -> &[String] {
        &self.head.cookies
    }

    /// Reads the chunks up to the end of the response. For a response without an end use
    /// [`read_for`](Self::read_for).
    pub fn read(&mut self) -> Vec<Bytes> {
        self.read_before(pending::<()>())
    }

    /// Reads the chunks that arrive within `time`, which passes unless the response ends earlier.
    pub fn read_for(&mut self, time: Duration) -> Vec<Bytes> {
        let clock = self.app.clock().clone();
        self.read_before(clock.sleep(time))
    }

    /// Reads the server-sent events up to the end of the response, without comments such as
    /// keep-alives.
    ///
    /// # Panics
    ///
    /// If a line is longer than 1 MiB.
    #[track_caller]
    pub fn events(&mut self) -> Vec<SseMessage> {
        let chunks = self.read();
        self.parse(&chunks)
    }

    /// Reads the server-sent events that arrive within `time`, which passes unless the response
    /// ends earlier. An incomplete event is read together with its rest.
    ///
    /// # Panics
    ///
    /// If a line is longer than 1 MiB.
    #[track_caller]
    pub fn events_for(&mut self, time: Duration) -> Vec<SseMessage> {
        let chunks = self.read_for(time);
        self.parse(&chunks)
    }

    #[track_caller]
    fn parse(&mut self, chunks: &[Bytes]) -> Vec<SseMessage> {
        let mut events = Vec::new();
        if let Err(error) = self.parser.handle_bytes(&chunks.concat(), &mut events) {
            self.report.fail(error);
        }
        events
    }

    /// Reads up to the end, and returns the error code of a response that failed after its head; an
    /// empty text for one without an error.
    pub fn error_code(&mut self) -> &str {
        let unread = self.read();
        self.unread = unread;
        self.trailers.first().map_or("", |(_, code)| code)
    }

    /// Returns the trailers so far, by name. A response without an error has none.
    #[must_use]
    pub fn trailers(&self) -> &[(&'static str, String)] {
        &self.trailers
    }

    /// Asserts that the status is `expected`.
    #[track_caller]
    pub fn assert_status(&mut self, expected: u16) -> &mut Self {
        self.report.expect("status", &expected, &self.head.status);
        self
    }

    /// Asserts that a header has this value.
    #[track_caller]
    pub fn assert_header(&mut self, name: &str, expected: &str) -> &mut Self {
        self.report.expect_field(&self.head.headers, name, expected);
        self
    }

    /// Reads up to the end, and asserts that everything since the last read is this text.
    #[track_caller]
    pub fn assert_text(&mut self, expected: &str) -> &mut Self {
        let got = self.read().concat();
        self.report.expect("text", &Shown(expected.as_bytes()), &Shown(&got));
        self
    }

    /// Reads up to the end, and asserts that these are all server-sent events since the last read,
    /// by their data.
    #[track_caller]
    pub fn assert_events<T: AsRef<str>>(
        &mut self,
        expected: impl IntoIterator<Item = T>,
    ) -> &mut Self {
        let got: Vec<_> = self.events().into_iter().map(|event| event.data).collect();
        let expected: Vec<_> = expected.into_iter().map(|data| data.as_ref().to_owned()).collect();
        self.report.expect("data of events", &expected, &got);
        self
    }

    /// Reads up to the end, and asserts that these are all chunks since the last read.
    #[track_caller]
    pub fn assert_chunks<T: AsRef<[u8]>>(
        &mut self,
        expected: impl IntoIterator<Item = T>,
    ) -> &mut Self {
        let expected: Vec<_> = expected.into_iter().collect();
        let expected: Vec<_> = expected.iter().map(|chunk| Shown(chunk.as_ref())).collect();
        let got = self.read();
        let got: Vec<_> = got.iter().map(|chunk| Shown(chunk)).collect();
        self.report.expect("chunks", &expected, &got);
        self
    }

    /// Reads up to the end, and asserts that the response failed with this [error
    /// code](Self::error_code).
    #[track_caller]
    pub fn assert_error_code(&mut self, expected: &str) -> &mut Self {
        let got = self.error_code().to_owned();
        self.report.expect("error code", &expected, &&*got);
        self
    }

    /// Reads up to the end, or until an alarm.
    fn read_before(&mut self, alarm: impl Future) -> Vec<Bytes> {
        let app = self.app;
        app.run(async {
            if before(alarm, self.produce()).await.is_some() {
                self.finish().await;
            }
        });
        self.take()
    }

    /// Runs the end of the invocation, once.
    async fn finish(&mut self) {
        if let Some(ending) = self.ending.take() {
            self.app.service.run_after(&ending).await;
            self.app.service.flush().await;
        }
    }

    async fn produce(&mut self) {
        while !self.is_done() {
            let next = poll_fn(|context| self.framing.poll_next(context)).await;
            let framed = self.framing.handle_next(next);
            self.keep(framed);
        }
    }

    fn is_done(&self) -> bool {
        self.framing.state() == FrameState::Done
    }

    /// Keeps what is sent after the head.
    fn keep(&mut self, framed: Framed) {
        self.unread.extend(framed.data);
        match framed.end {
            Some(FrameEnd::Trailers { error_type, error_body_b64 }) => {
                let [code, body] = FrameOutput::DECLARED_TRAILERS;
                self.trailers = vec![(code, error_type), (body, error_body_b64)];
            }
            Some(FrameEnd::Abort) => panic!("frames out of order: a bug in the test kit"),
            Some(FrameEnd::Finish) | None => {}
        }
    }

    /// Takes the unread chunks.
    fn take(&mut self) -> Vec<Bytes> {
        let chunks = core::mem::take(&mut self.unread);
        self.look(&chunks.concat());
        chunks
    }

    /// Adds chunks to the report.
    fn look(&mut self, body: &[u8]) {
        self.report.failures.extend(self.app.failures().take());
        let blank = if body.is_empty() { "" } else { " " };
        let body = String::from_utf8_lossy(body);
        self.report.got = format!("{}{blank}{body}", self.head.status);
    }
}
