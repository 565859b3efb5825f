//! Observability records of requests and events: log lines, metrics and spans, and their JSON.
//!
//! This module does not write the records; hosts decide where they go.
//!
//! ```
//! use apptheory_core::observe::{Level, LogRecord};
//!
//! let level = Level::of_status(503);
//! let record = LogRecord { status: 503, ..LogRecord::new(level, "request.completed") };
//! let json = serde_json::to_value(&record)?;
//! assert_eq!((&json["level"], &json["status"]), (&"error".into(), &503.into()));
//! # Ok::<(), serde_json::Error>(())
//! ```

mod bounded;
pub mod emf;
mod entry;
pub mod line;
mod logger_config;
pub mod notification;
mod on_lambda;
pub mod profile;
mod sample_rate;
mod text;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

pub use self::entry::LogEntry;
pub use self::logger_config::{LoggerConfig, LoggerConfigError, LoggerSettings, MAX_LINES};
pub use self::on_lambda::is_on_lambda;
pub use self::sample_rate::SampleRate;
pub use self::text::LogText;

/// Additional values of a log line, by name.
pub type Fields = BTreeMap<String, serde_json::Value>;

/// The severity of a log line.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Level {
    /// Details beyond [`Debug`](Self::Debug).
    Trace,
    /// Information for finding bugs.
    Debug,
    /// Normal operation.
    Info,
    /// A client error: statuses from 400.
    Warn,
    /// An application error: statuses from 500.
    Error,
}

/// A log line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogRecord<'a> {
    /// The severity.
    pub level: Level,
    /// The event, such as `request.completed`.
    pub event: &'static str,
    /// The request's id.
    pub request_id: LogText<'a>,
    /// The request's trace id; left out of the JSON if empty.
    pub trace_id: LogText<'a>,
    /// The request's tenant, or an empty text.
    pub tenant_id: LogText<'a>,
    /// The request's method; empty for events.
    pub method: LogText<'a>,
    /// The request's path; empty for events.
    pub path: LogText<'a>,
    /// The status of the response; 0 for events.
    pub status: u16,
    /// The code of the response's error, or an empty text.
    pub error_code: LogText<'a>,
    /// The duration in milliseconds, rounded down; `None` for events.
    pub duration_ms: Option<u64>,
    /// Further values by name. Empty texts are left out of the JSON.
    pub about: Vec<(&'static str, LogText<'a>)>,
}

/// A measurement.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MetricRecord<'a> {
    /// The name of the metric, such as `apptheory.request`.
    pub name: &'a str,
    /// The value.
    pub value: i64,
    /// The duration in milliseconds, rounded down; `None` for events.
    pub duration_ms: Option<u64>,
    /// The tags. Clients choose some of the values.
    pub tags: Vec<(&'static str, LogText<'a>)>,
    /// Dimensions for metrics services that charge per value: only values that the application's
    /// configuration bounds, regardless of what clients send. Not part of the JSON.
    pub dimensions: Vec<(&'static str, LogText<'a>)>,
}

/// A span of a trace.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SpanRecord<'a> {
    /// The span's name, such as `http GET /orders`.
    pub name: LogText<'a>,
    /// The span's attributes.
    pub attributes: Vec<(&'static str, LogText<'a>)>,
}

impl Level {
    /// Returns the level of a response status.
    #[must_use]
    pub const fn of_status(status: u16) -> Self {
        match status {
            500.. => Self::Error,
            400.. => Self::Warn,
            _ => Self::Info,
        }
    }

    /// Returns `trace`, `debug`, `info`, `warn` or `error`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// Returns `TRACE`, `DEBUG`, `INFO`, `WARN` or `ERROR`, as in Lambda's log controls.
    #[must_use]
    pub const fn upper_name(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

impl LogRecord<'_> {
    /// Creates a line with only a level and an event.
    #[must_use]
    pub const fn new(level: Level, event: &'static str) -> Self {
        Self {
            level,
            event,
            request_id: LogText::EMPTY,
            trace_id: LogText::EMPTY,
            tenant_id: LogText::EMPTY,
            method: LogText::EMPTY,
            path: LogText::EMPTY,
            status: 0,
            error_code: LogText::EMPTY,
            duration_ms: None,
            about: Vec::new(),
        }
    }
}

impl MetricRecord<'_> {
    /// Removes a tag.
    #[must_use]
    pub fn without_tag(mut self, name: &str) -> Self {
        self.tags.retain(|(tag, _)| *tag != name);
        self
    }

    /// Returns the value of a tag, or an empty text.
    #[must_use]
    pub fn tag(&self, name: &str) -> &str {
        self.tags.iter().find(|(tag, _)| *tag == name).map_or("", |(_, value)| &**value)
    }
}

impl Serialize for LogRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("level", self.level.name())?;
        map.serialize_entry("event", self.event)?;
        map.serialize_entry("request_id", &self.request_id)?;
        if !self.trace_id.is_empty() {
            map.serialize_entry("trace_id", &self.trace_id)?;
        }
        map.serialize_entry("tenant_id", &self.tenant_id)?;
        map.serialize_entry("method", &self.method)?;
        map.serialize_entry("path", &self.path)?;
        map.serialize_entry("status", &self.status)?;
        map.serialize_entry("error_code", &self.error_code)?;
        if let Some(duration) = self.duration_ms {
            map.serialize_entry("duration_ms", &duration)?;
        }
        for (name, value) in self.about.iter().filter(|(_, value)| !value.is_empty()) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for MetricRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", self.name)?;
        map.serialize_entry("value", &self.value)?;
        if let Some(duration) = self.duration_ms {
            map.serialize_entry("duration_ms", &duration)?;
        }
        map.serialize_entry("tags", &Members(&self.tags))?;
        map.end()
    }
}

impl Serialize for SpanRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("attributes", &Members(&self.attributes))?;
        map.end()
    }
}

/// Serializes pairs as the members of an object.
struct Members<'m, 'a>(&'m [(&'static str, LogText<'a>)]);

impl Serialize for Members<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}
