//! AppTheory for AWS Lambda: everything that touches the world.
//!
//! The decisions are those of [`apptheory_core`]; this crate carries out the effects they ask for.
//! One feature per world: `memory` (default), `embedded`, `aws`, `aws_lambda_events`, `lambda`,
//! `tower`, `local`, `tracing`, `websocket`.

pub use apptheory_core;

pub mod app;
#[cfg(feature = "aws")]
pub mod aws;
pub mod clock;
#[cfg(feature = "embedded")]
pub mod embedded;
#[cfg(any(feature = "lambda", feature = "websocket"))]
mod env;
pub mod eventbus;
pub mod execute;
pub mod idempotency;
pub mod ids;
#[cfg(feature = "lambda")]
pub mod lambda;
pub mod layer;
#[cfg(feature = "local")]
pub mod local;
#[cfg(feature = "memory")]
pub mod memory;
pub mod rate_limit;
pub mod rate_limiter;
#[cfg(any(feature = "aws", feature = "websocket"))]
mod sdk_error;
#[cfg(feature = "tower")]
pub mod tower;
pub mod websocket;

/// The README's examples.
#[cfg(all(doctest, feature = "aws", feature = "lambda", feature = "memory", feature = "tower"))]
#[doc = include_str!("../../README.md")]
struct Readme;
