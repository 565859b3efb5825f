//! Causes of errors, as text.

use core::error::Error;
use core::fmt;

/// Iterates over the causes of an error, outermost first.
pub(crate) fn causes<'e>(
    error: &'e (dyn Error + 'static),
) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    core::iter::successors(error.source(), |&error| error.source())
}

/// Returns the texts of an error and its causes, without those that an earlier text already
/// contains.
#[cfg(feature = "lambda")]
pub(crate) fn texts(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut texts = vec![error.to_string()];
    for cause in causes(error) {
        let new = cause.to_string();
        if !texts.iter().any(|text| text.contains(&new)) {
            texts.push(new);
        }
    }
    texts
}

/// Returns the texts in one line, for logs.
#[cfg(feature = "lambda")]
pub(crate) fn line(error: &(dyn Error + 'static)) -> String {
    let texts = texts(error);
    let lines = texts.iter().map(|text| text.lines().collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join(": ")
}

/// Prints an error and its causes, in one line.
pub(crate) struct WithCauses<'e>(pub(crate) &'e (dyn Error + 'static));

impl fmt::Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        causes(self.0).try_for_each(|cause| write!(f, ": {cause}"))
    }
}
