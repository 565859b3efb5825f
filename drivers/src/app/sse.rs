//! Server-sent events as the body of a response.

use core::pin::Pin;
use core::time::Duration;

use apptheory_core::error::AppError;
#[cfg(doc)]
use apptheory_core::invocation_time::EVENTS_RESERVE;
use apptheory_core::stream::sse::{SseEvent, SseFramer};
use apptheory_core::time::Timestamp;
use bytes::Bytes;
use futures_util::future::{Either, select};
use futures_util::stream::{self, Stream, StreamExt as _};

use super::answer::Response;
use super::body::BodyStream;
use super::context::Context;
use super::extract::FromContext;
use super::kind::Http;
use crate::clock::{Clock as _, SharedClock};

/// Sends server-sent events as they happen, and a comment when nothing was sent for a while.
///
/// The head is sent at once; events follow as they are pulled. The stream ends with its events, at
/// their first error, or a [second](EVENTS_RESERVE) before the invocation: browsers reconnect by
/// themselves, and send the last id that they saw as `Last-Event-ID`. When the client disconnects,
/// the stream of events is dropped.
///
/// ```
/// use apptheory::app::{App, Response, Sse};
/// use apptheory::stream::sse::SseEvent;
/// use futures_util::stream;
///
/// async fn ticks(sse: Sse) -> Response {
///     sse.send(stream::iter(1..=3).map(|n| SseEvent::json(&n)))
/// }
/// # use futures_util::StreamExt as _;
///
/// let app = App::new().get("/ticks", ticks).build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sse {
    clock: SharedClock,
    keep_alive: Duration,
    ends_at: Option<Timestamp>,
}

impl Sse {
    /// Sets the time without output after which a comment is sent. Zero disables the comments.
    #[must_use]
    pub fn with_keep_alive(self, keep_alive: Duration) -> Self {
        Self { keep_alive, ..self }
    }

    /// Returns a response with status 200 that sends these events.
    pub fn send<S, E>(self, events: S) -> Response
    where
        S: Stream<Item = Result<SseEvent, E>> + Send + 'static,
        E: Into<AppError> + 'static,
    {
        Response::sse_stream(200, self.stream(events))
    }

    /// Returns the body of that response: an empty chunk, which sends the head, then one chunk per
    /// event or comment. Use it to set other headers or another status.
    pub fn stream<S, E>(self, events: S) -> BodyStream
    where
        S: Stream<Item = Result<SseEvent, E>> + Send + 'static,
        E: Into<AppError> + 'static,
    {
        let framer = SseFramer::new(self.keep_alive, self.clock.now()).ending_at(self.ends_at);
        let events = events.map(|event| event.map_err(E::into));
        let sending = Sending { clock: self.clock, framer, events: Box::pin(events) };
        let head = stream::iter([Ok(Bytes::new())]);
        BodyStream::new(head.chain(stream::unfold(sending, Sending::next)))
    }
}

/// Uses the application's clock, ends shortly before the invocation's deadline, and sends comments
/// after [`SseFramer::KEEP_ALIVE`].
impl<S> FromContext<S, Http> for Sse {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        Ok(Self {
            clock: context.clock().clone(),
            keep_alive: SseFramer::KEEP_ALIVE,
            ends_at: context.time().events_end_at(),
        })
    }
}

struct Sending {
    clock: SharedClock,
    framer: SseFramer,
    events: Pin<Box<dyn Stream<Item = Result<SseEvent, AppError>> + Send>>,
}

impl Sending {
    async fn next(mut self) -> Option<(Result<Bytes, AppError>, Self)> {
        let mut chunk = Vec::new();
        while chunk.is_empty() {
            let now = self.clock.now();
            if self.framer.is_over(now) {
                return None;
            }
            // If the reader was slow, the time since the last chunk counts as silence.
            self.framer.handle_timeout(now, &mut chunk);
            if !chunk.is_empty() {
                break;
            }
            match self.event_until(now).await {
                Some(Some(Ok(event))) => {
                    let now = self.clock.now();
                    // The channel stays open until this is dropped.
                    self.framer.handle_event(&event, now, &mut chunk).ok()?;
                }
                Some(Some(Err(error))) => return Some((Err(error), self)),
                Some(None) => return None,
                None => {}
            }
        }
        Some((Ok(chunk.into()), self))
    }

