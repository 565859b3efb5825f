//! Tests of applications, from the view of authors and clients.

mod after;
#[cfg(feature = "testkit")]
mod answers;
mod any;
mod around;
mod authorizers;
#[cfg(feature = "testkit")]
mod callers;
mod deadlines;
#[cfg(feature = "testkit")]
mod extractors;
mod handlers;
mod limits;
mod measures;
mod printing;
#[cfg(feature = "testkit")]
mod raw;
#[cfg(feature = "testkit")]
mod records;
mod returned;
mod routers;
#[cfg(feature = "testkit")]
mod sources;
mod streams;
#[cfg(feature = "validation")]
mod validation;

use apptheory_core::http::RawRequest;
use apptheory_core::time::Timestamp;

use super::{App, AppService, Invocation, Response};
use crate::clock::VirtualClock;
use crate::ids::SequentialIds;

fn clock() -> VirtualClock {
    VirtualClock::new(Timestamp::UNIX_EPOCH)
}

fn builder(clock: &VirtualClock) -> App {
    App::new().clock(clock.clone()).ids(SequentialIds::default())
}

fn get(path: &str) -> RawRequest<'static> {
    RawRequest::new("GET", path)
}

fn serve(app: &AppService, clock: &VirtualClock, request: RawRequest<'_>) -> Response {
    clock.run(app.serve(request, Invocation::default()))
}

fn text(response: &Response) -> &str {
    core::str::from_utf8(&response.body).expect("text")
}
