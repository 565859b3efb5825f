//! The environment of the process: the one place that reads it.

/// Looks a variable up.
#[cfg(any(feature = "_https", feature = "logs"))]
pub(crate) type Env<'e> = &'e (dyn Fn(&str) -> Option<String> + Sync);

/// Returns a variable of the process. Everything that looks variables up takes a function like this
/// one, so that tests give their own.
#[expect(clippy::disallowed_methods, reason = "the look-up that others are given by default")]
pub(crate) fn process_env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Returns what a variable holds, trimmed; a blank one is missing.
#[cfg(any(feature = "_https", feature = "lambda", feature = "logs"))]
pub(crate) fn filled(env: impl Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    let value = env(name)?.trim().to_owned();
    (!value.is_empty()).then_some(value)
}

/// A look-up of variables that is kept.
pub(crate) type OwnedEnv = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;
