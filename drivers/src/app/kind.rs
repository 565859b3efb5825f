//! The kinds of events that handlers are registered for.
//!
//! [`Router::get`](super::Router::get) takes handlers of [`Http`] requests,
//! [`Router::sqs`](super::Router::sqs) those of messages in a [`Queue`]. Extractors and return
//! types declare the kinds that they support, so that a message handler that takes a
//! [`Path`](super::Path) does not compile. These types have no values, except those of [`cognito`],
//! whose values select a trigger.

/// HTTP requests.
#[derive(Clone, Copy, Debug)]
pub enum Http {}

/// WebSocket messages, connects and disconnects.
#[derive(Clone, Copy, Debug)]
pub enum Socket {}

/// Messages of an SQS queue.
#[derive(Clone, Copy, Debug)]
pub enum Queue {}

/// Records of a Kinesis stream.
#[derive(Clone, Copy, Debug)]
pub enum Stream {}

/// Changes of a DynamoDB table.
#[derive(Clone, Copy, Debug)]
pub enum Table {}

/// Records of a Kinesis stream, in a tumbling window.
#[derive(Clone, Copy, Debug)]
pub enum StreamWindow {}

/// Changes of a DynamoDB table, in a tumbling window.
#[derive(Clone, Copy, Debug)]
pub enum TableWindow {}

/// The ends of tumbling windows.
#[derive(Clone, Copy, Debug)]
pub enum WindowEnd {}

/// Records of a Kafka topic.
#[derive(Clone, Copy, Debug)]
pub enum KafkaTopic {}

/// Events of the objects in an S3 bucket.
#[derive(Clone, Copy, Debug)]
pub enum Bucket {}

/// Mails that SES receives.
#[derive(Clone, Copy, Debug)]
pub enum Mail {}

/// Pushes to a CodeCommit repository.
#[derive(Clone, Copy, Debug)]
pub enum Repository {}

/// Messages of an ActiveMQ queue.
#[derive(Clone, Copy, Debug)]
pub enum ActiveMqQueue {}

/// Messages of a RabbitMQ queue.
#[derive(Clone, Copy, Debug)]
pub enum RabbitMqQueue {}

/// Changes in a DocumentDB database.
#[derive(Clone, Copy, Debug)]
pub enum Database {}

/// Records of an Amazon Data Firehose stream.
#[derive(Clone, Copy, Debug)]
pub enum DeliveryStream {}

/// Deliveries of CloudWatch Logs, of any log group.
#[derive(Clone, Copy, Debug)]
pub enum LogGroup {}

/// Notifications of an SNS topic.
#[derive(Clone, Copy, Debug)]
pub enum Topic {}

/// Events of an EventBridge bus.
#[derive(Clone, Copy, Debug)]
pub enum Bus {}

/// Requests to a Lambda authorizer of API Gateway.
#[derive(Clone, Copy, Debug)]
pub enum Authorization {}

/// Fields that AppSync asks a direct resolver for.
#[derive(Clone, Copy, Debug)]
pub enum AppSync {}

/// Fields that AppSync asks a direct resolver for, of several parents at once.
#[derive(Clone, Copy, Debug)]
pub enum AppSyncBatch {}

/// Changes of CloudFormation custom resources.
#[derive(Clone, Copy, Debug)]
pub enum CloudFormation {}

/// Requests of a Bedrock agent to an action group.
#[derive(Clone, Copy, Debug)]
pub enum Agent {}

/// CodePipeline jobs.
#[derive(Clone, Copy, Debug)]
pub enum Job {}

/// Evaluations of a custom AWS Config rule.
#[derive(Clone, Copy, Debug)]
pub enum ConfigRule {}

/// Steps of a secret rotation.
#[derive(Clone, Copy, Debug)]
pub enum Rotation {}

/// State changes of CloudWatch alarms.
#[derive(Clone, Copy, Debug)]
pub enum Alarm {}

/// Tasks of S3 Batch Operations.
#[derive(Clone, Copy, Debug)]
pub enum Task {}

/// Turns of a Lex bot.
#[derive(Clone, Copy, Debug)]
pub enum Dialog {}

/// Contacts in an Amazon Connect flow.
#[derive(Clone, Copy, Debug)]
pub enum ContactFlow {}

/// Events of any kind.
#[derive(Clone, Copy, Debug)]
pub enum Any {}

/// A kind of event that handlers can be registered for.
pub trait Kind: sealed::Sealed + 'static {}

/// A kind of event that is read as a request, and has a response with status and headers: [`Http`]
/// and [`Socket`].
#[diagnostic::on_unimplemented(
    message = "a handler of `{Self}` events has no request to read, and no status or text to answer",
    note = "the documentation of `FromContext` and `IntoAnswer` lists the types for each kind of event"
)]
pub trait RequestKind: Kind {}

impl RequestKind for Http {}
impl RequestKind for Socket {}

/// A kind of event whose handlers may return any JSON, or nothing. Handlers of other kinds return
/// the result type of their service, which accepts nothing else.
#[diagnostic::on_unimplemented(
    message = "handlers of `{Self}` events must return the result type of their service, not any JSON or nothing",
    note = "the documentation of the method of `Router` that registers the handler names the type"
)]
pub trait OpenKind: Kind {}

mod sealed {
    #[expect(unnameable_types, reason = "kinds are closed: other crates cannot add one")]
    pub trait Sealed {}
}

/// The kinds of Cognito user pool triggers: see [`cognito`](super::Router::cognito).
pub mod cognito {
    use apptheory_core::events::CognitoTrigger;

    use super::Kind;

    /// A user pool trigger as a kind of event.
    pub trait Trigger: Kind {
        /// The trigger.
        const TRIGGER: CognitoTrigger;
    }

    macro_rules! triggers {
        ($($trigger:ident)+) => {
            $(
                #[doc = concat!("See [`CognitoTrigger::", stringify!($trigger), "`].")]
                #[derive(Clone, Copy, Debug)]
                pub struct $trigger;

                impl super::sealed::Sealed for $trigger {}
                impl Kind for $trigger {}
                impl Trigger for $trigger {
                    const TRIGGER: CognitoTrigger = CognitoTrigger::$trigger;
                }
            )+
        };
    }

    triggers! {
        PreSignUp PostConfirmation PreAuthentication PostAuthentication PreTokenGeneration
        CustomMessage DefineAuthChallenge CreateAuthChallenge VerifyAuthChallenge UserMigration
        CustomSmsSender CustomEmailSender
    }
}

macro_rules! kinds {
    (open: $($open:ident)+; own: $($own:ident)+) => {
        $(
            impl sealed::Sealed for $open {}
            impl Kind for $open {}
            impl OpenKind for $open {}
        )+
        $(
            impl sealed::Sealed for $own {}
            impl Kind for $own {}
        )+
    };
}

kinds! {
    open: Http Socket Queue Stream Table KafkaTopic Bucket Mail Repository ActiveMqQueue RabbitMqQueue
        Database LogGroup Topic Bus AppSync Job ConfigRule Rotation Alarm Any;
    own: StreamWindow TableWindow WindowEnd DeliveryStream Authorization AppSyncBatch CloudFormation Agent Task Dialog ContactFlow
}
