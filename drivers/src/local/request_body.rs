//! Request bodies: read in time, up to the size that a function would get.

use core::pin::pin;

use apptheory_core::error::{AppError, code};
use apptheory_core::http::{MultiMap, RequestError};
use apptheory_core::local::len_in_event;
use apptheory_core::stream::StreamLimits;
use futures_util::future::{Either, select};
use http::StatusCode;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};

use super::transport::READ_TIME;
use crate::app::AppService;
use crate::clock::Clock as _;

/// The largest body of a request, whatever the application's limit: 6 MB, as for an invocation on
/// Lambda (*AWS Lambda Developer Guide*, quotas). It is measured as in an event: text as a JSON
/// string, anything else in Base64, which leaves three quarters.
#[expect(clippy::cast_possible_truncation, reason = "6 MB fit in every usize that tokio runs on")]
pub const MAX_BODY_BYTES: usize = StreamLimits::MAX_BUFFERED_BYTES as usize;

/// Reads a body, until it is complete, too large, or late.
pub(super) async fn read(
    app: &AppService,
    headers: &MultiMap,
    body: Incoming,
) -> Result<Vec<u8>, AppError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > MAX_BODY_BYTES {
        return Err(RequestError::TooLarge.into());
    }
    if body.is_end_stream() {
        return Ok(Vec::new());
    }
    let whole = pin!(Limited::new(body, MAX_BODY_BYTES).collect());
    match select(whole, pin!(app.clock().sleep(READ_TIME))).await {
        Either::Left((Ok(body), _)) => {
            let body = Vec::from(body.to_bytes());
            let fits = len_in_event(headers, &body) <= MAX_BODY_BYTES;
            fits.then_some(body).ok_or_else(|| RequestError::TooLarge.into())
        }
        Either::Left((Err(error), _)) if error.is::<LengthLimitError>() => {
            Err(RequestError::TooLarge.into())
        }
        // The body is malformed, or its client is gone; a client that is still there gets the
        // response.
        Either::Left((Err(_), _)) => Err(AppError::bad_request("malformed body")),
        Either::Right(_) => {
            let error = AppError::new(code::TIMEOUT, "the body took longer than 60 s");
            Err(error.with_status(StatusCode::REQUEST_TIMEOUT.as_u16()))
        }
    }
}
