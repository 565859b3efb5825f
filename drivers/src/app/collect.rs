//! Responses in one piece.

use core::future::Future;
use core::num::NonZeroU64;
use core::pin::pin;

use apptheory_core::http::adapters::HttpSource;
use apptheory_core::http::exchange::{Concluded, Tier};
use apptheory_core::http::{AppError, RawRequest, Response as Whole, code};
use apptheory_core::stream::{Collector, StreamLimits, response_too_large};
use apptheory_core::time::Timestamp;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};

use super::context::Invocation;
use super::{App, BodyStream};
use crate::clock::Clock as _;

impl App {
    /// Answers a request in one piece: what the response streams is read first, within the limits of
    /// the application. An error on the way is answered instead of the response, and recorded.
    pub async fn serve_whole(&self, request: RawRequest<'_>, invocation: Invocation) -> Whole {
        let most = self.settings().limits.max_response_bytes;
        let concluded = self.conclude_whole(request, invocation, most).await;
        self.finish(concluded)
    }

    /// Answers a request as a provider expects it: within what Lambda takes in one piece, and in
    /// [time](Invocation::stops_at).
    pub(super) async fn serve_for(
        &self,
        source: HttpSource,
        request: RawRequest<'_>,
        invocation: Invocation,
    ) -> String {
        const MOST: Option<NonZeroU64> = NonZeroU64::new(StreamLimits::MAX_BUFFERED_BYTES);
        let own = self.settings().limits.max_response_bytes;
        let most = [own, MOST].into_iter().flatten().min();
        let mut concluded = self.conclude_whole(request, invocation, most).await;
        if is_too_large(source, &concluded.response) {
            concluded = self.fail_whole(concluded, response_too_large());
        }
        source.write_response(&self.finish(concluded))
    }

    async fn conclude_whole(
        &self,
        request: RawRequest<'_>,
        invocation: Invocation,
        max_bytes: Option<NonZeroU64>,
    ) -> Concluded<core::convert::Infallible> {
        let stops_at = invocation.stops_at();
        let Concluded { response, call, error, observation } =
            self.conclude(request, invocation).await;
        let (head, stream) = response.split_stream();
        let mut concluded = Concluded { response: head, call, error, observation };
        let Some(mut stream) = stream else { return concluded };
        let head = core::mem::replace(&mut concluded.response, Whole::new(200));
        let mut collector = Collector::new(head, max_bytes, self.settings().error_format);
        let mut time_is_up = pin!(self.clock().sleep_until(stops_at));
        while let Some(chunk) = self.next_chunk(&mut stream, stops_at, time_is_up.as_mut()).await {
            if let Err(error) = chunk.and_then(|chunk| collector.push(&chunk)) {
                concluded.response = collector.finish();
                return self.fail_whole(concluded, error);
            }
        }
        concluded.response = collector.finish();
        concluded
    }

    /// Answers an error in place of a response.
    fn fail_whole(
        &self,
        concluded: Concluded<core::convert::Infallible>,
        error: AppError,
    ) -> Concluded<core::convert::Infallible> {
        let Concluded { response, call, observation, .. } = concluded;
        let settings = self.settings();
        let collector = Collector::new(response, None, settings.error_format);
        let trace_id = match settings.tier {
            Tier::P0 => "",
            Tier::P1 | Tier::P2 => &call.request.trace_id,
        };
        let response = if settings.hides_stack_traces {
            collector.fail(&error.clone().with_stack_trace(""), trace_id)
        } else {
            collector.fail(&error, trace_id)
        };
        let status = response.status;
        let observation = observation.map(|observed| observed.ending_with(status, &error));
        Concluded { response, call, error: Some(error), observation }
    }

    /// The next chunk of a stream, or 408 once its time is up.
    async fn next_chunk(
        &self,
        stream: &mut BodyStream,
        stops_at: Option<Timestamp>,
        time_is_up: impl Future<Output = ()> + Unpin,
    ) -> Option<Result<Bytes, AppError>> {
        if stops_at.is_some_and(|at| at <= self.clock().now()) {
            return Some(Err(AppError::of(code::TIMEOUT)));
        }
        match select(stream.next(), time_is_up).await {
            Either::Left((chunk, _)) => chunk,
            Either::Right(_) => Some(Err(AppError::of(code::TIMEOUT))),
        }
    }
}

/// Whether a response is larger than Lambda takes, once it is encoded. Only those that may be are
/// encoded to find out: a byte takes six at the most, as `\u0000`.
fn is_too_large(source: HttpSource, response: &Whole) -> bool {
    let len = |len: usize| u64::try_from(len).unwrap_or(u64::MAX);
    len(response.body.len()).saturating_mul(6) > StreamLimits::MAX_BUFFERED_BYTES / 2
        && len(source.write_response(response).len()) > StreamLimits::MAX_BUFFERED_BYTES
}
