//! Responses with server-sent events.

use alloc::vec::Vec;
use core::borrow::Borrow;

use super::event::SseEvent;
use crate::http::HttpResponse;

impl<S> HttpResponse<S> {
    /// Creates a response with complete server-sent events; without events its body is empty.
    #[must_use]
    pub fn sse<E: Borrow<SseEvent>>(status: u16, events: impl IntoIterator<Item = E>) -> Self {
        let mut body = Vec::new();
        for event in events {
            event.borrow().encode(&mut body);
        }
        Self { body, ..Self::of_events(status) }
    }

    /// Creates a response with a stream of server-sent events. The stream's chunks must be written
    /// by [`SseFramer`](super::SseFramer) or [`SseEvent::encode`].
    #[must_use]
    pub fn sse_stream(status: u16, stream: S) -> Self {
        Self::of_events(status).with_stream(stream)
    }

    /// Returns the head of a response with events. The content type has no charset, because it is
    /// always UTF-8.
    fn of_events(status: u16) -> Self {
        Self::new(status)
            .with_header("content-type", "text/event-stream")
            .with_header("cache-control", "no-cache")
            .with_header("connection", "keep-alive")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{HttpResponse, SseEvent};

    #[test]
    fn events_have_their_header_fields_buffered_and_streamed() {
        let events = [SseEvent::new("a").with_id("1"), SseEvent::new("")];
        let buffered: HttpResponse<u8> = HttpResponse::sse(0, &events);
        let streamed = HttpResponse::sse_stream(0, 7_u8);
        assert_eq!(buffered.body, b"id: 1\ndata: a\n\ndata: \n\n");
        assert_eq!((streamed.body.as_slice(), streamed.stream), (&b""[..], Some(7)));
        for response in [&buffered, &streamed] {
            assert_eq!(
                serde_json::to_value(&response.headers).unwrap(),
                json!({
                    "content-type": ["text/event-stream"],
                    "cache-control": ["no-cache"],
                    "connection": ["keep-alive"],
                })
            );
            assert_eq!(
                (response.status, response.is_base64, response.cookies.len()),
                (0, false, 0)
            );
        }
        let none: HttpResponse = HttpResponse::sse(200, [] as [SseEvent; 0]);
        assert_eq!(none.body, b"");
    }
}
