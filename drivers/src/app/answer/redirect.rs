//! Answers that send the client elsewhere.

use apptheory_core::error::AppError;

use super::{IntoAnswer, Response};
use crate::app::Answer;
use crate::app::kind::Http;

/// Sends the client to another place: an absolute URL, or a path of the same host.
///
/// A place that holds blanks, control characters or anything but ASCII would break the answer: it is a
/// masked 500 instead, whose reason is in the log. Encode what you put into one, and do not send clients
/// where a request says, unless you know the place: links to your service would lead elsewhere.
///
/// ```
/// use apptheory::app::{App, Redirect};
///
/// let app = App::new().get("/old", async || Redirect::permanent("/new")).build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Redirect {
    status: u16,
    location: String,
}

impl Redirect {
    /// Returns a 303: look there, with GET. It suits the answer to a form.
    #[must_use]
    pub fn to(location: impl Into<String>) -> Self {
        Self { status: 303, location: location.into() }
    }

    /// Returns a 307: send the same request there, this time.
    #[must_use]
    pub fn temporary(location: impl Into<String>) -> Self {
        Self { status: 307, location: location.into() }
    }

    /// Returns a 308: send the same request there, from now on. Browsers remember it for long.
    #[must_use]
    pub fn permanent(location: impl Into<String>) -> Self {
        Self { status: 308, location: location.into() }
    }
}

impl IntoAnswer<Http> for Redirect {
    fn into_answer(self) -> Answer {
        let Self { status, location } = self;
        if location.is_empty() || !location.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(AppError::internal().with_cause(InvalidLocation));
        }
        Ok(Response::new(status).with_header("location", location))
    }
}

/// A place that cannot be sent.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the place of a redirect is empty, or holds blanks, control characters or more than ASCII")]
struct InvalidLocation;
