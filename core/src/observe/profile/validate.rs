//! Checks profiles.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::built_in;
use super::config::ProfileConfig;
use super::error::{MemberKind, Problem, Violation};
use super::names::{
    CONTEXT_SOURCES, FIELDS, FORMAT, HASH, LEVELS, NANOSECONDS, SCHEMA_VERSION, SECONDS, is_source,
};

/// Returns everything that is wrong with a profile, in the order of its members.
pub(super) fn violations(config: &ProfileConfig) -> Vec<Violation> {
    let ProfileConfig { encoding, enrichment, error_capture, alerting_hints, .. } = config;
    let mut found = Findings::default();
    found.require("schema_version", &config.schema_version, MemberKind::Value, |v| {
        v == SCHEMA_VERSION
    });
    let profile = config.profile.trim();
    found.require("profile", profile, MemberKind::Value, |name| built_in::name_of(name).is_some());
    found
        .require("encoding.format", &encoding.format, MemberKind::Value, |format| format == FORMAT);
    found.check(
        "encoding.timestamp_format",
        &encoding.timestamp_format,
        MemberKind::Value,
        |format| matches!(format, NANOSECONDS | SECONDS),
    );
    found.check("encoding.timestamp_field", &encoding.timestamp_field, MemberKind::Field, is_field);
    found.check("encoding.level_field", &encoding.level_field, MemberKind::Field, is_field);
    found.check("encoding.message_field", &encoding.message_field, MemberKind::Field, is_field);
    for (level, text) in &config.levels {
        let path = format!("levels.{level}");
        if !LEVELS.contains(&&**level) {
            found.add(&path, Problem::Unsupported(MemberKind::Level, level.clone()));
        } else if is_blank(text) {
            found.add(&path, Problem::Required);
        }
    }
    found.fields("required_fields", &config.required_fields);
    found.fields("recommended_fields", &config.recommended_fields);
    found.sources(&config.field_map);
    for field in enrichment.static_fields.keys() {
        found.target(config, &format!("enrichment.static.{field}"), field);
    }
    for (field, source) in &enrichment.context {
        let path = format!("enrichment.context.{field}");
        found.target(config, &path, field);
        found
            .require(&path, source, MemberKind::Source, |source| CONTEXT_SOURCES.contains(&source));
    }
    let trace = &error_capture.stack_trace_field;
    found.check("error_capture.stack_trace_field", trace, MemberKind::Field, is_field);
    let hash = &error_capture.stack_hash_field;
    found.check("error_capture.stack_hash_field", hash, MemberKind::Field, is_field);
    let algorithm = &error_capture.stack_hash_algorithm;
    found.check("error_capture.stack_hash_algorithm", algorithm, MemberKind::Value, |name| {
        name == HASH
    });
    found.fields("alerting_hints.fingerprint_fields", &alerting_hints.fingerprint_fields);
    found.fields("alerting_hints.keeper_lookup_fields", &alerting_hints.keeper_lookup_fields);
    found.0
}

#[derive(Default)]
struct Findings(Vec<Violation>);

impl Findings {
    fn add(&mut self, path: &str, problem: Problem) {
        self.0.push(Violation { path: path.to_string(), problem });
    }

    /// Checks a text that is required and must be known.
    fn require(
        &mut self,
        path: &str,
        value: &str,
        kind: MemberKind,
        is_known: impl Fn(&str) -> bool,
    ) {
        if is_blank(value) {
            self.add(path, Problem::Required);
        } else {
            self.check(path, value, kind, is_known);
        }
    }

    /// Checks an optional text that must be known.
    fn check(
        &mut self,
        path: &str,
        value: &str,
        kind: MemberKind,
        is_known: impl Fn(&str) -> bool,
    ) {
        if !is_blank(value) && !is_known(value) {
            self.add(path, Problem::Unsupported(kind, value.to_string()));
        }
    }

    fn fields(&mut self, path: &str, fields: &[String]) {
        for (at, field) in fields.iter().enumerate() {
            self.require(&format!("{path}[{at}]"), field, MemberKind::Field, is_field);
        }
    }

    fn sources(&mut self, field_map: &BTreeMap<String, String>) {
        for (source, field) in field_map {
            let path = format!("field_map.{source}");
            if !is_source(source) {
                self.add(&path, Problem::Unsupported(MemberKind::Source, source.clone()));
            }
            self.require(&path, field, MemberKind::Field, is_field);
        }
    }

    /// Checks a field that an enrichment is written to.
    fn target(&mut self, config: &ProfileConfig, path: &str, field: &str) {
        let owned = ["timestamp", "severity", "message"].map(|source| config.field_of(source));
        if !is_field(field) {
            self.add(path, Problem::Unsupported(MemberKind::Field, field.to_string()));
        } else if owned.contains(&field) {
            self.add(path, Problem::Owned);
        }
    }
}

fn is_field(name: &str) -> bool {
    FIELDS.contains(&name)
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}
