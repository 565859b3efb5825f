//! The inputs and outputs of a frame machine.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU64;

use super::prelude::{Head, most_bytes};
use crate::error::{AppError, code};
use crate::http::HttpResponse;
use crate::http::exchange::{ErrorStyle, HttpSettings};
use crate::http::sending::check_head;
use crate::printing::Hidden;
use crate::stream::{StreamLimiter, StreamLimits};

/// The service that reads the frames; their preludes differ.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Target {
    /// A Lambda function URL. Values of a header are joined with `,`.
    FunctionUrl,
    /// An API Gateway REST API. All values are sent as `multiValueHeaders`.
    RestApi,
}

/// The configuration of framing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FrameConfig {
    /// The service that reads the frames.
    pub target: Target,
    /// The application's limit for the body in bytes; `None` means no limit. Error bodies are
    /// exempt.
    pub max_response_bytes: Option<NonZeroU64>,
    /// The transport's limit for the body in bytes; `None` means no limit. The default is
    /// [`StreamLimits::max_bytes`]. The smaller of the two limits applies.
    pub transport_limit: Option<NonZeroU64>,
    /// The most bytes of prelude and delimiter; [`StreamLimits::max_prelude_bytes`] by default.
    pub max_prelude_bytes: usize,
    /// How errors are rendered.
    pub errors: ErrorStyle,
    /// The request id in error bodies; if empty, the head's `x-request-id`.
    pub request_id: String,
}

impl FrameConfig {
    /// Creates the default configuration of a target: its limits, nested errors, and no request id.
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

    /// Returns whether a complete response certainly passes as it is: its machine would open it,
    /// send its body and finish it at once. Nearly all do, and need no machine.
    #[must_use]
    pub fn passes_whole(&self, response: &HttpResponse) -> bool {
        let HttpResponse { status, headers, cookies, body, .. } = response;
        StreamLimiter::new(self.max_bytes()).admit(body.len())
            && check_head(*status, headers, cookies).is_ok()
            && most_bytes(headers, cookies) <= self.max_prelude_bytes
    }

    pub(super) fn max_bytes(&self) -> Option<NonZeroU64> {
        [self.max_response_bytes, self.transport_limit].into_iter().flatten().min()
    }
}

/// An event of a streamed response. The bytes of bodies stay with the driver; the machine only sees
/// their number.
#[derive(Clone)]
pub enum FrameInput {
    /// The handler returned.
    Begin {
        /// Status, headers and cookies, normalized.
        head: Head,
        /// The length of the body that is already complete.
        prefix_len: usize,
        /// Whether a producer will deliver chunks.
        has_stream: bool,
    },
    /// The producer delivered a chunk. An empty chunk is a flush.
    Chunk {
        /// The length of the chunk.
        len: usize,
    },
    /// The producer has ended, or has stopped after [`FrameOutput::stops_producer`].
    End,
    /// The producer failed. Pass an error that is not an [`AppError`] as the cause of
    /// [`AppError::internal`].
    Fault(AppError),
    /// The response was cancelled.
    Cancel(Cancel),
    /// Writing to the transport failed.
    WriteFailed,
}

impl FrameInput {
    /// Creates the beginning of a response without a prefix.
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

/// Prints the name of the input; its data is for the client only.
impl fmt::Debug for FrameInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The reason of a cancellation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cancel {
    /// The client has disconnected.
    ClientGone,
    /// The deadline has passed.
    Deadline,
    /// The process ends.
    Shutdown,
}

/// What a driver has to do after an input: write `open`, `data` and `end` in this order, stop the
/// producer if `stops_producer` is set, and record `outcome`. Most outputs have one of these.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FrameOutput {
    /// Open the response with this head. Over HTTP, send it as it is; to a service that needs a
    /// [prelude](Head::prelude), send that, the [`DELIMITER`](Self::DELIMITER) and a flush.
    pub open: Option<Head>,
    /// Write these bytes; flush if they are empty.
    pub data: Option<FrameData>,
    /// End the response.
    pub end: Option<FrameEnd>,
    /// Drop the producer. Its later inputs are ignored.
    pub stops_producer: bool,
    /// How the response ended. Set once, in the last output.
    pub outcome: Option<FrameOutcome>,
}

/// Bytes of a body.
#[derive(Clone, Eq, PartialEq)]
pub enum FrameData {
    /// The bytes of the input: the prefix, or the chunk.
    Given,
    /// The body of an error, in place of the input's bytes.
    Error(Vec<u8>),
}

/// Does not print data for the client.
impl fmt::Debug for FrameData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("Given"),
            Self::Error(bytes) => f.debug_tuple("Error").field(&Hidden(bytes.len())).finish(),
        }
    }
}

/// The end of a response.
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
    /// Abort the request, or report it as failed if the response was never opened.
    Abort,
}

/// Does not print data for the client.
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
    /// The delimiter between prelude and body: eight NUL bytes, which JSON never contains.
    pub const DELIMITER: [u8; 8] = [0; 8];

    /// The names of the trailers, in the order of the fields of [`FrameEnd::Trailers`].
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
    /// The number of pieces of [data](FrameOutput::data), including prefix and error body.
    pub chunks: u64,
    /// The number of bytes in these pieces.
    pub bytes: u64,
    /// The stream's error code; empty if it ended well, or was refused.
    pub code: String,
    /// The code of the error that replaced the response.
    pub refused_code: Option<String>,
    /// The number of chunks after the limit was exceeded.
    pub refused: u64,
    /// Why the response ended.
    pub reason: EndReason,
}

impl FrameOutcome {
    /// Returns whether a masked 500 replaced the response: a bug of the handler, to be logged.
    #[must_use]
    pub fn is_masked_refusal(&self) -> bool {
        self.refused_code.as_deref() == Some(code::INTERNAL)
    }
}

/// Why a response ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EndReason {
    /// Everything was sent.
    Completed,
    /// An error response replaced it before anything was sent.
    Refused,
    /// The producer failed after something was sent.
    Fault,
    /// A chunk would have exceeded the limit.
    TooLarge,
    /// The client disconnected.
    ClientGone,
    /// The deadline passed.
    Deadline,
    /// The process ended.
    Shutdown,
    /// Writing to the transport failed.
    Transport,
}

/// The state of a frame machine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FrameState {
    /// The handler has not returned.
    Idle,
    /// The head is fixed, and nothing has been sent.
    Armed,
    /// The head was sent, and chunks follow.
    Live,
    /// The limit was exceeded and the response has ended; the producer has not stopped yet.
    Overrun,
    /// The outcome is known.
    Done,
}

/// An input is not allowed in the state: a bug of the driver. The input was ignored.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the input {input} is illegal in the state {state:?}")]
pub struct FrameMisuse {
    /// The unchanged state.
    pub state: FrameState,
    /// The name of the input.
    pub input: &'static str,
}
