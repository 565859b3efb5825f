//! The frames of a response, as HTTP carries them.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::collections::{BTreeMap, VecDeque};

use apptheory_core::error::AppError;
use apptheory_core::http::HttpResponse as Whole;
use apptheory_core::stream::{
    FrameConfig, FrameEffect, FrameInput, FrameMachine, FrameState, Head, Outcome, Target,
};
use bytes::Bytes;
use futures_util::stream::{Stream as _, StreamExt as _};
use http::header::{HeaderMap, HeaderName, HeaderValue, TRAILER};
use http_body::{Body, Frame, SizeHint};
use serde::Deserialize;

use super::error::Trouble;
use crate::app::wire::http_head;
use crate::app::{App, BodyStream, Failure};

/// The body of a response whose head is sent. It pulls a chunk when the one before has been taken.
pub(super) struct FrameBody {
    app: App,
    request_id: String,
    machine: FrameMachine,
    stream: Option<BodyStream>,
    effects: VecDeque<FrameEffect>,
    takes_trailers: bool,
    is_cut_off: bool,
}

/// How a response passes through Lambda, which limits it accordingly.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Passage {
    /// While it is made: up to 16 KB of head and 200 MB of body.
    Streamed,
    /// In one piece.
    Whole,
}

/// The body ends here, and its client is to see that it is not complete.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the response was cut off")]
pub(super) struct CutOff;

impl FrameBody {
    /// Frames a response, up to the point where its head is known: that of a stream is with its
    /// first chunk.
    pub(super) async fn begin(
        app: &App,
        response: Whole,
        mut stream: Option<BodyStream>,
        takes_trailers: bool,
        passage: Passage,
    ) -> http::Response<Self> {
        let limits = FrameConfig::new(Target::FunctionUrl);
        let config = match passage {
            Passage::Streamed => limits,
            // It was measured whole.
            Passage::Whole => {
                FrameConfig { transport_limit: None, max_prelude_bytes: usize::MAX, ..limits }
            }
        };
        let config = FrameConfig { errors: app.settings().error_style(), ..config };
        let given = http_head(&response);
        let has_stream = stream.is_some();
        let head = Head::from(&response);
        let mut body = Self {
            app: app.clone(),
            request_id: head.headers.first("x-request-id").to_owned(),
            machine: FrameMachine::new(config),
            stream: None,
            effects: VecDeque::new(),
            takes_trailers,
            is_cut_off: false,
        };
        body.handle(FrameInput::Begin { head, prefix: response.body, has_stream });
        while body.machine.state() == FrameState::Armed
            && let Some(stream) = &mut stream
        {
            let next = stream.next().await;
            body.handle_next(next);
        }
        // Of a response that is refused, or ended at once, nothing is pulled any more.
        body.stream = stream.filter(|_| body.machine.state() != FrameState::Done);
        body.open(given)
    }

    /// Takes the head off the front of the effects. It is the one that was given, all of its fields
    /// one by one, unless that is refused.
    fn open(mut self, given: http::Response<()>) -> http::Response<Self> {
        let is_refused = self.effects.iter().any(is_refusal);
        let mut trailers = None;
        loop {
            match self.effects.pop_front() {
                Some(FrameEffect::Open { declared_trailers, .. })
                    if self.takes_trailers && self.stream.is_some() =>
                {
                    trailers = HeaderValue::try_from(declared_trailers.join(", ")).ok();
                }
                Some(FrameEffect::Prelude(prelude)) => {
                    let mut head = if is_refused { read_prelude(&prelude) } else { given };
                    head.headers_mut().extend(trailers.map(|names| (TRAILER, names)));
                    return head.map(|()| self);
                }
                Some(
                    FrameEffect::Open { .. }
                    | FrameEffect::Delimiter
                    | FrameEffect::Data { .. }
                    | FrameEffect::Trailers { .. }
                    | FrameEffect::Finish
                    | FrameEffect::Abort
                    | FrameEffect::StopProducer
                    | FrameEffect::Outcome(_),
                ) => {}
                // A response that has begun, and whose stream has been pulled, has a prelude.
                None => return http::Response::new(self),
            }
        }
    }

