//! The record of an exchange, once its response is final.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use super::call::Call;
use super::settings::HttpSettings;
use crate::error::AppError;
use crate::http::HttpResponse;
use crate::http::names::is_standard_method;
use crate::http::router::Pattern;
use crate::observe::emf::{OTHER, REQUEST_METRIC};
use crate::observe::{Level, LogRecord, LogText, MetricRecord, SpanRecord};
use crate::time::Timestamp;

/// The record of an exchange, once its response is final: a log line, a metric and a span, which
/// all depend on the end time.
#[derive(Clone, Debug)]
pub struct Observation {
    call: Arc<Call>,
    tenant_id: String,
    is_tenant_verified: bool,
    status: u16,
    error_code: String,
    records_patterns: bool,
}

/// How a streamed body ended.
#[derive(Clone, Debug, Default)]
pub struct StreamEnd {
    /// The number of chunks sent.
    pub chunks: u64,
    /// The number of bytes sent.
    pub bytes: u64,
    /// The error that ended the stream.
    pub error: Option<AppError>,
    /// Whether the stream ended by itself: without an error, and not cancelled.
    pub is_whole: bool,
}

impl Observation {
    pub(super) fn new<S>(
        call: &Arc<Call>,
        tenant_id: &str,
        is_tenant_verified: bool,
        settings: &HttpSettings,
        response: &HttpResponse<S>,
    ) -> Self {
        let error_code = response.error.as_ref().map(AppError::recorded_code);
        Self {
            call: Arc::clone(call),
            tenant_id: tenant_id.to_string(),
            is_tenant_verified,
            status: response.status,
            error_code: error_code.unwrap_or_default().to_string(),
            records_patterns: settings.records_patterns,
        }
    }

    /// Sets the status and error of a response that failed after the exchange.
    pub fn end_with(&mut self, status: u16, error: &AppError) {
        self.status = status;
        self.error_code = error.recorded_code().to_string();
    }

    /// Returns the log line of a streamed body, `stream.completed`: how much was sent, and the
    /// error that ended it, if any.
    #[must_use]
    pub fn stream_log(&self, ended_at: Timestamp, stream: &StreamEnd) -> LogRecord<'_> {
        let StreamEnd { chunks, bytes, error, is_whole } = stream;
        let error_code = match error {
            Some(error) => LogText::from(error.printable_code().to_string()),
            None => LogText::from(""),
        };
        let level = if error.is_some() { Level::Error } else { Level::Info };
        LogRecord {
            about: Vec::from([
                ("stream_error_code", error_code),
                ("stream_ended", LogText::from(if *is_whole { "whole" } else { "early" })),
                ("stream_chunks", LogText::from(chunks.to_string())),
                ("stream_bytes", LogText::from(bytes.to_string())),
            ]),
            event: "stream.completed",
            level,
            ..self.log(ended_at)
        }
    }

    /// Returns the log line of the request, `request.completed`.
    #[must_use]
    pub fn log(&self, ended_at: Timestamp) -> LogRecord<'_> {
        LogRecord {
            request_id: LogText::from(&self.call.request_id),
            trace_id: LogText::from(&self.call.request.trace_id),
            tenant_id: LogText::from(&self.tenant_id),
            method: LogText::from(&self.call.request.method),
            path: LogText::from(&*self.call.request.path),
            status: self.status,
            error_code: LogText::from(&self.error_code),
            duration_ms: Some(self.duration_ms(ended_at)),
            ..LogRecord::new(Level::of_status(self.status), "request.completed")
        }
    }

    /// Returns the request's metric, [`REQUEST_METRIC`].
    #[must_use]
    pub fn metric(&self, ended_at: Timestamp) -> MetricRecord<'_> {
        MetricRecord {
            name: REQUEST_METRIC,
            value: 1,
            duration_ms: Some(self.duration_ms(ended_at)),
            tags: Vec::from([
                ("method", LogText::from(&*self.call.request.method)),
                ("path", LogText::from(self.path())),
                ("status", LogText::from(self.status.to_string())),
                ("error_code", LogText::from(&*self.error_code)),
                ("tenant_id", LogText::from(&*self.tenant_id)),
            ]),
            dimensions: self.dimensions(),
        }
    }

    /// Clients choose methods, paths and unverified tenants, so these are bounded here.
    fn dimensions(&self) -> Vec<(&'static str, LogText<'_>)> {
        let (method, pattern) = (&*self.call.request.method, self.call.pattern());
        // A method with a route is known, because the application registered it.
        let is_known = pattern.is_some() || is_standard_method(method);
        let path = pattern.map_or(UNMATCHED, Pattern::as_str);
        let mut dimensions = Vec::from([
            ("method", LogText::from(if is_known { method } else { OTHER })),
            ("path", LogText::from(path)),
            ("status", LogText::from(self.status.to_string())),
            ("error_code", LogText::from(&self.error_code)),
        ]);
        if self.is_tenant_verified {
            dimensions.push(("tenant_id", LogText::from(&self.tenant_id)));
        }
        dimensions
    }

    /// Returns the request's span, `http GET /orders`.
    #[must_use]
    pub fn span(&self) -> SpanRecord<'_> {
        let Call { request, request_id, .. } = &*self.call;
        let mut attributes = Vec::from([
            ("http.method", LogText::from(&*request.method)),
            ("http.route", LogText::from(self.path())),
            ("http.status_code", LogText::from(self.status.to_string())),
            ("request.id", LogText::from(request_id.as_str())),
            ("tenant.id", LogText::from(&*self.tenant_id)),
            ("error.code", LogText::from(&*self.error_code)),
        ]);
        if !request.trace_id.trim().is_empty() {
            attributes.push(("trace.id", LogText::from(&*request.trace_id)));
        }
        SpanRecord { name: format!("http {} {}", request.method, self.path()).into(), attributes }
    }

    /// Returns the status of the response.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Returns the pattern of the matched route; `None` if no route matched.
    #[must_use]
    pub fn route(&self) -> Option<&str> {
        self.call.pattern().map(Pattern::as_str)
    }

    /// Returns how long the exchange took.
    #[must_use]
    pub fn duration(&self, ended_at: Timestamp) -> Duration {
        self.call.arrival.now.until(ended_at)
    }

    fn duration_ms(&self, ended_at: Timestamp) -> u64 {
        u64::try_from(self.duration(ended_at).as_millis()).unwrap_or(u64::MAX)
    }

    fn path(&self) -> &str {
        match self.call.pattern() {
            _ if !self.records_patterns => &self.call.request.path,
            Some(pattern) => pattern.as_str(),
            None => UNMATCHED,
        }
    }
}

/// The path of requests without a route.
const UNMATCHED: &str = "unmatched";
