//! Exports what most programs use: `use apptheory::prelude::*;`.
//!
//! It also exports `StatusCode` of the crate `http`, [`json!`] of `serde_json`, [`Duration`], and
//! the module [`stream`] and the stream traits of `futures-util`.

pub use core::time::Duration;

pub use futures_util::stream::{self, Stream, StreamExt, TryStreamExt};
pub use http::StatusCode;
pub use serde_json::json;

#[cfg(feature = "validation")]
pub use crate::app::Valid;
pub use crate::app::events::{AnyEvent, Detail};
pub use crate::app::{
    Answer, App, AppService, Authorizer, Body, BodyStream, BuildError, Claims, ClientIp, Context,
    Extension, Form, FromContext, FromRef, Handler, Headers, Html, IntoAnswer, Invocation, Json,
    MatchedPath, Middleware, Next, Path, Query, RateLimit, RawQuery, Redirect, RequestContext,
    Response, Router, Scopes, Sse, StageVariables, State, Tenant, Timeout, WebSocket,
};
#[cfg(feature = "multipart")]
pub use crate::app::{Multipart, Part};
pub use crate::clock::Clock;
pub use crate::error::AppError;
pub use crate::eventbus::{Event, EventBus};
pub use crate::events::{Change, Rule, Shape};
pub use crate::http::Cookies;
pub use crate::http::exchange::Principal;
pub use crate::idempotency::Idempotent;
pub use crate::store::Store;
pub use crate::stream::sse::SseEvent;
pub use crate::websocket::{Connections, Room};
pub use apptheory_macros::FromRef;