    fn handle_next(&mut self, next: Option<Result<Bytes, AppError>>) {
        let input = match next {
            Some(Ok(chunk)) => FrameInput::Chunk(chunk.into()),
            Some(Err(error)) => FrameInput::Fault(error),
            None => FrameInput::End,
        };
        self.handle(input);
    }

    fn handle(&mut self, input: FrameInput) {
        let (is_begin, mut effects) = (matches!(input, FrameInput::Begin { .. }), Vec::new());
        // No input is illegal here: a response begins once, and a stream is pulled after that and
        // before its end.
        let _ = self.machine.handle(input, &mut effects);
        if is_begin && effects.iter().any(FrameEffect::is_masked_refusal) {
            self.tell(AppError::internal().with_cause(Trouble::HeadRefused));
        }
        self.effects.extend(effects);
    }

    fn tell(&self, error: AppError) {
        self.app.tell(Failure { request_id: self.request_id.clone(), error });
    }
}

impl Body for FrameBody {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        waiting: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        if self.is_cut_off {
            return Poll::Ready(Some(Err(CutOff)));
        }
        loop {
            match self.effects.pop_front() {
                // Whatever is written is flushed while the next chunk is waited for.
                Some(FrameEffect::Data { bytes, .. }) if bytes.is_empty() => {}
                Some(FrameEffect::Data { bytes, .. }) => {
                    return Poll::Ready(Some(Ok(Frame::data(bytes.into()))));
                }
                Some(FrameEffect::Trailers { error_type, error_body_b64 })
                    if self.takes_trailers =>
                {
                    let values = [error_type, error_body_b64];
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers(values)))));
                }
                Some(FrameEffect::Trailers { .. } | FrameEffect::Abort) => {
                    // An error drops what is not flushed yet: waiting once flushes it first.
                    (self.stream, self.is_cut_off) = (None, true);
                    waiting.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(FrameEffect::StopProducer) => self.stream = None,
                Some(FrameEffect::Finish) => return Poll::Ready(None),
                Some(
                    FrameEffect::Open { .. }
                    | FrameEffect::Prelude(_)
                    | FrameEffect::Delimiter
                    | FrameEffect::Outcome(_),
                ) => {}
                None => {
                    let Some(stream) = &mut self.stream else { return Poll::Ready(None) };
                    let next = ready!(Pin::new(stream).poll_next(waiting));
                    self.handle_next(next);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.size_hint().exact() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::new();
        if self.machine.state() == FrameState::Done && !self.is_cut_off {
            let bytes = self.effects.iter().map(bytes_of).try_fold(0_u64, u64::checked_add);
            hint.set_exact(bytes.unwrap_or(u64::MAX));
        }
        hint
    }
}

fn bytes_of(effect: &FrameEffect) -> u64 {
    match effect {
        FrameEffect::Data { bytes, .. } => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        FrameEffect::Open { .. }
        | FrameEffect::Prelude(_)
        | FrameEffect::Delimiter
        | FrameEffect::Trailers { .. }
        | FrameEffect::Finish
        | FrameEffect::Abort
        | FrameEffect::StopProducer
        | FrameEffect::Outcome(_) => 0,
    }
}

/// Whether an error is answered in place of the response.
const fn is_refusal(effect: &FrameEffect) -> bool {
    matches!(effect, FrameEffect::Outcome(Outcome { refused_code: Some(_), .. }))
}

/// The head of an error, as a function URL reads it.
fn read_prelude(prelude: &[u8]) -> http::Response<()> {
    let Prelude { status, headers, cookies } = serde_json::from_slice(prelude).unwrap_or_default();
    let head: Whole =
        Whole { cookies, headers: headers.into_iter().collect(), ..Whole::new(status) };
    http_head(&head)
}

/// The prelude of a function URL.
#[derive(Default, Deserialize)]
struct Prelude {
    #[serde(rename = "statusCode")]
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    cookies: Vec<String>,
}

/// The trailers of a late error, as Lambda gets them. Their values are printable.
fn trailers(values: [String; 2]) -> HeaderMap {
    let names = FrameEffect::DECLARED_TRAILERS.into_iter();
    let fields = names.zip(values).filter_map(|(name, value)| {
        Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
    });
    fields.collect()
}
