//! Drives a response through a [`FrameMachine`], for everything that sends responses or shows them
//! to a test.

use core::pin::Pin;
use core::task::{Context, Poll};

use apptheory_core::error::AppError;
use apptheory_core::http::HttpResponse;
use apptheory_core::stream::{
    FrameConfig, FrameData, FrameEnd, FrameInput, FrameMachine, FrameOutcome, FrameOutput,
    FrameState, Head,
};
use bytes::Bytes;
use futures_util::stream::Stream as _;

use super::body::HeadRefused;
use super::{AppService, BodyStream, Failure};

/// A response's machine and its stream of chunks. The stream is dropped as soon as no more chunks
/// are needed.
#[derive(Debug)]
pub(crate) struct Framing {
    machine: FrameMachine,
    producer: Option<BodyStream>,
}

/// What to do next about a response, in this order. Most of the time only one of these is set.
#[derive(Default)]
pub(crate) struct Framed {
    /// Send the head.
    pub(crate) open: Option<Head>,
    /// Send bytes of the body; only flush if they are empty.
    pub(crate) data: Option<Bytes>,
    /// End the response.
    pub(crate) end: Option<FrameEnd>,
    /// Record how the response ended.
    pub(crate) outcome: Option<FrameOutcome>,
}

impl Framing {
    /// Begins a response. A refused head is reported to the application, not to the client.
    pub(crate) fn begin(
        app: &AppService,
        config: FrameConfig,
        response: HttpResponse,
        producer: Option<BodyStream>,
    ) -> (Self, Framed) {
        let config = FrameConfig { errors: app.settings().error_style(), ..config };
        let mut framing = Self { machine: FrameMachine::new(config), producer };
        let HttpResponse { status, headers, cookies, body, .. } = response;
        let request_id = headers.first("x-request-id").to_owned();
        let head = Head { status, headers, cookies };
        let (prefix_len, has_stream) = (body.len(), framing.has_producer());
        let begin = FrameInput::Begin { head, prefix_len, has_stream };
        let framed = framing.handle(begin, body.into());
        if framed.outcome.as_ref().is_some_and(FrameOutcome::is_masked_refusal) {
            let error = AppError::internal().with_cause(HeadRefused);
            app.report_failure(Failure { request_id, error });
        }
        (framing, framed)
    }

    /// Begins a response, and waits until its head is known; the head of a stream is known with its
    /// first chunk.
    #[cfg(any(feature = "lambda_runtime", feature = "local", feature = "testkit"))]
    pub(crate) async fn open(
        app: &AppService,
        config: FrameConfig,
        response: HttpResponse,
        producer: Option<BodyStream>,
    ) -> (Self, Framed) {
        let (mut framing, mut framed) = Self::begin(app, config, response, producer);
        while framing.state() == FrameState::Armed {
            let next = core::future::poll_fn(|context| framing.poll_next(context)).await;
            framed = framing.handle_next(next);
        }
        (framing, framed)
    }

    /// Returns a copy of the response, if it is complete.
    #[cfg(feature = "lambda")]
    pub(crate) fn copy(&self) -> Option<Self> {
        let is_done = self.state() == FrameState::Done;
        is_done.then(|| Self { machine: self.machine.clone(), producer: None })
    }

    pub(crate) const fn state(&self) -> FrameState {
        self.machine.state()
    }

    /// Returns whether the stream may still yield chunks.
    pub(crate) const fn has_producer(&self) -> bool {
        self.producer.is_some()
    }

    /// Polls the next chunk; `None` if no more chunks are needed.
    pub(crate) fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, AppError>>> {
        match &mut self.producer {
            Some(producer) => Pin::new(producer).poll_next(context),
            None => Poll::Ready(None),
        }
    }

    /// Handles the next chunk, error or end.
    pub(crate) fn handle_next(&mut self, next: Option<Result<Bytes, AppError>>) -> Framed {
        match next {
            Some(Ok(chunk)) => self.handle(FrameInput::Chunk { len: chunk.len() }, chunk),
            Some(Err(error)) => self.handle(FrameInput::Fault(error), Bytes::new()),
            None => self.handle(FrameInput::End, Bytes::new()),
        }
    }

    /// Handles an input, with the bytes that it refers to.
    pub(crate) fn handle(&mut self, input: FrameInput, given: Bytes) -> Framed {
        let output = self.machine.handle(input).unwrap_or_else(|misuse| {
            // A bug in this crate: abort, so that the response does not look complete.
            #[cfg(feature = "tracing")]
            tracing::error!(%misuse, "aborting a response: its frames are out of order");
            #[cfg(not(feature = "tracing"))]
            let _ = misuse;
            let end = Some(FrameEnd::Abort);
            FrameOutput { end, stops_producer: true, ..FrameOutput::default() }
        });
        let FrameOutput { open, data, end, stops_producer, outcome } = output;
        if stops_producer || self.state() == FrameState::Done {
            self.producer = None;
        }
        let data = data.map(|data| match data {
            FrameData::Given => given,
            FrameData::Error(bytes) => bytes.into(),
        });
        Framed { open, data, end, outcome }
    }
}