    /// Returns the next event; `None` when a comment or the end is due first.
    async fn event_until(&mut self, now: Timestamp) -> Option<Option<Result<SseEvent, AppError>>> {
        let Some(due) = self.framer.poll_timeout() else { return Some(self.events.next().await) };
        let sleep = Box::pin(self.clock.sleep(now.until(due)));
        match select(self.events.next(), sleep).await {
            Either::Left((event, _)) => Some(event),
            Either::Right(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use apptheory_core::http::RawRequest;
    use futures_util::FutureExt as _;

    use super::*;
    use crate::app::{App, Invocation};
    use crate::clock::VirtualClock;

    fn clock() -> VirtualClock {
        VirtualClock::new(Timestamp::UNIX_EPOCH)
    }

    /// Returns the chunks that an application streams, with the second of each.
    fn sent<S>(
        clock: &VirtualClock,
        deadline: Option<i64>,
        keep_alive: Duration,
        events: impl Fn(SharedClock) -> S + Send + Sync + 'static,
    ) -> Vec<(i64, Result<String, u16>)>
    where
        S: Stream<Item = Result<SseEvent, AppError>> + Send + 'static,
    {
        let handler = move |context: Context, sse: Sse| {
            let events = events(context.clock().clone());
            let response = sse.with_keep_alive(keep_alive).send(events);
            core::future::ready(response)
        };
        let app = App::new().clock(clock.clone()).get("/", handler).build().unwrap();
        let deadline = deadline.map(Timestamp::from_unix_seconds);
        let invocation = Invocation { deadline, ..Invocation::default() };
        clock.run(async {
            let response = app.serve(RawRequest::new("GET", "/"), invocation).await;
            let mut stream = response.stream.unwrap();
            let mut sent = Vec::new();
            while let Some(chunk) = stream.next().await {
                let text = chunk.map(|chunk| String::from_utf8(chunk.to_vec()).unwrap());
                sent.push((clock.now().unix_seconds(), text.map_err(|error| error.status())));
            }
            sent.push((clock.now().unix_seconds(), Ok("end".into())));
            sent
        })
    }

    /// Yields an event after each number of seconds, then ends.
    fn after(
        waits: &'static [u64],
    ) -> impl Fn(SharedClock) -> stream::BoxStream<'static, Result<SseEvent, AppError>> {
        move |clock| {
            let waits = stream::iter(waits);
            let events = waits.then(move |wait| {
                let clock = clock.clone();
                async move {
                    clock.sleep(Duration::from_secs(*wait)).await;
                    Ok(SseEvent::new("x"))
                }
            });
            events.boxed()
        }
    }

    const COMMENT: &str = ": keep-alive\n\n";
    const EVENT: &str = "data: x\n\n";

    fn chunks(sent: &[(i64, Result<String, u16>)]) -> Vec<(i64, &str)> {
        sent.iter().map(|(at, chunk)| (*at, chunk.as_deref().unwrap_or("error"))).collect()
    }

    #[test]
    fn silence_is_filled_with_comments() {
        let sent = sent(&clock(), None, Duration::from_secs(10), after(&[9, 25, 0]));
        let expected = [(0, ""), (9, EVENT), (19, COMMENT), (29, COMMENT), (34, EVENT)];
        assert_eq!(chunks(&sent), [&expected[..], &[(34, EVENT), (34, "end")]].concat());
    }

    #[test]
    fn it_ends_a_second_before_the_deadline_even_when_events_never_pause() {
        let quiet = sent(&clock(), Some(20), Duration::from_secs(15), after(&[600]));
        assert_eq!(chunks(&quiet), [(0, ""), (15, COMMENT), (19, "end")]);
        let clock = clock();
        let busy = sent(&clock.clone(), Some(20), Duration::ZERO, move |_| {
            let clock = clock.clone();
            let step = move || clock.advance(Duration::from_secs(7));
            stream::repeat_with(step).map(|()| Ok(SseEvent::new("x")))
        });
        assert_eq!(chunks(&busy), [(0, ""), (7, EVENT), (14, EVENT), (21, EVENT), (21, "end")]);
    }

    #[test]
    fn an_error_is_the_last_chunk() {
        let events = |_| stream::iter([Ok(SseEvent::new("x")), Err(AppError::conflict("c"))]);
        let sent = sent(&clock(), None, Duration::ZERO, events);
        assert_eq!(sent[2], (0, Err(409)));
        assert_eq!(chunks(&sent), [(0, ""), (0, EVENT), (0, "error"), (0, "end")]);
    }

    #[test]
    fn a_reader_that_goes_takes_the_events_with_it() {
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        let events = stream::pending::<Result<SseEvent, AppError>>().map(move |event| {
            let _held = &held;
            event
        });
        let sse = Sse {
            clock: SharedClock::new(clock()),
            keep_alive: SseFramer::KEEP_ALIVE,
            ends_at: None,
        };
        let mut body = sse.stream(events);
        assert!(body.next().now_or_never().flatten().is_some_and(|head| head.is_ok()));
        assert!(body.next().now_or_never().is_none());
        assert_eq!(Arc::strong_count(&alive), 2);
        drop(body);
        assert_eq!(Arc::strong_count(&alive), 1);
    }
}
