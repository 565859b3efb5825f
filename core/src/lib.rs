//! The pure core of AppTheory: decisions as values, side effects as descriptions.
//!
//! This crate performs no I/O and reads neither a clock, nor random numbers, nor the environment.
//! Time, ids, randomness and environment look-ups are arguments. A side effect is an
//! [`Effect`](machine::Effect) value that the caller carries out and answers.
//!
//! Every item has the smallest of three shapes that fits:
//!
//! * a **function** `fn(…, now) -> Result<T, E>`: window arithmetic, key builders, headers;
//! * a **machine** ([`machine::Machine`]): a workflow that waits for one effect at a time, such as
//!   [`limiter::CheckAndIncrement`];
//! * a **transducer**: accepts inputs in any order and returns an output for each, such as
//!   [`stream::FrameMachine`].
//!
//! ```
//! use core::time::Duration;
//!
//! use apptheory_core::limiter::{Attempt, FixedWindow, Limiter, RateLimitKey, Recall};
//! use apptheory_core::machine::{Machine, Step};
//! use apptheory_core::store::StoreRequest;
//! use apptheory_core::time::Timestamp;
//!
//! let limiter = Limiter::fail_closed(FixedWindow::new(Duration::from_secs(60), 100)?).build();
//! let key = RateLimitKey::new("tenant-7", "/orders", "POST")?;
//! let attempt = Attempt::new(key, Timestamp::from_unix_seconds(1_767_225_630));
//!
//! // One conditional update decides; the host carries it out by any means.
//! let machine = limiter.check_and_increment(attempt, &Recall::default());
//! let Step::Ask(StoreRequest::UpdateItem(ask)) = machine.start() else { panic!("one update") };
//! assert_eq!(ask.effect().table.as_ref(), "rate-limits");
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
#![no_std]
#![warn(
    clippy::alloc_instead_of_core,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core
)]

extern crate alloc;

mod ascii;
pub mod backoff;
mod base64_text;
pub mod contract;
mod decimal;
mod document;
pub mod duration;
pub mod error;
pub mod eventbus;
pub mod events;
pub mod gateway;
mod gzip;
mod hex;
pub mod http;
pub mod idempotency;
pub mod identity;
pub mod invocation_time;
pub mod json;
mod key_part;
pub mod kinesis;
pub mod limiter;
pub mod local;
pub mod machine;
pub mod naming;
pub mod observe;
pub mod percent;
mod printing;
pub mod registry;
mod routes;
pub mod run;
pub mod sanitize;
mod service_error;
pub mod size;
pub mod step_functions;
pub mod store;
pub mod stream;
pub mod time;
pub mod utf8;
pub mod validation;
