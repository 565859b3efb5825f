//! What goes into a frame machine, and what comes out.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU64;

use super::prelude::Head;
use crate::error::{AppError, code};
use crate::http::exchange::{ErrorStyle, HttpSettings};
use crate::printing::Hidden;
use crate::stream::StreamLimits;

/// Which service reads the frames: their preludes differ.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Target {
    /// A Lambda Function URL. Values of one header field are joined with `,`.
    FunctionUrl,
    /// An API Gateway REST API. All values travel as `multiValueHeaders`.
    RestApi,
}

/// How a response is framed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FrameConfig {
    /// Who reads the frames.
    pub target: Target,
    /// The most bytes of body, set by the application; `None` for no limit. Error bodies are exempt.
    pub max_response_bytes: Option<NonZeroU64>,
    /// The most bytes of body that the transport takes; `None` for no limit, and
    /// [`StreamLimits::max_bytes`] at first. The smaller of the two limits holds.
    pub transport_limit: Option<NonZeroU64>,
    /// The most bytes of prelude and delimiter together; [`StreamLimits::max_prelude_bytes`] at
    /// first.
    pub max_prelude_bytes: usize,
    /// How errors are answered.
    pub errors: ErrorStyle,
    /// The request id in error bodies; when empty, that of the head's `x-request-id`.
    pub request_id: String,
}

impl FrameConfig {
    /// The limits of the target, nested errors, and no request id.
    #[must_use]
    pub fn new(target: Target) -> Self {
        Self {
            target,
            max_response_bytes: None,
            transport_limit: Some(StreamLimits::of(target).max_bytes),
            max_prelude_bytes: StreamLimits::of(target).max_prelude_bytes,
            errors: HttpSettings::default().error_style(),
            request_id: String::new(),
        }
    }

    pub(super) fn max_bytes(&self) -> Option<NonZeroU64> {
        [self.max_response_bytes, self.transport_limit].into_iter().flatten().min()
    }
}

/// Something that happened to a streamed response. The bytes of bodies stay with the driver: the
/// machine sees how many there are.
#[derive(Clone)]
pub enum FrameInput {
    /// The handler returned.
    Begin {
        /// Status, header fields and cookies, normalised.
        head: Head,
        /// How many bytes of the body are there already.
        prefix_len: usize,
        /// Whether a producer will deliver chunks.
        has_stream: bool,
    },
    /// The producer delivered a chunk. An empty one is a flush.
    Chunk {
        /// How many bytes it holds.
        len: usize,
    },
    /// The producer is done, or has stopped after [`FrameOutput::stops_producer`].
    End,
    /// The producer failed. An error that is not the application's is [`AppError::internal`] with
    /// that error as its cause.
    Fault(AppError),
    /// Somebody else ended the response.
    Cancel(Cancel),
    /// The transport broke.
    WriteFailed,
}

impl FrameInput {
    /// Returns the beginning of a response without a prefix.
    #[must_use]
    pub const fn begin(head: Head, has_stream: bool) -> Self {
        Self::Begin { head, prefix_len: 0, has_stream }
    }

    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Begin { .. } => "begin",
            Self::Chunk { .. } => "chunk",
            Self::End => "end",
            Self::Fault(_) => "fault",
            Self::Cancel(_) => "cancel",
            Self::WriteFailed => "write_failed",
        }
    }
}

/// The name of the input: what it carries is for the client alone.
impl fmt::Debug for FrameInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who ended a response early.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cancel {
    /// Nobody reads any more.
    ClientGone,
    /// Time is up.
    Deadline,
    /// The process ends.
    Shutdown,
}

/// What a driver has to do about an input: on the wire, `open`, `data` and `end` in this order; for
/// the producer, `stops_producer`; for the record, `outcome`. Most inputs ask for one of them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FrameOutput {
    /// Opens the response with this head: over HTTP as it is, to a service that takes a
    /// [prelude](Head::prelude) as that, followed by the [`DELIMITER`](Self::DELIMITER) and a flush.
    pub open: Option<Head>,
    /// Writes these bytes, or only flushes if they are empty.
    pub data: Option<FrameData>,
    /// Ends the response.
    pub end: Option<FrameEnd>,
    /// Drops the producer. Nothing that it delivers counts any more.
    pub stops_producer: bool,
    /// How the response ended. Given once, with the last output.
    pub outcome: Option<FrameOutcome>,
}

