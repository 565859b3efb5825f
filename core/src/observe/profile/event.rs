//! What a line is made of.

use serde_json::Value as Json;

use crate::observe::{Fields, Level};
use crate::printing::prints;
use crate::time::Timestamp;

/// What a line is made of. An empty text is left out of it.
#[derive(Clone, Copy)]
pub struct ProfileEvent<'a> {
    /// When it happened.
    pub at: Timestamp,
    /// How much it matters.
    pub level: Level,
    /// What happened, in words.
    pub message: &'a str,
    /// What happened, by a name that does not change, such as `order.placed`.
    pub event: &'a str,
    /// The message without what differs from one time to the next: alerts group by it.
    pub normalized_message: &'a str,
    /// The request that it is about.
    pub request: RequestFacts<'a>,
    /// The name of the job that it is about.
    pub job_name: &'a str,
    /// The error that it is about.
    pub error: ErrorFacts<'a>,
    /// What the caller adds, by names. A profile drops those that it does not know.
    pub fields: &'a Fields,
}

/// What is known of the request that an event is about.
#[derive(Clone, Copy, Default)]
pub struct RequestFacts<'a> {
    /// Its id.
    pub request_id: &'a str,
    /// Its tenant.
    pub tenant_id: &'a str,
    /// Its user.
    pub user_id: &'a str,
    /// Its trace.
    pub trace_id: &'a str,
    /// Its span in the trace.
    pub span_id: &'a str,
    /// The id that it has in common with what caused it.
    pub correlation_id: &'a str,
    /// The route that serves it, such as `GET /orders/{id}`.
    pub route: &'a str,
    /// Its method.
    pub method: &'a str,
    /// Its path.
    pub path: &'a str,
    /// The status of its answer.
    pub status: Option<u16>,
}

/// What is known of the error that an event is about.
#[derive(Clone, Copy, Default)]
pub struct ErrorFacts<'a> {
    /// The name of its type.
    pub error_type: &'a str,
    /// Its code.
    pub code: &'a str,
    /// Where it happened, in lines.
    pub stack_trace: &'a str,
}

static NO_FIELDS: Fields = Fields::new();

impl<'a> ProfileEvent<'a> {
    /// Makes an event that says no more than this.
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

    /// Takes what is still unknown from the fields of its name: `event`, `normalized_message`, the ids of a
    /// request, `correlation_id`, `route`, `method`, `path`, `status`, `job_name`, `stack_trace`, and
    /// `error_type` and `error_code` or `error.type` and `error.code`. Use it where callers have fields
    /// alone.
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

    /// What a profile names as the source of an enrichment.
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
