//! Responses in one piece.

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
use super::time::Begun;
use super::{AppService, Response};
use crate::clock::{Clock as _, before};

impl AppService {
    /// Answers a request in one piece: what the response streams is read first, within the limits of
    /// the application. An error on the way is answered instead of the response, and recorded.
    pub async fn serve_whole(
        &self,
        request: RawRequest<'_>,
        invocation: Invocation,
    ) -> HttpResponse {
        let most = self.settings().limits.max_response_bytes;
        self.within(invocation, async |begun| {
            let (mut response, report) = self.exchange_whole(request, begun, most).await;
            self.change_headers(&mut response, &report.call);
            self.report(&response, &report);
            response
        })
        .await
    }

    /// As [`serve_whole`](Self::serve_whole), within what a provider takes in one piece.
    pub(crate) async fn serve_within(
        &self,
        source: HttpSource,
        request: RawRequest<'_>,
        begun: Begun,
    ) -> HttpResponse {
        let most = self.most_in_one_piece(source.max_answer_bytes());
        let (mut response, mut report) = self.exchange_whole(request, begun, most).await;
        // What the hook adds counts, too.
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
        request: RawRequest<'_>,
        begun: Begun,
        max_bytes: Option<NonZeroU64>,
    ) -> (HttpResponse, Report) {
        let time = begun.time;
        let Exchanged { response, mut report } = self.exchange(request, begun).await;
        let response = match self.collect(response, max_bytes, time).await {
            (response, Ok(())) => response,
            (head, Err(cut)) => self.fail(head, cut.into(), &mut report),
        };
        (response, report)
    }

    /// The most bytes of body that are sent in one piece: what is taken, or what the application
    /// allows, if that is less.
    pub(super) fn most_in_one_piece(&self, taken: u64) -> Option<NonZeroU64> {
        let own = self.settings().limits.max_response_bytes;
        [own, NonZeroU64::new(taken)].into_iter().flatten().min()
    }

    /// Reads what a response streams, within a limit of bytes and in time. Whatever was read comes
    /// back, also when that is not all.
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
            // A stream that always has more never lets the alarm go off.
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

    /// Answers an error in place of a response, and corrects what is reported.
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

/// Why there is no answer of a handler's.
pub(super) enum Cut {
    /// It was not there in time.
    TimedOut,
    /// It failed.
    Failed(AppError),
}

impl From<AppError> for Cut {
    fn from(error: AppError) -> Self {
        Self::Failed(error)
    }
}

/// What is answered to a request.
impl From<Cut> for AppError {
    fn from(cut: Cut) -> Self {
        match cut {
            Cut::TimedOut => Self::of(code::TIMEOUT),
            Cut::Failed(error) => error,
        }
    }
}
