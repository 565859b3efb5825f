//! A profile as it is configured.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;

/// A logging profile as it is configured. Start with a [built-in one](Self::built_in), or read one with
/// [`from_json`](Self::from_json); [`LoggingProfile::new`](super::LoggingProfile::new) says what is wrong
/// with it.
///
/// Fields are those that profiles know: `ts`, `timestamp`, `level`, `severity`, `message`, `event`,
/// `service`, `stage`, `partner`, `function`, `aws_region`, `source_account_id`, `account_family`,
/// `request_id`, `tenant_id`, `user_id`, `trace_id`, `span_id`, `correlation_id`, `error_type`,
/// `error_code`, `normalized_message`, `stack_trace`, `stack_hash`, `route`, `job_name`, `method`, `path`
/// and `status`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct ProfileConfig {
    /// The version of the format: [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: String,
    /// The name of the built-in profile that it is based on, in any case.
    pub profile: String,
    /// How lines are written.
    pub encoding: Encoding,
    /// The texts of the levels `debug`, `info`, `warn` and `error`; those that are missing are in upper
    /// case.
    pub levels: BTreeMap<String, String>,
    /// Without one of these fields an event has no line: it is an error.
    pub required_fields: Vec<String>,
    /// Fields that lines should have. Nothing checks this: it is a note for people.
    pub recommended_fields: Vec<String>,
    /// The fields that what is known of an event is written to, by its name: `timestamp`, `severity`,
    /// `message` and the fields, but for `ts` and `level`. What is missing keeps its name; `severity` is
    /// `level`. Names in `encoding` and `error_capture` come first.
    pub field_map: BTreeMap<String, String>,
    /// What lines have besides what an event says.
    pub enrichment: Enrichment,
    /// What of an error is written.
    pub error_capture: ErrorCapture,
    /// Notes on the values that callers add. Lines are sanitized in any case.
    pub sanitization: Sanitization,
    /// By which fields an alerting system groups and looks up lines. Lines do not depend on it.
    pub alerting_hints: AlertingHints,
}

/// How lines are written.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct Encoding {
    /// `json`.
    pub format: String,
    /// The field of the time; blank is `timestamp`.
    pub timestamp_field: String,
    /// `rfc3339nano`, with as many digits as the fraction of a second needs, or `rfc3339`, without a
    /// fraction; blank is the first. Times are in UTC.
    pub timestamp_format: String,
    /// The field of the level; blank is `level`.
    pub level_field: String,
    /// The field of the message; blank is `message`.
    pub message_field: String,
}

/// What lines have besides what an event says.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct Enrichment {
    /// Texts by fields, `static` in JSON. `${NAME}` is the environment variable of that name, and its
    /// field is left out where it is not set; any other text is itself.
    #[serde(rename = "static")]
    pub static_fields: BTreeMap<String, String>,
    /// Of the request or job that an event is about, by fields: `request.request_id`,
    /// `request.tenant_id`, `request.user_id`, `request.trace_id`, `request.span_id`,
    /// `request.correlation_id`, `request.route`, `request.method`, `request.path`, `request.status` and
    /// `job.name`.
    pub context: BTreeMap<String, String>,
}

/// What of an error is written.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct ErrorCapture {
    /// Whether its type is.
    pub include_error_type: bool,
    /// Whether its code is.
    pub include_error_code: bool,
    /// Whether its stack trace is, each of its lines sanitized, and the digest of the trace as it was.
    pub include_stack_trace: bool,
    /// The field of the stack trace; blank is `stack_trace`.
    pub stack_trace_field: String,
    /// The field of its digest; blank is `stack_hash`.
    pub stack_hash_field: String,
    /// `sha256`, or blank for the same.
    pub stack_hash_algorithm: String,
}

/// Notes on the values that callers add.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct Sanitization {
    /// Whether callers sanitize them, too.
    pub existing_sanitized_logging: bool,
    /// What else there is to say.
    pub notes: String,
}

/// By which fields an alerting system groups and looks up lines.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct AlertingHints {
    /// Lines with the same values of these are of one kind.
    pub fingerprint_fields: Vec<String>,
    /// The fields by which it finds whom to call.
    pub keeper_lookup_fields: Vec<String>,
}

impl ProfileConfig {
    /// The field that something known of an event is written to.
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
