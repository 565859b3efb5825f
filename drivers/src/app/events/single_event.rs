//! Single events: their extractors, and results in the form of their services.

use std::sync::Arc;

use apptheory_core::error::AppError;
#[cfg(feature = "cloudformation")]
use apptheory_core::events::SingleSource;
use apptheory_core::events::{
    AgentAnswer, AgentRequest, AlarmEvent, AppSyncRequest, AuthorizerPolicy, AuthorizerRequest,
    Challenge, ChallengeVerdict, CodePipelineJob, CognitoEvent, CognitoMessage, ConfigEvaluation,
    ContactAnswer, ContactEvent, EventObservation, LexAnswer, LexTurn, MigratedUser, NextChallenge,
    S3BatchResult, S3BatchTask, SecretRotation, SignUp, SingleEvent, TokenClaims,
};
use apptheory_core::json;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{AnyEvent, NamedRoute};
use crate::app::invoke::InvokeError;
use crate::app::kind::{self, cognito};
use crate::app::subject::OfAnotherKind;
use crate::app::time::Begun;
use crate::app::{Answer, AppService, Context, FromContext, IntoAnswer, Json, Response};

impl AppService {
    /// Runs the handler of a single event.
    pub(in crate::app) async fn answer_single(
        &self,
        event: &SingleEvent<'_>,
        begun: Arc<Begun>,
    ) -> Result<String, InvokeError> {
        let Some((route, writer)) = self.inner.events.single.find(event) else {
            return Err(self.refuse_unrouted(event.raw(), &begun));
        };
        begun.span.record_route(&route.name);
        #[cfg(feature = "cloudformation")]
        if event.source() == SingleSource::CloudFormation {
            return self.answer_cloudformation(event, route, begun).await;
        }
        let NamedRoute { name, handler } = route;
        let source = event.source();
        let shared = self.share(begun, source.trigger());
        let guard = shared.cancel_on_drop();
        let observation =
            EventObservation::event(source.trigger(), name, &shared.delivery.request_id);
        let context = shared.event_context(AnyEvent::of(event.raw()));
        let handled = async { writer.write(event, self.output_of(handler, context).await?) };
        let fail = |error| InvokeError::Failed(source.failed(error));
        let answer = self.conclude_whole(Some(observation), handled, &shared, fail).await?;
        guard.disarm();
        Ok(json::to_text(&answer))
    }
}

impl<S> FromContext<S, kind::Authorization> for AuthorizerRequest {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        Self::read(single_event(context)?)
    }
}

impl<S, K: cognito::Trigger> FromContext<S, K> for CognitoEvent {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        Ok(json::read(single_event(context)?.as_bytes())?)
    }
}

macro_rules! cognito_answers {
    ($($trigger:ident: $answer:ty;)+) => {$(
        impl IntoAnswer<cognito::$trigger> for $answer {
            fn into_answer(self) -> Answer {
                Response::json(200, &self)
            }
        }
    )+};
}

// Handlers of triggers without a result return `()`: the event is sent back unchanged.
cognito_answers! {
    PreSignUp: SignUp;
    PostConfirmation: ();
    PreAuthentication: ();
    PostAuthentication: ();
    PreTokenGeneration: TokenClaims;
    CustomMessage: CognitoMessage;
    DefineAuthChallenge: NextChallenge;
    CreateAuthChallenge: Challenge;
    VerifyAuthChallenge: ChallengeVerdict;
    UserMigration: MigratedUser;
    CustomSmsSender: ();
    CustomEmailSender: ();
}

/// Implements extractors for events.
macro_rules! events {
    ($($kind:ident: $event:ty;)+) => {$(
        impl<S> FromContext<S, kind::$kind> for $event {
            fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
                Ok(json::read(single_event(context)?.as_bytes())?)
            }
        }
    )+};
}

events! {
    AppSync: AppSyncRequest;
    AppSyncBatch: Vec<AppSyncRequest>;
    Agent: AgentRequest;
    ConfigRule: ConfigEvaluation;
    Rotation: SecretRotation;
    Alarm: AlarmEvent;
    Dialog: LexTurn;
}

impl<S> FromContext<S, kind::Job> for CodePipelineJob {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        Ok(Self::read(single_event(context)?)?)
    }
}

impl<S> FromContext<S, kind::Task> for S3BatchTask {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        Self::read(single_event(context)?)
    }
}

impl<S> FromContext<S, kind::ContactFlow> for ContactEvent {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        Ok(Self::read(single_event(context)?)?)
    }
}

/// Implements results, which are converted into the form of their service after the handler.
macro_rules! answers {
    ($($kind:ident: $answer:ty;)+) => {$(
        impl IntoAnswer<kind::$kind> for $answer {
            fn into_answer(self) -> Answer {
                Response::json(200, &self)
            }
        }
    )+};
}

answers! {
    Authorization: AuthorizerPolicy;
    Agent: AgentAnswer;
    Task: S3BatchResult;
    Dialog: LexAnswer;
    ContactFlow: ContactAnswer;
}

/// Reads the arguments of an AppSync field into a type of yours. Arguments of another type fail,
/// with the member's path.
///
/// ```
/// use apptheory::app::events::Arguments;
/// use apptheory::app::{App, Json};
///
/// #[derive(serde::Deserialize)]
/// struct Find { id: String }
///
/// let find = async |Arguments(find): Arguments<Find>| Json(find.id);
/// let app = App::new().appsync("Query", "order", find).build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Arguments<T>(pub T);

#[derive(serde::Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct WithArguments<T> {
    arguments: T,
}

impl<S, T: DeserializeOwned> FromContext<S, kind::AppSync> for Arguments<T> {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        let read: WithArguments<T> = json::read(single_event(context)?.as_bytes())?;
        Ok(Self(read.arguments))
    }
}

/// One value for each of the parents.
impl<T: Serialize> IntoAnswer<kind::AppSyncBatch> for Json<Vec<T>> {
    fn into_answer(self) -> Answer {
        Response::json(200, &self.0)
    }
}

/// Returns the JSON text of the single event that the handler was called with.
pub(super) fn single_event(context: &Context) -> Result<&str, AppError> {
    let other = || AppError::internal().with_cause(OfAnotherKind);
    context.event().map(AnyEvent::as_json).ok_or_else(other)
}
