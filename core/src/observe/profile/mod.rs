//! Logging profiles: the fields of log lines and their names.
//!
//! This module checks profiles, and encodes events as lines. Writing the lines is not its concern.
//!
//! If many services send logs to one place, alerts and searches rely on the same fields in all of
//! them. A profile defines these fields. It is an allow list: of the fields that a caller adds, a
//! line only has those that profiles know, and those whose names start with `safe_`.
//!
//! ```
//! use apptheory_core::observe::Level;
//! use apptheory_core::observe::profile::{LoggingProfile, ProfileConfig, ProfileEvent};
//! use apptheory_core::time::Timestamp;
//!
//! let env = |name: &str| (name == "SERVICE").then(|| "orders".to_owned());
//! let mut config = ProfileConfig::built_in("cloudwatch-json")?;
//! config.enrichment.static_fields.insert("service".into(), "${SERVICE}".into());
//! let profile = LoggingProfile::new(config, env)?;
//!
//! let event = ProfileEvent::new(Timestamp::UNIX_EPOCH, Level::Warn, "refused: token=t_1");
//! assert_eq!(
//!     profile.encode(&event)?,
//!     concat!(
//!         r#"{"level":"WARN","message":"refused: token=[REDACTED]","#,
//!         r#""service":"orders","timestamp":"1970-01-01T00:00:00Z"}"#,
//!     ),
//! );
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod built_in;
mod config;
mod encode;
mod error;
mod event;
mod names;
mod read;
#[cfg(test)]
mod tests;
mod validate;

pub use self::built_in::{CATALOG, Catalog};
pub use self::config::{AlertingHints, Encoding, Enrichment, ErrorCapture};
pub use self::config::{ProfileConfig, Sanitization};
pub use self::encode::{LoggingProfile, MissingFields};
pub use self::error::{MemberKind, Problem, ProfileError, Violation};
pub use self::event::{ErrorFacts, ProfileEvent, RequestFacts};
pub use self::names::SCHEMA_VERSION;
