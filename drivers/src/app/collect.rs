//! Buffered responses.

use core::num::NonZeroU64;
use core::pin::pin;

use apptheory_core::error::{AppError, code};
use apptheory_core::events::HttpSource;
use apptheory_core::http::exchange::{Exchanged, Report};
use apptheory_core::http::{HttpResponse, RawRequest};
use apptheory_core::invocation_time::InvocationTime;
use apptheory_core::stream::Collector;
use futures_util::StreamExt as _;

use super::invocation::Invocation;
use super::serve::Arrived;
use super::{AppService, Response};
use crate::clock::{Clock as _, before};

impl AppService {
    /// Serves a request with a buffered response: a streamed body is read to its end, within the
    /// application's limits. If that fails, the error becomes the response, and is recorded.
    pub async fn serve_whole(
        &self,
        request: RawRequest<'_>,
        invocation: Invocation,
    ) -> HttpResponse {
        let most = self.settings().limits.max_response_bytes;
        self.within(invocation, async |begun| {
            let arrived = self.arrive(request, begun);
            let (mut response, report) = self.exchange_whole(arrived, most).await;
            self.change_headers(&mut response, &report.call);
            self.report(&response, &report);
            response
        })
        .await
    }

    /// Serves a request as [`serve_whole`](Self::serve_whole) does, within the provider's size
    /// limit.
    pub(crate) async fn serve_within(
        &self,
        source: HttpSource,
        arrived: Arrived<'_>,
    ) -> HttpResponse {
        let most = self.most_in_one_piece(source.max_answer_bytes());
        let (mut response, mut report) = self.exchange_whole(arrived, most).await;
        // Headers that the hook adds count towards the size.
        let own = self.change_headers(&mut response, &report.call);
        if source.is_too_large(&response) {
            if let Some(own) = own {
                response.headers = own;
            }
            let error = self.settings().response_too_large();
            response = self.fail(response, error, &mut report);
            self.change_headers(&mut response, &report.call);
        }
        self.report(&response, &report);
        response
    }

    async fn exchange_whole(
        &self,
        arrived: Arrived<'_>,
        max_bytes: Option<NonZeroU64>,
    ) -> (HttpResponse, Report) {
        let time = arrived.begun.time;
        let Exchanged { response, mut report } = self.exchange(arrived).await;
        // Most responses have no stream, and need no room for the future that reads one.
        if response.stream.is_none() {
            return (response.split_stream().0, report);
        }
        let response = match Box::pin(self.collect(response, max_bytes, time)).await {
            (response, Ok(())) => response,
            (head, Err(cut)) => self.fail(head, cut.into(), &mut report),
        };
        (response, report)
    }

    /// Returns the largest body in bytes that is sent buffered: the smaller of the provider's and
    /// the application's limits.
    pub(super) fn most_in_one_piece(&self, taken: u64) -> Option<NonZeroU64> {
        let own = self.settings().limits.max_response_bytes;
        [own, NonZeroU64::new(taken)].into_iter().flatten().min()
    }

    /// Reads a response's stream, up to `max_bytes` and in time. What was read is returned also
    /// when the limit or the time cut it off.
    pub(super) async fn collect(
        &self,
        response: Response,
        max_bytes: Option<NonZeroU64>,
        time: InvocationTime,
    ) -> (HttpResponse, Result<(), Cut>) {
        let (head, stream) = response.split_stream();
        let Some(mut stream) = stream else { return (head, Ok(())) };
        let mut collector = Collector::new(head, max_bytes, self.settings().error_style());
        let stops_at = time.stops_at();
        let mut alarm = pin!(self.clock().sleep_until(stops_at));
        let collected = loop {
            // A stream that is always ready never polls the alarm, so read the clock.
            if stops_at.is_some_and(|at| at <= self.clock().now()) {
                break Err(Cut::TimedOut);
            }
            match before(alarm.as_mut(), stream.next()).await {
                Some(Some(chunk)) => {
                    let too_large = |_| self.settings().response_too_large();
                    let taken = chunk.and_then(|chunk| collector.push(&chunk).map_err(too_large));
                    if let Err(error) = taken {
                        break Err(Cut::Failed(error));
                    }
                }
                Some(None) => break Ok(()),
                None => break Err(Cut::TimedOut),
            }
        };
        (collector.finish(), collected)
    }

    /// Replaces a response by an error's, and corrects the report.
    fn fail(&self, head: HttpResponse, error: AppError, report: &mut Report) -> HttpResponse {
        let Report { call, observation } = report;
        let collector = Collector::new(head, None, self.settings().error_style());
        let mut response = collector.fail(error.clone(), &call.request.trace_id);
        if call.request.method == "HEAD" {
            response.body.clear();
        }
        if let Some(observation) = observation {
            observation.end_with(response.status, &error);
        }
        response
    }
}

/// Why the handler's response is missing.
pub(super) enum Cut {
    /// The time was up.
    TimedOut,
    /// The handler or its stream failed.
    Failed(AppError),
}

impl From<AppError> for Cut {
    fn from(error: AppError) -> Self {
        Self::Failed(error)
    }
}

/// The error that becomes the response.
impl From<Cut> for AppError {
    fn from(cut: Cut) -> Self {
        match cut {
            Cut::TimedOut => Self::of(code::TIMEOUT),
            Cut::Failed(error) => error,
        }
    }
}
