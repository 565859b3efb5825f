//! The code under which a stream failed.

use alloc::borrow::Cow;

use crate::error::{AppError, code};

/// The code of a stream's error, as trailers and records show it: the error's own code, trimmed,
/// with older spellings as they are. One that is blank, or could not stand in a header field, is
/// [`code::INTERNAL`].
///
/// An error that is not the application's is [`AppError::internal`] with that error as its cause.
#[must_use]
pub fn stream_error_code(error: &AppError) -> &str {
    match error.code().trim() {
        code if is_printable(code) => code,
        _ => code::INTERNAL,
    }
}

/// The error with the code that it is shown under.
pub(super) fn with_stream_code(error: &AppError) -> Cow<'_, AppError> {
    match stream_error_code(error) {
        code if code == error.code() => Cow::Borrowed(error),
        code => Cow::Owned(error.clone().with_code(code)),
    }
}

fn is_printable(code: &str) -> bool {
    !code.is_empty() && code.bytes().all(|b| matches!(b, b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use super::{stream_error_code, with_stream_code};
    use crate::error::{AppError, ErrorFormat};

    #[test]
    fn codes_are_trimmed_and_never_blank() {
        for (code, expected) in [
            (" my.code ", "my.code"),
            ("EMPTY_BODY", "EMPTY_BODY"),
            ("", "app.internal"),
            ("\t ", "app.internal"),
            ("a\r\nb", "app.internal"),
            ("é", "app.internal"),
        ] {
            assert_eq!(stream_error_code(&AppError::new(code, "m")), expected, "{code:?}");
        }
    }

    #[test]
    fn only_the_code_is_replaced() {
        let error = AppError::new("\u{1}", "kept").with_status(409);
        let shown = with_stream_code(&error);
        let body = r#"{"code":"app.internal","message":"kept"}"#;
        assert_eq!(
            (shown.body(ErrorFormat::FlatLegacy, "", "").as_str(), shown.status()),
            (body, 409)
        );
    }
}
