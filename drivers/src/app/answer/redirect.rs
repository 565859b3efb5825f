//! Redirects.

use apptheory_core::error::AppError;

use super::{IntoAnswer, Response};
use crate::app::Answer;
use crate::app::kind::Http;

/// Redirects the client to an absolute URL, or to a path of the same host.
///
/// A location with blanks, control characters or characters outside ASCII turns the response into a
/// masked 500; the log has the reason. Encode what you insert into a location. Do not redirect to a
/// location taken from a request unless you have checked it: links to your service could then lead
/// to any site.
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
    /// Returns a 303: the client fetches `location` with GET. Use it in response to a form.
    #[must_use]
    pub fn to(location: impl Into<String>) -> Self {
        Self { status: 303, location: location.into() }
    }

    /// Returns a 307: the client sends the same request to `location`, this time only.
    #[must_use]
    pub fn temporary(location: impl Into<String>) -> Self {
        Self { status: 307, location: location.into() }
    }

    /// Returns a 308: the client sends the same request to `location` from now on. Browsers cache
    /// it for a long time.
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

/// A location that cannot be sent.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "the location of a redirect is empty, or has blanks, control characters or characters outside ASCII"
)]
struct InvalidLocation;
