//! The frames of a connection, in both directions.

use core::pin::pin;
use core::time::Duration;

use apptheory_core::gateway::MAX_DATA_BYTES;
use apptheory_core::time::Timestamp;
use futures_util::future::select;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc::error::SendError;
use tokio::sync::mpsc::{Permit, Receiver, Sender};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_util::sync::CancellationToken;

use super::{IDLE_TIME, LIFETIME, MAX_FRAME_BYTES, Post};
use crate::clock::{Clock as _, SharedClock};

/// A connection after its handshake.
pub(super) struct Socket {
    stream: Stream,
    clock: SharedClock,
    last_active_at: Timestamp,
    /// The end of its lifetime.
    expires_at: Timestamp,
}

type Stream = WebSocketStream<TokioIo<Upgraded>>;

/// How a connection ended.
#[derive(Clone, Debug)]
pub(super) enum End {
    /// The server closes it.
    Closed(CloseFrame),
    /// The server closes it because of the client's malformed or unsupported data.
    Refused(CloseFrame),
    /// The client closed it, with or without a reason.
    Left(Option<CloseFrame>),
    /// The client disconnected without a close frame.
    Lost,
}

/// The next event on a connection.
enum Turn<'m> {
    Arrived(Permit<'m, String>, Option<Result<Message, Error>>),
    Post(Post),
    Late,
    Closed,
    Stopped,
}

/// How long a client may take to close its side of the connection.
const CLOSING_TIME: Duration = Duration::from_secs(5);

impl Socket {
    pub(super) async fn new(
        upgraded: Upgraded,
        clock: SharedClock,
        connected_at: Timestamp,
    ) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(MAX_FRAME_BYTES)
            .max_frame_size(Some(MAX_FRAME_BYTES))
            .max_message_size(Some(MAX_DATA_BYTES));
        let io = TokioIo::new(upgraded);
        Self {
            stream: WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await,
            last_active_at: clock.now(),
            expires_at: connected_at.saturating_add(LIFETIME),
            clock,
        }
    }

    /// Forwards the client's messages, and sends posted data, until the connection ends: one side
    /// closes it, it is deleted (also while a message is sent that the client does not read), or
    /// the server stops.
    ///
    /// Calls `is_active` for every frame.
    pub(super) async fn talk(
        &mut self,
        messages: Sender<String>,
        mut posts: Receiver<Post>,
        closing: &CancellationToken,
        stopping: &CancellationToken,
        is_active: impl Fn(Timestamp),
    ) -> End {
        loop {
            let (now, deadline) = (self.clock.now(), self.deadline());
            let stream = &mut self.stream;
            let turn = tokio::select! {
                () = stopping.cancelled() => Turn::Stopped,
                () = closing.cancelled() => Turn::Closed,
                _ = self.clock.sleep(now.until(deadline)) => Turn::Late,
                Some(post) = posts.recv() => Turn::Post(post),
                // Without room for another message, nothing is read.
                Ok((room, arrived)) = async {
                    let room = messages.reserve().await?;
                    Ok::<_, SendError<()>>((room, stream.next().await))
                } => Turn::Arrived(room, arrived),
            };
            let end = match turn {
                Turn::Arrived(room, arrived) => receive(room, arrived),
                Turn::Post(post) => self.post(post, deadline, closing, stopping).await,
                Turn::Closed => Some(End::asked()),
                Turn::Late => Some(self.overdue()),
                Turn::Stopped => Some(End::stopping()),
            };
            if let Some(end) = end {
                return end;
            }
            self.last_active_at = self.clock.now();
            is_active(self.last_active_at);
        }
    }

    /// Sends posted data as text. Data that is not UTF-8 is sent unchanged in a binary message.
    async fn post(
        &mut self,
        post: Post,
        deadline: Timestamp,
        closing: &CancellationToken,
        stopping: &CancellationToken,
    ) -> Option<End> {
        let message = match String::from_utf8(post.data) {
            Ok(text) => Message::text(text),
            Err(error) => Message::binary(error.into_bytes()),
        };
        // A client that does not read must neither keep the server from stopping nor avoid being
        // closed.
        let sent = tokio::select! {
            sent = self.stream.send(message) => sent,
            _ = self.clock.sleep(self.clock.now().until(deadline)) => return Some(self.overdue()),
            () = closing.cancelled() => return Some(End::asked()),
            () = stopping.cancelled() => return Some(End::stopping()),
        };
        match sent {
            Ok(()) => {
                // The sender may not be waiting any more.
                let _ = post.sent.send(());
                None
            }
            Err(_) => Some(End::Lost),
        }
    }

    fn deadline(&self) -> Timestamp {
        self.last_active_at.saturating_add(IDLE_TIME).min(self.expires_at)
    }

    fn overdue(&self) -> End {
        let is_old = self.clock.now() >= self.expires_at;
        End::closed(CloseCode::Away, if is_old { "too old" } else { "idle" })
    }

    /// Finishes the closing handshake (RFC 6455 §7.1.2), as far as possible.
    pub(super) async fn close(mut self, end: &End) {
        let closing = async {
            match end {
                End::Closed(frame) => {
                    let _ = self.stream.close(Some(frame.clone())).await;
                    while let Some(Ok(_)) = self.stream.next().await {}
                }
                End::Refused(frame) => {
                    let _ = self.stream.close(Some(frame.clone())).await;
                    drain(self.stream.get_mut()).await;
                }
                // Reading on sends the reply to the client's close frame.
                End::Left(_) => while let Some(Ok(_)) = self.stream.next().await {},
                End::Lost => {}
            }
        };
        select(pin!(closing), pin!(self.clock.sleep(CLOSING_TIME))).await;
    }
}

