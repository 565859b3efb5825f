//! The names that profiles know.

/// The version of the profile format that this release reads.
pub const SCHEMA_VERSION: &str = "apptheory.logging/v1";

/// The prefix of field names whose values the application declares safe.
pub(super) const SAFE: &str = "safe_";

/// The fields of lines, besides those that begin with [`SAFE`].
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

/// Returns whether a profile can rename a source: any field, except the two that are aliases.
pub(super) fn is_source(name: &str) -> bool {
    FIELDS.contains(&name) && !matches!(name, "ts" | "level")
}

/// The sources of an event's request or job.
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
