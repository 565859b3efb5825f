//! What is recorded about an exchange once its response is final.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::call::Call;
use super::settings::HttpSettings;
use crate::http::{AppError, Response};
use crate::observe::emf::REQUEST_METRIC;
use crate::observe::{Level, LogRecord, MetricRecord, SpanRecord};
use crate::stream::stream_error_code;
use crate::time::Timestamp;

/// What is recorded about an exchange once its response is final: one line, one metric and one
/// span, which all depend on when it ended.
#[derive(Clone, Debug)]
pub struct Observation {
    call: Arc<Call>,
    tenant_id: String,
    status: u16,
    error_code: String,
    records_patterns: bool,
}

/// How a streamed body ended.
#[derive(Clone, Debug, Default)]
pub struct StreamEnd {
    /// How many chunks were taken.
    pub chunks: u64,
    /// How many bytes they had.
    pub bytes: u64,
    /// The error that ended it.
    pub error: Option<AppError>,
    /// Whether it came to its own end: not to an error, and nobody gave it up.
    pub is_whole: bool,
}

impl Observation {
    pub(super) fn new<S>(
        call: &Arc<Call>,
        tenant_id: &str,
        settings: &HttpSettings,
        response: &Response<S>,
    ) -> Self {
        let error_code = response.error.as_ref().map(AppError::recorded_code);
        Self {
            call: Arc::clone(call),
            tenant_id: tenant_id.to_string(),
            status: response.status,
            error_code: error_code.unwrap_or_default().to_string(),
            records_patterns: settings.records_patterns,
        }
    }

    /// The same with another end: the response failed after it was concluded.
    #[must_use]
    pub fn ending_with(self, status: u16, error: &AppError) -> Self {
        Self { status, error_code: error.recorded_code().to_string(), ..self }
    }

    /// The log line about a streamed body, `stream.completed`: how much of it was made, and the
    /// error that ended it, if one did.
    #[must_use]
    pub fn stream_log(&self, ended_at: Timestamp, stream: &StreamEnd) -> LogRecord<'_> {
        let StreamEnd { chunks, bytes, error, is_whole } = stream;
        let error_code = match error {
            Some(error) => Cow::Owned(stream_error_code(error).to_string()),
            None => Cow::Borrowed(""),
        };
        let level = if error.is_some() { Level::Error } else { Level::Info };
        LogRecord {
            about: Vec::from([
                ("stream_error_code", error_code),
                ("stream_ended", Cow::Borrowed(if *is_whole { "whole" } else { "early" })),
                ("stream_chunks", Cow::Owned(chunks.to_string())),
                ("stream_bytes", Cow::Owned(bytes.to_string())),
            ]),
            event: "stream.completed",
            level,
            ..self.log(ended_at)
        }
    }

    /// The log line, `request.completed`.
    #[must_use]
    pub fn log(&self, ended_at: Timestamp) -> LogRecord<'_> {
        LogRecord {
            request_id: &self.call.request_id,
            trace_id: &self.call.request.trace_id,
            tenant_id: &self.tenant_id,
            method: &self.call.request.method,
            path: &self.call.request.path,
            status: self.status,
            error_code: &self.error_code,
            duration_ms: Some(self.duration_ms(ended_at)),
            ..LogRecord::new(Level::of_status(self.status), "request.completed")
        }
    }

    /// The metric, [`REQUEST_METRIC`], one per request.
    #[must_use]
    pub fn metric(&self, ended_at: Timestamp) -> MetricRecord<'_> {
        MetricRecord {
            name: REQUEST_METRIC,
            value: 1,
            duration_ms: Some(self.duration_ms(ended_at)),
            tags: Vec::from([
                ("method", Cow::Borrowed(&*self.call.request.method)),
                ("path", Cow::Borrowed(self.path())),
                ("status", Cow::Owned(self.status.to_string())),
                ("error_code", Cow::Borrowed(&*self.error_code)),
                ("tenant_id", Cow::Borrowed(&*self.tenant_id)),
            ]),
        }
    }

    /// The span, `http GET /orders`.
    #[must_use]
    pub fn span(&self) -> SpanRecord<'_> {
        let Call { request, request_id, .. } = &*self.call;
        let mut attributes = Vec::from([
            ("http.method", Cow::Borrowed(&*request.method)),
            ("http.route", Cow::Borrowed(self.path())),
            ("http.status_code", Cow::Owned(self.status.to_string())),
            ("request.id", Cow::Borrowed(request_id.as_str())),
            ("tenant.id", Cow::Borrowed(&*self.tenant_id)),
            ("error.code", Cow::Borrowed(&*self.error_code)),
        ]);
        if !request.trace_id.trim().is_empty() {
            attributes.push(("trace.id", Cow::Borrowed(&*request.trace_id)));
        }
        SpanRecord { name: format!("http {} {}", request.method, self.path()), attributes }
    }

    /// The status of the answer.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    fn duration_ms(&self, ended_at: Timestamp) -> u64 {
        let taken = self.call.arrival.now.until(ended_at);
        u64::try_from(taken.as_millis()).unwrap_or(u64::MAX)
    }

    fn path(&self) -> &str {
        match self.call.pattern() {
            _ if !self.records_patterns => &self.call.request.path,
            Some(pattern) => pattern.as_str(),
            None => "unmatched",
        }
    }
}
