//! The frames of a streamed response.
//!
//! ```text
//!        begin            chunk, end            chunk over the limit
//!  Idle ───────▶ Armed ──────────────▶ Live ────────────────────────▶ Overrun
//!    │             │                     │                               │
//!    └─────────────┴──────── Done ◀──────┴───────────────────────────────┘
//! ```
//!
//! Nothing is sent before the first chunk, so that an early error gets its own response. After that
//! the head is fixed, and errors are sent as trailers.

mod prelude;
#[cfg(test)]
mod tests;
mod types;

use alloc::string::{String, ToString};
use core::mem;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use self::prelude::Head;
pub use self::types::{
    Cancel, EndReason, FrameConfig, FrameData, FrameEnd, FrameInput, FrameMisuse, FrameOutcome,
    FrameOutput, FrameState, Target,
};
use super::limiter::StreamLimiter;
use crate::error::{AppError, code};
use crate::http::HttpResponse;
use crate::json::ObjectWriter;

/// Frames a streamed response: accepts inputs in any order, and returns an output for each.
///
/// Decides by lengths only. The bytes stay with the driver, which writes those of the input if an
/// output has [`FrameData::Given`], so no chunk is copied.
///
/// Every machine that reaches [`FrameState::Done`] has returned exactly one [`FrameOutcome`]. A
/// machine that is dropped earlier returns none; pass [`Cancel::Shutdown`] instead.
#[derive(Clone, Debug)]
pub struct FrameMachine {
    config: FrameConfig,
    phase: Phase,
    limiter: StreamLimiter,
    chunks: u64,
    bytes: u64,
    refused: u64,
}

#[derive(Clone, Debug)]
enum Phase {
    Idle,
    /// The head is fixed.
    Armed(Head),
    Live {
        status: u16,
    },
    Overrun {
        status: u16,
    },
    Done,
}

impl FrameMachine {
    /// Creates a machine for one response.
    #[must_use]
    pub const fn new(config: FrameConfig) -> Self {
        Self {
            config,
            phase: Phase::Idle,
            limiter: StreamLimiter::new(None),
            chunks: 0,
            bytes: 0,
            refused: 0,
        }
    }

    /// Returns the state.
    #[must_use]
    pub const fn state(&self) -> FrameState {
        match self.phase {
            Phase::Idle => FrameState::Idle,
            Phase::Armed(_) => FrameState::Armed,
            Phase::Live { .. } => FrameState::Live,
            Phase::Overrun { .. } => FrameState::Overrun,
            Phase::Done => FrameState::Done,
        }
    }

    /// Processes an input, and returns what to do.
    ///
    /// # Errors
    ///
    /// [`FrameMisuse`] for an input that is not allowed in this state; nothing changes.
    pub fn handle(&mut self, input: FrameInput) -> Result<FrameOutput, FrameMisuse> {
        let misuse = FrameMisuse { state: self.state(), input: input.name() };
        let handled = match mem::replace(&mut self.phase, Phase::Done) {
            Phase::Idle => self.handle_idle(input),
            Phase::Armed(head) => self.handle_armed(head, input),
            Phase::Live { status } => self.handle_live(status, &input),
            Phase::Overrun { status } => self.handle_overrun(status, &input),
            // A late input of the producer, or a second reason to end, changes nothing.
            Phase::Done => match input {
                FrameInput::Begin { .. } => Err(Phase::Done),
                FrameInput::Chunk { .. }
                | FrameInput::End
                | FrameInput::Fault(_)
                | FrameInput::Cancel(_)
                | FrameInput::WriteFailed => Ok(FrameOutput::default()),
            },
        };
        handled.map_err(|phase| {
            self.phase = phase;
            misuse
        })
    }

