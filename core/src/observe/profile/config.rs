//! The configuration of a profile.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;

/// The configuration of a logging profile. Start with a [built-in one](Self::built_in), or read one
/// with [`from_json`](Self::from_json). [`LoggingProfile::new`](super::LoggingProfile::new) checks
/// it.
///
/// The known fields are `ts`, `timestamp`, `level`, `severity`, `message`, `event`, `service`,
/// `stage`, `partner`, `function`, `aws_region`, `source_account_id`, `account_family`,
/// `request_id`, `tenant_id`, `user_id`, `trace_id`, `span_id`, `correlation_id`, `error_type`,
/// `error_code`, `normalized_message`, `stack_trace`, `stack_hash`, `route`, `job_name`, `method`,
/// `path` and `status`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct ProfileConfig {
    /// The version of the format: [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: String,
    /// The name of the built-in profile that it is based on, in any case.
    pub profile: String,
    /// How lines are encoded.
    pub encoding: Encoding,
    /// The texts of the levels `debug`, `info`, `warn` and `error`; a missing level is written in
    /// upper case.
    pub levels: BTreeMap<String, String>,
    /// The required fields. An event without one of them is an error and has no line.
    pub required_fields: Vec<String>,
    /// Recommended fields. Not checked; a note for people.
    pub recommended_fields: Vec<String>,
    /// The field for each source of an event: `timestamp`, `severity`, `message`, and the fields
    /// except `ts` and `level`. A missing source keeps its name; `severity` is written to `level`.
    /// Names in `encoding` and `error_capture` take precedence.
    pub field_map: BTreeMap<String, String>,
    /// Values that are added to every line.
    pub enrichment: Enrichment,
    /// Which parts of an error are written.
    pub error_capture: ErrorCapture,
    /// Notes on values that callers add. Lines are always sanitized.
    pub sanitization: Sanitization,
    /// The fields by which an alerting system groups and looks up lines. They do not change lines.
    pub alerting_hints: AlertingHints,
}

/// How lines are encoded.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct Encoding {
    /// `json`.
    pub format: String,
    /// The field of the time; `timestamp` if blank.
    pub timestamp_field: String,
    /// `rfc3339nano`, with as many fraction digits as necessary, or `rfc3339`, without a fraction;
    /// the first if blank. Times are in UTC.
    pub timestamp_format: String,
    /// The field of the level; `level` if blank.
    pub level_field: String,
    /// The field of the message; `message` if blank.
    pub message_field: String,
}

/// Values that are added to every line.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct Enrichment {
    /// Texts by field, `static` in JSON. `${NAME}` is replaced by this environment variable, and
    /// the field is left out if the variable is not set. Any other text is literal.
    #[serde(rename = "static")]
    pub static_fields: BTreeMap<String, String>,
    /// Properties of an event's request or job, by field: `request.request_id`,
    /// `request.tenant_id`, `request.user_id`, `request.trace_id`, `request.span_id`,
    /// `request.correlation_id`, `request.route`, `request.method`, `request.path`,
    /// `request.status` and `job.name`.
    pub context: BTreeMap<String, String>,
}

/// Which parts of an error are written.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct ErrorCapture {
    /// Whether to write the error's type.
    pub include_error_type: bool,
    /// Whether to write the error's code.
    pub include_error_code: bool,
    /// Whether to write the error's stack trace, sanitized line by line, and the digest of the
    /// original.
    pub include_stack_trace: bool,
    /// The field of the stack trace; `stack_trace` if blank.
    pub stack_trace_field: String,
    /// The field of the digest; `stack_hash` if blank.
    pub stack_hash_field: String,
    /// `sha256`; the same if blank.
    pub stack_hash_algorithm: String,
}

/// Notes on values that callers add.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct Sanitization {
    /// Whether callers sanitize the values, too.
    pub existing_sanitized_logging: bool,
    /// Further notes.
    pub notes: String,
}

/// The fields by which an alerting system groups and looks up lines.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct AlertingHints {
    /// Lines with equal values of these fields are of one kind.
    pub fingerprint_fields: Vec<String>,
    /// The fields by which the system finds the responsible person.
    pub keeper_lookup_fields: Vec<String>,
}

impl ProfileConfig {
    /// Returns the field of a source.
    pub(super) fn field_of<'c>(&'c self, source: &'c str) -> &'c str {
        let named = match source {
            "timestamp" => &*self.encoding.timestamp_field,
            "severity" => &self.encoding.level_field,
            "message" => &self.encoding.message_field,
            "stack_trace" => &self.error_capture.stack_trace_field,
            "stack_hash" => &self.error_capture.stack_hash_field,
            _ => "",
        };
        let mapped = self.field_map.get(source).map_or("", String::as_str);
        let own = if source == "severity" { "level" } else { source };
        [named, mapped].into_iter().find(|name| !name.trim().is_empty()).unwrap_or(own)
    }
}
