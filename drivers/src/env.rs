//! The environment of the process. Nothing else reads it.

/// A function that looks a variable up.
#[cfg(any(feature = "_trust", feature = "logs"))]
pub(crate) type Env<'e> = &'e (dyn Fn(&str) -> Option<String> + Sync);

/// Returns a variable of the process. All code that needs variables takes a function like this one,
/// so that tests can pass their own.
#[expect(clippy::disallowed_methods, reason = "the look-up that others are given by default")]
pub(crate) fn process_env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Returns a variable's value, trimmed; `None` when it is blank.
#[cfg(any(feature = "_trust", feature = "lambda", feature = "logs"))]
pub(crate) fn filled(env: impl Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    let value = env(name)?.trim().to_owned();
    (!value.is_empty()).then_some(value)
}

/// An owned function that looks variables up.
pub(crate) type OwnedEnv = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;
