//! The kinds of events that handlers are called for.
//!
//! A handler is registered for one of them: [`Router::get`](super::Router::get) takes handlers of
//! [`Http`] requests, [`Router::sqs`](super::Router::sqs) those of messages in a [`Queue`]. Extractors and
//! answers say which kinds they are for, so that a handler of messages that asks for a
//! [`Path`](super::Path) does not compile. These types have no values, but for those of
//! [`cognito`]: their values say which trigger is meant.

/// HTTP requests.
#[derive(Clone, Copy, Debug)]
pub enum Http {}

/// Messages on WebSockets, and the start and end of them.
#[derive(Clone, Copy, Debug)]
pub enum Socket {}

/// Messages of a queue of SQS.
#[derive(Clone, Copy, Debug)]
pub enum Queue {}

/// Records of a stream of Kinesis.
#[derive(Clone, Copy, Debug)]
pub enum Stream {}

/// Changes of a table of DynamoDB.
#[derive(Clone, Copy, Debug)]
pub enum Table {}

/// Records of a stream of Kinesis, in a tumbling window.
#[derive(Clone, Copy, Debug)]
pub enum StreamWindow {}

/// Changes of a table of DynamoDB, in a tumbling window.
#[derive(Clone, Copy, Debug)]
pub enum TableWindow {}

/// The ends of tumbling windows.
#[derive(Clone, Copy, Debug)]
pub enum WindowEnd {}

/// Records of a topic of Kafka.
#[derive(Clone, Copy, Debug)]
pub enum KafkaTopic {}

/// What happens to the objects of a bucket of S3.
#[derive(Clone, Copy, Debug)]
pub enum Bucket {}

/// Mails that SES receives.
#[derive(Clone, Copy, Debug)]
pub enum Mail {}

/// Pushes to a repository of CodeCommit.
#[derive(Clone, Copy, Debug)]
pub enum Repository {}

/// Messages of a queue of ActiveMQ.
#[derive(Clone, Copy, Debug)]
pub enum ActiveMqQueue {}

/// Messages of a queue of RabbitMQ.
#[derive(Clone, Copy, Debug)]
pub enum RabbitMqQueue {}

/// Changes in a database of DocumentDB.
#[derive(Clone, Copy, Debug)]
pub enum Database {}

/// Records of a delivery stream of Amazon Data Firehose.
#[derive(Clone, Copy, Debug)]
pub enum DeliveryStream {}

/// Deliveries of CloudWatch Logs.
#[derive(Clone, Copy, Debug)]
pub enum Logs {}

/// Notifications of a topic of SNS.
#[derive(Clone, Copy, Debug)]
pub enum Topic {}

/// Events of a bus of EventBridge.
#[derive(Clone, Copy, Debug)]
pub enum Bus {}

/// Events that ask a Lambda authorizer of API Gateway.
#[derive(Clone, Copy, Debug)]
pub enum Authorizer {}

/// Fields that AppSync asks a direct resolver for.
#[derive(Clone, Copy, Debug)]
pub enum AppSync {}

/// A field that AppSync asks a direct resolver for, of several parents at once.
#[derive(Clone, Copy, Debug)]
pub enum AppSyncBatch {}

/// Changes of custom resources of CloudFormation.
#[derive(Clone, Copy, Debug)]
pub enum CloudFormation {}

/// What Bedrock agents ask an action group for.
#[derive(Clone, Copy, Debug)]
pub enum Agent {}

/// Jobs of CodePipeline.
#[derive(Clone, Copy, Debug)]
pub enum Job {}

/// Evaluations of a custom rule of AWS Config.
#[derive(Clone, Copy, Debug)]
pub enum ConfigRule {}

/// Steps of the rotation of a secret.
#[derive(Clone, Copy, Debug)]
pub enum Rotation {}

/// Changes of the state of a CloudWatch alarm.
#[derive(Clone, Copy, Debug)]
pub enum Alarm {}

/// Tasks of S3 Batch Operations.
#[derive(Clone, Copy, Debug)]
pub enum Task {}

/// Turns of a bot of Lex.
#[derive(Clone, Copy, Debug)]
pub enum Dialog {}

/// Contacts in a flow of Amazon Connect.
#[derive(Clone, Copy, Debug)]
pub enum ContactFlow {}

/// Events of any kind.
#[derive(Clone, Copy, Debug)]
pub enum Any {}

/// A kind of event.
pub trait Kind: sealed::Sealed + 'static {}

/// A kind of event that is read as a request, and answered with a status and header fields: [`Http`]
/// and [`Socket`].
#[diagnostic::on_unimplemented(
    message = "a handler of `{Self}` events has no request to read, and no status or text to answer",
    note = "the documentation of `FromContext` and `IntoAnswer` lists what is for which events"
)]
pub trait RequestKind: Kind {}

impl RequestKind for Http {}
impl RequestKind for Socket {}

/// A kind of event that is answered with any JSON, or with nothing at all. The others have an answer
/// of their own: anything else would be an answer that their service does not take.
#[diagnostic::on_unimplemented(
    message = "the service that sends `{Self}` events does not take JSON of any shape, or nothing, for an answer",
    note = "the documentation of the method of `Router` that registers the handler says what it answers"
)]
pub trait OpenKind: Kind {}

mod sealed {
    #[expect(unnameable_types, reason = "nobody else makes kinds")]
    pub trait Sealed {}
}

/// Kinds of triggers of Cognito user pools: see [`cognito`](super::Router::cognito).
pub mod cognito {
    use apptheory_core::events::CognitoTrigger;

    use super::Kind;

    /// A trigger of a user pool, as a kind of events.
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
        Database Logs Topic Bus AppSync Job ConfigRule Rotation Alarm Any;
    own: StreamWindow TableWindow WindowEnd DeliveryStream Authorizer AppSyncBatch CloudFormation Agent Task Dialog ContactFlow
}
