//! Streams, watched to their end on behalf of the application.

use apptheory_core::error::AppError;
use apptheory_core::http::exchange::{Observation, StreamEnd};
use bytes::Bytes;

use super::App;
use super::hooks::Failure;
use crate::clock::Clock as _;

/// Sees what a stream gives, and reports its end: to the failure hook if it fails for a reason that
/// no client is told, and to the log hook if the application asked for that.
pub(super) struct Watch {
    app: App,
    request_id: String,
    observation: Option<Observation>,
    end: StreamEnd,
}

impl Watch {
    pub(super) fn new(app: &App, request_id: &str, observation: Option<Observation>) -> Self {
        let observation = observation.filter(|_| app.inner.hooks.observes_streams);
        let (app, request_id) = (app.clone(), request_id.to_owned());
        Self { app, request_id, observation, end: StreamEnd::default() }
    }

    /// Sees what comes next, and returns it without what clients may not see of errors.
    pub(super) fn see(
        &mut self,
        next: Option<Result<Bytes, AppError>>,
    ) -> Option<Result<Bytes, AppError>> {
        match &next {
            Some(Ok(chunk)) => {
                let len = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
                self.end.chunks = self.end.chunks.saturating_add(1);
                self.end.bytes = self.end.bytes.saturating_add(len);
            }
            Some(Err(error)) => {
                if error.status() >= 500 {
                    let (request_id, error) = (self.request_id.clone(), error.clone());
                    self.app.tell(Failure { request_id, error });
                }
                self.end.error = Some(error.clone());
            }
            None => self.end.is_whole = self.end.error.is_none(),
        }
        let shows_all = self.app.settings().shows_stack_traces;
        next.map(|next| next.map_err(|e| if shows_all { e } else { e.with_stack_trace("") }))
    }
}

/// However it ended, also when nobody read it on.
impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(observation) = self.observation.take() {
            let ended_at = self.app.clock().now();
            self.app.log(&observation.stream_log(ended_at, &self.end), &self.request_id);
        }
    }
}
