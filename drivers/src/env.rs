//! The environment of the process: the one place that reads it.

/// Returns a variable of the process. Everything that looks variables up takes a function like this
/// one, so that tests give their own.
#[expect(clippy::disallowed_methods, reason = "the look-up that others are given by default")]
pub(crate) fn process_env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
