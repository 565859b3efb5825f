//! What SDK errors mean, and which responses are retried.

use apptheory_core::gateway::{self, ConnectionOperation, ConnectionReply};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_apigatewaymanagement::config::http::HttpResponse;
use aws_sdk_apigatewaymanagement::config::interceptors::InterceptorContext;
use aws_sdk_apigatewaymanagement::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_apigatewaymanagement::error::SdkError;

use crate::sdk_error::find_source;

/// Returns the outcome of an SDK error. `read` parses the service's response.
pub(super) fn outcome_of<T, R>(
    operation: ConnectionOperation,
    error: SdkError<R>,
    read: impl FnOnce(&ConnectionReply) -> Result<T, gateway::Error>,
) -> Result<T, gateway::Error>
where
    R: core::error::Error + Send + Sync + 'static,
{
    let failed = |kind| gateway::Error::new(operation, kind);
    let lost = |how: &str| failed(gateway::ErrorKind::Transport).with_message(how);
    let outcome = match &error {
        SdkError::ServiceError(refusal) => read(&reply(refusal.raw())),
        SdkError::ResponseError(unreadable) => {
            let raw = unreadable.raw();
            let is_needed = operation == ConnectionOperation::GetConnection;
            // Without bytes it is lost: the SDK itself reads an empty one.
            match is_needed && raw.status().is_success() && raw.body().bytes().is_none() {
                true => Err(lost("unavailable")),
                false => read(&reply(raw)),
            }
        }
        SdkError::TimeoutError(_) => Err(lost("timeout")),
        SdkError::DispatchFailure(failure) => Err(match find_source::<CredentialsError>(&error) {
            // Without valid credentials, nothing was sent.
            Some(_) => failed(gateway::ErrorKind::MissingCredentials),
            None if failure.is_timeout() => lost("timeout"),
            None => lost("unavailable"),
        }),
        SdkError::ConstructionFailure(_) | _ => Err(lost("unavailable")),
    };
    outcome.map_err(|outcome| outcome.with_cause(error))
}

fn reply(raw: &HttpResponse) -> ConnectionReply {
    ConnectionReply {
        status: raw.status().as_u16(),
        error_type: raw.headers().get("x-amzn-errortype").unwrap_or_default().to_owned(),
        body: raw.body().bytes().unwrap_or_default().to_vec(),
    }
}

/// Retries every 429 and 5xx. The SDK itself recognizes some of them by their status, and others by
/// an error code that a proxy may leave out.
#[derive(Debug)]
pub(super) struct RetryByStatus;

impl ClassifyRetry for RetryByStatus {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.response().map(|response| response.status().as_u16()) {
            Some(429) => RetryAction::throttling_error(),
            Some(500..) => RetryAction::server_error(),
            Some(_) | None => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "status"
    }
}
