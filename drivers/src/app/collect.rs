//! Responses in one piece.

use core::future::Future;
use core::num::NonZeroU64;
use core::pin::pin;

use apptheory_core::http::adapters::HttpSource;
use apptheory_core::http::exchange::Concluded;
use apptheory_core::http::{AppError, RawRequest, Response as Whole, code};
use apptheory_core::stream::Collector;
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

    /// Answers a request as a provider expects it: within what it takes in one piece, and in
    /// [time](Invocation::stops_at).
    pub(super) async fn serve_for(
        &self,
        source: HttpSource,
        request: RawRequest<'_>,
        invocation: Invocation,
    ) -> String {
        source.write_response(&self.serve_whole_for(source, request, invocation).await)
    }

    /// As [`serve_whole`](Self::serve_whole), within what a provider takes in one piece.
    pub(crate) async fn serve_whole_for(
        &self,
        source: HttpSource,
        request: RawRequest<'_>,
        invocation: Invocation,
    ) -> Whole {
        let own = self.settings().limits.max_response_bytes;
        let provider = NonZeroU64::new(source.max_answer_bytes());
        let most = [own, provider].into_iter().flatten().min();
        let mut concluded = self.conclude_whole(request, invocation, most).await;
        if source.is_too_large(&concluded.response) {
            concluded = self.fail_whole(concluded, self.settings().response_too_large());
        }
        self.finish(concluded)
    }

    async fn conclude_whole(
        &self,
        request: RawRequest<'_>,
        invocation: Invocation,
        max_bytes: Option<NonZeroU64>,
    ) -> Concluded<core::convert::Infallible> {
        let stops_at = invocation.stops_at();
        let Concluded { response, call, observation } = self.conclude(request, invocation).await;
        let (head, stream) = response.split_stream();
        let mut concluded = Concluded { response: head, call, observation };
        let Some(mut stream) = stream else { return concluded };
        let head = core::mem::replace(&mut concluded.response, Whole::new(200));
        let mut collector = Collector::new(head, max_bytes, self.settings().error_style());
        let mut time_is_up = pin!(self.clock().sleep_until(stops_at));
        while let Some(chunk) = self.next_chunk(&mut stream, stops_at, time_is_up.as_mut()).await {
            let too_large = |_| self.settings().response_too_large();
            let taken = chunk.and_then(|chunk| collector.push(&chunk).map_err(too_large));
            if let Err(error) = taken {
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
        let Concluded { response, call, observation } = concluded;
        let collector = Collector::new(response, None, self.settings().error_style());
        let response = collector.fail(&error, &call.request.trace_id);
        let status = response.status;
        let observation = observation.map(|observed| observed.ending_with(status, &error));
        Concluded { response, call, observation }
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
