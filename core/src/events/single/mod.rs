//! Single events, which are neither requests nor records. Each is answered by one handler, in the
//! form that its service expects.
//!
//! ```
//! use apptheory_core::events::{LambdaEvent, AuthorizerPolicy, SingleRoute, SingleRoutes};
//!
//! let mut routes = SingleRoutes::new();
//! let knows = |token: &str| token == "Bearer 7";
//! assert!(routes.insert(SingleRoute::Authorizer, knows).is_ok());
//!
//! let event = r#"{"type":"TOKEN","authorizationToken":"Bearer 7",
//!     "methodArn":"arn:aws:execute-api:eu-west-1:111122223333:a1/prod/GET/orders"}"#;
//! let LambdaEvent::Single(event) = LambdaEvent::read(event)? else { panic!("a single event") };
//! let policy = match routes.find(&event).is_some_and(|knows| knows("Bearer 7")) {
//!     true => AuthorizerPolicy::allow("user-7"),
//!     false => AuthorizerPolicy::deny(),
//! };
//! let answer = event.answer(serde_json::to_value(policy)?)?;
//! assert_eq!(answer["principalId"], "user-7");
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod alarm;
mod answers;
mod appsync;
mod authorizer;
mod bedrock;
mod cloudformation;
mod code_pipeline;
mod cognito;
mod config_rule;
mod connect;
mod lex;
mod routes;
mod s3_batch;
mod secrets;
#[cfg(test)]
mod tests;
mod written;

use serde_json::Value as Json;

use super::raw::RawEvent;
use super::trigger::Trigger;
use crate::document::{Document, Value};
use crate::error::AppError;

pub use alarm::{AlarmData, AlarmEvent, AlarmState};
pub use answers::AnswerWriter;
pub use appsync::{AppSyncField, AppSyncHeaders, AppSyncInfo, AppSyncRequest};
pub use authorizer::{AuthorizerPolicy, AuthorizerRequest, AuthorizerSource};
pub use bedrock::{AgentAnswer, AgentParameter, AgentRequest};
pub use cloudformation::{CustomResource, Done, LeftBehind, ResourceChange, ResourceReply};
pub use code_pipeline::{
    ArtifactCredentials, CodePipelineArtifact, CodePipelineData, CodePipelineJob,
};
pub use cognito::{
    Challenge, ChallengeResult, ChallengeVerdict, CognitoCaller, CognitoEvent, CognitoGroups,
    CognitoMessage, CognitoRequest, CognitoTrigger, MigratedUser, NextChallenge, SignUp,
    TokenClaims,
};
pub use config_rule::ConfigEvaluation;
pub use connect::{Contact, ContactAnswer, ContactEndpoint, ContactEvent, ContactQueue};
pub use lex::{LexAnswer, LexBot, LexSource, LexTurn};
pub use routes::{SingleRoute, SingleRoutes};
pub use s3_batch::{S3BatchResult, S3BatchTask};
pub use secrets::{RotationStep, SecretRotation};

/// A service that sends single events.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum SingleSource {
    /// API Gateway or AppSync, for a Lambda authorizer.
    Authorizer,
    /// A Cognito user pool.
    Cognito,
    /// AppSync, for the value of a field from a direct resolver.
    AppSync,
    /// CloudFormation, for a change of a custom resource.
    CloudFormation,
    /// A Bedrock agent, for an action group.
    BedrockAgent,
    /// CodePipeline, for a job.
    CodePipeline,
    /// AWS Config, for an evaluation by a custom rule.
    ConfigRule,
    /// Secrets Manager, for a step of a secret's rotation.
    SecretsRotation,
    /// CloudWatch, for a state change of an alarm.
    CloudWatchAlarm,
    /// S3 Batch Operations, for a task.
    S3Batch,
    /// A Lex bot, version 2, for a turn of a conversation.
    Lex,
    /// An Amazon Connect flow, for a contact.
    Connect,
}