    fn handle_idle(&mut self, input: FrameInput) -> Result<FrameOutput, Phase> {
        match input {
            FrameInput::Begin { head, prefix_len, has_stream } => {
                Ok(self.begin(head, prefix_len, has_stream))
            }
            FrameInput::Cancel(cancel) => Ok(self.finish(None, "", reason(cancel))),
            FrameInput::Chunk { .. }
            | FrameInput::End
            | FrameInput::Fault(_)
            | FrameInput::WriteFailed => Err(Phase::Idle),
        }
    }

    fn begin(&mut self, head: Head, prefix_len: usize, has_stream: bool) -> FrameOutput {
        self.limiter = StreamLimiter::new(self.config.max_bytes());
        if let Err(error) = head.check(self.config.target, self.config.max_prelude_bytes) {
            return self.refuse(&head, has_stream, error);
        }
        if !self.limiter.admit(prefix_len) {
            return self.refuse(&head, has_stream, AppError::response_too_large());
        }
        if has_stream && prefix_len == 0 {
            self.phase = Phase::Armed(head);
            return FrameOutput::default();
        }
        let status = head.status;
        let data = (prefix_len > 0).then(|| self.send(prefix_len));
        let opened = FrameOutput { open: Some(head), data, ..FrameOutput::default() };
        if has_stream {
            self.phase = Phase::Live { status };
            return opened;
        }
        let FrameOutput { open, data, .. } = opened;
        FrameOutput { open, data, ..self.complete(status) }
    }

    fn handle_armed(&mut self, head: Head, input: FrameInput) -> Result<FrameOutput, Phase> {
        Ok(match input {
            FrameInput::Chunk { len } if self.limiter.admit(len) => {
                self.phase = Phase::Live { status: head.status };
                let data = Some(self.send(len));
                FrameOutput { open: Some(head), data, ..FrameOutput::default() }
            }
            FrameInput::Chunk { .. } => self.refuse(&head, true, AppError::response_too_large()),
            FrameInput::End => {
                let status = head.status;
                FrameOutput { open: Some(head), ..self.complete(status) }
            }
            FrameInput::Fault(error) => self.refuse(&head, true, error),
            FrameInput::Cancel(Cancel::Deadline) => {
                self.refuse(&head, true, AppError::of(code::TIMEOUT))
            }
            FrameInput::Cancel(cancel) => {
                let code = if cancel == Cancel::ClientGone { "" } else { code::INTERNAL };
                stopping(FrameEnd::Abort, self.finish(None, code, reason(cancel)))
            }
            FrameInput::Begin { .. } | FrameInput::WriteFailed => return Err(Phase::Armed(head)),
        })
    }

    fn handle_live(&mut self, status: u16, input: &FrameInput) -> Result<FrameOutput, Phase> {
        Ok(match input {
            FrameInput::Chunk { len } if self.limiter.admit(*len) => {
                self.phase = Phase::Live { status };
                FrameOutput { data: Some(self.send(*len)), ..FrameOutput::default() }
            }
            FrameInput::Chunk { .. } => {
                self.phase = Phase::Overrun { status };
                let (_, trailers) = trailers(&AppError::response_too_large());
                stopping(trailers, FrameOutput::default())
            }
            FrameInput::End => self.complete(status),
            FrameInput::Fault(error) => self.fail(status, error, EndReason::Fault),
            FrameInput::Cancel(Cancel::ClientGone) => {
                stopping(FrameEnd::Finish, self.finish(Some(status), "", EndReason::ClientGone))
            }
            FrameInput::Cancel(Cancel::Deadline) => {
                self.fail(status, &AppError::of(code::TIMEOUT), EndReason::Deadline)
            }
            FrameInput::Cancel(Cancel::Shutdown) => {
                self.fail(status, &AppError::internal(), EndReason::Shutdown)
            }
            FrameInput::WriteFailed => {
                let done = self.finish(Some(status), code::INTERNAL, EndReason::Transport);
                stopping(FrameEnd::Abort, done)
            }
            FrameInput::Begin { .. } => return Err(Phase::Live { status }),
        })
    }