/// Bytes of a body.
#[derive(Clone, Eq, PartialEq)]
pub enum FrameData {
    /// Those that the input spoke of: the prefix, or the chunk.
    Given,
    /// The body of an error, in place of those.
    Error(Vec<u8>),
}

/// What goes to the client is not printed.
impl fmt::Debug for FrameData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("Given"),
            Self::Error(bytes) => f.debug_tuple("Error").field(&Hidden(bytes.len())).finish(),
        }
    }
}

/// The end of a response on the wire.
#[derive(Clone, Eq, PartialEq)]
pub enum FrameEnd {
    /// The body is complete.
    Finish,
    /// The body ends with these trailers: the stream failed after its head was sent.
    Trailers {
        /// `Lambda-Runtime-Function-Error-Type`: the stream's error code.
        error_type: String,
        /// `Lambda-Runtime-Function-Error-Body`: a JSON object in base64.
        error_body_b64: String,
    },
    /// The request is given up, or reported as failed if it was never opened.
    Abort,
}

/// What goes to the client is not printed.
impl fmt::Debug for FrameEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finish => f.write_str("Finish"),
            Self::Trailers { error_type, .. } => {
                f.debug_tuple("Trailers").field(error_type).finish()
            }
            Self::Abort => f.write_str("Abort"),
        }
    }
}

impl FrameOutput {
    /// What divides prelude and body: eight NUL, which no JSON holds.
    pub const DELIMITER: [u8; 8] = [0; 8];

    /// The names of the trailers, in the order of the members of [`FrameEnd::Trailers`].
    pub const DECLARED_TRAILERS: [&'static str; 2] =
        ["Lambda-Runtime-Function-Error-Type", "Lambda-Runtime-Function-Error-Body"];
}

/// How a response ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FrameOutcome {
    /// Whether a head was sent.
    pub committed: bool,
    /// The status that was sent.
    pub status: Option<u16>,
    /// How many pieces of [data](FrameOutput::data) there were, prefix and error body included.
    pub chunks: u64,
    /// How many bytes they held.
    pub bytes: u64,
    /// The stream's error code; empty when it ended well, or was refused.
    pub code: String,
    /// The code of the error that was answered in place of the response.
    pub refused_code: Option<String>,
    /// How many chunks the producer delivered after the limit had been exceeded.
    pub refused: u64,
    /// What ended it.
    pub reason: EndReason,
}

impl FrameOutcome {
    /// Returns whether a masked 500 was sent in place of what the machine was given: a mistake of
    /// the handler that is for the log.
    #[must_use]
    pub fn is_masked_refusal(&self) -> bool {
        self.refused_code.as_deref() == Some(code::INTERNAL)
    }
}

/// What ended a response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EndReason {
    /// Everything was sent.
    Completed,
    /// An error was answered in its place, before anything was sent.
    Refused,
    /// The producer failed after something was sent.
    Fault,
    /// A chunk would have exceeded the limit.
    TooLarge,
    /// Nobody read any more.
    ClientGone,
    /// Time was up.
    Deadline,
    /// The process ended.
    Shutdown,
    /// The transport broke.
    Transport,
}

/// Where a frame machine stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FrameState {
    /// The handler has not returned.
    Idle,
    /// The head is frozen, and nothing is sent.
    Armed,
    /// The head is sent, and chunks follow.
    Live,
    /// The limit was exceeded and the response is ended; the producer has yet to stop.
    Overrun,
    /// The outcome is known.
    Done,
}

/// An input that is illegal in a state: a mistake of the driver. Nothing has changed; the input is
/// dropped.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the input {input} is illegal in the state {state:?}")]
pub struct FrameMisuse {
    /// Where the machine stands, still.
    pub state: FrameState,
    /// The name of the input.
    pub input: &'static str,
}
