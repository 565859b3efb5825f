//! Routes single events to handlers.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::alarm::alarm_of;
use super::appsync::AppSyncField;
use super::authorizer::is_of_appsync;
use super::bedrock::group_of;
use super::cloudformation::is_of_cloudformation;
use super::code_pipeline::is_job;
use super::cognito::CognitoTrigger;
use super::config_rule::rule_of;
use super::connect::is_contact;
use super::lex::intent_of;
use super::s3_batch::is_task;
use super::secrets::is_rotation;
use super::{SingleEvent, SingleSource};
use crate::document::Value;
use crate::events::event::asks_authorizer;
use crate::routes::RouteTaken;

/// The route of a handler of single events.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SingleRoute {
    /// Lambda authorizers.
    Authorizer,
    /// A trigger of a Cognito user pool.
    Cognito(CognitoTrigger),
    /// The value of a field.
    AppSync(AppSyncField),
    /// The values of a field for several parents.
    AppSyncBatch(AppSyncField),
    /// Changes of custom resources.
    CloudFormation,
    /// An action group of Bedrock agents, by name.
    BedrockAgent(String),
    /// Jobs of CodePipeline.
    CodePipeline,
    /// A custom rule of AWS Config, by name.
    ConfigRule(String),
    /// Steps of secret rotations.
    SecretsRotation,
    /// An alarm, by name.
    CloudWatchAlarm(String),
    /// Tasks of S3 Batch Operations.
    S3Batch,
    /// Turns with an intent, by name.
    Lex(String),
    /// Contacts of Amazon Connect.
    Connect,
}

impl SingleRoute {
    /// Returns the service that sends these events.
    #[must_use]
    pub const fn source(&self) -> SingleSource {
        match self {
            Self::Authorizer => SingleSource::Authorizer,
            Self::Cognito(_) => SingleSource::Cognito,
            Self::AppSync(_) | Self::AppSyncBatch(_) => SingleSource::AppSync,
            Self::CloudFormation => SingleSource::CloudFormation,
            Self::BedrockAgent(_) => SingleSource::BedrockAgent,
            Self::CodePipeline => SingleSource::CodePipeline,
            Self::ConfigRule(_) => SingleSource::ConfigRule,
            Self::SecretsRotation => SingleSource::SecretsRotation,
            Self::CloudWatchAlarm(_) => SingleSource::CloudWatchAlarm,
            Self::S3Batch => SingleSource::S3Batch,
            Self::Lex(_) => SingleSource::Lex,
            Self::Connect => SingleSource::Connect,
        }
    }

    /// Returns the application's method that registers this route.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        match self {
            Self::AppSyncBatch(_) => "appsync_batch",
            Self::Authorizer
            | Self::Cognito(_)
            | Self::AppSync(_)
            | Self::CloudFormation
            | Self::BedrockAgent(_)
            | Self::CodePipeline
            | Self::ConfigRule(_)
            | Self::SecretsRotation
            | Self::CloudWatchAlarm(_)
            | Self::S3Batch
            | Self::Lex(_)
            | Self::Connect => self.source().name(),
        }
    }

    /// Returns whether a name in the route is blank, perhaps because of an unset variable. Such a
    /// route matches no event.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        match self {
            Self::AppSync(field) | Self::AppSyncBatch(field) => field.is_blank(),
            Self::BedrockAgent(name)
            | Self::ConfigRule(name)
            | Self::CloudWatchAlarm(name)
            | Self::Lex(name) => name.trim().is_empty(),
            Self::Authorizer
            | Self::Cognito(_)
            | Self::CloudFormation
            | Self::CodePipeline
            | Self::SecretsRotation
            | Self::S3Batch
            | Self::Connect => false,
        }
    }

    /// Returns the route of an event; `None` if its service is unknown. A member that occurs twice
    /// counts as missing, because readers differ in which one they use.
    pub(super) fn of(event: Value<'_, '_>) -> Option<Self> {
        let Ok(object) = event.object() else {
            return AppSyncField::of_batch(event).map(Self::AppSyncBatch);
        };
        if asks_authorizer(object) == Ok(true) || is_of_appsync(object) {
            return Some(Self::Authorizer);
        }
        if is_of_cloudformation(object) {
            return Some(Self::CloudFormation);
        }
        CognitoTrigger::of(object)
            .map(Self::Cognito)
            .or_else(|| AppSyncField::of(object).map(Self::AppSync))
            .or_else(|| group_of(object).map(Self::BedrockAgent))
            .or_else(|| is_job(object).then_some(Self::CodePipeline))
            .or_else(|| rule_of(object).map(Self::ConfigRule))
            .or_else(|| is_rotation(object).then_some(Self::SecretsRotation))
            .or_else(|| alarm_of(object).map(Self::CloudWatchAlarm))
            .or_else(|| is_task(object).then_some(Self::S3Batch))
            .or_else(|| intent_of(object).map(Self::Lex))
            .or_else(|| is_contact(object).then_some(Self::Connect))
    }
}

/// Writes the arguments of the registering method, as in code.
impl fmt::Display for SingleRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authorizer
            | Self::CloudFormation
            | Self::CodePipeline
            | Self::SecretsRotation
            | Self::S3Batch
            | Self::Connect => Ok(()),
            Self::BedrockAgent(name)
            | Self::ConfigRule(name)
            | Self::CloudWatchAlarm(name)
            | Self::Lex(name) => write!(f, "{name:?}"),
            Self::Cognito(trigger) => write!(f, "{trigger:?}"),
            Self::AppSync(field) | Self::AppSyncBatch(field) => {
                write!(f, "{:?}, {:?}", field.parent_type, field.name)
            }
        }
    }
}

/// Handlers of single events by route.
#[derive(Clone, Debug)]
pub struct SingleRoutes<H> {
    routes: Vec<(SingleRoute, H)>,
}

impl<H> SingleRoutes<H> {
    /// Creates an empty table.
    #[must_use]
    pub const fn new() -> Self {
        Self { routes: Vec::new() }
    }

    /// Registers a handler.
    ///
    /// # Errors
    ///
    /// [`RouteTaken`] for a blank name, and for a route that already has a handler.
    pub fn insert(&mut self, route: SingleRoute, handler: H) -> Result<(), RouteTaken> {
        if route.is_blank() {
            return Err(RouteTaken::Blank);
        }
        if self.routes.iter().any(|(known, _)| *known == route) {
            return Err(RouteTaken::By(route.to_string()));
        }
        self.routes.push((route, handler));
        Ok(())
    }

    /// Returns the handler of an event.
    #[must_use]
    pub fn find(&self, event: &SingleEvent<'_>) -> Option<&H> {
        let found = self.routes.iter().find(|(route, _)| route == event.route());
        found.map(|(_, handler)| handler)
    }
}

impl<H> Default for SingleRoutes<H> {
    fn default() -> Self {
        Self::new()
    }
}
