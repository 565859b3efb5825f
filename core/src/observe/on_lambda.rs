//! Detects Lambda.

use alloc::string::String;

/// Each of these is always set on Lambda, and only there.
const VARIABLES: [&str; 3] =
    ["AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT"];

/// Returns whether the environment is that of a Lambda function, whose log adds the time to each
/// line of text.
///
/// ```
/// use apptheory_core::observe::is_on_lambda;
///
/// assert!(is_on_lambda(|name| (name == "AWS_LAMBDA_FUNCTION_NAME").then(|| "orders".to_owned())));
/// assert!(!is_on_lambda(|_| None));
/// ```
#[must_use]
pub fn is_on_lambda(look_up: impl Fn(&str) -> Option<String>) -> bool {
    VARIABLES.into_iter().any(|name| is_set(&look_up, name))
}

/// Returns whether a variable is set and not blank.
pub(super) fn is_set(look_up: impl Fn(&str) -> Option<String>, name: &str) -> bool {
    look_up(name).is_some_and(|text| !text.trim().is_empty())
}
