//! The rate limiter as a tower layer, for axum, lambda_http and all that speaks [`http`].
//!
//! This module shows requests to the limit, and writes a decision on a response. It decides nothing
//! about limits, and refuses to know how a request was authenticated or where it came from: the
//! host vouches for that with request extensions: [`Identity`] and [`Tenant`], which its
//! authentication sets, and [`ClientIp`], which the server of the connection sets. Without any of
//! them every request is answered with 500, unless the layer trusts proxies or counts all requests
//! together.
//!
//! What clients get is [`RequestLimit`](crate::limiter::RequestLimit)'s table; the response's
//! extensions hold a [`Decision`], or the [`limiter::Error`] of a 500 or 503.
//!
//! Handlers find the [`Decision`] in the request's extensions. Where layers are nested, the headers
//! and the decision that are seen are those of the innermost. A layer cannot see the others: give
//! the limiter of each a name with [`LimiterBuilder::named`], so that they do not count in the same
//! items.
//!
//! The response's body is any type that can be made from a [`String`], such as axum's,
//! lambda_http's or `http_body_util::Full`.
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
//! An app that is served on its own limits by its peers' addresses, and by route:
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
//! Under lambda_http, `lambda_http::run(limit.layer(service_fn(handler)))` does the same; `limit`
//! looks for the client's address in the event's request context.
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
