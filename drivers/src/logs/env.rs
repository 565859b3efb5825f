//! The log settings from the environment.

use apptheory_core::observe::is_on_lambda;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{ParseError, Targets};

use super::Format;
use crate::env::{Env, filled};

/// The settings from Lambda's logging controls and other common variables.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) format: Format,
    pub(super) levels: Targets,
    /// Fields of every line: `service`, `function`, `version`.
    pub(super) about: Vec<(&'static str, String)>,
    pub(super) is_on_lambda: bool,
    pub(super) may_be_colored: bool,
    /// Warnings about malformed variables.
    pub(super) complaints: Vec<String>,
}

impl Settings {
    pub(super) fn read(env: Env<'_>) -> Self {
        let mut complaints = Vec::new();
        let about = [
            ("service", "SERVICE_NAME"),
            ("function", "AWS_LAMBDA_FUNCTION_NAME"),
            ("version", "AWS_LAMBDA_FUNCTION_VERSION"),
        ];
        Self {
            format: format(env, &mut complaints),
            levels: levels(env, &mut complaints),
            about: about
                .into_iter()
                .filter_map(|(field, variable)| Some((field, filled(env, variable)?)))
                .collect(),
            is_on_lambda: is_on_lambda(env),
            may_be_colored: filled(env, "NO_COLOR").is_none(),
            complaints,
        }
    }
}

fn format(env: Env<'_>, complaints: &mut Vec<String>) -> Format {
    let Some(name) = filled(env, "AWS_LAMBDA_LOG_FORMAT") else { return Format::Text };
    match name.to_ascii_lowercase().as_str() {
        "json" => Format::Json,
        "text" => Format::Text,
        _ => {
            complaints.push(format!(
                "AWS_LAMBDA_LOG_FORMAT is `{name}`, which is not `JSON` or `Text`: using text"
            ));
            Format::Text
        }
    }
}

/// `RUST_LOG` has priority if it is set and valid.
fn levels(env: Env<'_>, complaints: &mut Vec<String>) -> Targets {
    let level = level(env, complaints);
    let everywhere = Targets::new().with_default(level);
    let Some(directives) = filled(env, "RUST_LOG") else { return everywhere };
    // It would parse as a level, and silence every other target.
    let lacks_level = directives.split(',').any(|directive| directive.trim_end().ends_with('='));
    let read = match lacks_level {
        true => Err("a level is missing".to_owned()),
        false => directives.parse().map_err(|error: ParseError| error.to_string()),
    };
    read.unwrap_or_else(|reason| {
        complaints.push(format!(
            "RUST_LOG is `{directives}`, which is not a list of levels by target such as \
              `info,shop::orders=debug` ({reason}): using `{level}`"
        ));
        everywhere
    })
}

fn level(env: Env<'_>, complaints: &mut Vec<String>) -> LevelFilter {
    let Some(name) = filled(env, "AWS_LAMBDA_LOG_LEVEL") else { return LevelFilter::INFO };
    match name.to_ascii_uppercase().as_str() {
        "TRACE" => LevelFilter::TRACE,
        "DEBUG" => LevelFilter::DEBUG,
        "INFO" => LevelFilter::INFO,
        "WARN" => LevelFilter::WARN,
        // Lambda has the level `FATAL`; `tracing` has none above an error.
        "ERROR" | "FATAL" => LevelFilter::ERROR,
        _ => {
            complaints.push(format!(
                "AWS_LAMBDA_LOG_LEVEL is `{name}`, which is not one of TRACE, DEBUG, INFO, WARN, \
                  ERROR and FATAL: using `info`"
            ));
            LevelFilter::INFO
        }
    }
}
