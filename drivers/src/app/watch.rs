//! Streams, watched to their end on behalf of the application.

use core::pin::Pin;
use core::task::{Context, Poll, ready};

use apptheory_core::error::AppError;
use apptheory_core::http::exchange::{Observation, StreamEnd};
use bytes::Bytes;
use futures_util::stream::Stream;

use super::hooks::Failure;
use super::{App, BodyStream};
use crate::clock::Clock as _;

/// A stream whose end is told: to the failure hook if it fails for a reason that no client is told,
/// and to the log hook if the application asked for that.
pub(super) struct Watched {
    stream: BodyStream,
    app: App,
    request_id: String,
    observation: Option<Observation>,
    end: StreamEnd,
}

impl Watched {
    pub(super) fn new(
        stream: BodyStream,
        app: &App,
        request_id: &str,
        observation: Option<Observation>,
    ) -> Self {
        let observation = observation.filter(|_| app.inner.hooks.observes_streams);
        let (app, request_id) = (app.clone(), request_id.to_owned());
        Self { stream, app, request_id, observation, end: StreamEnd::default() }
    }
}

impl Stream for Watched {
    type Item = Result<Bytes, AppError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(Pin::new(&mut self.stream).poll_next(context));
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
        Poll::Ready(next)
    }
}

/// However it ended, also when nobody read it on.
impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(observation) = self.observation.take() {
            let ended_at = self.app.clock().now();
            self.app.log(&observation.stream_log(ended_at, &self.end), &self.request_id);
        }
    }
}