impl SingleSource {
    /// Returns the source's name, which is also its
    /// [`LambdaEvent::name`](super::LambdaEvent::name): `authorizer`, `cognito`, `appsync`,
    /// `cloudformation`, `bedrock_agent`, `codepipeline`, `config_rule`, `secrets_rotation`,
    /// `cloudwatch_alarm`, `s3_batch`, `lex` or `connect`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authorizer => "authorizer",
            Self::Cognito => "cognito",
            Self::AppSync => "appsync",
            Self::CloudFormation => "cloudformation",
            Self::BedrockAgent => "bedrock_agent",
            Self::CodePipeline => "codepipeline",
            Self::ConfigRule => "config_rule",
            Self::SecretsRotation => "secrets_rotation",
            Self::CloudWatchAlarm => "cloudwatch_alarm",
            Self::S3Batch => "s3_batch",
            Self::Lex => "lex",
            Self::Connect => "connect",
        }
    }

    /// Returns the trigger of these events.
    #[must_use]
    pub const fn trigger(self) -> Trigger {
        Trigger::Single(self)
    }

    /// Returns the members by which its events are recognized.
    pub(super) const fn recognized_by(self) -> &'static str {
        match self {
            Self::Authorizer => "`type` beside `methodArn` or `routeArn`",
            Self::Cognito => "`triggerSource`",
            Self::AppSync => "`info.fieldName`",
            Self::CloudFormation => "`RequestType`, `ResponseURL` and `StackId`",
            Self::BedrockAgent => "`agent` beside `actionGroup`",
            Self::CodePipeline => "`CodePipeline.job`",
            Self::ConfigRule => "`configRuleName` beside `invokingEvent`",
            Self::SecretsRotation => "`Step` beside `SecretId`",
            Self::CloudWatchAlarm => "`alarmArn` beside `alarmData`",
            Self::S3Batch => "`invocationSchemaVersion` beside `tasks`",
            Self::Lex => "`bot` beside `sessionState.intent`",
            Self::Connect => "`Details.ContactData`",
        }
    }

    /// Returns the sender of an event that is neither a request nor records.
    pub(super) fn of(event: Value<'_, '_>) -> Option<Self> {
        SingleRoute::of(event).map(|route| route.source())
    }

    /// Returns the error for the service, from a handler's error. If the service distinguishes
    /// errors by their text, uses its texts.
    #[must_use]
    pub fn failed(self, error: AppError) -> AppError {
        match self {
            Self::Authorizer => authorizer::failed(error),
            Self::Cognito
            | Self::AppSync
            | Self::CloudFormation
            | Self::BedrockAgent
            | Self::CodePipeline
            | Self::ConfigRule
            | Self::SecretsRotation
            | Self::CloudWatchAlarm
            | Self::S3Batch
            | Self::Lex
            | Self::Connect => error,
        }
    }
}

/// A single event, with its route.
#[derive(Clone, Debug)]
pub struct SingleEvent<'a> {
    route: SingleRoute,
    event: RawEvent<'a>,
}

impl<'a> SingleEvent<'a> {
    /// Reads a single event; returns the event unchanged if its service is unknown.
    pub(super) fn of(document: Document<'a>) -> Result<Self, RawEvent<'a>> {
        let route = SingleRoute::of(document.root());
        let event = RawEvent::of(document);
        match route {
            Some(route) => Ok(Self { route, event }),
            None => Err(event),
        }
    }

    /// Returns the sender.
    #[must_use]
    pub const fn source(&self) -> SingleSource {
        self.route.source()
    }

    /// Returns the route, by which the handler is registered.
    #[must_use]
    pub const fn route(&self) -> &SingleRoute {
        &self.route
    }

    /// Returns the original event.
    #[must_use]
    pub const fn raw(&self) -> &RawEvent<'a> {
        &self.event
    }

    /// Converts a handler's output (as JSON) to the response that the service expects; see
    /// [`AnswerWriter`] for the events of one service.
    ///
    /// # Errors
    ///
    /// A masked 500 if the service would not accept the output. Its cause says what is expected.
    pub fn answer(&self, output: Json) -> Result<Json, AppError> {
        AnswerWriter::of(self.source()).write(self, output)
    }
}

/// The service would not accept the output: a middleware responded in place of the handler, or the
/// handler's output breaks a rule of the service.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{service} would not accept the response: {why}")]
struct NotAccepted {
    service: &'static str,
    why: &'static str,
}

impl From<NotAccepted> for AppError {
    fn from(error: NotAccepted) -> Self {
        Self::internal().with_cause(error)
    }
}
