//! What invoked the function.
//!
//! This module decides which service an event is from, and the names of what it is about. It
//! refuses to know what is done with it: reading the event is for the module of its kind.
//!
//! ```
//! use apptheory_core::http::adapters::HttpSource;
//! use apptheory_core::triggers::{ArnKind, EventKind, classify, name_from_arn};
//!
//! let event = r#"{"Records":[{"eventSource":"aws:sqs","messageId":"1"}]}"#;
//! assert_eq!(classify(event)?, EventKind::Sqs);
//! let event = r#"{"httpMethod":"GET","requestContext":{"elb":{}}}"#;
//! assert_eq!(classify(event)?, EventKind::Http(HttpSource::Alb));
//!
//! let arn = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026";
//! assert_eq!(name_from_arn(ArnKind::DynamoDbStream, arn), "orders");
//! # Ok::<(), apptheory_core::triggers::ClassifyError>(())
//! ```

mod arn;
mod classify;

pub use arn::{ArnKind, name_from_arn};
pub use classify::{ClassifyError, EventKind, classify};
