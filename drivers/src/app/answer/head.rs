//! Statuses and headers as parts of responses.

use std::collections::BTreeSet;

use apptheory_core::error::AppError;
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, InvalidHeaderName};

use super::{IntoAnswer, Response};
use crate::app::Answer;
use crate::app::kind::RequestKind;

/// Headers that a handler sets on its response: an array of names and values, or a [`HeaderMap`] of
/// the crate `http`. They replace headers of the same name; a name that occurs several times keeps
/// all of its values. `set-cookie` is always added.
///
/// An invalid name, or a value with other characters than tabs, blanks and visible ASCII, turns the
/// response into a masked 500; the log has the reason.
///
/// ```
/// use apptheory::prelude::*;
///
/// let app = App::new().get("/", async || ([("cache-control", "no-store")], "hello")).build()?;
/// # Ok::<(), BuildError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a status nor header fields of an answer",
    note = "an answer is `(StatusCode, T)`, `([(name, value)], T)`, `(StatusCode, [(name, value)], T)` or the same with an `http::HeaderMap`"
)]
pub trait HeaderFields {
    /// Sets the headers on `response`.
    ///
    /// # Errors
    ///
    /// A masked 500 for a name that is not an HTTP token.
    fn put_on(self, response: &mut Response) -> Result<(), AppError>;
}

impl<N: AsRef<str>, V: Into<String>, const LEN: usize> HeaderFields for [(N, V); LEN] {
    fn put_on(self, response: &mut Response) -> Result<(), AppError> {
        let named =
            |(name, value): (N, V)| Ok((HeaderName::try_from(name.as_ref())?, value.into()));
        put(self.into_iter().map(named), response)
    }
}

impl HeaderFields for HeaderMap {
    fn put_on(self, response: &mut Response) -> Result<(), AppError> {
        // Bytes outside ASCII are refused when the response is sent.
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let fields = self.iter().map(|(name, value)| Ok((name.clone(), text(value.as_bytes()))));
        put(fields, response)
    }
}

fn put(
    fields: impl Iterator<Item = Result<(HeaderName, String), InvalidHeaderName>>,
    response: &mut Response,
) -> Result<(), AppError> {
    let mut seen = BTreeSet::new();
    for field in fields {
        let (name, value) = field.map_err(|error| AppError::internal().with_cause(error))?;
        if name == http::header::SET_COOKIE {
            response.cookies.push(value);
        } else if seen.insert(name.as_str().to_owned()) {
            response.headers.set(name.as_str(), value);
        } else {
            response.headers.append(name.as_str(), value);
        }
    }
    Ok(())
}

impl<K: RequestKind> IntoAnswer<K> for StatusCode {
    fn into_answer(self) -> Answer {
        Ok(Response::new(self.as_u16()))
    }
}

impl<K: RequestKind, T: IntoAnswer<K>> IntoAnswer<K> for (StatusCode, T) {
    fn into_answer(self) -> Answer {
        let (status, rest) = self;
        Ok(Response { status: status.as_u16(), ..rest.into_answer()? })
    }
}

impl<K: RequestKind, F: HeaderFields, T: IntoAnswer<K>> IntoAnswer<K> for (F, T) {
    fn into_answer(self) -> Answer {
        let (fields, rest) = self;
        let mut response = rest.into_answer()?;
        fields.put_on(&mut response)?;
        Ok(response)
    }
}

impl<K: RequestKind, F: HeaderFields, T: IntoAnswer<K>> IntoAnswer<K> for (StatusCode, F, T) {
    fn into_answer(self) -> Answer {
        let (status, fields, rest) = self;
        (status, (fields, rest)).into_answer()
    }
}
