//! Answers that somebody else hands over, and whose invocations end before: by tower, `lambda_runtime`
//! or a server on this machine. And applications that are mounted in others, which are flushed with them.

use std::sync::{Arc, Mutex, PoisonError};

use apptheory_core::error::{AppError, code};
use apptheory_core::http::RawRequest;
use futures_util::stream::{self, StreamExt as _};

use super::after::Ending;
use super::context::Context;
use super::invocation::Invocation;
use super::{AppService, BodyStream, Response};

impl AppService {
    /// Answers a request for somebody else who hands the answer over: in time. The invocation ends before
    /// that or, if the answer is streamed, before its end. That of an application that is mounted in an
    /// outer one ends with that one's.
    pub(crate) async fn serve_finished(
        &self,
        request: RawRequest<'_>,
        invocation: Invocation,
        outer: Option<&Context>,
    ) -> Response {
        let (mut begun, ending) = self.begin(invocation);
        if let Some(outer) = outer {
            outer.services.mounted.add(self);
            begun.after = outer.begun().after.clone();
        }
        let span = begun.span.clone();
        let mut response = span.run(self.serve_begun(request, begun)).await;
        if let Some(at) = ending.time.stops_at() {
            let error = AppError::of(code::TIMEOUT);
            let until = |stream: BodyStream| stream.until(self.clock().clone(), at, error);
            response.stream = response.stream.map(until);
        }
        if outer.is_some() {
            return response;
        }
        match response.stream.take() {
            Some(stream) => response.stream = Some(self.finish_behind(stream, ending)),
            None => self.finish_before(&ending).await,
        }
        response
    }

    /// A stream before whose end its invocation ends.
    pub(crate) fn finish_behind(&self, stream: BodyStream, ending: Ending) -> BodyStream {
        let app = self.clone();
        BodyStream::new(stream::unfold(Some((stream, ending)), move |rest| {
            let app = app.clone();
            async move {
                let (mut stream, ending) = rest?;
                match stream.next().await {
                    Some(Ok(chunk)) => Some((Ok(chunk), Some((stream, ending)))),
                    end => {
                        // What is logged of its end is to be flushed, too.
                        drop(stream);
                        app.finish_before(&ending).await;
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
