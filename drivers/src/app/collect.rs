//! Responses in one piece.

use core::future::Future;
use core::num::NonZeroU64;
use core::pin::pin;

use apptheory_core::http::adapters::HttpSource;
use apptheory_core::http::{AppError, Response as Whole, code};
use apptheory_core::stream::{Collector, StreamLimits, response_too_large};
use apptheory_core::time::Timestamp;
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};

use super::hooks::Failure;
use super::{App, BodyStream, Response};
use crate::clock::Clock as _;

impl App {
    /// Reads what a response streams, within the limits of the application. An error on the way is
    /// answered instead of the response.
    pub async fn collect(&self, response: Response) -> Whole {
        self.collect_within(response, self.settings().limits.max_response_bytes, None).await
    }

    /// Reads what a response streams, and writes it as a provider expects it: within what Lambda
    /// takes in one piece, and until `stops_at`.
    pub(super) async fn write(
        &self,
        source: HttpSource,
        response: Response,
        stops_at: Option<Timestamp>,
    ) -> String {
        const MOST: Option<NonZeroU64> = NonZeroU64::new(StreamLimits::MAX_BUFFERED_BYTES);
        let own = self.settings().limits.max_response_bytes;
        let max_bytes = [own, MOST].into_iter().flatten().min();
        let whole = self.collect_within(response, max_bytes, stops_at).await;
        let written = source.write_response(&whole);
        // A body grows as it is encoded.
        if u64::try_from(written.len()).is_ok_and(|len| len <= StreamLimits::MAX_BUFFERED_BYTES) {
            return written;
        }
        let collector = Collector::new(whole, None, self.settings().error_format);
        source.write_response(&collector.fail(&response_too_large()))
    }

    async fn collect_within(
        &self,
        response: Response,
        max_bytes: Option<NonZeroU64>,
        stops_at: Option<Timestamp>,
    ) -> Whole {
        let (head, stream) = response.split_stream();
        let Some(mut stream) = stream else { return head };
        let request_id = head.headers.first("x-request-id").to_owned();
        let mut collector = Collector::new(head, max_bytes, self.settings().error_format);
        let mut time_is_up = pin!(self.clock().sleep_until(stops_at));
        while let Some(chunk) = self.next_chunk(&mut stream, stops_at, time_is_up.as_mut()).await {
            if let Err(error) = chunk.and_then(|chunk| collector.push(&chunk)) {
                let failed = if settings.hides_stack_traces {
                    collector.fail(&error.clone().with_stack_trace(""))
                } else {
                    collector.fail(&error)
                };
                if failed.status >= 500 {
                    self.tell(Failure { request_id, error });
                }
                return failed;
            }
        }
        collector.finish()
    }

    /// The next chunk of a stream, or 408 once its time is up.
    async fn next_chunk(
        &self,
        stream: &mut BodyStream,
        stops_at: Option<Timestamp>,
        time_is_up: impl Future<Output = ()> + Unpin,
    ) -> Option<Result<bytes::Bytes, AppError>> {
        if stops_at.is_some_and(|at| at <= self.clock().now()) {
            return Some(Err(AppError::of(code::TIMEOUT)));
        }
        match select(stream.next(), time_is_up).await {
            Either::Left((chunk, _)) => chunk,
            Either::Right(_) => Some(Err(AppError::of(code::TIMEOUT))),
        }
    }
}
