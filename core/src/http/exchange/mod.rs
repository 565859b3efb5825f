//! From a request, or a message of a WebSocket, to its response: the order in which an application's
//! rules apply.
//!
//! This module decides what is answered before any handler is called, what a handler's answer
//! becomes, and what is recorded. It refuses to know how policies decide, how callers are
//! authenticated and what handlers do: an [`HttpExchange`] asks its host, and is answered.
//!
//! ```
//! use apptheory_core::http::exchange::{Access, Arrival, ExchangeRequest, HttpService, HttpSettings};
//! use apptheory_core::http::{RawRequest, HttpResponse};
//! use apptheory_core::machine::{Machine, Step};
//! use apptheory_core::time::Timestamp;
//!
//! let mut service = HttpService::new(HttpSettings::default())?;
//! service.route("GET", "/users/{id}", Access::Public, "show a user")?;
//!
//! let arrival = Arrival { now: Timestamp::UNIX_EPOCH, remaining: None };
//! let exchange = service.exchange::<()>(RawRequest::new("GET", "/users/7"), arrival);
//! let Step::Ask(ExchangeRequest::NewRequestId(ask)) = exchange.start() else { panic!("an id") };
//! let Step::Ask(ExchangeRequest::CallHandler(ask)) = ask.answer("r-1".into()) else { panic!() };
//! assert_eq!((*ask.effect().handler, ask.effect().call.param("id")), ("show a user", Some("7")));
//!
//! let Step::Done(done) = ask.answer(Ok(HttpResponse::text(200, "Ada"))) else { panic!("done") };
//! assert_eq!(done.response.headers.first("x-request-id"), "r-1");
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod access;
mod answering;
mod call;
mod cors;
mod effects;
mod errors;
mod guarding;
mod machine;
mod observation;
mod policy;
mod service;
mod settings;
mod setup_error;
#[cfg(test)]
mod tests;
mod timeouts;

pub use access::{Access, Principal};
pub use answering::Answering;
pub use call::{Arrival, Call};
pub use cors::Cors;
pub use effects::{Authenticate, CallHandler, DecidePolicy, ExchangeRequest, NewRequestId, Stages};
pub use errors::ErrorStyle;
pub use guarding::Guarding;
pub use machine::{Exchanged, HttpExchange, Report};
pub use observation::{Observation, StreamEnd};
pub use policy::{BlankPolicyCode, PolicyDecision};
pub use service::{Endpoint, HttpService};
pub use settings::{HttpSettings, Limits, Pipeline, PolicyStage, TenantSource};
pub use setup_error::SetupError;
pub use timeouts::Timeouts;
