//! The contents of a line.

use serde_json::Value as Json;

use crate::observe::{Fields, Level};
use crate::printing::prints;
use crate::time::Timestamp;

/// The contents of a line. Empty texts are left out.
#[derive(Clone, Copy)]
pub struct ProfileEvent<'a> {
    /// When the event happened.
    pub at: Timestamp,
    /// The severity.
    pub level: Level,
    /// The message.
    pub message: &'a str,
    /// The name of the event, which does not change, such as `order.placed`.
    pub event: &'a str,
    /// The message without its variable parts, by which alerts are grouped.
    pub normalized_message: &'a str,
    /// The event's request.
    pub request: RequestFacts<'a>,
    /// The name of the event's job.
    pub job_name: &'a str,
    /// The event's error.
    pub error: ErrorFacts<'a>,
    /// The caller's fields by name. A profile drops unknown ones.
    pub fields: &'a Fields,
}

/// The properties of an event's request.
#[derive(Clone, Copy, Default)]
pub struct RequestFacts<'a> {
    /// The request's id.
    pub request_id: &'a str,
    /// The request's tenant.
    pub tenant_id: &'a str,
    /// The request's user.
    pub user_id: &'a str,
    /// The request's trace.
    pub trace_id: &'a str,
    /// The request's span in the trace.
    pub span_id: &'a str,
    /// The correlation id, shared with the cause of the request.
    pub correlation_id: &'a str,
    /// The matched route, such as `GET /orders/{id}`.
    pub route: &'a str,
    /// The request's method.
    pub method: &'a str,
    /// The request's path.
    pub path: &'a str,
    /// The status of the response.
    pub status: Option<u16>,
}

/// The properties of an event's error.
#[derive(Clone, Copy, Default)]
pub struct ErrorFacts<'a> {
    /// The name of the error's type.
    pub error_type: &'a str,
    /// The error's code.
    pub code: &'a str,
    /// The stack trace, line by line.
    pub stack_trace: &'a str,
}

static NO_FIELDS: Fields = Fields::new();

impl<'a> ProfileEvent<'a> {
    /// Creates an event with a time, a level and a message.
    #[must_use]
    pub const fn new(at: Timestamp, level: Level, message: &'a str) -> Self {
        Self {
            at,
            level,
            message,
            event: "",
            normalized_message: "",
            request: RequestFacts {
                request_id: "",
                tenant_id: "",
                user_id: "",
                trace_id: "",
                span_id: "",
                correlation_id: "",
                route: "",
                method: "",
                path: "",
                status: None,
            },
            job_name: "",
            error: ErrorFacts { error_type: "", code: "", stack_trace: "" },
            fields: &NO_FIELDS,
        }
    }

    /// Fills empty properties from the fields with their names: `event`, `normalized_message`, the
    /// ids of a request, `correlation_id`, `route`, `method`, `path`, `status`, `job_name`,
    /// `stack_trace`, and `error_type` and `error_code` or `error.type` and `error.code`. Use it if
    /// callers only have fields.
    #[must_use]
    pub fn filled_from_fields(mut self) -> Self {
        let fields = self.fields;
        let fill = |member: &mut &'a str, names: &[&str]| {
            let mut texts = names.iter().filter_map(|name| fields.get(*name)?.as_str());
            if member.trim().is_empty() {
                *member = texts.find(|text| !text.trim().is_empty()).unwrap_or(member);
            }
        };
        fill(&mut self.event, &["event"]);
        fill(&mut self.normalized_message, &["normalized_message"]);
        fill(&mut self.request.request_id, &["request_id"]);
        fill(&mut self.request.tenant_id, &["tenant_id"]);
        fill(&mut self.request.user_id, &["user_id"]);
        fill(&mut self.request.trace_id, &["trace_id"]);
        fill(&mut self.request.span_id, &["span_id"]);
        fill(&mut self.request.correlation_id, &["correlation_id"]);
        fill(&mut self.request.route, &["route"]);
        fill(&mut self.request.method, &["method"]);
        fill(&mut self.request.path, &["path"]);
        fill(&mut self.job_name, &["job_name"]);
        fill(&mut self.error.error_type, &["error_type", "error.type"]);
        fill(&mut self.error.code, &["error_code", "error.code"]);
        fill(&mut self.error.stack_trace, &["stack_trace"]);
        let status = || u16::try_from(fields.get("status").and_then(Json::as_u64)?).ok();
        self.request.status = self.request.status.or_else(status);
        self
    }

    /// Returns the value of an enrichment's source.
    pub(super) fn context(&self, source: &str) -> Json {
        let RequestFacts { request_id, tenant_id, user_id, trace_id, span_id, .. } = self.request;
        let RequestFacts { correlation_id, route, method, path, status, .. } = self.request;
        Json::from(match source {
            "request.request_id" => request_id,
            "request.tenant_id" => tenant_id,
            "request.user_id" => user_id,
            "request.trace_id" => trace_id,
            "request.span_id" => span_id,
            "request.correlation_id" => correlation_id,
            "request.route" => route,
            "request.method" => method,
            "request.path" => path,
            "request.status" => return Json::from(status),
            "job.name" => self.job_name,
            _ => "",
        })
    }
}

prints!(ProfileEvent<'_>: at, level);
prints!(RequestFacts<'_>: request_id, status);
prints!(ErrorFacts<'_>: error_type, code);
