//! What records bring, as values of a program's own types.

use std::sync::Arc;

use apptheory_core::error::AppError;
use apptheory_core::events::{Change, EventBridgeEvent, EventInput};
use apptheory_core::json;
use serde::de::DeserializeOwned;

use super::{DynamoDbChange, EventBridgeMessage, KinesisMessage, SnsNotification, SqsMessage};
use crate::app::subject::OfAnotherKind;
use crate::app::{Context, FromContext, kind};

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
        let read = json::read(EventBridgeEvent::detail(event).as_bytes());
        Ok(Self(read.map_err(|misread| misread.within("detail"))?))
    }
}

/// A change whose images are of another type fails, and says where.
impl<S, T: DeserializeOwned> FromContext<S, kind::Table> for Change<T> {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        match context.record() {
            Some(EventInput::DynamoDb(record)) => Ok(record.change()?),
            Some(_) | None => Err(AppError::internal().with_cause(OfAnotherKind)),
        }
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
    Table: DynamoDb DynamoDbChange
    Topic: Sns SnsNotification
    Bus: EventBridge EventBridgeMessage
}
