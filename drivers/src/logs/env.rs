//! What the environment says about the log.

use apptheory_core::observe::is_on_lambda;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{ParseError, Targets};

use super::Format;
use crate::env::{Env, filled};

/// The variables that Lambda's logging controls set, and those of the trade.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) format: Format,
    pub(super) levels: Targets,
    /// What every line says: `service`, `function`, `version`.
    pub(super) about: Vec<(&'static str, String)>,
    pub(super) is_on_lambda: bool,
    pub(super) may_be_coloured: bool,
    /// What is wrong with which variable.
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
            may_be_coloured: filled(env, "NO_COLOR").is_none(),
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
                "AWS_LAMBDA_LOG_FORMAT is `{name}`, and a format is `JSON` or `Text`: it is text"
            ));
            Format::Text
        }
    }
}

/// `RUST_LOG` wins where it is set and can be read.
fn levels(env: Env<'_>, complaints: &mut Vec<String>) -> Targets {
    let level = level(env, complaints);
    let everywhere = Targets::new().with_default(level);
    let Some(directives) = filled(env, "RUST_LOG") else { return everywhere };
    // It would be a level all the same, and every other target would be silent.
    let lacks_level = directives.split(',').any(|directive| directive.trim_end().ends_with('='));
    let read = match lacks_level {
        true => Err("a level is missing".to_owned()),
        false => directives.parse().map_err(|error: ParseError| error.to_string()),
    };
    read.unwrap_or_else(|reason| {
        complaints.push(format!(
            "RUST_LOG is `{directives}`, and directives are levels by target, such as \
             `info,shop::orders=debug` ({reason}): `{level}` holds"
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
        // `FATAL` is Lambda's, and `tracing` has nothing above an error.
        "ERROR" | "FATAL" => LevelFilter::ERROR,
        _ => {
            complaints.push(format!(
                "AWS_LAMBDA_LOG_LEVEL is `{name}`, and a level is one of TRACE, DEBUG, INFO, WARN, \
                 ERROR and FATAL: `info` holds"
            ));
            LevelFilter::INFO
        }
    }
}
