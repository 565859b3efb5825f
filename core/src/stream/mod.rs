//! Streamed responses: frames, limits and server-sent events.
//!
//! This module decides what is sent, in which order, and how a stream ends. It has no sockets,
//! clocks or producers: a driver passes the inputs, and carries the outputs out.
//!
//! ```
//! use apptheory_core::stream::{FrameConfig, FrameData, FrameInput, FrameMachine, Head, Target};
//!
//! let mut machine = FrameMachine::new(FrameConfig::new(Target::FunctionUrl));
//! let begun = machine.handle(FrameInput::begin(Head::new(200), true))?;
//! assert!(begun.open.is_none(), "nothing is sent before the first chunk is there");
//!
//! let chunk = b"hello";
//! let output = machine.handle(FrameInput::Chunk { len: chunk.len() })?;
//! let head = output.open.ok_or("a head")?;
//! let prelude = head.prelude(Target::FunctionUrl);
//! assert_eq!(prelude, br#"{"statusCode":200,"headers":{},"cookies":[]}"#);
//! assert_eq!(output.data, Some(FrameData::Given), "the chunk itself is written");
//!
//! let output = machine.handle(FrameInput::End)?;
//! assert!(output.outcome.is_some_and(|outcome| outcome.bytes == 5));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod collect;
mod frame;
mod limiter;
mod limits;
pub mod sse;

pub use collect::Collector;
pub use frame::{
    Cancel, EndReason, FrameConfig, FrameData, FrameEnd, FrameInput, FrameMachine, FrameMisuse,
    FrameOutcome, FrameOutput, FrameState, Head, Target,
};
pub use limiter::StreamLimiter;
pub use limits::StreamLimits;
