//! Answers to single events, in the form that each service expects.

use core::fmt;

use serde_json::Value as Json;

use super::{
    SingleEvent, SingleRoute, SingleSource, appsync, authorizer, bedrock, cloudformation, cognito,
    connect, lex, s3_batch,
};
use crate::error::AppError;

/// Writes answers to the events of one service.
///
/// Make writers in constants: then a program contains the code of only the services that it
/// answers.
///
/// ```
/// use apptheory_core::events::{AnswerWriter, LambdaEvent, AuthorizerPolicy, SingleSource};
///
/// const AUTHORIZERS: AnswerWriter = AnswerWriter::of(SingleSource::Authorizer);
///
/// let event = r#"{"type":"TOKEN","authorizationToken":"Bearer 7",
///     "methodArn":"arn:aws:execute-api:eu-west-1:111122223333:a1/prod/GET/orders"}"#;
/// let LambdaEvent::Single(event) = LambdaEvent::read(event)? else { panic!("a single event") };
/// let answer = AUTHORIZERS.write(&event, serde_json::to_value(AuthorizerPolicy::deny())?)?;
/// assert_eq!(answer["policyDocument"]["Statement"][0]["Effect"], "Deny");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct AnswerWriter {
    source: SingleSource,
    write: fn(&SingleEvent<'_>, Json) -> Result<Json, AppError>,
}

impl AnswerWriter {
    /// Creates the writer of answers to a service.
    #[must_use]
    pub const fn of(source: SingleSource) -> Self {
        let write: fn(&SingleEvent<'_>, Json) -> Result<Json, AppError> = match source {
            SingleSource::Authorizer => |event, output| authorizer::answer(event.raw(), output),
            SingleSource::Cognito => |event, output| {
                let SingleRoute::Cognito(trigger) = event.route() else { return Ok(output) };
                cognito::answer(*trigger, event.raw(), output)
            },
            SingleSource::AppSync => |event, output| {
                let SingleRoute::AppSyncBatch(_) = event.route() else { return Ok(output) };
                Ok(appsync::answer_batch(event.raw(), output)?)
            },
            SingleSource::CloudFormation => {
                |event, output| cloudformation::answer(event.raw(), output)
            }
            SingleSource::BedrockAgent => |event, output| bedrock::answer(event.raw(), output),
            SingleSource::S3Batch => |event, output| s3_batch::answer(event.raw(), output),
            SingleSource::Lex => |event, output| lex::answer(event.raw(), output),
            SingleSource::Connect => |_, output| connect::answer(output),
            SingleSource::CodePipeline
            | SingleSource::ConfigRule
            | SingleSource::SecretsRotation
            | SingleSource::CloudWatchAlarm => |_, output| Ok(output),
        };
        Self { source, write }
    }

    /// Returns the service.
    #[must_use]
    pub const fn source(self) -> SingleSource {
        self.source
    }

    /// Converts a handler's output (as JSON) to the response that the service expects for an event
    /// of its own.
    ///
    /// # Errors
    ///
    /// A masked 500 if the service would not accept the output. Its cause says what is expected.
    pub fn write(self, event: &SingleEvent<'_>, output: Json) -> Result<Json, AppError> {
        (self.write)(event, output)
    }
}

impl fmt::Debug for AnswerWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnswerWriter").field(&self.source).finish()
    }
}
