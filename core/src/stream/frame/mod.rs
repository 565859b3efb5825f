//! The frames of a streamed response.
//!
//! ```text
//!        begin            chunk, end            chunk over the limit
//!  Idle ───────▶ Armed ──────────────▶ Live ────────────────────────▶ Overrun
//!    │             │                     │                               │
//!    └─────────────┴──────── Done ◀──────┴───────────────────────────────┘
//! ```
//!
//! Until the first chunk is there nothing is sent, so that what fails at once can still be answered
//! with an error of its own. From then on the head stands, and errors travel as trailers.

mod prelude;
#[cfg(test)]
mod tests;
mod types;

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::mem;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use self::prelude::Head;
pub use self::types::{
    Cancel, EndReason, FrameConfig, FrameEffect, FrameInput, FrameMisuse, FrameState, Handled,
    Outcome, Target,
};
use super::code::{stream_error_code, with_stream_code};
use super::limiter::{StreamLimiter, response_too_large};
use crate::error::{AppError, code};
use crate::http::HttpResponse;
use crate::json::ObjectWriter;
use crate::printing::prints;

/// Turns what happens to a response into frames: inputs in any order, effects into the caller's
/// buffer.
///
/// Every machine that reaches [`FrameState::Done`] has given exactly one [`Outcome`]. One that is
/// given up before has none: feed [`Cancel::Shutdown`] instead of dropping it.
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
    Armed(Armed),
    Live { status: u16 },
    Overrun { status: u16 },
    Done,
}

/// A head that is frozen, and what is sent of it.
#[derive(Clone)]
struct Armed {
    head: Head,
    prelude: Vec<u8>,
    has_stream: bool,
}

prints!(Armed: head, has_stream);

impl FrameMachine {
    /// A machine for one response.
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

    /// Where the machine stands.
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

    /// Takes an input, and appends what has to be done about it to `out`.
    ///
    /// # Errors
    ///
    /// [`FrameMisuse`] for an input that is illegal in the state; nothing changes, and nothing is
    /// appended.
    pub fn handle(
        &mut self,
        input: FrameInput,
        out: &mut Vec<FrameEffect>,
    ) -> Result<Handled, FrameMisuse> {
        let misuse = FrameMisuse { state: self.state(), input: input.name() };
        if matches!(input, FrameInput::WriteOk) {
            return Ok(Handled::Taken);
        }
        match mem::replace(&mut self.phase, Phase::Done) {
            Phase::Idle => self.handle_idle(input, out).map_err(|()| misuse),
            Phase::Armed(armed) => self.handle_armed(armed, input, out).map_err(|()| misuse),
            Phase::Live { status } => self.handle_live(status, input, out).map_err(|()| misuse),
            Phase::Overrun { status } => {
                self.handle_overrun(status, &input, out).map_err(|()| misuse)
            }
            Phase::Done => match input {
                FrameInput::Begin { .. } => Err(misuse),
                FrameInput::Chunk(_) | FrameInput::End | FrameInput::Fault(_) => Ok(Handled::Late),
                FrameInput::Cancel(_) | FrameInput::WriteFailed | FrameInput::WriteOk => {
                    Ok(Handled::Ignored)
                }
            },
        }
    }

    fn handle_idle(&mut self, input: FrameInput, out: &mut Effects) -> Result<Handled, ()> {
        match input {
            FrameInput::Begin { head, prefix, has_stream } => {
                self.begin(head, prefix, has_stream, out);
            }
            FrameInput::Cancel(cancel) => self.finish(None, "", reason(cancel), out),
            FrameInput::Chunk(_)
            | FrameInput::End
            | FrameInput::Fault(_)
            | FrameInput::WriteOk
            | FrameInput::WriteFailed => {
                self.phase = Phase::Idle;
                return Err(());
            }
        }
        Ok(Handled::Taken)
    }

