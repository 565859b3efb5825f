//! What most programs use: `use apptheory::prelude::*;`.
//!
//! Besides this crate's own it has `StatusCode` of the crate `http`, [`json!`] of `serde_json`,
//! [`Duration`], and of `futures-util` the module [`stream`] with the traits of streams.

pub use core::time::Duration;

pub use futures_util::stream::{self, Stream, StreamExt, TryStreamExt};
pub use http::StatusCode;
pub use serde_json::json;

pub use crate::FromRef;
pub use crate::Store;
pub use crate::app::{
    Answer, App, AppService, Body, BodyStream, BuildError, Context, Extension, FromContext,
    Handler, Headers, Html, IntoAnswer, Json, Middleware, Next, Path, Query, RateLimit, Response,
    Router, Sse, State, Timeout, WebSocket,
};
pub use crate::clock::Clock;
pub use crate::error::AppError;
pub use crate::eventbus::{Event, EventBus};
pub use crate::idempotency::Idempotent;
pub use crate::stream::sse::SseEvent;
