//! What records bring, as values of a program's own types.

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

/// The detail of an event of EventBridge: what its program published. An event whose detail is of
/// another type fails, and says where.
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

/// A change of a table; through a stream of Kinesis, too. One whose images are of another type fails, and
/// says where, and so does data of Kinesis that is anything else.
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

/// What SES does with a mail after its handler, where the rule invokes the function synchronously
/// (`InvocationType: RequestResponse`). A handler that returns nothing lets it go on.
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
    /// The next action is run.
    Continue,
    /// The next rule is run, and no further action of this one.
    StopRule,
    /// Nothing more is run.
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
    Logs: CloudWatchLogs CloudWatchLogs
    Topic: Sns SnsNotification
    Bus: EventBridge EventBridgeMessage
}
