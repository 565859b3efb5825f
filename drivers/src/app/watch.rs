//! Observing streams on behalf of the application.

use core::task::Poll;

use apptheory_core::error::AppError;
use apptheory_core::http::exchange::{Report, StreamEnd};
use bytes::Bytes;

use super::AppService;
use super::hooks::Failure;
use super::span::InvocationSpan;
use crate::clock::Clock as _;

/// Observes a stream and reports its end: to the failure hook if it fails for a reason that clients
/// do not see, and to the log hook if the application asked for that.
pub(super) struct Watch {
    app: AppService,
    report: Report,
    span: InvocationSpan,
    end: StreamEnd,
}

impl Watch {
    pub(super) fn new(app: &AppService, report: Report, span: InvocationSpan) -> Self {
        Self { app: app.clone(), report, span, end: StreamEnd::default() }
    }

    /// Polls a stream within the span of its invocation, and observes the result.
    pub(super) fn poll(
        &mut self,
        poll_next: impl FnOnce() -> Poll<Option<Result<Bytes, AppError>>>,
    ) -> Poll<Option<Result<Bytes, AppError>>> {
        let span = self.span.clone();
        span.in_scope(|| poll_next().map(|next| self.see(next)))
    }

    /// Observes the next chunk, and masks its error for the client.
    fn see(&mut self, next: Option<Result<Bytes, AppError>>) -> Option<Result<Bytes, AppError>> {
        match &next {
            Some(Ok(chunk)) => {
                let len = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
                self.end.chunks = self.end.chunks.saturating_add(1);
                self.end.bytes = self.end.bytes.saturating_add(len);
            }
            Some(Err(error)) => {
                if error.status() >= 500 {
                    let request_id = self.report.call.request_id.clone();
                    let error = error.clone();
                    self.app.report_failure(Failure { request_id, error });
                }
                self.end.error = Some(error.clone());
            }
            None => self.end.is_whole = self.end.error.is_none(),
        }
        let shows_all = self.app.settings().shows_stack_traces;
        next.map(|next| next.map_err(|e| if shows_all { e } else { e.with_stack_trace("") }))
    }
}

/// Reports the end in any case, also when the stream was dropped early.
impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(observation) = &self.report.observation
            && self.app.inner.hooks.observes_streams
        {
            let ended_at = self.app.clock().now();
            let request_id = &self.report.call.request_id;
            let record = observation.stream_log(ended_at, &self.end);
            self.span.in_scope(|| self.app.log(&record, request_id));
        }
    }
}
