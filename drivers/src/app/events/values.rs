//! Values in records, read into types of the application.

use std::sync::Arc;

use apptheory_core::error::AppError;
use apptheory_core::events::{Change, CloudWatchLogs, EventBridgeEvent, EventInput};
use apptheory_core::json::read;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{
    ActiveMqMessage, CodeCommitPush, DocumentDbChange, DynamoDbChange, EventBridgeMessage,
    FirehoseMessage, KafkaMessage, KinesisMessage, RabbitMqMessage, S3Object, SesMail,
    SnsNotification, SqsMessage,
};
use crate::app::subject::OfAnotherKind;
use crate::app::{Answer, Context, FromContext, IntoAnswer, Response, kind};

/// Reads the detail of an EventBridge event: the value that its sender published. A detail of
/// another type fails the event, with the member's path.
///
/// ```
/// use apptheory::app::{App, Invocation};
/// use apptheory::app::events::Detail;
/// use apptheory::events::Rule;
///
/// #[derive(serde::Deserialize)]
/// struct Order { id: u32 }
///
/// let created = Rule::source("shop").detail_type("order.created");
/// let app = App::new().event_bridge(created, async |Detail(order): Detail<Order>| {
///     println!("order {}", order.id);
/// });
/// let app = app.build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Detail<T>(pub T);

impl<S, T: DeserializeOwned> FromContext<S, kind::Bus> for Detail<T> {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        let Some(EventInput::EventBridge(event)) = context.record() else {
            return Err(AppError::internal().with_cause(OfAnotherKind));
        };
        let read = read(EventBridgeEvent::detail(event).as_bytes());
        Ok(Self(read.map_err(|misread| misread.within("detail"))?))
    }
}

/// Reads a change of a table, also from a Kinesis stream. Images of another type, and other Kinesis
/// data, fail the record, with the member's path.
fn change<T: DeserializeOwned>(context: &Context) -> Result<Change<T>, AppError> {
    match context.record() {
        Some(EventInput::DynamoDb(record)) => Ok(record.change()?),
        Some(EventInput::Kinesis(record)) => Ok(record.table_change()?.change()?),
        Some(_) | None => Err(AppError::internal().with_cause(OfAnotherKind)),
    }
}

macro_rules! changes {
    ($($kind:ident)+) => {$(
        impl<S, T: DeserializeOwned> FromContext<S, kind::$kind> for Change<T> {
            fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
                change(context)
            }
        }
    )+};
}

changes!(Table TableWindow Stream StreamWindow);

/// What SES does after a mail's handler, if the rule invokes the function synchronously
/// (`InvocationType: RequestResponse`). A handler that returns nothing lets SES continue.
///
/// ```
/// use std::sync::Arc;
/// use apptheory::app::App;
/// use apptheory::app::events::{Disposition, SesMail};
/// use apptheory::events::Verdict;
/// use apptheory::testkit::TestApp;
/// use apptheory::testkit::events::MailEntry;
/// use serde_json::json;
///
/// async fn filter(mail: Arc<SesMail>) -> Disposition {
///     match mail.spam {
///         Verdict::Fail => Disposition::StopRuleSet,
///         _ => Disposition::Continue,
///     }
/// }
///
/// let app = TestApp::new(|_| App::new().ses(filter));
/// let spam = MailEntry::new("ann@example.com", "shop@example.com").verdict("spam", "FAIL");
/// app.ses(spam).assert_answer(&json!({"disposition": "STOP_RULE_SET"}));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Disposition {
    /// Continue with the next action.
    Continue,
    /// Skip the remaining actions of this rule, and continue with the next rule.
    StopRule,
    /// Stop: run no further action or rule.
    StopRuleSet,
}

impl IntoAnswer<kind::Mail> for Disposition {
    fn into_answer(self) -> Answer {
        let disposition = match self {
            Self::Continue => "CONTINUE",
            Self::StopRule => "STOP_RULE",
            Self::StopRuleSet => "STOP_RULE_SET",
        };
        Response::json(200, &json!({"disposition": disposition}))
    }
}

macro_rules! records {
    ($($kind:ident: $source:ident $record:ident)+) => {$(
        impl<S> FromContext<S, kind::$kind> for Arc<$record> {
            fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
                match context.record() {
                    Some(EventInput::$source(record)) => Ok(Self::clone(record)),
                    Some(_) | None => Err(AppError::internal().with_cause(OfAnotherKind)),
                }
            }
        }
    )+};
}

records! {
    Queue: Sqs SqsMessage
    Stream: Kinesis KinesisMessage
    StreamWindow: Kinesis KinesisMessage
    Table: DynamoDb DynamoDbChange
    TableWindow: DynamoDb DynamoDbChange
    KafkaTopic: Kafka KafkaMessage
    Bucket: S3 S3Object
    Mail: Ses SesMail
    Repository: CodeCommit CodeCommitPush
    ActiveMqQueue: ActiveMq ActiveMqMessage
    RabbitMqQueue: RabbitMq RabbitMqMessage
    Database: DocumentDb DocumentDbChange
    DeliveryStream: Firehose FirehoseMessage
    LogGroup: CloudWatchLogs CloudWatchLogs
    Topic: Sns SnsNotification
    Bus: EventBridge EventBridgeMessage
}
