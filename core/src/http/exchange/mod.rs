//! Exchanges a request, or a WebSocket message, for its response, by the rules of an application.
//!
//! This module applies the rules in order: what is answered before a handler is called, what
//! becomes of a handler's response, and what is recorded. It does not implement policies,
//! authentication or handlers: an [`HttpExchange`] asks its host for them.
//!
//! ```
//! use apptheory_core::http::exchange::{
//!     Access, Arrival, ExchangeRequest, HttpService, HttpSettings,
//! };
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
