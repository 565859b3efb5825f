//! A response on its way through a [`FrameMachine`]: what all have in common that send it, or show it
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

/// The machine of a response, and what makes its chunks. The latter is dropped as soon as nothing of
/// it is wanted.
#[derive(Debug)]
pub(crate) struct Framing {
    machine: FrameMachine,
    producer: Option<BodyStream>,
}

/// What has to be done about a response, in this order. Most of the time it is one of them.
#[derive(Default)]
pub(crate) struct Framed {
    /// Send its head.
    pub(crate) open: Option<Head>,
    /// Send bytes of its body, or only flush if these are empty.
    pub(crate) data: Option<Bytes>,
    /// End it.
    pub(crate) end: Option<FrameEnd>,
    /// Record how it has ended.
    pub(crate) outcome: Option<FrameOutcome>,
}

impl Framing {
    /// Begins a response. Of a head that is refused the application is told: no client is.
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
            app.tell(Failure { request_id, error });
        }
        (framing, framed)
    }

    /// Begins a response, and waits until its head is known: that of a stream is with its first chunk.
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

    /// The same response once more, if all of it is there.
    #[cfg(feature = "lambda")]
    pub(crate) fn copy(&self) -> Option<Self> {
        let is_done = self.state() == FrameState::Done;
        is_done.then(|| Self { machine: self.machine.clone(), producer: None })
    }

    pub(crate) const fn state(&self) -> FrameState {
        self.machine.state()
    }

    /// Whether chunks may still be made.
    pub(crate) const fn has_producer(&self) -> bool {
        self.producer.is_some()
    }

    /// Waits for what is made next: nothing, if nothing is wanted any more.
    pub(crate) fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, AppError>>> {
        match &mut self.producer {
            Some(producer) => Pin::new(producer).poll_next(context),
            None => Poll::Ready(None),
        }
    }

    /// Takes what was made next.
    pub(crate) fn handle_next(&mut self, next: Option<Result<Bytes, AppError>>) -> Framed {
        match next {
            Some(Ok(chunk)) => self.handle(FrameInput::Chunk { len: chunk.len() }, chunk),
            Some(Err(error)) => self.handle(FrameInput::Fault(error), Bytes::new()),
            None => self.handle(FrameInput::End, Bytes::new()),
        }
    }

    /// Takes an input, and the bytes that it speaks of.
    pub(crate) fn handle(&mut self, input: FrameInput, given: Bytes) -> Framed {
        let output = self.machine.handle(input).unwrap_or_else(|misuse| {
            // A mistake of this crate: the response must not look complete.
            #[cfg(feature = "tracing")]
            tracing::error!(%misuse, "a stream was driven wrong");
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
