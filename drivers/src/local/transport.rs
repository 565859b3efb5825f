//! The bytes of a connection, and its time limits.
//!
//! hyper reads heads, and responds to malformed ones with a bare status. This transport gives heads
//! a time limit by the application's clock, and such responses a body and a request id.

use core::future::{Future as _, poll_fn};
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apptheory_core::time::Timestamp;
use bytes::{Buf as _, Bytes};
use http_body::{Body, Frame, SizeHint};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::refusal;
use crate::app::AppService;
use crate::clock::{Clock as _, SharedClock};

/// The time limit for a head, from the start of its connection or the end of the previous response,
/// and then again for a body: 60 s, after which an Application Load Balancer closes a silent
/// connection (*Elastic Load Balancing User Guide*, idle timeout).
pub const READ_TIME: Duration = Duration::from_secs(60);

/// The phase of a connection. Clones share it.
#[derive(Clone)]
pub(super) struct Progress(Arc<Shared>);

struct Shared {
    phase: Mutex<Phase>,
    clock: SharedClock,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    /// Waiting for a head, since this instant.
    Head(Timestamp),
    /// A request is being served.
    Request,
    /// The end of a response is being written.
    Sending,
    /// No head follows: the connection was refused, or is a WebSocket.
    Over,
}

impl Progress {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self(Arc::new(Shared { phase: Mutex::new(Phase::Head(clock.now())), clock }))
    }

    /// Begins to serve a request whose head was read; dropping the result ends it.
    pub(super) fn serve(&self) -> Serving {
        *self.phase() = Phase::Request;
        Serving(self.clone())
    }

    /// Ends HTTP on the connection.
    pub(super) fn end(&self) {
        *self.phase() = Phase::Over;
    }

    fn awaits_head(&self) -> bool {
        matches!(*self.phase(), Phase::Head(_))
    }

    /// All bytes were passed to the system.
    fn flushed(&self) {
        let mut phase = self.phase();
        if *phase == Phase::Sending {
            *phase = Phase::Head(self.0.clock.now());
        }
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        // Nothing panics while the lock is held, so a poisoned lock is still consistent.
        self.0.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a head has taken longer than [`READ_TIME`]. Poll it together with the
    /// connection, and after it: the connection changes the phase, and wakes nobody.
    pub(super) async fn head_is_late(&self) {
        let mut alarm = None;
        poll_fn(|context| {
            loop {
                let Phase::Head(since) = *self.phase() else {
                    alarm = None;
                    return Poll::Pending;
                };
                let latest = since.saturating_add(READ_TIME);
                // An alarm of an earlier head goes off early, and is set again then: most requests
                // need no new alarm.
                let set = || (latest, Box::pin(self.0.clock.sleep_until(Some(latest))));
                let (at, sleep) = alarm.get_or_insert_with(set);
                ready!(sleep.as_mut().poll(context));
                if *at >= latest {
                    return Poll::Ready(());
                }
                alarm = None;
            }
        })
        .await;
    }
}

/// A request that is being served.
pub(super) struct Serving(Progress);

impl Drop for Serving {
    fn drop(&mut self) {
        let mut phase = self.0.phase();
        if *phase == Phase::Request {
            *phase = Phase::Sending;
        }
    }
}

/// The body of a response; its end ends the serving of the request.
pub(super) struct Answer<B> {
    body: B,
    _serving: Serving,
}

impl<B> Answer<B> {
    pub(super) const fn new(body: B, serving: Serving) -> Self {
        Self { body, _serving: serving }
    }
}

impl<B: Body + Unpin> Body for Answer<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The byte stream of a connection.
pub(super) struct Transport {
    io: TokioIo<TcpStream>,
    app: AppService,
    progress: Progress,
    /// Unwritten bytes of the response to a malformed head.
    refusal: Option<Bytes>,
}

impl Transport {
    pub(super) const fn new(io: TokioIo<TcpStream>, app: AppService, progress: Progress) -> Self {
        Self { io, app, progress, refusal: None }
    }

    /// Returns whether hyper's output is replaced by a response of our own: while a head is
    /// awaited, hyper writes only responses to malformed heads.
    fn replaces(&mut self, written: &[u8]) -> bool {
        if self.refusal.is_none() && self.progress.awaits_head() {
            let answer = refusal::of_head(&self.app, refusal::status_of(written));
            self.refusal = Some(answer);
            self.progress.end();
        }
        self.refusal.is_some()
    }
}

impl Read for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl Write for Transport {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.replaces(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.replaces(slices.first().map_or(&[], |slice| slice)) {
            return Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()));
        }
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { io, progress, refusal, .. } = &mut *self;
        while let Some(rest) = refusal
            && !rest.is_empty()
        {
            match ready!(Pin::new(&mut *io).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => rest.advance(written),
            }
        }
        ready!(Pin::new(io).poll_flush(context))?;
        progress.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(context))?;
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
