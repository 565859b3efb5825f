//! Reads profiles from JSON.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde_json::{Map, Value as Json};

use super::config::ProfileConfig;
use super::error::{Problem, ProfileError, Violation};
use super::validate;
use crate::json::{self, JsonError, Misread};

impl ProfileConfig {
    /// Reads a profile from JSON. An unknown member is an error.
    ///
    /// ```
    /// use apptheory_core::observe::profile::ProfileConfig;
    ///
    /// let text = r#"{"profile": "legacy", "color": true}"#;
    /// let error = ProfileConfig::from_json(text).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "logging profile validation failed: color: unsupported option; \
    ///      schema_version: required; encoding.format: required",
    /// );
    /// ```
    ///
    /// # Errors
    ///
    /// [`ProfileError::NotJson`] if the text is not a JSON object, or a member has the wrong type;
    /// [`ProfileError::Invalid`] with everything else that is wrong.
    pub fn from_json(text: &str) -> Result<Self, ProfileError> {
        let object: Json = serde_json::from_str(text)
            .map_err(|error| ProfileError::NotJson(Misread::NotJson(JsonError::from(&error))))?;
        let mut found = Vec::new();
        for (name, value) in sorted(object_at("", &object)?) {
            match SECTIONS.iter().find(|(section, _)| *section == name) {
                Some((_, members)) => {
                    let unknown = sorted(object_at(name, value)?).into_iter();
                    let unknown = unknown.filter(|(member, _)| !members.contains(member));
                    found
                        .extend(unknown.map(|(member, _)| unsupported(format!("{name}.{member}"))));
                }
                None if MEMBERS.contains(&name) => {}
                None => found.push(unsupported(name.to_string())),
            }
        }
        // Read from the text instead of the value, so that duplicate members are refused.
        let config: Self = json::read(text.as_bytes()).map_err(ProfileError::NotJson)?;
        found.extend(validate::violations(&config));
        if found.is_empty() { Ok(config) } else { Err(ProfileError::Invalid(found)) }
    }
}

/// The members of a profile that are objects, with their known members.
const SECTIONS: &[(&str, &[&str])] = &[
    (
        "encoding",
        &["format", "timestamp_field", "timestamp_format", "level_field", "message_field"],
    ),
    ("enrichment", &["static", "context"]),
    (
        "error_capture",
        &[
            "include_error_type",
            "include_error_code",
            "include_stack_trace",
            "stack_trace_field",
            "stack_hash_field",
            "stack_hash_algorithm",
        ],
    ),
    ("sanitization", &["existing_sanitized_logging", "notes"]),
    ("alerting_hints", &["fingerprint_fields", "keeper_lookup_fields"]),
];

/// The other members of a profile.
const MEMBERS: &[&str] =
    &["schema_version", "profile", "levels", "required_fields", "recommended_fields", "field_map"];

const fn unsupported(path: String) -> Violation {
    Violation { path, problem: Problem::UnknownOption }
}

/// `serde` also reads a struct from a list of its fields: `["json"]` would pass for an encoding.
fn object_at<'j>(path: &str, value: &'j Json) -> Result<&'j Map<String, Json>, ProfileError> {
    value.as_object().ok_or_else(|| {
        let (path, expected) = (path.to_string(), "an object".to_string());
        ProfileError::NotJson(Misread::OtherShape { path, expected })
    })
}

fn sorted(members: &Map<String, Json>) -> Vec<(&str, &Json)> {
    let mut members: Vec<_> = members.iter().map(|(name, value)| (&**name, value)).collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    members
}
