//! Responses that are sent while they are made: frames, limits and server-sent events.
//!
//! This module decides what goes onto the wire, in which order, and how a stream ends. It refuses
//! to know sockets, clocks and producers: a driver feeds in what happened, and carries out what
//! comes out.
//!
//! ```
//! use apptheory_core::stream::{FrameConfig, FrameEffect, FrameInput, FrameMachine, Head, Target};
//!
//! let mut machine = FrameMachine::new(FrameConfig::new(Target::FunctionUrl));
//! let mut out = Vec::new();
//! machine.handle(FrameInput::begin(Head::new(200), true), &mut out)?;
//! assert!(out.is_empty(), "nothing is sent before the first chunk is there");
//!
//! machine.handle(FrameInput::Chunk(b"hello".to_vec()), &mut out)?;
//! machine.handle(FrameInput::End, &mut out)?;
//! assert!(matches!(out.last(), Some(FrameEffect::Outcome(outcome)) if outcome.bytes == 5));
//! # Ok::<(), apptheory_core::stream::FrameMisuse>(())
//! ```

mod code;
mod collect;
mod frame;
mod limiter;
mod limits;
pub mod sse;

pub use code::stream_error_code;
pub use collect::Collector;
pub use frame::{
    Cancel, EndReason, FrameConfig, FrameEffect, FrameInput, FrameMachine, FrameMisuse, FrameState,
    Handled, Head, Outcome, Target,
};
pub use limiter::{StreamLimiter, response_too_large};
pub use limits::StreamLimits;
