//! Responses that another layer delivers (tower, `lambda_runtime` or the local server), and whose
//! invocations end before that. Also applications that are mounted in others, which are flushed
//! with them.

use std::sync::{Arc, Mutex, PoisonError};

use apptheory_core::error::{AppError, code};
use apptheory_core::http::RawRequest;
use futures_util::stream::{self, StreamExt as _};

use super::after::Ending;
use super::context::Context;
use super::invocation::Invocation;
use super::serve::Arrived;
use super::{AppService, BodyStream, Response};
use crate::trace::pinned;

/// A request whose invocation has begun, and whose response another layer delivers. Small, as
/// [`Arrived`] is.
pub(crate) struct TakenOver<'a> {
    arrived: Arrived<'a>,
    ending: Ending,
    /// Whether the application is mounted in another one, which ends the invocation.
    is_mounted: bool,
}

impl AppService {
    /// Reads a request whose response another layer delivers, and begins its invocation, which ends
    /// with that of `outer` if the application is mounted.
    pub(crate) fn take_over(
        &self,
        request: RawRequest<'_>,
        invocation: Invocation,
        outer: Option<&Context>,
    ) -> TakenOver<'_> {
        let (mut begun, ending) = self.begin(invocation);
        if let Some(outer) = outer {
            outer.services().mounted.add(self);
            Arc::make_mut(&mut begun).after = outer.begun().after.clone();
        }
        TakenOver { arrived: self.arrive(request, begun), ending, is_mounted: outer.is_some() }
    }

    /// Serves a request that was taken over, in time. The invocation ends before the response is
    /// handed over or, for a streamed response, before the stream's end, unless the application is
    /// mounted.
    pub(crate) async fn serve_finished(&self, request: TakenOver<'_>) -> Response {
        let TakenOver { arrived, ending, is_mounted } = request;
        let span = arrived.begun.span.clone();
        let mut response = span.run(pinned!(self.serve_arrived(arrived))).await;
        if let Some(at) = ending.time.stops_at() {
            let error = AppError::of(code::TIMEOUT);
            let until = |stream: BodyStream| stream.until(self.clock().clone(), at, error);
            response.stream = response.stream.map(until);
        }
        if is_mounted {
            return response;
        }
        match response.stream.take() {
            Some(stream) => response.stream = Some(self.finish_behind(stream, ending)),
            None => self.finish_before(&ending).await,
        }
        response
    }

    /// Returns the stream; the invocation ends before the stream does.
    pub(crate) fn finish_behind(&self, stream: BodyStream, ending: Ending) -> BodyStream {
        let app = self.clone();
        BodyStream::new(stream::unfold(Some((stream, ending)), move |rest| {
            let app = app.clone();
            async move {
                let (mut stream, ending) = rest?;
                match stream.next().await {
                    Some(Ok(chunk)) => Some((Ok(chunk), Some((stream, ending)))),
                    end => {
                        // Dropping the stream logs how it ended, which is to be flushed, too.
                        drop(stream);
                        app.finish_before(&ending).await;
                        Some((end?, None))
                    }
                }
            }
        }))
    }

    /// Returns the applications that are mounted in this one, and in those.
    pub(super) fn mounted(&self) -> Vec<Self> {
        let mut apps = self.services.mounted.all();
        for at in 0.. {
            let Some(app) = apps.get(at) else { break };
            for inner in app.services.mounted.all() {
                if !apps.iter().chain([self]).any(|known| known.is_same(&inner)) {
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

/// The mounted applications that have served a request: they are flushed with the outer one.
#[derive(Clone, Default)]
pub(super) struct Mounted(Arc<Mutex<Vec<AppService>>>);

impl Mounted {
    fn add(&self, app: &AppService) {
        // Nothing panics while the lock is held, so a poisoned lock is still consistent.
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
