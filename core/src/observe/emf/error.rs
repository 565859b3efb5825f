//! What CloudWatch does not take.

use alloc::string::String;

/// A namespace, a metric or a dimension that CloudWatch does not take. It is found where it is
/// declared: CloudWatch drops such metrics without a word.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Error {
    /// The namespace is not 1 to 255 letters, digits, blanks and characters of `.-_/#:`, or begins
    /// with a colon or with AWS's own `AWS/`. Choose another one.
    #[error(
        "the namespace {given:?} is not one: 1 to 255 letters, digits, blanks and characters of \
         `.-_/#:`, which do not begin with `:` or `AWS/`"
    )]
    Namespace {
        /// The namespace.
        given: String,
    },
    /// The name of a metric is not 1 to 255 printable ASCII characters, all of them are blanks, or it
    /// is `_aws`. Choose another one.
    #[error(
        "the metric {given:?} needs another name: 1 to 255 printable ASCII characters, not only \
         blanks, and not `_aws`"
    )]
    MetricName {
        /// The name.
        given: String,
    },
    /// The name of a dimension is not 1 to 255 printable ASCII characters, all of them are blanks, it
    /// begins with a colon, or it is `_aws`. Choose another one.
    #[error(
        "the dimension {given:?} needs another name: 1 to 255 printable ASCII characters, not only \
         blanks, which do not begin with `:`, and not `_aws`"
    )]
    DimensionName {
        /// The name.
        given: String,
    },
    /// The value of a dimension is not 1 to 1,024 printable ASCII characters, or all of them are
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
    /// A name is declared twice, as a metric or a dimension. Declare it once, and share what comes of
    /// that; or choose another name.
    #[error("{given:?} is declared twice: declare it once and share it, or choose another name")]
    Twice {
        /// The name.
        given: String,
    },
    /// There are more dimensions around a metric than CloudWatch's 30. Leave some out.
    #[error("a metric has {given} dimensions, and CloudWatch takes 30: leave some out")]
    TooManyDimensions {
        /// How many there are.
        given: usize,
    },
    /// The names and longest values of a metric's dimensions have more than 4,096 bytes together: a
    /// line could become longer than CloudWatch takes. Shorten them.
    #[error(
        "the names and longest values of a metric's dimensions have {given} bytes, and there is \
         room for 4096: shorten them"
    )]
    DimensionsTooLong {
        /// How many bytes they have.
        given: usize,
    },
    /// A metric would be broken down into more than 1,000 combinations of values, each of which is
    /// billed as a metric. Allow fewer values, or take a dimension out.
    #[error(
        "a metric would have {given} combinations of dimension values, each billed as a metric, and \
         1000 are the most: allow fewer values"
    )]
    TooManyCombinations {
        /// How many there would be, `_OTHER` included.
        given: usize,
    },
}

/// The most characters of a namespace or a name (CloudWatch's `PutMetricData`).
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