    fn begin(&mut self, head: Head, prefix: Vec<u8>, has_stream: bool, out: &mut Effects) {
        self.limiter = StreamLimiter::new(self.config.max_bytes());
        let prelude = match head.encode(self.config.target, self.config.max_prelude_bytes) {
            Ok(prelude) => prelude,
            Err(error) => return self.refuse(&head, has_stream, &error, out),
        };
        if !self.limiter.admit(prefix.len()) {
            return self.refuse(&head, has_stream, &response_too_large(), out);
        }
        if has_stream && prefix.is_empty() {
            self.phase = Phase::Armed(Armed { head, prelude, has_stream });
            return;
        }
        commit(prelude, out);
        if !prefix.is_empty() {
            self.send(prefix, out);
        }
        if has_stream {
            self.phase = Phase::Live { status: head.status };
        } else {
            out.push(FrameEffect::Finish);
            self.finish(Some(head.status), "", EndReason::Completed, out);
        }
    }

    fn handle_armed(
        &mut self,
        armed: Armed,
        input: FrameInput,
        out: &mut Effects,
    ) -> Result<Handled, ()> {
        let Armed { head, prelude, has_stream } = armed;
        match input {
            FrameInput::Chunk(bytes) if self.limiter.admit(bytes.len()) => {
                commit(prelude, out);
                self.send(bytes, out);
                self.phase = Phase::Live { status: head.status };
            }
            FrameInput::Chunk(_) => self.refuse(&head, has_stream, &response_too_large(), out),
            FrameInput::End => {
                commit(prelude, out);
                out.push(FrameEffect::Finish);
                self.finish(Some(head.status), "", EndReason::Completed, out);
            }
            FrameInput::Fault(error) => self.refuse(&head, has_stream, &error, out),
            FrameInput::Cancel(Cancel::Deadline) => {
                self.refuse(&head, has_stream, &AppError::of(code::TIMEOUT), out);
            }
            FrameInput::Cancel(cancel) => {
                out.extend([FrameEffect::StopProducer, FrameEffect::Abort]);
                let code = if cancel == Cancel::ClientGone { "" } else { code::INTERNAL };
                self.finish(None, code, reason(cancel), out);
            }
            FrameInput::Begin { .. } | FrameInput::WriteOk | FrameInput::WriteFailed => {
                self.phase = Phase::Armed(Armed { head, prelude, has_stream });
                return Err(());
            }
        }
        Ok(Handled::Taken)
    }

    fn handle_live(
        &mut self,
        status: u16,
        input: FrameInput,
        out: &mut Effects,
    ) -> Result<Handled, ()> {
        match input {
            FrameInput::Chunk(bytes) if self.limiter.admit(bytes.len()) => {
                self.send(bytes, out);
                self.phase = Phase::Live { status };
            }
            FrameInput::Chunk(_) => {
                let _ = fail(&response_too_large(), out);
                self.phase = Phase::Overrun { status };
            }
            FrameInput::End => {
                out.push(FrameEffect::Finish);
                self.finish(Some(status), "", EndReason::Completed, out);
            }
            FrameInput::Fault(error) => {
                let code = fail(&error, out);
                self.finish(Some(status), code, EndReason::Fault, out);
            }
            FrameInput::Cancel(cancel) => {
                let code = match cancel {
                    Cancel::ClientGone => {
                        out.extend([FrameEffect::StopProducer, FrameEffect::Finish]);
                        String::new()
                    }
                    Cancel::Deadline => fail(&AppError::of(code::TIMEOUT), out),
                    Cancel::Shutdown => fail(&AppError::internal(), out),
                };
                self.finish(Some(status), code, reason(cancel), out);
            }
            FrameInput::WriteFailed => {
                out.extend([FrameEffect::StopProducer, FrameEffect::Abort]);
                self.finish(Some(status), code::INTERNAL, EndReason::Transport, out);
            }
            FrameInput::Begin { .. } | FrameInput::WriteOk => {
                self.phase = Phase::Live { status };
                return Err(());
            }
        }
        Ok(Handled::Taken)
    }

