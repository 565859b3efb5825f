//! Lambda events: recognizes and reads them, routes records to handlers, and builds responses.
//!
//! This module decides which service an event is from, what it contains, which handler it is for,
//! in which order the records of a batch run, and what the response is. No record is ever lost.
//! Hosts run the handlers, one by one or concurrently.
//!
//! ```text
//! LambdaEvent::read ─┬─ HttpEvent ──────── a request: see `http` ─▶ HttpSource::write_response
//!                    ├─ BatchEvent ─────── Routes ─▶ handler per record ─ Batch ─▶ BatchResponse,
//!                    │                               or null if the event is handled as a whole
//!                    ├─ WindowEvent ────── Routes ─▶ handlers per record and at the end ─▶ state
//!                    ├─ SnsRecord … ────── Routes ─▶ handler per notification ─▶ outputs
//!                    ├─ EventBridgeEvent ─ EventBridgeRoutes ─▶ handler ─▶ output, or null
//!                    ├─ WebSocketEvent ─── exchange of its message ─▶ HttpResponse
//!                    ├─ SingleEvent ────── SingleRoutes ─▶ handler ─▶ response of the service
//!                    └─ RawEvent ───────── ShapeRoutes ─▶ handler ─▶ output
//! ```
//!
//! ```
//! use apptheory_core::events::{AfterFailure, LambdaEvent, Routes, SqsRecord};
//! use apptheory_core::time::Timestamp;
//!
//! let mut routes = Routes::new();
//! routes.insert("orders", |record: &SqsRecord<'_>| record.body == "ok").unwrap();
//!
//! let event = r#"{"Records":[{"messageId":"1","body":"ok",
//!     "eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:r:1:orders"},
//!     {"messageId":"2","body":5,
//!     "eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:r:1:orders"}]}"#;
//! let LambdaEvent::Batch(event) = LambdaEvent::read(event)? else { panic!("a batch") };
//! let mut batch = event.batch(AfterFailure::Continue);
//! while let Some(turn) = batch.take(Timestamp::UNIX_EPOCH) {
//!     let served = event.record(turn.index()).and_then(|record| {
//!         routes.find(record.name()).zip(SqsRecord::read(&record).ok())
//!     });
//!     match served.is_some_and(|(handle, record)| handle(&record)) {
//!         true => batch.succeed(turn),
//!         false => batch.fail(turn),
//!     }
//! }
//! assert_eq!(batch.finish()?.to_json(), r#"{"batchItemFailures":[{"itemIdentifier":"2"}]}"#);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod amazon_mq;
mod arn;
mod batch;
mod batch_event;
mod batch_source;
mod cloudwatch_logs;
mod codecommit;
mod delivery;
mod documentdb;
mod dynamodb;
mod envelopes;
mod error;
mod event;
mod event_bridge;
mod failed;
mod firehose;
mod heads;
mod http;
mod input;
mod kafka;
mod kinesis;
mod kpl;
mod observation;
mod raw;
mod rule;
mod s3;
mod ses;
mod shape;
mod single;
mod sns;
mod sqs;
#[cfg(test)]
mod tests;
mod text;
mod trigger;
mod websocket;
mod window;
mod workload;

pub use crate::json::packed::{Gzip, MAX_GZIP_BYTES};
pub use crate::routes::{RouteTaken, Routes};
pub use amazon_mq::{ActiveMqRecord, RabbitMqRecord};
pub use arn::{ArnKind, name_from_arn};
pub use batch::{AfterFailure, Batch, BatchItem, BatchResponse, ItemIdentifier, Turn};
pub use batch_event::{BatchEvent, BatchRecord};
pub use batch_source::BatchSource;
pub use cloudwatch_logs::{CloudWatchLogEvent, CloudWatchLogs, CloudWatchLogsSummary};
pub use codecommit::{CodeCommitRecord, Reference};
pub use delivery::Delivery;
pub use documentdb::DocumentDbRecord;
pub use dynamodb::{Change, DynamoDbRecord, DynamoDbSummary, UserIdentity};
pub use envelopes::{EventBridge, Sns, Sqs};
pub use error::{Error, ErrorKind};
pub use event::LambdaEvent;
pub use event_bridge::EventBridgeEvent;
pub use failed::WorkloadFailed;
pub use firehose::{FirehoseRecord, FirehoseResponse, MAX_FIREHOSE_ANSWER_BYTES, Transformed};
pub use http::{HttpEvent, HttpSource, InvokeMode, UnknownMode, rest_streaming_variable};
pub use input::{EventInput, RecordReader};
pub use kafka::KafkaRecord;
pub use kinesis::KinesisRecord;
pub use observation::{EventObservation, EventOutcome};
pub use raw::{RawEvent, Seen};
pub use rule::{EventBridgeRoutes, OnUnmatched, Rule};
pub use s3::{S3Notification, S3Record};
pub use ses::{SesRecord, Verdict};
pub use shape::{Shape, ShapeRoutes};
pub use single::{
    AgentAnswer, AgentParameter, AgentRequest, AlarmData, AlarmEvent, AlarmState, AnswerWriter,
    AppSyncField, AppSyncHeaders, AppSyncInfo, AppSyncRequest, ArtifactCredentials,
    AuthorizerPolicy, AuthorizerRequest, AuthorizerSource, Challenge, ChallengeResult,
    ChallengeVerdict, CodePipelineArtifact, CodePipelineData, CodePipelineJob, CognitoCaller,
    CognitoEvent, CognitoGroups, CognitoMessage, CognitoRequest, CognitoTrigger, ConfigEvaluation,
    Contact, ContactAnswer, ContactEndpoint, ContactEvent, ContactQueue, CustomResource, Done,
    LeftBehind, LexAnswer, LexBot, LexSource, LexTurn, MigratedUser, NextChallenge, ResourceChange,
    ResourceReply, RotationStep, S3BatchResult, S3BatchTask, SecretRotation, SignUp, SingleEvent,
    SingleRoute, SingleRoutes, SingleSource, TokenClaims,
};
pub use sns::SnsRecord;
pub use sqs::SqsRecord;
pub use text::Text;
pub use trigger::Trigger;
pub use websocket::{WebSocketConnection, WebSocketEvent};
pub use window::{TumblingWindow, WindowEvent};
pub use workload::{CorrelationSource, ScheduledResult, ScheduledSummary, WorkloadEnvelope};
