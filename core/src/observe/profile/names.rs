//! The names that profiles know.

/// The version of the format of profiles that this release reads.
pub const SCHEMA_VERSION: &str = "apptheory.logging/v1";

/// Where a field's name begins with this, an application vouches for its value.
pub(super) const SAFE: &str = "safe_";

/// The fields that a line can have besides those that begin with [`SAFE`].
pub(super) const FIELDS: &[&str] = &[
    "ts",
    "timestamp",
    "level",
    "severity",
    "message",
    "event",
    "service",
    "stage",
    "partner",
    "function",
    "aws_region",
    "source_account_id",
    "account_family",
    "request_id",
    "tenant_id",
    "user_id",
    "trace_id",
    "span_id",
    "correlation_id",
    "error_type",
    "error_code",
    "normalized_message",
    "stack_trace",
    "stack_hash",
    "route",
    "job_name",
    "method",
    "path",
    "status",
];

/// What a profile can rename: the fields, but for the two that are other names of some.
pub(super) fn is_source(name: &str) -> bool {
    FIELDS.contains(&name) && !matches!(name, "ts" | "level")
}

/// What a profile can take from the request or job that an event is about.
pub(super) const CONTEXT_SOURCES: &[&str] = &[
    "request.request_id",
    "request.tenant_id",
    "request.user_id",
    "request.trace_id",
    "request.span_id",
    "request.correlation_id",
    "request.route",
    "request.method",
    "request.path",
    "request.status",
    "job.name",
];

/// The levels that a profile can rename.
pub(super) const LEVELS: &[&str] = &["debug", "info", "warn", "error"];

pub(super) const FORMAT: &str = "json";
pub(super) const NANOSECONDS: &str = "rfc3339nano";
pub(super) const SECONDS: &str = "rfc3339";
pub(super) const HASH: &str = "sha256";
