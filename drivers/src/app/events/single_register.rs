//! Registering handlers of single events, on routers and applications.

use apptheory_core::events::{AnswerWriter, AppSyncField, SingleRoute, SingleSource};

use crate::app::kind::{self, cognito};
use crate::app::target::Target;
use crate::app::{App, Handler, Router};

macro_rules! single_events {
    ($($owner:ident)+) => {$(
        /// Single events, each with one result in the form of its service. Each kind has one
        /// handler: a second one is an [error](crate::app::BuildError::Event) of
        /// [`build`](App::build), and so is a blank name. Names are trimmed.
        impl<S: Send + Sync + 'static> $owner<S> {
            /// Decides whether a request is allowed, as the Lambda authorizer of a REST API (type
            /// `TOKEN` or `REQUEST`), an HTTP API (either payload format), a WebSocket API, or an
            /// AppSync GraphQL API. The function may serve the API, too: authorizer events never
            /// reach a route, and requests never reach the authorizer.
            ///
            /// The handler returns an
            /// [`AuthorizerPolicy`](apptheory_core::events::AuthorizerPolicy). For
            /// [`AppError::unauthorized`](apptheory_core::error::AppError::unauthorized) API
            /// Gateway responds with 401; for any other error, a panic or a timeout with 500. In
            /// all of these cases the request is refused.
            ///
            /// ```
            /// use apptheory::app::{App, Invocation};
            /// use apptheory::error::AppError;
            /// use apptheory::events::{AuthorizerRequest, AuthorizerPolicy};
            ///
            /// async fn check(asked: AuthorizerRequest) -> Result<AuthorizerPolicy, AppError> {
            ///     match asked.bearer_token() {
            ///         Some("7") => Ok(AuthorizerPolicy::allow("user-7").context("plan", "pro")),
            ///         Some(_) => Ok(AuthorizerPolicy::deny()),
            ///         None => Err(AppError::unauthorized()),
            ///     }
            /// }
            ///
            /// let app = App::new().authorizer(check).build()?;
            /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            /// let event = r#"{"type":"TOKEN","authorizationToken":"Bearer 7",
            ///     "methodArn":"arn:aws:execute-api:eu-west-1:111122223333:a1/prod/GET/orders"}"#;
            /// let answer = app.invoke(event, Invocation::default()).await?;
            /// assert!(answer.contains(r#""Effect":"Allow""#));
            /// # Ok::<(), apptheory::app::InvokeError>(())
            /// # }).unwrap();
            /// # Ok::<(), apptheory::app::BuildError>(())
            /// ```
            #[must_use]
            pub fn authorizer<A>(self, handler: impl Handler<A, S, kind::Authorization>) -> Self {
                let route = SingleRoute::Authorizer;
                let writer = const { AnswerWriter::of(SingleSource::Authorizer) };
                self.register(Target::Single(route, writer), handler)
            }

            /// Handles a trigger of a Cognito user pool. The handler may take a
            /// [`CognitoEvent`](apptheory_core::events::CognitoEvent) and returns the trigger's own
            /// result type, which is sent back inside the event.
            ///
            /// | Trigger | Result |
            /// |---|---|
            /// | [`PreSignUp`](cognito::PreSignUp) | [`SignUp`](apptheory_core::events::SignUp) |
            /// | [`PreTokenGeneration`](cognito::PreTokenGeneration) | [`TokenClaims`](apptheory_core::events::TokenClaims) |
            /// | [`CustomMessage`](cognito::CustomMessage) | [`CognitoMessage`](apptheory_core::events::CognitoMessage) |
            /// | [`DefineAuthChallenge`](cognito::DefineAuthChallenge) | [`NextChallenge`](apptheory_core::events::NextChallenge) |
            /// | [`CreateAuthChallenge`](cognito::CreateAuthChallenge) | [`Challenge`](apptheory_core::events::Challenge) |
            /// | [`VerifyAuthChallenge`](cognito::VerifyAuthChallenge) | [`ChallengeVerdict`](apptheory_core::events::ChallengeVerdict) |
            /// | [`UserMigration`](cognito::UserMigration) | [`MigratedUser`](apptheory_core::events::MigratedUser) |
            /// | all others | `()` |
            ///
            /// An error refuses what the user is about to do. Users see the message of client
            /// errors (4xx); other messages are masked.
            ///
            /// ```
            /// use apptheory::app::App;
            /// use apptheory::app::kind::cognito::PreSignUp;
            /// use apptheory::error::AppError;
            /// use apptheory::events::{CognitoEvent, SignUp};
            ///
            /// async fn sign_up(event: CognitoEvent) -> Result<SignUp, AppError> {
            ///     if event.request.attribute("email").ends_with("@example.com") {
            ///         Ok(SignUp { auto_confirm_user: true, ..SignUp::default() })
            ///     } else {
            ///         Err(AppError::bad_request("sign up with an address of example.com"))
            ///     }
            /// }
            ///
            /// let app = App::new().cognito(PreSignUp, sign_up).build()?;
            /// # Ok::<(), apptheory::app::BuildError>(())
            /// ```
            #[must_use]
            pub fn cognito<A, T: cognito::Trigger>(
                self,
                _: T,
                handler: impl Handler<A, S, T>,
            ) -> Self {
                let route = SingleRoute::Cognito(T::TRIGGER);
                let writer = const { AnswerWriter::of(SingleSource::Cognito) };
                self.register(Target::Single(route, writer), handler)
            }

            /// Resolves an AppSync field, as its direct Lambda resolver. The handler's return value
            /// is the field's value, as JSON. An error becomes a GraphQL error with the code as its
            /// type; the message is shown for client errors (4xx), and masked otherwise.
            ///
            /// The handler may take only the [`Arguments`](crate::app::events::Arguments), or the
            /// whole [`AppSyncRequest`](apptheory_core::events::AppSyncRequest).
            #[must_use]
            pub fn appsync<A>(
                self,
                parent_type: &str,
                field: &str,
                handler: impl Handler<A, S, kind::AppSync>,
            ) -> Self {
                let route = SingleRoute::AppSync(AppSyncField::new(parent_type, field));
                let writer = const { AnswerWriter::of(SingleSource::AppSync) };
                self.register(Target::Single(route, writer), handler)
            }

            /// Resolves an AppSync field for several parents at once, as a direct Lambda resolver
            /// with `maxBatchSize`. The handler takes a `Vec` of
            /// [`AppSyncRequest`](apptheory_core::events::AppSyncRequest), and returns as many
            /// values in the same order; any other number fails all of them.
            ///
            /// ```
            /// use apptheory::app::{App, Json};
            /// use apptheory::events::AppSyncRequest;
            ///
            /// async fn authors(asked: Vec<AppSyncRequest>) -> Json<Vec<serde_json::Value>> {
            ///     Json(asked.into_iter().map(|one| one.source["author"].clone()).collect())
            /// }
            ///
            /// let app = App::new().appsync_batch("Post", "author", authors).build()?;
            /// # Ok::<(), apptheory::app::BuildError>(())
            /// ```
            #[must_use]
            pub fn appsync_batch<A>(
                self,
                parent_type: &str,
                field: &str,
                handler: impl Handler<A, S, kind::AppSyncBatch>,
            ) -> Self {
                let route = SingleRoute::AppSyncBatch(AppSyncField::new(parent_type, field));
                let writer = const { AnswerWriter::of(SingleSource::AppSync) };
                self.register(Target::Single(route, writer), handler)
            }

            /// Serves an action group of Bedrock agents, with function details or an API schema.
            /// The handler may take an [`AgentRequest`](apptheory_core::events::AgentRequest), and
            /// returns an [`AgentAnswer`](apptheory_core::events::AgentAnswer). An error fails the
            /// invocation, and with it the agent's turn.
            ///
            /// ```
            /// use apptheory::app::App;
            /// use apptheory::events::{AgentAnswer, AgentRequest};
            ///
            /// async fn weather(asked: AgentRequest) -> AgentAnswer {
            ///     match asked.parameter("city") {
            ///         "" => AgentAnswer::text("which city is meant?").reprompt(),
            ///         city => AgentAnswer::text(format!("it is sunny in {city}")),
            ///     }
            /// }
            ///
            /// let app = App::new().bedrock_agent("weather", weather).build()?;
            /// # Ok::<(), apptheory::app::BuildError>(())
            /// ```
            #[must_use]
            pub fn bedrock_agent<A>(
                self,
                action_group: &str,
                handler: impl Handler<A, S, kind::Agent>,
            ) -> Self {
                let route = SingleRoute::BedrockAgent(action_group.trim().to_owned());
                let writer = const { AnswerWriter::of(SingleSource::BedrockAgent) };
                self.register(Target::Single(route, writer), handler)
            }

            /// Handles CodePipeline jobs. The handler may take a
            /// [`CodePipelineJob`](apptheory_core::events::CodePipelineJob), and reports the job's
            /// result itself: CodePipeline ignores what a function returns. A job that is never
            /// reported waits for its timeout, so report a failure before returning an error.
            #[must_use]
            pub fn codepipeline<A>(self, handler: impl Handler<A, S, kind::Job>) -> Self {
                let route = SingleRoute::CodePipeline;
                let writer = const { AnswerWriter::of(SingleSource::CodePipeline) };
                self.register(Target::Single(route, writer), handler)
            }

            /// Evaluates a custom AWS Config rule. The handler may take a
            /// [`ConfigEvaluation`](apptheory_core::events::ConfigEvaluation), and reports the
            /// result itself: AWS Config ignores what a function returns.
            #[must_use]
            pub fn config_rule<A>(
                self,
                rule: &str,
                handler: impl Handler<A, S, kind::ConfigRule>,
            ) -> Self {
                let route = SingleRoute::ConfigRule(rule.trim().to_owned());
                let writer = const { AnswerWriter::of(SingleSource::ConfigRule) };
                self.register(Target::Single(route, writer), handler)
            }

            /// Performs the steps of a secret rotation, one event per step. After an error Secrets
            /// Manager retries the step.
            ///
            /// ```
            /// use apptheory::app::App;
            /// use apptheory::error::AppError;
            /// use apptheory::events::{RotationStep, SecretRotation};
            ///
            /// async fn rotate(rotation: SecretRotation) -> Result<(), AppError> {
            ///     match rotation.step {
            ///         RotationStep::Create => println!("make {}", rotation.client_request_token),
            ///         RotationStep::Set | RotationStep::Test => println!("tell the database"),
            ///         RotationStep::Finish => println!("make it current"),
            ///     }
            ///     Ok(())
            /// }
            ///
            /// let app = App::new().secrets_rotation(rotate).build()?;
            /// # Ok::<(), apptheory::app::BuildError>(())
            /// ```
            #[must_use]
            pub fn secrets_rotation<A>(self, handler: impl Handler<A, S, kind::Rotation>) -> Self {
                let route = SingleRoute::SecretsRotation;
                let writer = const { AnswerWriter::of(SingleSource::SecretsRotation) };
                self.register(Target::Single(route, writer), handler)
            }

            /// Handles state changes of a CloudWatch alarm whose action invokes the function. The
            /// handler may take an [`AlarmEvent`](apptheory_core::events::AlarmEvent). Alarms that
            /// arrive through SNS or EventBridge are SNS notifications and EventBridge events.
            #[must_use]
            pub fn cloudwatch_alarm<A>(
                self,
                alarm: &str,
                handler: impl Handler<A, S, kind::Alarm>,
            ) -> Self {
                let route = SingleRoute::CloudWatchAlarm(alarm.trim().to_owned());
                let writer = const { AnswerWriter::of(SingleSource::CloudWatchAlarm) };
                self.register(Target::Single(route, writer), handler)
            }

            /// Handles S3 Batch Operations tasks. The handler may take an
            /// [`S3BatchTask`](apptheory_core::events::S3BatchTask), and returns an
            /// [`S3BatchResult`](apptheory_core::events::S3BatchResult). An error fails the
            /// invocation, and the task is retried.
            #[must_use]
            pub fn s3_batch<A>(self, handler: impl Handler<A, S, kind::Task>) -> Self {
                let route = SingleRoute::S3Batch;
                let writer = const { AnswerWriter::of(SingleSource::S3Batch) };
                self.register(Target::Single(route, writer), handler)
            }

            /// Serves a Lex bot (version 2) in the turns of an intent: during the dialog, and for
            /// its fulfillment. The handler may take a
            /// [`LexTurn`](apptheory_core::events::LexTurn), and returns a
            /// [`LexAnswer`](apptheory_core::events::LexAnswer). After an error the bot uses its
            /// configured failure response.
            ///
            /// ```
            /// use apptheory::app::App;
            /// use apptheory::events::{LexAnswer, LexSource, LexTurn};
            ///
            /// async fn order(turn: LexTurn) -> LexAnswer {
            ///     match (turn.invocation_source, turn.slot("Size")) {
            ///         (LexSource::FulfillmentCodeHook, size) => {
            ///             LexAnswer::fulfilled().say(format!("A {size} tea is on its way."))
            ///         }
            ///         (LexSource::DialogCodeHook, "huge") => {
            ///             LexAnswer::elicit_slot("Size").say("We have small and large cups.")
            ///         }
            ///         (LexSource::DialogCodeHook, _) => LexAnswer::delegate(),
            ///     }
            /// }
            ///
            /// let app = App::new().lex("OrderTea", order).build()?;
            /// # Ok::<(), apptheory::app::BuildError>(())
            /// ```
            #[must_use]
            pub fn lex<A>(self, intent: &str, handler: impl Handler<A, S, kind::Dialog>) -> Self {
                let route = SingleRoute::Lex(intent.trim().to_owned());
                let writer = const { AnswerWriter::of(SingleSource::Lex) };
                self.register(Target::Single(route, writer), handler)
            }

            /// Serves Amazon Connect flows that invoke the function. The handler may take a
            /// [`ContactEvent`](apptheory_core::events::ContactEvent), and returns a
            /// [`ContactAnswer`](apptheory_core::events::ContactAnswer), which the next blocks of
            /// the flow read. After an error the flow takes the error branch of its block.
            ///
            /// ```
            /// use apptheory::app::App;
            /// use apptheory::events::{ContactAnswer, ContactEvent};
            ///
            /// async fn greet(event: ContactEvent) -> ContactAnswer {
            ///     let tier = if event.parameter("customer") == "7" { "gold" } else { "new" };
            ///     ContactAnswer::new().text("tier", tier)
            /// }
            ///
            /// let app = App::new().connect(greet).build()?;
            /// # Ok::<(), apptheory::app::BuildError>(())
            /// ```
            #[must_use]
            pub fn connect<A>(self, handler: impl Handler<A, S, kind::ContactFlow>) -> Self {
                let route = SingleRoute::Connect;
                let writer = const { AnswerWriter::of(SingleSource::Connect) };
                self.register(Target::Single(route, writer), handler)
            }
        }
    )+};
}

single_events!(Router App);