    fn handle_overrun(&mut self, status: u16, input: &FrameInput) -> Result<FrameOutput, Phase> {
        match input {
            FrameInput::End | FrameInput::Cancel(_) | FrameInput::WriteFailed => {
                return Ok(self.finish(Some(status), code::TOO_LARGE, EndReason::TooLarge));
            }
            FrameInput::Chunk { .. } => self.refused = self.refused.saturating_add(1),
            FrameInput::Fault(_) => {}
            FrameInput::Begin { .. } => return Err(Phase::Overrun { status }),
        }
        self.phase = Phase::Overrun { status };
        Ok(FrameOutput::default())
    }

    /// Sends an error response instead of the response, of which nothing has been sent yet.
    fn refuse(&mut self, head: &Head, has_stream: bool, error: AppError) -> FrameOutput {
        let FrameConfig { target, max_prelude_bytes, errors, request_id, .. } = &self.config;
        let request_id = match request_id.as_str() {
            "" => head.headers.first("x-request-id"),
            configured => configured,
        };
        let answer: HttpResponse = errors.answer(error.with_printable_code(), request_id, "");
        let refused_code = answer.error.as_ref().map(|error| error.recorded_code().to_string());
        let head = head.of_error(&answer);
        // A bare head is valid, and small enough for any service.
        let fits = head.check(*target, *max_prelude_bytes).is_ok();
        let head = if fits { head } else { head.bare() };

        let _ = self.send(answer.body.len());
        let outcome = self.outcome(Some(head.status), String::new(), EndReason::Refused);
        FrameOutput {
            open: Some(head),
            data: Some(FrameData::Error(answer.body)),
            end: Some(FrameEnd::Finish),
            stops_producer: has_stream,
            outcome: Some(FrameOutcome { refused_code, ..outcome }),
        }
    }

    fn send(&mut self, len: usize) -> FrameData {
        self.chunks = self.chunks.saturating_add(1);
        self.bytes = self.bytes.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
        FrameData::Given
    }

    fn complete(&self, status: u16) -> FrameOutput {
        let done = self.finish(Some(status), "", EndReason::Completed);
        FrameOutput { end: Some(FrameEnd::Finish), ..done }
    }

    /// Ends a response whose head was sent.
    fn fail(&self, status: u16, error: &AppError, reason: EndReason) -> FrameOutput {
        let (code, trailers) = trailers(error);
        stopping(trailers, self.finish(Some(status), code, reason))
    }

    fn finish(
        &self,
        status: Option<u16>,
        code: impl Into<String>,
        reason: EndReason,
    ) -> FrameOutput {
        let outcome = Some(self.outcome(status, code.into(), reason));
        FrameOutput { outcome, ..FrameOutput::default() }
    }

    const fn outcome(&self, status: Option<u16>, code: String, reason: EndReason) -> FrameOutcome {
        FrameOutcome {
            committed: status.is_some(),
            status,
            chunks: self.chunks,
            bytes: self.bytes,
            code,
            refused_code: None,
            refused: self.refused,
            reason,
        }
    }
}

/// Returns the output that ends a response while its producer has more data.
fn stopping(end: FrameEnd, output: FrameOutput) -> FrameOutput {
    FrameOutput { end: Some(end), stops_producer: true, ..output }
}

/// Returns the code of an error, and the trailers with the error.
fn trailers(error: &AppError) -> (String, FrameEnd) {
    let error_type = error.printable_code().to_string();
    let mut body = String::new();
    let mut object = ObjectWriter::begin(&mut body);
    object.text("errorType", &error_type);
    object.text("errorMessage", error.message());
    object.end();
    let error_body_b64 = STANDARD.encode(body);
    (error_type.clone(), FrameEnd::Trailers { error_type, error_body_b64 })
}

const fn reason(cancel: Cancel) -> EndReason {
    match cancel {
        Cancel::ClientGone => EndReason::ClientGone,
        Cancel::Deadline => EndReason::Deadline,
        Cancel::Shutdown => EndReason::Shutdown,
    }
}
