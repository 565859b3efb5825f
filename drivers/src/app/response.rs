//! What handlers may return.

use apptheory_core::error::AppError;
use serde::Serialize;

use super::body::BodyStream;
use super::context::Answer;
use super::extract::Json;

/// A response whose body may still be made while it is sent.
pub type Response = apptheory_core::http::HttpResponse<BodyStream>;

/// Whatever a handler may return.
///
/// | Type | Answer |
/// |---|---|
/// | [`Response`] | itself |
/// | `&str`, `String` | 200, text |
/// | [`Json`], [`Html`] | 200, of that type |
/// | `()` | 204 |
/// | `(status, T)` | `T` with that status |
/// | `Result<T, E>` | `T`, or the error: an [`AppError`], or a boxed error, which is masked unless it holds one |
pub trait IntoResponse {
    /// The answer.
    ///
    /// # Errors
    ///
    /// An [`AppError`] is answered as such.
    fn into_response(self) -> Answer;
}

/// HTML, 200.
#[derive(Clone, Debug)]
pub struct Html<T>(pub T);

impl IntoResponse for Response {
    fn into_response(self) -> Answer {
        Ok(self)
    }
}

impl IntoResponse for &'static str {
    fn into_response(self) -> Answer {
        Ok(Response::text(200, self))
    }
}

impl IntoResponse for String {
    fn into_response(self) -> Answer {
        Ok(Response::text(200, self))
    }
}

impl IntoResponse for () {
    fn into_response(self) -> Answer {
        Ok(Response::no_content())
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Answer {
        Err(self)
    }
}

impl<T: Into<Vec<u8>>> IntoResponse for Html<T> {
    fn into_response(self) -> Answer {
        Ok(Response::html(200, self.0))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Answer {
        Response::json(200, &self.0)
    }
}

impl<T: IntoResponse> IntoResponse for (u16, T) {
    fn into_response(self) -> Answer {
        let (status, rest) = self;
        Ok(Response { status, ..rest.into_response()? })
    }
}

impl<T: IntoResponse, E: Into<AppError>> IntoResponse for Result<T, E> {
    fn into_response(self) -> Answer {
        self.map_err(E::into)?.into_response()
    }
}
