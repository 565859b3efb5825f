//! The rate limiter as a tower layer, for axum, lambda_http and whatever else speaks [`http`].
//!
//! This module decides which counter a request belongs to, and how a decision looks on its response.
//! It decides nothing about limits, and refuses to know how a request was authenticated or where it
//! came from: the host vouches for that with request extensions, [`Identity`] and [`ClientIp`].
//!
//! | The limiter says | The client gets | The response's extensions hold |
//! |---|---|---|
//! | allowed | the service's response, with the headers | [`Decision`] |
//! | allowed without a count (fails open) | the service's response, with `x-rate-limit-fail-open: true` alone | [`Decision`] |
//! | denied | 429 with the headers and `retry-after` | [`Decision`] |
//! | no answer (fails closed) | 503 `app.overloaded`, `x-rate-limit-fail-closed: true`, `retry-after: 1` | [`LimiterError`] |
//! | – (the request has no valid key) | 500 `app.internal` | [`KeyError`] |
//!
//! Handlers find the [`Decision`] in the request's extensions. Where layers are nested, the headers
//! and the decision that are seen are those of the innermost. A layer cannot see the others: give
//! the limiter of each a name with [`LimiterBuilder::named`], so that they do not count in the same
//! items.
//!
//! The response's body is any type that can be made from a [`String`], such as axum's, lambda_http's
//! or `http_body_util::Full`.
//!
//! ```
//! use core::time::Duration;
//!
//! use apptheory::clock::SystemClock;
//! use apptheory::memory::MemoryStore;
//! use apptheory::rate_limiter::RateLimiter;
//! use apptheory::tower::{RateLimitLayer, RequestKey};
//! use apptheory_core::limiter::{FixedWindow, Limiter};
//! use axum::{Router, body::Body, http::Request, routing::get};
//! use tower::ServiceExt as _;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let limiter = Limiter::fail_closed(FixedWindow::new(Duration::from_secs(3_600), 1)?).build();
//! let store = MemoryStore::new(SystemClock).with_table(limiter.table());
//!
//! let limit = RateLimitLayer::new(RateLimiter::new(limiter, store))
//!     .with_key(RequestKey::new().or_anonymous());
//! let app = Router::new().route("/orders", get(|| async { "none yet" })).layer(limit);
//!
//! let get = || Request::get("/orders").body(Body::empty());
//! assert_eq!(app.clone().oneshot(get()?).await?.headers()["x-ratelimit-remaining"], "0");
//! assert_eq!(app.oneshot(get()?).await?.status(), 429);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! An app that is served on its own limits by its peers' addresses, and by route:
//!
//! ```
//! use std::net::SocketAddr;
//!
//! use apptheory::tower::RequestKey;
//! use axum::extract::{ConnectInfo, MatchedPath};
//!
//! let key = RequestKey::new()
//!     .with_client_ip(|parts| Some(parts.extensions.get::<ConnectInfo<SocketAddr>>()?.ip()))
//!     .with_route(|parts| Some(parts.extensions.get::<MatchedPath>()?.as_str().to_owned()));
//! ```
//!
//! Under lambda_http, `lambda_http::run(limit.layer(service_fn(handler)))` does the same; `limit`
//! looks for the client's address in the event's request context.
//!
//! [`Decision`]: apptheory_core::limiter::Decision
//! [`LimiterBuilder::named`]: apptheory_core::limiter::LimiterBuilder::named
//! [`KeyError`]: apptheory_core::limiter::KeyError
//! [`LimiterError`]: apptheory_core::limiter::LimiterError

mod forwarded;
mod key;
mod layer;
mod response;
mod service;

pub use forwarded::forwarded_for;
pub use key::{ClientIp, ExtractKey, Identity, RequestKey, RoutePattern};
pub use layer::RateLimitLayer;
pub use response::DenialBody;
pub use service::RateLimit;
