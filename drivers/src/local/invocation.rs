//! Lambda's Invoke API, as `aws lambda invoke --endpoint-url` uses it.

use apptheory_core::error::AppError;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Response};
use http_body_util::Full;
use serde_json::json;

use crate::app::{AppService, Invocation};

/// Returns whether a request invokes the function: `POST /2015-03-31/functions/{name}/invocations`
/// (*AWS Lambda API Reference*, Invoke). The application is the only function, under any name.
pub(super) fn is_invocation(parts: &Parts) -> bool {
    let rest = parts.uri.path().strip_prefix("/2015-03-31/functions/");
    let name = rest.and_then(|rest| rest.strip_suffix("/invocations"));
    parts.method == Method::POST && name.is_some_and(|name| !name.is_empty() && !name.contains('/'))
}

/// Invokes the application with an event. As on Lambda, a failure is marked by a header.
pub(super) async fn invoke(
    app: &AppService,
    event: &[u8],
) -> Result<Response<Full<Bytes>>, AppError> {
    let event = core::str::from_utf8(event).map_err(|_| AppError::bad_request("invalid UTF-8"))?;
    let request_id = app.new_id();
    let invocation = Invocation { request_id: request_id.clone(), ..Invocation::default() };
    let (answer, has_failed) = match app.invoke(event, invocation).await {
        Ok(answer) => (answer, false),
        Err(error) => {
            let (error_type, message) = (error.error_type(), error.message());
            (json!({"errorType": error_type, "errorMessage": message}).to_string(), true)
        }
    };
    let mut response = Response::new(Full::from(answer));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.extend(HeaderValue::try_from(request_id).ok().map(|id| (REQUEST_ID, id)));
    if has_failed {
        headers.insert(FUNCTION_ERROR, HeaderValue::from_static("Unhandled"));
    }
    Ok(response)
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const FUNCTION_ERROR: HeaderName = HeaderName::from_static("x-amz-function-error");
