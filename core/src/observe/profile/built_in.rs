//! The built-in profiles.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Serialize;

use super::config::{AlertingHints, Encoding, Enrichment, ErrorCapture, ProfileConfig};
use super::error::{MemberKind, Problem, ProfileError, Violation};
use super::names::{FORMAT, HASH, LEVELS, NANOSECONDS, SCHEMA_VERSION};

/// The list of built-in profiles, as JSON of two members.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Catalog {
    /// The version of the profiles' format.
    pub schema_version: &'static str,
    /// The profiles' names, sorted.
    pub profiles: [&'static str; 4],
}

/// The built-in profiles.
pub const CATALOG: Catalog = Catalog {
    schema_version: SCHEMA_VERSION,
    profiles: [CLOUDWATCH, "legacy", "local-dev", PAYTHEORY_ALERT],
};

const CLOUDWATCH: &str = "cloudwatch-json";
const PAYTHEORY_ALERT: &str = "paytheory-alert-v1";

/// Returns the built-in profile with a name, in any case and with surrounding blanks.
pub(super) fn name_of(name: &str) -> Option<&'static str> {
    let name = name.trim();
    CATALOG.profiles.into_iter().find(|known| known.eq_ignore_ascii_case(name))
}

impl ProfileConfig {
    /// Returns the configuration of a built-in profile, one of [`CATALOG`]. Use it as it is, or
    /// modify it.
    ///
    /// # Errors
    ///
    /// [`ProfileError::Invalid`] if there is no built-in profile with this name.
    pub fn built_in(name: &str) -> Result<Self, ProfileError> {
        let known = name_of(name).ok_or_else(|| {
            let problem = Problem::Unsupported(MemberKind::Value, name.trim().to_string());
            ProfileError::Invalid([Violation { path: "profile".into(), problem }].into())
        })?;
        let base = Self::base(known);
        Ok(match known {
            CLOUDWATCH => {
                Self { required_fields: texts(&["timestamp", "level", "message"]), ..base }
            }
            PAYTHEORY_ALERT => base.for_alerts(),
            _ => base,
        })
    }

    fn base(name: &str) -> Self {
        let upper = |level: &&str| (level.to_string(), level.to_ascii_uppercase());
        Self {
            schema_version: SCHEMA_VERSION.into(),
            profile: name.into(),
            encoding: Encoding {
                format: FORMAT.into(),
                timestamp_field: "timestamp".into(),
                timestamp_format: NANOSECONDS.into(),
                level_field: "level".into(),
                message_field: "message".into(),
            },
            levels: LEVELS.iter().map(upper).collect(),
            field_map: map(&[
                ("timestamp", "timestamp"),
                ("severity", "level"),
                ("message", "message"),
            ]),
            ..Self::default()
        }
    }

    fn for_alerts(mut self) -> Self {
        self.encoding.timestamp_field = "ts".into();
        self.field_map.insert("timestamp".into(), "ts".into());
        self.field_map.extend(ALERT_FIELDS.iter().map(|name| (name.to_string(), name.to_string())));
        Self {
            required_fields: texts(&[
                "ts",
                "level",
                "message",
                "service",
                "stage",
                "partner",
                "function",
                "aws_region",
            ]),
            recommended_fields: texts(&[
                "source_account_id",
                "account_family",
                "request_id",
                "trace_id",
                "correlation_id",
                "error_type",
                "error_code",
                "normalized_message",
                "stack_hash",
                "route",
                "job_name",
            ]),
            enrichment: Enrichment {
                static_fields: map(&[
                    ("service", "${SERVICE_NAME}"),
                    ("stage", "${STAGE}"),
                    ("partner", "${PARTNER}"),
                    ("function", "${AWS_LAMBDA_FUNCTION_NAME}"),
                    ("aws_region", "${AWS_REGION}"),
                    ("source_account_id", "${SOURCE_ACCOUNT_ID}"),
                    ("account_family", "${ACCOUNT_FAMILY}"),
                ]),
                context: map(&[
                    ("request_id", "request.request_id"),
                    ("trace_id", "request.trace_id"),
                    ("correlation_id", "request.correlation_id"),
                    ("route", "request.route"),
                    ("job_name", "job.name"),
                ]),
            },
            error_capture: ErrorCapture {
                include_error_type: true,
                include_error_code: true,
                include_stack_trace: true,
                stack_trace_field: "stack_trace".into(),
                stack_hash_field: "stack_hash".into(),
                stack_hash_algorithm: HASH.into(),
            },
            alerting_hints: AlertingHints {
                fingerprint_fields: texts(&[
                    "service",
                    "normalized_message",
                    "error_type",
                    "stack_hash",
                ]),
                keeper_lookup_fields: texts(&[
                    "partner",
                    "stage",
                    "account_family",
                    "aws_region",
                    "service",
                    "function",
                    "request_id",
                    "trace_id",
                ]),
            },
            ..self
        }
    }
}

/// The fields of lines for alerts that keep their own names.
const ALERT_FIELDS: &[&str] = &[
    "normalized_message",
    "error_type",
    "error_code",
    "request_id",
    "trace_id",
    "correlation_id",
    "stack_trace",
    "stack_hash",
    "service",
    "stage",
    "partner",
    "function",
    "account_family",
    "source_account_id",
    "aws_region",
    "route",
    "job_name",
];

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect()
}
