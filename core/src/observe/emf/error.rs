//! Errors of metric declarations.

use alloc::string::String;

/// A namespace, metric or dimension is invalid. This is checked at declaration, because CloudWatch
/// silently drops such metrics.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Error {
    /// The namespace is not 1 to 255 letters, digits, blanks and characters of `.-_/#:`, or begins
    /// with a colon or with `AWS/`. Choose another one.
    #[error(
        "the namespace {given:?} is invalid: use 1 to 255 letters, digits, blanks and characters of \
         `.-_/#:`, which do not begin with `:` or `AWS/`"
    )]
    Namespace {
        /// The namespace.
        given: String,
    },
    /// The name of a metric is not 1 to 255 printable ASCII characters, consists of blanks, or is
    /// `_aws`. Choose another one.
    #[error(
        "the metric {given:?} needs another name: 1 to 255 printable ASCII characters, not only \
         blanks, and not `_aws`"
    )]
    MetricName {
        /// The name.
        given: String,
    },
    /// The name of a dimension is not 1 to 255 printable ASCII characters, consists of blanks,
    /// begins with a colon, or is `_aws`. Choose another one.
    #[error(
        "the dimension {given:?} needs another name: 1 to 255 printable ASCII characters, not only \
         blanks, which do not begin with `:`, and not `_aws`"
    )]
    DimensionName {
        /// The name.
        given: String,
    },
    /// The value of a dimension is not 1 to 1,024 printable ASCII characters, or consists of
    /// blanks. Choose another one.
    #[error(
        "the dimension {name:?} cannot be {given:?}: a value is 1 to 1024 printable ASCII \
         characters, not only blanks"
    )]
    DimensionValue {
        /// The name of the dimension.
        name: String,
        /// The value.
        given: String,
    },
    /// A name is declared twice, as a metric or dimension. Declare it once and share the result, or
    /// choose another name.
    #[error("{given:?} is declared twice: declare it once and share it, or choose another name")]
    Twice {
        /// The name.
        given: String,
    },
    /// A metric has more than 30 dimensions, CloudWatch's limit. Remove some.
    #[error("a metric has {given} dimensions, and CloudWatch takes 30: leave some out")]
    TooManyDimensions {
        /// The number of dimensions.
        given: usize,
    },
    /// The names and longest values of a metric's dimensions exceed 4,096 bytes, so a line could
    /// become too long for CloudWatch. Shorten them.
    #[error(
        "the names and longest values of a metric's dimensions have {given} bytes, and there is \
         room for 4096: shorten them"
    )]
    DimensionsTooLong {
        /// The number of bytes.
        given: usize,
    },
    /// A metric would have more than 1,000 combinations of dimension values, each billed as a
    /// metric. Allow fewer values, or remove a dimension.
    #[error(
        "a metric would have {given} combinations of dimension values, each billed as a metric, and \
         1000 are the most: allow fewer values"
    )]
    TooManyCombinations {
        /// The number of combinations, including `_OTHER`.
        given: usize,
    },
}

/// The most characters of a namespace or name (CloudWatch's `PutMetricData`).
const MAX_NAME: usize = 255;
/// The most characters of a dimension's value (CloudWatch's `PutMetricData`).
const MAX_VALUE: usize = 1024;

pub(super) fn is_namespace(text: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b".-_/#: ".contains(&byte);
    is_text(text, MAX_NAME)
        && text.bytes().all(is_known)
        && !text.starts_with(':')
        && !text.starts_with("AWS/")
}

pub(super) fn is_name(text: &str) -> bool {
    is_text(text, MAX_NAME)
}

pub(super) fn is_value(text: &str) -> bool {
    is_text(text, MAX_VALUE)
}

fn is_text(text: &str, most: usize) -> bool {
    let is_printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    is_printable && text.len() <= most && !text.trim().is_empty()
}