    fn handle_overrun(
        &mut self,
        status: u16,
        input: &FrameInput,
        out: &mut Effects,
    ) -> Result<Handled, ()> {
        match input {
            FrameInput::End | FrameInput::Cancel(_) | FrameInput::WriteFailed => {
                self.finish(Some(status), code::TOO_LARGE, EndReason::TooLarge, out);
                return Ok(Handled::Taken);
            }
            FrameInput::Chunk(_) => self.refused = self.refused.saturating_add(1),
            FrameInput::Fault(_) | FrameInput::WriteOk => {}
            FrameInput::Begin { .. } => {
                self.phase = Phase::Overrun { status };
                return Err(());
            }
        }
        self.phase = Phase::Overrun { status };
        Ok(Handled::Ignored)
    }

    /// Answers an error in place of the response, of which nothing is sent yet.
    fn refuse(&mut self, head: &Head, has_stream: bool, error: &AppError, out: &mut Effects) {
        let FrameConfig { target, max_prelude_bytes, errors, request_id, .. } = &self.config;
        let request_id = match request_id.as_str() {
            "" => head.headers.first("x-request-id"),
            configured => configured,
        };
        let answer: HttpResponse =
            errors.answer(with_stream_code(error).into_owned(), request_id, "");
        let refused_code = answer.error.as_ref().map(|error| error.recorded_code().to_string());
        let mut head = head.of_error(&answer);
        let prelude = head.encode(*target, *max_prelude_bytes).or_else(|_| {
            head = head.bare();
            head.encode(*target, usize::MAX)
        });
        // A bare head is valid, and small enough for any limit: it always has a prelude.
        commit(prelude.unwrap_or_default(), out);
        self.send(answer.body, out);
        if has_stream {
            out.push(FrameEffect::StopProducer);
        }
        out.push(FrameEffect::Finish);
        let outcome = self.outcome(Some(head.status), String::new(), EndReason::Refused);
        out.push(FrameEffect::Outcome(Outcome { refused_code, ..outcome }));
        self.phase = Phase::Done;
    }

    fn send(&mut self, bytes: Vec<u8>, out: &mut Effects) {
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let seq = self.chunks;
        self.chunks = self.chunks.saturating_add(1);
        self.bytes = self.bytes.saturating_add(len);
        out.push(FrameEffect::Data { seq, bytes });
    }

    fn finish(
        &mut self,
        status: Option<u16>,
        code: impl Into<String>,
        reason: EndReason,
        out: &mut Effects,
    ) {
        out.push(FrameEffect::Outcome(self.outcome(status, code.into(), reason)));
        self.phase = Phase::Done;
    }

    const fn outcome(&self, status: Option<u16>, code: String, reason: EndReason) -> Outcome {
        Outcome {
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

type Effects = Vec<FrameEffect>;

fn commit(prelude: Vec<u8>, out: &mut Effects) {
    out.extend([
        FrameEffect::Open {
            content_type: "application/vnd.awslambda.http-integration-response",
            response_mode: "streaming",
            declared_trailers: FrameEffect::DECLARED_TRAILERS,
        },
        FrameEffect::Prelude(prelude),
        FrameEffect::Delimiter,
    ]);
}

/// Ends a response whose head is sent, and returns the code of the error.
fn fail(error: &AppError, out: &mut Effects) -> String {
    let error_type = stream_error_code(error).to_string();
    let mut body = String::new();
    let mut object = ObjectWriter::begin(&mut body);
    object.text("errorType", &error_type);
    object.text("errorMessage", error.message());
    object.end();
    let error_body_b64 = STANDARD.encode(body);
    let trailers = FrameEffect::Trailers { error_type: error_type.clone(), error_body_b64 };
    out.extend([FrameEffect::StopProducer, trailers, FrameEffect::Finish]);
    error_type
}

const fn reason(cancel: Cancel) -> EndReason {
    match cancel {
        Cancel::ClientGone => EndReason::ClientGone,
        Cancel::Deadline => EndReason::Deadline,
        Cancel::Shutdown => EndReason::Shutdown,
    }
}
