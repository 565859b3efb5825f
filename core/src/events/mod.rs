//! What invoked the function, and what becomes of it.
//!
//! This module decides which service an event is from, what it says, which handler it is for, in
//! which order the records of a batch run, and what is answered, so that no record is lost. It
//! refuses to know what handlers do, and when: hosts run them, one at a time or several at once.
//!
//! ```text
//! classify ─┬─ BatchEvent ─────── Routes ─▶ a handler per record ─ Batch ─▶ BatchResponse
//!           ├─ read_sns ───────── Routes ─▶ a handler per notification ─▶ their outputs
//!           ├─ EventBridgeEvent ─ EventBridgeRoutes ─▶ handler ─▶ its output, or null
//!           ├─ WebSocketEvent ─── Routes ─▶ handler ─▶ Response
//!           └─ HttpSource ─ a request: see `http`
//! ```
//!
//! ```
//! use apptheory_core::time::Timestamp;
//! use apptheory_core::events::{AfterFailure, BatchEvent, BatchSource, Routes, SqsRecord};
//!
//! let mut routes = Routes::new();
//! routes.insert("orders", |record: &SqsRecord<'_>| record.body == "ok").unwrap();
//!
//! let event = r#"{"Records":[
//!     {"messageId":"1","eventSourceARN":"arn:aws:sqs:r:1:orders","body":"ok"},
//!     {"messageId":"2","eventSourceARN":"arn:aws:sqs:r:1:orders","body":5}]}"#;
//! let event = BatchEvent::read(BatchSource::Sqs, event)?;
//! let mut batch = event.batch(AfterFailure::Continue);
//! while let Some(turn) = batch.take(Timestamp::UNIX_EPOCH) {
//!     let record = &event.records()[turn.index()];
//!     let served = routes.find(record.name()).zip(SqsRecord::read(record).ok());
//!     match served.is_some_and(|(handle, record)| handle(&record)) {
//!         true => batch.succeed(turn),
//!         false => batch.fail(turn),
//!     }
//! }
//! assert_eq!(batch.finish()?.to_json(), r#"{"batchItemFailures":[{"itemIdentifier":"2"}]}"#);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod arn;
mod batch;
mod classify;
mod cloudwatch_logs;
mod context;
mod dynamodb;
mod event_bridge;
mod failed;
mod http;
mod kinesis;
mod observation;
mod raw;
mod records;
mod routes;
mod sns;
mod sqs;
mod trigger;
mod websocket;
mod window;
mod workload;

pub use arn::{ArnKind, name_from_arn};
pub use batch::{AfterFailure, Batch, BatchError, BatchItem, BatchResponse, Turn};
pub use classify::{ClassifyError, EventKind, classify};
pub use cloudwatch_logs::{
    CloudWatchLogEvent, CloudWatchLogs, CloudWatchLogsError, CloudWatchLogsErrorKind,
    CloudWatchLogsSummary,
};
pub use context::Delivery;
pub use dynamodb::{DynamoDbRecord, DynamoDbSummary, UserIdentity};
pub use event_bridge::{
    EventBridgeEvent, EventBridgeRoutes, EventBridgeSelector, OnUnmatched, UnmatchedEvent,
};
pub use failed::WorkloadFailed;
pub use http::{
    AuthorizerEvent, HttpEventError, HttpSource, RestEnvelope, read_payload_v2,
    rest_streaming_variable,
};
pub use kinesis::KinesisRecord;
pub use observation::{EventObservation, EventOutcome};
pub use records::{BatchEvent, BatchRecord, BatchSource};
pub use routes::{RouteTaken, Routes};
pub use sns::{SnsRecord, UnrecognizedTopic, read_sns};
pub use sqs::SqsRecord;
pub use trigger::{EventError, RecordError, Trigger};
pub use websocket::{WebSocketConnection, WebSocketEvent};
pub use workload::{
    CorrelationSource, InvalidEnvelope, ScheduledResult, ScheduledSummary, WorkloadEnvelope,
};
