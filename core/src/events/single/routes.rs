//! Which handler answers a single event.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;

use super::appsync::AppSyncField;
use super::authorizer::is_of_appsync;
use super::cloudformation::is_of_cloudformation;
use super::cognito::CognitoTrigger;
use super::{SingleEvent, SingleSource};
use crate::document::Value;
use crate::events::event::asks_authorizer;
use crate::routes::RouteTaken;

/// What a handler of single events is registered for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SingleRoute {
    /// Whether a request may pass.
    Authorizer,
    /// A trigger of a Cognito user pool.
    Cognito(CognitoTrigger),
    /// The value of a field.
    AppSync(AppSyncField),
    /// The values of a field of several parents.
    AppSyncBatch(AppSyncField),
    /// Changes of custom resources.
    CloudFormation,
}

impl SingleRoute {
    /// Returns who sends the events.
    #[must_use]
    pub const fn source(&self) -> SingleSource {
        match self {
            Self::Authorizer => SingleSource::Authorizer,
            Self::Cognito(_) => SingleSource::Cognito,
            Self::AppSync(_) | Self::AppSyncBatch(_) => SingleSource::AppSync,
            Self::CloudFormation => SingleSource::CloudFormation,
        }
    }

    /// Returns the method of applications that registers it.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        match self {
            Self::AppSyncBatch(_) => "appsync_batch",
            Self::Authorizer | Self::Cognito(_) | Self::AppSync(_) | Self::CloudFormation => {
                self.source().name()
            }
        }
    }

    /// Returns whether a name in it is blank, as a variable that is not set makes it. Such a route is
    /// for no event.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        match self {
            Self::AppSync(field) | Self::AppSyncBatch(field) => field.is_blank(),
            Self::Authorizer | Self::Cognito(_) | Self::CloudFormation => false,
        }
    }

    /// What the handler of an event is registered for; `None` when no known service sends it. A member
    /// that comes twice is not there: readers would differ in which one counts.
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
        let trigger = CognitoTrigger::of(object).map(Self::Cognito);
        trigger.or_else(|| AppSyncField::of(object).map(Self::AppSync))
    }
}

/// The arguments of the method that registers it, as code says them.
impl fmt::Display for SingleRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authorizer | Self::CloudFormation => Ok(()),
            Self::Cognito(trigger) => write!(f, "{trigger:?}"),
            Self::AppSync(field) | Self::AppSyncBatch(field) => {
                write!(f, "{:?}, {:?}", field.parent_type, field.name)
            }
        }
    }
}

/// Handlers of single events, each by what it is registered for.
#[derive(Clone, Debug)]
pub struct SingleRoutes<H> {
    routes: Vec<(SingleRoute, H)>,
}

impl<H> SingleRoutes<H> {
    /// Begins without routes.
    #[must_use]
    pub const fn new() -> Self {
        Self { routes: Vec::new() }
    }

    /// Registers a handler.
    ///
    /// # Errors
    ///
    /// [`RouteTaken`] for a blank name, and for what has a handler.
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

    /// Returns whether a handler of a source is registered.
    #[must_use]
    pub fn serves(&self, source: SingleSource) -> bool {
        self.routes.iter().any(|(route, _)| route.source() == source)
    }
}

impl<H> Default for SingleRoutes<H> {
    fn default() -> Self {
        Self::new()
    }
}
