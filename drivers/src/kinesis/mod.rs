//! Sending records to Kinesis data streams.
//!
//! A [`Producer`] sends any number of records: as many per request as Kinesis accepts, retrying
//! those that were not accepted, in order for each partition key. [`SendRecords`] describes the
//! cost, and when a record may be in the stream twice. This module sends the requests and limits
//! their time; the core decides which records a request holds, and what became of each.
//!
//! | Sender | Sends |
//! |---|---|
//! | `AwsStreams` | through the AWS SDK, with the feature `kinesis` |
//! | [`MemoryStreams`] | to memory, with planned failures, for tests |
//!
//! ```
//! use apptheory::kinesis::{MemoryStreams, Producer, StreamName, json_record};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let orders = StreamName::new("orders")?;
//! // In production, `AwsStreams::from_env().await`.
//! let streams = MemoryStreams::new([orders.clone()]);
//! let producer = Producer::new(orders.clone(), streams.clone());
//!
//! let order = serde_json::json!({"id": "o1", "total": 12});
//! producer.send([json_record("tenant-7", &order, None)?]).await?;
//! assert_eq!(streams.records(&orders)[0].data(), br#"{"id":"o1","total":12}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "kinesis")]
mod aws;
mod memory;
mod producer;

#[doc(inline)]
pub use apptheory_core::kinesis::*;

#[cfg(feature = "kinesis")]
pub use aws::{AwsStreams, aws_sdk_kinesis};
pub use memory::MemoryStreams;
pub use producer::{Producer, REQUEST_BUDGET};
