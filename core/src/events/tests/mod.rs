//! Tests of the readers of events.

mod batch_event;
mod event;
