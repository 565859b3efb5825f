//! Allocations of a streamed response, counted for each thread by its global allocator.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use allocation_counter::measure;
use apptheory::stream::sse::{SseEvent, SseFramer};
use apptheory::stream::{
    FrameConfig, FrameData, FrameInput, FrameMachine, Head, StreamLimiter, Target,
};
use apptheory::time::Timestamp;

/// The machine never sees a chunk's bytes.
#[test]
fn a_chunk_on_its_way_through_the_frames_allocates_nothing() {
    let mut machine = FrameMachine::new(FrameConfig::new(Target::FunctionUrl));
    machine.handle(FrameInput::begin(Head::new(200), true)).unwrap();
    machine.handle(FrameInput::Chunk { len: 16 << 10 }).unwrap();
    for _ in 0..3 {
        let counted = measure(|| {
            let output = machine.handle(FrameInput::Chunk { len: 16 << 10 }).unwrap();
            assert_eq!(output.data, Some(FrameData::Given));
        });
        assert_eq!(counted.count_total, 0);
    }
    let counted = measure(|| assert!(StreamLimiter::new(None).admit(16 << 10)));
    assert_eq!(counted.count_total, 0);
}

#[test]
fn an_event_is_written_into_the_callers_buffer() {
    let now = Timestamp::UNIX_EPOCH;
    let event = SseEvent::new("two\nlines").with_id("1").with_event("message");
    let mut framer = SseFramer::new(SseFramer::KEEP_ALIVE, now);
    let mut out = Vec::with_capacity(256);
    for _ in 0..3 {
        out.clear();
        let counted = measure(|| framer.handle_event(&event, now, &mut out).unwrap());
        assert_eq!(counted.count_total, 0);
    }
    assert_eq!(out, b"id: 1\nevent: message\ndata: two\ndata: lines\n\n");
}
