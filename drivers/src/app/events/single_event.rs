//! Single events: what handlers read of them, and their answers in the form that the services take.

use apptheory_core::error::AppError;
#[cfg(feature = "cloudformation")]
use apptheory_core::events::SingleSource;
use apptheory_core::events::{
    AgentAnswer, AgentRequest, AlarmEvent, AppSyncRequest, AuthorizerRequest, Challenge,
    ChallengeVerdict, CodePipelineJob, CognitoEvent, CognitoMessage, ConfigEvaluation,
    ContactAnswer, ContactEvent, EventObservation, LexAnswer, LexTurn, MigratedUser, NextChallenge,
    Policy, S3BatchResult, S3BatchTask, SecretRotation, SignUp, SingleEvent, TokenClaims,
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
    /// Has a single event answered by the handler that it is for.
    pub(in crate::app) async fn answer_single(
        &self,
        event: &SingleEvent<'_>,
        begun: Begun,
    ) -> Result<String, InvokeError> {
        let Some(route) = self.inner.events.single.find(event) else {
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
        let guard = shared.cancellation.clone().drop_guard();
        let observation =
            EventObservation::event(source.trigger(), name, &shared.delivery.request_id);
        let context = shared.event_context(AnyEvent::of(event.raw()));
        let handled = async { event.answer(self.output_of(handler, context).await?) };
        let fail = |error| InvokeError::Failed(source.failed(error));
        let answer = self.conclude_whole(Some(observation), handled, &shared, fail).await?;
        let _ = guard.disarm();
        Ok(json::to_text(&answer))
    }
}

impl<S> FromContext<S, kind::Authorizer> for AuthorizerRequest {
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

// Triggers that read nothing of an answer are answered `()`: the event as it came.
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

/// Events that are read as they are.
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

/// Answers that are put into the form of their service behind the handler.
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
    Authorizer: Policy;
    Agent: AgentAnswer;
    Task: S3BatchResult;
    Dialog: LexAnswer;
    ContactFlow: ContactAnswer;
}

/// The arguments of a field that AppSync asks for, as a value of a type. Arguments of another type
/// fail, and say where.
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

/// A value for each of the parents.
impl<T: Serialize> IntoAnswer<kind::AppSyncBatch> for Json<Vec<T>> {
    fn into_answer(self) -> Answer {
        Response::json(200, &self.0)
    }
}

/// The single event that a handler is called for, as it came.
pub(super) fn single_event(context: &Context) -> Result<&str, AppError> {
    let other = || AppError::internal().with_cause(OfAnotherKind);
    context.event().map(AnyEvent::as_json).ok_or_else(other)
}
