//! Events and answers in AWS's own form, as values of any types, such as those of the crate
//! `aws_lambda_events`.

use std::borrow::Cow;

use apptheory_core::error::AppError;
use apptheory_core::events::{Done, Policy, S3BatchResult, TokenClaims};
use apptheory_core::json;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::kind::{self, RequestKind, cognito};
use super::subject::Subject;
use super::{Answer, Context, FromContext, IntoAnswer, Response};

/// The event or record as AWS sends it, read as a type; returned from a handler, an answer in the form of the
/// service. Use it for code that was written for the types of the crate `aws_lambda_events`, of any version,
/// or for members that no other extractor reads.
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
/// | For | It reads | As an answer it is |
/// |---|---|---|
/// | a request or a message of a WebSocket | the event behind it | a response of a Lambda function, such as `ApiGatewayProxyResponse`: it is [read](apptheory_core::http::HttpResponse::read_answer), and written in the form of the service that sent the event |
/// | a record | the record [as its event has it](apptheory_core::events::EventInput::as_json) | – |
/// | a record of Firehose | the same | a member of `records` ([`Transformed::of`](apptheory_core::events::Transformed::of)) |
/// | an authorizer | the event | a policy document or `isAuthorized` ([`Policy::read_answer`]) |
/// | a trigger of Cognito | the event | the event with its `response`; nothing else of it is read |
/// | a custom resource of CloudFormation | the event | a response ([`Done::read_answer`]), which is sent |
/// | a task of S3 Batch Operations | the event | results ([`S3BatchResult::read_answer`]) |
/// | a field of AppSync, any event ([`on`](super::Router::on)), a mail of SES | the event, the record | its JSON |
///
/// Whole batches are events of [`on`](super::Router::on), where no handler of their records is
/// registered: a handler from `Raw<SqsEvent>` to `Raw<SqsBatchResponse>` decides by itself what comes
/// again. It then has to keep deadlines, and the order of FIFO groups, itself.
///
/// Requests of [`local::Server`](crate::local::Server), of [`serve`](super::AppService::serve) and of tower
/// have no event: asking for it is a masked 500. Changes that a middleware made to a request are not in its
/// event. An event that does not fit the type is a mistake of the program: a masked 500, and the log names
/// the member. Types of `aws_lambda_events` require members that some services and emulators leave out.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Raw<T>(pub T);

/// A request has no event: it did not come from Lambda, or an extractor that reads `Raw` does not repeat its
/// `KEEPS_EVENT`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "no event was kept for the request: it came without one, or was read by an extractor without `KEEPS_EVENT`"
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

impl<T: Serialize> IntoAnswer<kind::Authorizer> for Raw<T> {
    fn into_answer(self) -> Answer {
        Response::json(200, &Policy::read_answer(self.to_json()?)?)
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

/// Kinds whose service takes the JSON of the type as it is, or is answered what core makes of it.
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

/// The event of a trigger came back without a response.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the answer to Cognito is not the event with its `response`")]
struct NoResponse;

/// Of an event that comes back, what its trigger reads.
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
