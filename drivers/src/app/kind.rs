//! The kinds of events that handlers are called for.
//!
//! A handler is registered for one of them: [`Router::get`](super::Router::get) takes handlers of
//! [`Http`] requests, [`Router::sqs`](super::Router::sqs) those of [`Sqs`] messages. Extractors and
//! answers say which kinds they are for, so that a handler of messages that asks for a
//! [`Path`](super::Path) does not compile. Nobody makes a value of these types.

/// HTTP requests.
#[derive(Clone, Copy, Debug)]
pub enum Http {}

/// Messages on WebSockets, and the start and end of them.
#[derive(Clone, Copy, Debug)]
pub enum Socket {}

/// Messages of SQS.
#[derive(Clone, Copy, Debug)]
pub enum Sqs {}

/// Records of Kinesis.
#[derive(Clone, Copy, Debug)]
pub enum Kinesis {}

/// Changes of DynamoDB tables.
#[derive(Clone, Copy, Debug)]
pub enum DynamoDb {}

/// Notifications of SNS.
#[derive(Clone, Copy, Debug)]
pub enum Sns {}

/// Events of EventBridge.
#[derive(Clone, Copy, Debug)]
pub enum EventBridge {}

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

mod sealed {
    #[expect(unnameable_types, reason = "nobody else makes kinds")]
    pub trait Sealed {}
}

macro_rules! kinds {
    ($($kind:ident)+) => {
        $(
            impl sealed::Sealed for $kind {}
            impl Kind for $kind {}
        )+
    };
}

kinds!(Http Socket Sqs Kinesis DynamoDb Sns EventBridge Any);
