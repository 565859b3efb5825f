//! Answers that somebody else hands over, and that are flushed before: by tower, `lambda_runtime` or a
//! server on this machine. And applications that are mounted in others, which are flushed with them.

use std::sync::{Arc, Mutex, PoisonError};

use apptheory_core::error::{AppError, code};
use apptheory_core::http::RawRequest;
use apptheory_core::invocation_time::InvocationTime;
use futures_util::stream::{self, StreamExt as _};

use super::context::Context;
use super::invocation::Invocation;
use super::{AppService, BodyStream, Response};
use crate::clock::Clock as _;
use crate::trace::{Trace, run_within};

impl AppService {
    /// Answers a request for somebody else who hands the answer over: in time, and flushed before that
    /// or, if it is streamed, before its end. An application that is mounted in an outer one is flushed
    /// with that.
    pub(crate) async fn serve_flushed(
        &self,
        request: RawRequest<'_>,
        invocation: Invocation,
        outer: Option<&Context>,
    ) -> Response {
        if let Some(outer) = outer {
            outer.services.mounted.add(self);
        }
        let begun = self.begin(invocation);
        let (time, span) = (begun.time, begun.span.clone());
        let trace = span.trace().clone();
        let mut response = span.run(self.serve_begun(request, begun)).await;
        if let Some(at) = time.stops_at() {
            let error = AppError::of(code::TIMEOUT);
            let until = |stream: BodyStream| stream.until(self.clock().clone(), at, error);
            response.stream = response.stream.map(until);
        }
        if outer.is_some() {
            return response;
        }
        match response.stream.take() {
            Some(stream) => response.stream = Some(self.flush_behind(stream, trace, time)),
            None => run_within(trace, self.flush_before(time)).await,
        }
        response
    }

    /// Flushes before an answer is handed over that has to be there in time.
    pub(crate) async fn flush_before(&self, time: InvocationTime) {
        self.flush_by(time.flushes_by(self.clock().now())).await;
    }

    /// A stream that flushes before its end, within the trace of its invocation.
    pub(crate) fn flush_behind(
        &self,
        stream: BodyStream,
        trace: Trace,
        time: InvocationTime,
    ) -> BodyStream {
        let app = self.clone();
        BodyStream::new(stream::unfold(Some(stream), move |stream| {
            let (app, trace) = (app.clone(), trace.clone());
            async move {
                let mut stream = stream?;
                match stream.next().await {
                    Some(Ok(chunk)) => Some((Ok(chunk), Some(stream))),
                    end => {
                        // What is logged of its end is to be flushed, too.
                        drop(stream);
                        run_within(trace, app.flush_before(time)).await;
                        Some((end?, None))
                    }
                }
            }
        }))
    }

    /// The application, and those that are mounted in it.
    pub(super) fn with_mounted(&self) -> Vec<Self> {
        let mut apps = vec![self.clone()];
        for at in 0.. {
            let Some(app) = apps.get(at) else { break };
            for inner in app.services.mounted.all() {
                if !apps.iter().any(|known| known.is_same(&inner)) {
                    apps.push(inner);
                }
            }
        }
        apps
    }

    fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

/// The applications that are mounted in another one, once they were asked: they are flushed with it.
#[derive(Clone, Default)]
pub(super) struct Mounted(Arc<Mutex<Vec<AppService>>>);

impl Mounted {
    fn add(&self, app: &AppService) {
        // Nothing panics while it is locked: poisoning says nothing here.
        let Self(apps) = self;
        let mut apps = apps.lock().unwrap_or_else(PoisonError::into_inner);
        if !apps.iter().any(|known| known.is_same(app)) {
            apps.push(app.clone());
        }
    }

    fn all(&self) -> Vec<AppService> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
