//! Allocations of a streamed response, counted for each thread by its global allocator.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use allocation_counter::measure;
use apptheory::apptheory_core::stream::sse::{SseEvent, SseFramer};
use apptheory::apptheory_core::stream::{
    FrameConfig, FrameInput, FrameMachine, Head, StreamLimiter, Target,
};
use apptheory::apptheory_core::time::Timestamp;

/// A chunk is moved, never copied.
#[test]
fn a_chunk_on_its_way_through_the_frames_allocates_nothing() {
    let mut machine = FrameMachine::new(FrameConfig::new(Target::FunctionUrl));
    let mut effects = Vec::with_capacity(8);
    machine.handle(FrameInput::begin(Head::new(200), true), &mut effects).unwrap();
    machine.handle(FrameInput::Chunk(vec![0; 16 << 10]), &mut effects).unwrap();
    for _ in 0..3 {
        let chunk = vec![0; 16 << 10];
        effects.clear();
        let counted = measure(|| {
            machine.handle(FrameInput::Chunk(chunk), &mut effects).unwrap();
        });
        assert_eq!((counted.count_total, effects.len()), (0, 1));
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
