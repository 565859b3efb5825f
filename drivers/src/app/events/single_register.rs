//! Registering handlers of single events, on routers and applications alike.

use apptheory_core::events::{AppSyncField, SingleRoute};

use crate::app::kind::{self, cognito};
use crate::app::target::Target;
use crate::app::{App, Handler, Router};

macro_rules! single_events {
    ($($owner:ident)+) => {$(
        /// Single events, which one handler answers in the form that their service takes. Each has one
        /// handler: another one for the same is an [error](crate::app::BuildError::Event) of
        /// [`build`](App::build), and so is a blank name. Names are trimmed.
        impl<S: Send + Sync + 'static> $owner<S> {
            /// Answers whether a request may pass: as the Lambda authorizer of a REST API (of the type
            /// `TOKEN` or `REQUEST`), an HTTP API (with either payload format), a WebSocket API, or a
            /// GraphQL API of AppSync. The function may serve the API, too: what asks its authorizer
            /// reaches no route, and requests do not reach the authorizer.
            ///
            /// The handler answers a [`Policy`](apptheory_core::events::Policy). To
            /// [`AppError::unauthorized`](apptheory_core::error::AppError::unauthorized) API Gateway
            /// answers 401, and to any other error, to a panic and where the time is up, 500: the
            /// request does not pass.
            ///
            /// ```
            /// use apptheory::app::{App, Invocation};
            /// use apptheory::error::AppError;
            /// use apptheory::events::{AuthorizerRequest, Policy};
            ///
            /// async fn check(asked: AuthorizerRequest) -> Result<Policy, AppError> {
            ///     match asked.bearer_token() {
            ///         Some("7") => Ok(Policy::allow("user-7").context("plan", "pro")),
            ///         Some(_) => Ok(Policy::deny()),
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
            pub fn authorizer<A>(
                mut self,
                handler: impl Handler<A, S, kind::Authorizer>,
            ) -> Self {
                let target = Target::Single(SingleRoute::Authorizer);
                self.router().add(target, handler.into_layered());
                self
            }

            /// Answers a trigger of a Cognito user pool. The handler may take a
            /// [`CognitoEvent`](apptheory_core::events::CognitoEvent); what it answers is the trigger's
            /// own, and comes to the user pool in the event itself.
            ///
            /// | Trigger | The handler answers |
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
            /// An error refuses what the user is about to do. Users see the message of a client's error
            /// (4xx), and any other masked.
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
                mut self,
                _: T,
                handler: impl Handler<A, S, T>,
            ) -> Self {
                let target = Target::Single(SingleRoute::Cognito(T::TRIGGER));
                self.router().add(target, handler.into_layered());
                self
            }

            /// Answers AppSync the value of a field, as its direct Lambda resolver. What the handler
            /// returns is the value, as JSON. An error is one of GraphQL: its code is the type, and of a
            /// client's error (4xx) the message is shown; any other is masked.
            ///
            /// The handler may take the [`Arguments`](crate::app::events::Arguments) alone, or all of an
            /// [`AppSyncRequest`](apptheory_core::events::AppSyncRequest).
            #[must_use]
            pub fn appsync<A>(
                mut self,
                parent_type: &str,
                field: &str,
                handler: impl Handler<A, S, kind::AppSync>,
            ) -> Self {
                let route = SingleRoute::AppSync(AppSyncField::new(parent_type, field));
                self.router().add(Target::Single(route), handler.into_layered());
                self
            }

            /// Answers AppSync the values of a field of several parents at once, as a direct Lambda
            /// resolver whose `maxBatchSize` is set. The handler takes a `Vec` of
            /// [`AppSyncRequest`](apptheory_core::events::AppSyncRequest), and answers as many values, in
            /// their order: any other number fails all of them.
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
                mut self,
                parent_type: &str,
                field: &str,
                handler: impl Handler<A, S, kind::AppSyncBatch>,
            ) -> Self {
                let route = SingleRoute::AppSyncBatch(AppSyncField::new(parent_type, field));
                self.router().add(Target::Single(route), handler.into_layered());
                self
            }

            /// Answers Bedrock agents for an action group, whether that has function details or an API
            /// schema. The handler may take an
            /// [`AgentRequest`](apptheory_core::events::AgentRequest), and answers an
            /// [`AgentAnswer`](apptheory_core::events::AgentAnswer). An error fails the invocation, and
            /// with it the agent's turn.
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
                mut self,
                action_group: &str,
                handler: impl Handler<A, S, kind::Agent>,
            ) -> Self {
                let route = SingleRoute::BedrockAgent(action_group.trim().to_owned());
                self.router().add(Target::Single(route), handler.into_layered());
                self
            }

            /// Works on the jobs of CodePipeline. The handler may take a
            /// [`CodePipelineJob`](apptheory_core::events::CodePipelineJob), whose result it reports
            /// itself: CodePipeline reads no answer. A job that nobody reports waits for its time-out,
            /// so report a failure before an error is returned.
            #[must_use]
            pub fn codepipeline<A>(
                mut self,
                handler: impl Handler<A, S, kind::Job>,
            ) -> Self {
                let route = SingleRoute::CodePipeline;
                self.router().add(Target::Single(route), handler.into_layered());
                self
            }

            /// Evaluates a custom rule of AWS Config. The handler may take a
            /// [`ConfigEvaluation`](apptheory_core::events::ConfigEvaluation), which it reports itself:
            /// AWS Config reads no answer.
            #[must_use]
            pub fn config_rule<A>(
                mut self,
                rule: &str,
                handler: impl Handler<A, S, kind::ConfigRule>,
            ) -> Self {
                let route = SingleRoute::ConfigRule(rule.trim().to_owned());
                self.router().add(Target::Single(route), handler.into_layered());
                self
            }

            /// Does the steps of the rotation of a secret, each of which comes in an event of its own. An
            /// error has Secrets Manager try the step again.
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
            pub fn secrets_rotation<A>(
                mut self,
                handler: impl Handler<A, S, kind::Rotation>,
            ) -> Self {
                let route = SingleRoute::SecretsRotation;
                self.router().add(Target::Single(route), handler.into_layered());
                self
            }

            /// Handles the changes of the state of a CloudWatch alarm that invokes the function as its
            /// action. The handler may take an
            /// [`AlarmEvent`](apptheory_core::events::AlarmEvent). Alarms that come by way of SNS or
            /// EventBridge are notifications and events of these.
            #[must_use]
            pub fn cloudwatch_alarm<A>(
                mut self,
                alarm: &str,
                handler: impl Handler<A, S, kind::Alarm>,
            ) -> Self {
                let route = SingleRoute::CloudWatchAlarm(alarm.trim().to_owned());
                self.router().add(Target::Single(route), handler.into_layered());
                self
            }

            /// Works on the tasks of S3 Batch Operations. The handler may take an
            /// [`S3BatchTask`](apptheory_core::events::S3BatchTask), and answers an
            /// [`S3BatchResult`](apptheory_core::events::S3BatchResult). An error fails the invocation,
            /// and the task is tried again.
            #[must_use]
            pub fn s3_batch<A>(
                mut self,
                handler: impl Handler<A, S, kind::Task>,
            ) -> Self {
                let route = SingleRoute::S3Batch;
                self.router().add(Target::Single(route), handler.into_layered());
                self
            }

            /// Answers a bot of Lex (version 2) in the turns about an intent: within the dialog, and when
            /// the intent is to be fulfilled. The handler may take a
            /// [`LexTurn`](apptheory_core::events::LexTurn), and answers a
            /// [`LexAnswer`](apptheory_core::events::LexAnswer). An error fails the invocation, and the
            /// bot says what it is set up to say then.
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
            pub fn lex<A>(
                mut self,
                intent: &str,
                handler: impl Handler<A, S, kind::Dialog>,
            ) -> Self {
                let route = SingleRoute::Lex(intent.trim().to_owned());
                self.router().add(Target::Single(route), handler.into_layered());
                self
            }

            /// Answers the flows of Amazon Connect that invoke the function. The handler may take a
            /// [`ContactEvent`](apptheory_core::events::ContactEvent), and answers a
            /// [`ContactAnswer`](apptheory_core::events::ContactAnswer), which the flow's next blocks
            /// read. After an error the flow goes on at the error branch of its block.
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
            pub fn connect<A>(
                mut self,
                handler: impl Handler<A, S, kind::ContactFlow>,
            ) -> Self {
                let route = SingleRoute::Connect;
                self.router().add(Target::Single(route), handler.into_layered());
                self
            }
        }
    )+};
}

single_events!(Router App);
