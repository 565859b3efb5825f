//! What the environment says.

use core::num::NonZeroUsize;

use super::address::Address;
use apptheory_core::events::{InvokeMode, UnknownMode};

/// What the environment says. Values are trimmed, and blank ones are missing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Settings {
    pub(super) api: Address,
    pub(super) mode: InvokeMode,
    pub(super) max_concurrency: NonZeroUsize,
}

const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";
const INVOKE_MODE: &str = "APPTHEORY_INVOKE_MODE";
const MAX_CONCURRENCY: &str = "AWS_LAMBDA_MAX_CONCURRENCY";

/// The environment does not say how to run. Nothing was taken from the Runtime API.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EnvironmentError {
    /// `AWS_LAMBDA_RUNTIME_API` is not set: this is no Lambda environment. Run the function under an
    /// emulator, or the application on a local port.
    #[error("AWS_LAMBDA_RUNTIME_API is not set: not in a Lambda environment")]
    NotInLambda,
    /// `AWS_LAMBDA_RUNTIME_API` is neither `host:port` nor an `http` URL.
    #[error("AWS_LAMBDA_RUNTIME_API is neither host:port nor an http URL")]
    InvalidRuntimeApi,
    /// `APPTHEORY_INVOKE_MODE` names no mode.
    #[error("APPTHEORY_INVOKE_MODE: {0}")]
    InvalidInvokeMode(#[from] UnknownMode),
    /// `AWS_LAMBDA_MAX_CONCURRENCY` is no number above zero.
    #[error("AWS_LAMBDA_MAX_CONCURRENCY is no number above zero")]
    InvalidMaxConcurrency,
}

impl Settings {
    /// Reads the environment. A mode that was set in code wins, and the variable is not read.
    pub(super) fn read(
        mode: Option<InvokeMode>,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, EnvironmentError> {
        let read = |name| {
            let value = env(name)?.trim().to_owned();
            (!value.is_empty()).then_some(value)
        };
        let api = read(RUNTIME_API).ok_or(EnvironmentError::NotInLambda)?;
        let mode = match (mode, read(INVOKE_MODE)) {
            (Some(mode), _) => mode,
            (None, Some(text)) => text.parse()?,
            (None, None) => InvokeMode::default(),
        };
        let max_concurrency = match read(MAX_CONCURRENCY) {
            Some(text) => text.parse().map_err(|_| EnvironmentError::InvalidMaxConcurrency)?,
            None => NonZeroUsize::MIN,
        };
        let api = Address::parse(&api).ok_or(EnvironmentError::InvalidRuntimeApi)?;
        Ok(Self { api, mode, max_concurrency })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<(InvokeMode, usize), EnvironmentError> {
        let api = (RUNTIME_API, "127.0.0.1:9001");
        let env = |name: &str| {
            let found = variables.iter().chain([&api]).find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let settings = Settings::read(None, env)?;
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
        use EnvironmentError::{
            InvalidInvokeMode, InvalidMaxConcurrency, InvalidRuntimeApi, NotInLambda,
        };
        for (variable, value, error) in [
            (RUNTIME_API, " ", NotInLambda),
            (RUNTIME_API, "https://runtime", InvalidRuntimeApi),
            (INVOKE_MODE, "stream", InvalidInvokeMode(UnknownMode)),
            (MAX_CONCURRENCY, "0", InvalidMaxConcurrency),
            (MAX_CONCURRENCY, "-1", InvalidMaxConcurrency),
        ] {
            assert_eq!(read(&[(variable, value)]), Err(error), "{variable} {value:?}");
        }
    }

    #[test]
    fn a_mode_in_code_wins() {
        let env = |name: &str| Some(if name == INVOKE_MODE { "?" } else { "1" }.to_owned());
        let settings = Settings::read(Some(InvokeMode::Streaming), env).unwrap();
        assert_eq!(settings.mode, InvokeMode::Streaming);
    }
}
