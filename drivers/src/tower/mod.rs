//! The rate limiter as a tower layer, for axum, `lambda_http` and other services on [`http`] types.
//!
//! Needs the feature `tower`.
//!
//! The layer identifies callers only by request extensions, which clients cannot set: [`Identity`]
//! and [`Tenant`] are set by the host's authentication, and [`ClientIp`] by its server.
//! Without any of them every request gets a 500, unless the layer trusts proxies or counts all
//! requests together.
//!
//! [`RequestLimit`](crate::limiter::RequestLimit) has the table of responses. The response's
//! extensions hold a [`Decision`], or the [`limiter::Error`] of a 500 or 503.
//!
//! Handlers find the [`Decision`] in the request's extensions. With nested layers, headers and
//! decision are those of the innermost. Layers do not know of each other: name each limiter with
//! [`LimiterBuilder::named`], so that they do not share counters.
//!
//! The response's body is any type that can be made from a [`String`], such as axum's,
//! `lambda_http`'s or `http_body_util::Full`.
//!
//! ```
//! use apptheory::Store;
//! use apptheory::tower::RateLimitLayer;
//! use axum::{Router, body::Body, http::Request, routing::get};
//! use tower::ServiceExt as _;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let limit = RateLimitLayer::per_hour(1).fail_closed().on(&Store::memory()).shared();
//! limit.check()?; // an error here for a limit that cannot work, instead of 500 for each request
//! let app = Router::new().route("/orders", get(|| async { "none yet" })).layer(limit);
//!
//! let get = || Request::get("/orders").body(Body::empty());
//! assert_eq!(app.clone().oneshot(get()?).await?.headers()["x-ratelimit-remaining"], "0");
//! assert_eq!(app.oneshot(get()?).await?.status(), 429);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! An app that is served directly limits by the addresses of its peers, and by route:
//!
//! ```
//! use std::net::SocketAddr;
//!
//! use apptheory::Store;
//! use apptheory::tower::RateLimitLayer;
//! use axum::extract::{ConnectInfo, MatchedPath};
//!
//! fn limit(store: &Store) -> RateLimitLayer {
//!     RateLimitLayer::per_minute(100)
//!         .fail_closed()
//!         .on(store)
//!         .with_client_ip(|parts| Some(parts.extensions.get::<ConnectInfo<SocketAddr>>()?.ip()))
//!         .with_route(|parts| Some(parts.extensions.get::<MatchedPath>()?.as_str().to_owned()))
//! }
//! ```
//!
//! Under `lambda_http`, use `lambda_http::run(limit.layer(service_fn(handler)))`, with a `limit`
//! that reads the client's address from the event's request context.
//!
//! [`Decision`]: apptheory_core::limiter::Decision
//! [`limiter::Error`]: apptheory_core::limiter::Error
//! [`LimiterBuilder::named`]: apptheory_core::limiter::LimiterBuilder::named

mod layer;
mod response;
mod service;

pub use crate::app::{ClientIp, Tenant};
pub use apptheory_core::limiter::http::DenialBody;
pub use layer::{Identity, RateLimitLayer, RoutePattern};
pub use service::RateLimitService;
