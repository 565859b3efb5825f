//! Events and responses in AWS's own form, as values of any type, such as those of the crate
//! `aws_lambda_events`.

use std::borrow::Cow;

use apptheory_core::error::AppError;
use apptheory_core::events::{AuthorizerPolicy, Done, S3BatchResult, TokenClaims};
use apptheory_core::json;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::kind::{self, RequestKind, cognito};
use super::subject::Subject;
use super::{Answer, Context, FromContext, IntoAnswer, Response};

/// Reads the event or record as AWS sends it, into a type of yours; as a return value, sends a
/// response in the form of the service. Use it for code that was written for the types of the crate
/// `aws_lambda_events`, of any version, or for members that no other extractor reads.
///
/// ```
/// use apptheory::app::{App, Raw};
/// use apptheory::testkit::{TestApp, events};
/// use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
/// use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
///
/// async fn show(Raw(request): Raw<ApiGatewayV2httpRequest>) -> Raw<ApiGatewayV2httpResponse> {
///     let mut response = ApiGatewayV2httpResponse::default();
///     response.status_code = 200;
///     response.body = request.request_context.http.source_ip.map(Into::into);
///     Raw(response)
/// }
///
/// async fn ship(Raw(message): Raw<SqsMessage>) {
///     println!("{} attributes", message.message_attributes.len());
/// }
///
/// let app = TestApp::new(|_| App::new().get("/", show).sqs("orders", ship));
/// app.get("/").send().assert_status(200);
/// app.sqs("orders", ["tea"]).assert_ok();
/// ```
///
/// | For | Reads | As a return value |
/// |---|---|---|
/// | a request or a message of a WebSocket | the event behind it | a Lambda response such as `ApiGatewayProxyResponse`: it is [parsed](apptheory_core::http::HttpResponse::read_answer), and sent in the form of the service that sent the event |
/// | a record | the record [as in its event](apptheory_core::events::EventInput::as_json) | – |
/// | a Firehose record | the same | a member of `records` ([`Transformed::of`](apptheory_core::events::Transformed::of)) |
/// | an authorizer | the event | a policy document or `isAuthorized` ([`AuthorizerPolicy::read_answer`]) |
/// | a Cognito trigger | the event | the event with its `response`; the rest of it is ignored |
/// | a CloudFormation custom resource | the event | a response ([`Done::read_answer`]), which is sent to CloudFormation |
/// | an S3 Batch Operations task | the event | results ([`S3BatchResult::read_answer`]) |
/// | an AppSync field, any event ([`on`](super::Router::on)), an SES mail | the event or record | its JSON |
///
/// To handle a batch as a whole, register [`on`](super::Router::on) and no handler for its records:
/// a handler from `Raw<SqsEvent>` to `Raw<SqsBatchResponse>` decides which records are retried. It
/// then has to observe deadlines, and the order of FIFO groups, itself.
///
/// Requests of [`local::Server`](crate::local::Server), of [`serve`](super::AppService::serve) and
/// of tower have no event: the response is a masked 500. Changes that middleware made to a request
/// are not in its event. An event that does not fit the type is a bug in the program: a masked 500,
/// and the log names the member. Types of `aws_lambda_events` require members that some services
/// and emulators leave out.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Raw<T>(pub T);

/// No event was kept for the request: it did not come from Lambda, or an extractor that reads `Raw`
/// does not set its own `KEEPS_EVENT`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "no event was kept for the request: it did not come from Lambda, or its extractor does not set `KEEPS_EVENT`"
)]
struct NoEvent;

impl<S, K, T: DeserializeOwned> FromContext<S, K> for Raw<T> {
    const KEEPS_EVENT: bool = true;

    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        let text: Cow<'_, str> = match context.subject() {
            Subject::Record { record, .. } => record.as_json(),
            Subject::Event { event, .. } => event.as_json().into(),
            Subject::Call { .. } => match &context.begun().event {
                Some(event) => event.as_str().into(),
                None => return Err(AppError::internal().with_cause(NoEvent)),
            },
        };
        let read = json::read(text.as_bytes());
        read.map(Self).map_err(|misread| AppError::internal().with_cause(misread))
    }
}

impl<T: Serialize> Raw<T> {
    fn to_json(&self) -> Result<Value, AppError> {
        serde_json::to_value(&self.0).map_err(|error| AppError::internal().with_cause(error))
    }
}

impl<K: RequestKind, T: Serialize> IntoAnswer<K> for Raw<T> {
    fn into_answer(self) -> Answer {
        Response::read_answer(self.to_json()?)
    }
}

impl<T: Serialize> IntoAnswer<kind::Authorization> for Raw<T> {
    fn into_answer(self) -> Answer {
        Response::json(200, &AuthorizerPolicy::read_answer(self.to_json()?)?)
    }
}

impl<T: Serialize> IntoAnswer<kind::CloudFormation> for Raw<T> {
    fn into_answer(self) -> Answer {
        Response::json(200, &Done::read_answer(self.to_json()?)?)
    }
}

impl<T: Serialize> IntoAnswer<kind::Task> for Raw<T> {
    fn into_answer(self) -> Answer {
        Response::json(200, &S3BatchResult::read_answer(self.to_json()?)?)
    }
}

/// Implements `IntoAnswer` for kinds whose service takes the type's JSON unchanged, or after a
/// conversion in the core.
macro_rules! as_it_is {
    ($($kind:ident)+) => {$(
        impl<T: Serialize> IntoAnswer<kind::$kind> for Raw<T> {
            fn into_answer(self) -> Answer {
                Response::json(200, &self.0)
            }
        }
    )+};
}

as_it_is!(Any AppSync AppSyncBatch DeliveryStream Mail);

/// A trigger's handler returned an event without a response.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the result for Cognito is not the event with its `response`")]
struct NoResponse;

/// Returns the `response` member of the event.
fn response_of(mut event: Value) -> Result<Value, AppError> {
    let response = event.get_mut("response").map(Value::take);
    response.ok_or_else(|| AppError::internal().with_cause(NoResponse))
}

macro_rules! triggers {
    ($($trigger:ident)+) => {$(
        impl<T: Serialize> IntoAnswer<cognito::$trigger> for Raw<T> {
            fn into_answer(self) -> Answer {
                Response::json(200, &response_of(self.to_json()?)?)
            }
        }
    )+};
}

triggers! {
    PreSignUp PostConfirmation PreAuthentication PostAuthentication CustomMessage DefineAuthChallenge
    CreateAuthChallenge VerifyAuthChallenge UserMigration CustomSmsSender CustomEmailSender
}

impl<T: Serialize> IntoAnswer<cognito::PreTokenGeneration> for Raw<T> {
    fn into_answer(self) -> Answer {
        let claims = TokenClaims::read_answer(response_of(self.to_json()?)?)?;
        Response::json(200, &claims)
    }
}
