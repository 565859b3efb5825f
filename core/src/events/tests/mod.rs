//! What events say, as their readers read them.

mod batch_event;
mod event;
