//! The settings from the environment.

use core::num::NonZeroUsize;
use std::sync::Arc;

use apptheory_core::events::{InvokeMode, UnknownMode};

use super::address::Address;
use super::error::RuntimeError;
use crate::app::Function;
use crate::env::filled;

/// The settings from the environment. Values are trimmed, and blank ones ignored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Settings {
    pub(super) api: Address,
    pub(super) mode: InvokeMode,
    pub(super) max_concurrency: NonZeroUsize,
    /// Whether Lambda takes a snapshot of the process before its first invocation.
    pub(super) is_snapshotted: bool,
}

pub(crate) const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";
const INVOKE_MODE: &str = "APPTHEORY_INVOKE_MODE";
pub(crate) const MAX_CONCURRENCY: &str = "AWS_LAMBDA_MAX_CONCURRENCY";

impl Settings {
    /// Reads the environment. If `mode` is set in code, its variable is not read.
    pub(super) fn read(
        mode: Option<InvokeMode>,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, RuntimeError> {
        let read = |name| filled(&env, name);
        let api = read(RUNTIME_API).ok_or(RuntimeError::NotInLambda)?;
        let mode = invoke_mode(mode, &env)?;
        let max_concurrency = match read(MAX_CONCURRENCY) {
            Some(text) => text.parse().map_err(|_| RuntimeError::InvalidMaxConcurrency)?,
            None => NonZeroUsize::MIN,
        };
        let api = Address::parse(&api).ok_or(RuntimeError::InvalidRuntimeApi)?;
        let is_snapshotted =
            read("AWS_LAMBDA_INITIALIZATION_TYPE").is_some_and(|as_what| as_what == "snap-start");
        Ok(Self { api, mode, max_concurrency, is_snapshotted })
    }
}

/// Reads the function's description. A malformed memory size is ignored.
pub(super) fn function(env: impl Fn(&str) -> Option<String>) -> Arc<Function> {
    let read = |name| filled(&env, name).unwrap_or_default();
    Arc::new(Function {
        name: read("AWS_LAMBDA_FUNCTION_NAME"),
        version: read("AWS_LAMBDA_FUNCTION_VERSION"),
        memory_mb: read("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").parse().ok(),
        log_group: read("AWS_LAMBDA_LOG_GROUP_NAME"),
        log_stream: read("AWS_LAMBDA_LOG_STREAM_NAME"),
    })
}

/// Reads how responses are sent, unless that was set in code.
pub(super) fn invoke_mode(
    mode: Option<InvokeMode>,
    env: impl Fn(&str) -> Option<String>,
) -> Result<InvokeMode, UnknownMode> {
    match (mode, filled(env, INVOKE_MODE)) {
        (Some(mode), _) => Ok(mode),
        (None, Some(text)) => text.parse(),
        (None, None) => Ok(InvokeMode::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<(InvokeMode, usize), String> {
        let api = (RUNTIME_API, "127.0.0.1:9001");
        let env = |name: &str| {
            let found = variables.iter().chain([&api]).find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let settings = Settings::read(None, env).map_err(|error| error.to_string())?;
        Ok((settings.mode, settings.max_concurrency.get()))
    }

    #[test]
    fn what_is_not_set_has_a_default() {
        assert_eq!(read(&[]), Ok((InvokeMode::Buffered, 1)));
        assert_eq!(read(&[(INVOKE_MODE, " "), (MAX_CONCURRENCY, "")]), read(&[]));
        assert_eq!(
            read(&[(INVOKE_MODE, " force "), (MAX_CONCURRENCY, " 8 ")]),
            Ok((InvokeMode::StreamingForced, 8))
        );
    }

    #[test]
    fn what_is_set_wrong_is_an_error() {
        for (variable, value, error) in [
            (RUNTIME_API, " ", "not in a Lambda environment"),
            (RUNTIME_API, "https://runtime", "neither host:port nor an http URL"),
            (INVOKE_MODE, "stream", "APPTHEORY_INVOKE_MODE: "),
            (MAX_CONCURRENCY, "0", "AWS_LAMBDA_MAX_CONCURRENCY is not a whole number above zero"),
            (MAX_CONCURRENCY, "-1", "AWS_LAMBDA_MAX_CONCURRENCY is not a whole number above zero"),
        ] {
            let said = read(&[(variable, value)]).unwrap_err();
            assert!(said.contains(error), "{variable} {value:?}: {said}");
        }
    }

    #[test]
    fn a_mode_in_code_wins() {
        let env = |name: &str| Some(if name == INVOKE_MODE { "?" } else { "1" }.to_owned());
        let settings = Settings::read(Some(InvokeMode::Streaming), env).unwrap();
        assert_eq!(settings.mode, InvokeMode::Streaming);
    }
}
