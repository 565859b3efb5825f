//! What is recorded about requests and events: one log line, one metric and one span each.
//!
//! This module decides what the records hold and how they read as JSON. It refuses to know who
//! takes them, and when.
//!
//! ```
//! use apptheory_core::observe::{Level, LogRecord};
//!
//! let record = LogRecord { status: 503, ..LogRecord::new(Level::of_status(503), "request.completed") };
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

/// What a caller adds to a log line, by names.
pub type Fields = BTreeMap<String, serde_json::Value>;

/// How much a log line matters.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Level {
    /// Every step, for a closer look than [`Debug`](Self::Debug).
    Trace,
    /// What helps to find a mistake.
    Debug,
    /// All is well.
    Info,
    /// A client made a mistake: statuses from 400 on.
    Warn,
    /// The application did: statuses from 500 on.
    Error,
}

/// A log line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogRecord<'a> {
    /// How much it matters.
    pub level: Level,
    /// What happened, such as `request.completed`.
    pub event: &'static str,
    /// The request's id.
    pub request_id: LogText<'a>,
    /// Its trace; left out of the JSON when empty.
    pub trace_id: LogText<'a>,
    /// Its tenant, or an empty text.
    pub tenant_id: LogText<'a>,
    /// Its method; empty for events.
    pub method: LogText<'a>,
    /// Its path; empty for events.
    pub path: LogText<'a>,
    /// The status of its answer; 0 for events.
    pub status: u16,
    /// The code of the error that it was answered with, or an empty text.
    pub error_code: LogText<'a>,
    /// Whole milliseconds that it took; `None` for events.
    pub duration_ms: Option<u64>,
    /// What else is known, under names of its own. Empty texts are left out of the JSON.
    pub about: Vec<(&'static str, LogText<'a>)>,
}

/// A measurement.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MetricRecord<'a> {
    /// What is measured, such as `apptheory.request`.
    pub name: &'a str,
    /// How much of it.
    pub value: i64,
    /// Whole milliseconds that it took; `None` for events.
    pub duration_ms: Option<u64>,
    /// What it is broken down by. Clients choose some of the values.
    pub tags: Vec<(&'static str, LogText<'a>)>,
    /// What it can be broken down by where each value is paid for: only values that the application's
    /// configuration bounds, whatever clients send. Not part of the JSON.
    pub dimensions: Vec<(&'static str, LogText<'a>)>,
}

/// A span of a trace.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SpanRecord<'a> {
    /// Its name, such as `http GET /orders`.
    pub name: LogText<'a>,
    /// What is known about it.
    pub attributes: Vec<(&'static str, LogText<'a>)>,
}

impl Level {
    /// The level of an answer's status.
    #[must_use]
    pub const fn of_status(status: u16) -> Self {
        match status {
            500.. => Self::Error,
            400.. => Self::Warn,
            _ => Self::Info,
        }
    }

    /// `trace`, `debug`, `info`, `warn` or `error`.
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

    /// `TRACE`, `DEBUG`, `INFO`, `WARN` or `ERROR`, as Lambda's log controls have it.
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
    /// Makes a line that says no more than what happened.
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
    /// Takes a tag out.
    #[must_use]
    pub fn without_tag(mut self, name: &str) -> Self {
        self.tags.retain(|(tag, _)| *tag != name);
        self
    }

    /// The value of a tag, or an empty text.
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

/// Pairs as the members of an object.
struct Members<'m, 'a>(&'m [(&'static str, LogText<'a>)]);

impl Serialize for Members<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}