/// Handles a client's frame. [tungstenite](tokio_tungstenite) responds to pings.
fn receive(room: Permit<'_, String>, arrived: Option<Result<Message, Error>>) -> Option<End> {
    match arrived {
        Some(Ok(Message::Text(text))) => {
            room.send(text.as_str().to_owned());
            None
        }
        Some(Ok(Message::Binary(_))) => {
            Some(End::closed(CloseCode::Unsupported, "binary messages are not supported"))
        }
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => None,
        Some(Ok(Message::Close(frame))) => Some(End::Left(frame)),
        Some(Err(error)) => Some(End::of(&error)),
        None => Some(End::Lost),
    }
}

/// Reads the client's remaining data. A connection that is dropped with unread data is reset, and
/// the client may lose the last message.
async fn drain(io: &mut TokioIo<Upgraded>) {
    if io.shutdown().await.is_err() {
        return;
    }
    let mut unread = [0; 4_096];
    while matches!(io.read(&mut unread).await, Ok(1..)) {}
}

impl End {
    const fn closed(code: CloseCode, reason: &'static str) -> Self {
        Self::Closed(frame(code, reason))
    }

    /// The connection was deleted.
    const fn asked() -> Self {
        Self::closed(CloseCode::Normal, "")
    }

    const fn stopping() -> Self {
        Self::closed(CloseCode::Away, "server stopping")
    }

    /// The end that follows from a client's mistake, or its loss.
    fn of(error: &Error) -> Self {
        let is_reset =
            matches!(error, Error::Protocol(ProtocolError::ResetWithoutClosingHandshake));
        if matches!(error, Error::Capacity(_)) {
            Self::Refused(frame(CloseCode::Size, "message too large"))
        } else if matches!(error, Error::Utf8(_)) {
            Self::Refused(frame(CloseCode::Invalid, "invalid UTF-8"))
        } else if matches!(error, Error::Protocol(_)) && !is_reset {
            Self::Refused(frame(CloseCode::Protocol, "protocol error"))
        } else {
            Self::Lost
        }
    }

    /// Returns the status code (RFC 6455 §7.4).
    pub(super) fn code(&self) -> u16 {
        match self {
            Self::Closed(frame) | Self::Refused(frame) | Self::Left(Some(frame)) => {
                frame.code.into()
            }
            Self::Left(None) => CloseCode::Status.into(),
            Self::Lost => CloseCode::Abnormal.into(),
        }
    }

    /// Returns the reason, or an empty text.
    pub(super) fn reason(&self) -> &str {
        match self {
            Self::Closed(frame) | Self::Refused(frame) | Self::Left(Some(frame)) => &frame.reason,
            Self::Left(None) | Self::Lost => "",
        }
    }
}

const fn frame(code: CloseCode, reason: &'static str) -> CloseFrame {
    CloseFrame { code, reason: Utf8Bytes::from_static(reason) }
}
