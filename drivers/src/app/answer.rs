//! Types that handlers may return.

mod head;
mod redirect;

use apptheory_core::error::AppError;
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use super::Answer;
use super::body::BodyStream;
use super::extract::Json;
use super::kind::{OpenKind, RequestKind};

pub use head::HeaderFields;
pub use redirect::Redirect;

/// A response whose body may be a stream.
///
/// ```
/// use apptheory::app::Response;
///
/// let mut response = Response::text(200, "hello");
/// response.headers.set("cache-control", "no-store");
/// assert_eq!(response.status, 200);
/// ```
pub type Response = apptheory_core::http::HttpResponse<BodyStream>;

/// A type that a handler of the [kind](super::kind) `K` may return.
///
/// ```
/// use apptheory::prelude::*;
///
/// async fn create(Path(id): Path<u32>) -> Result<(StatusCode, Json<u32>), AppError> {
///     if id == 0 {
///         return Err(AppError::bad_request("ids start at 1"));
///     }
///     Ok((StatusCode::CREATED, Json(id)))
/// }
///
/// let app = App::new().put("/items/{id}", create).build()?;
/// # Ok::<(), BuildError>(())
/// ```
///
/// | Type | For a request or message | For a record |
/// |---|---|---|
/// | `()` | 204 | handled |
/// | [`Json`], `serde_json::Value` | 200, JSON | handled; the JSON is the result for SNS, EventBridge and AppSync |
/// | [`Response`] | that response | – |
/// | `&str`, `String` | 200, text | – |
/// | [`Html`] | 200, HTML, from a text or a [`BodyStream`] | – |
/// | `Vec<u8>`, `Bytes` | 200, `application/octet-stream` | – |
/// | `StatusCode` | that status, without a body | – |
/// | `(StatusCode, T)` | `T` with that status | – |
/// | `([(name, value)], T)`, `(StatusCode, [(name, value)], T)` | `T` with these [headers](HeaderFields), or those of an `http::HeaderMap` | – |
/// | `Option<T>` | `T`, or 404 | – |
/// | [`Redirect`] | 303, 307 or 308; not for messages | – |
/// | [`Disposition`](super::events::Disposition) | – | whether SES goes on with a mail |
/// | [`Transformed`](apptheory_core::events::Transformed) | – | the result for a Firehose record; Firehose accepts no other type |
/// | [`AppError`] | the error's response | failed |
/// | [`AuthorizerPolicy`](apptheory_core::events::AuthorizerPolicy) | – | the result of an authorizer |
/// | [`SignUp`](apptheory_core::events::SignUp) and the like | – | the result of a Cognito trigger, one type each; `()` for triggers without a result |
/// | [`Done`](apptheory_core::events::Done) | – | the result that is sent to CloudFormation for a custom resource |
/// | [`AgentAnswer`](apptheory_core::events::AgentAnswer), [`S3BatchResult`](apptheory_core::events::S3BatchResult) | – | the result for a Bedrock agent, and for S3 Batch Operations |
/// | [`LexAnswer`](apptheory_core::events::LexAnswer), [`ContactAnswer`](apptheory_core::events::ContactAnswer) | – | the result for a Lex bot, and for an Amazon Connect flow |
/// | [`Raw<T>`](super::Raw) | `T`, in the form of a Lambda response | – or the result for a service that reads one |
/// | `Result<T, E>` | `T`, or the error: an [`AppError`], or a boxed error, which is masked unless it contains an [`AppError`] | `T`, or failed |
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the answer of a handler of this kind of event",
    note = "handlers of requests return a `Response`, a text, `Json<T>`, `()`, or a `Result` of these",
    note = "handlers of records return `()`, `Json<T>`, or a `Result` of these: a text or a status would be taken for success"
)]
pub trait IntoAnswer<K> {
    /// Converts the value into a response or an error.
    ///
    /// # Errors
    ///
    /// An [`AppError`], which becomes an error response, or fails the record.
    fn into_answer(self) -> Answer;
}

/// Returns HTML with status 200.
///
/// ```
/// use apptheory::app::{App, Html};
///
/// let app = App::new().get("/", async || Html("<h1>Hello</h1>")).build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Html<T>(pub T);

impl<K: OpenKind> IntoAnswer<K> for () {
    fn into_answer(self) -> Answer {
        Ok(Response::no_content())
    }
}

impl<K: OpenKind, T: Serialize> IntoAnswer<K> for Json<T> {
    fn into_answer(self) -> Answer {
        Response::json(200, &self.0)
    }
}

impl<K: OpenKind> IntoAnswer<K> for Value {
    fn into_answer(self) -> Answer {
        Response::json(200, &self)
    }
}

impl<K> IntoAnswer<K> for AppError {
    fn into_answer(self) -> Answer {
        Err(self)
    }
}

/// An error that a handler may return. It names the mistake in the compiler's message; `Into`
/// alone would not.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a handler",
    note = "return `Result<_, Box<dyn std::error::Error + Send + Sync>>`: `?` converts any error into it, and clients see a masked 500",
    note = "or an `AppError`: `.map_err(|error| AppError::not_found().with_cause(error))`",
    note = "for an error of your own, implement `From` of it for `AppError`"
)]
pub trait HandlerError: Into<AppError> {}

#[diagnostic::do_not_recommend]
impl<E: Into<AppError>> HandlerError for E {}

impl<K, T: IntoAnswer<K>, E: HandlerError> IntoAnswer<K> for Result<T, E> {
    fn into_answer(self) -> Answer {
        self.map_err(E::into)?.into_answer()
    }
}

impl<K: RequestKind> IntoAnswer<K> for Response {
    fn into_answer(self) -> Answer {
        Ok(self)
    }
}

impl<K: RequestKind> IntoAnswer<K> for &'static str {
    fn into_answer(self) -> Answer {
        Ok(Response::text(200, self))
    }
}

impl<K: RequestKind> IntoAnswer<K> for String {
    fn into_answer(self) -> Answer {
        Ok(Response::text(200, self))
    }
}

impl<K: RequestKind, T: Into<Vec<u8>>> IntoAnswer<K> for Html<T> {
    fn into_answer(self) -> Answer {
        Ok(Response::html(200, self.0))
    }
}

impl<K: RequestKind> IntoAnswer<K> for Html<BodyStream> {
    fn into_answer(self) -> Answer {
        Ok(Response::html_stream(200, self.0))
    }
}

impl<K: RequestKind> IntoAnswer<K> for Vec<u8> {
    fn into_answer(self) -> Answer {
        Ok(Response::binary(200, self, "application/octet-stream"))
    }
}

impl<K: RequestKind> IntoAnswer<K> for Bytes {
    fn into_answer(self) -> Answer {
        IntoAnswer::<K>::into_answer(Vec::from(self))
    }
}

impl<K: RequestKind, T: IntoAnswer<K>> IntoAnswer<K> for Option<T> {
    fn into_answer(self) -> Answer {
        self.ok_or_else(AppError::not_found)?.into_answer()
    }
}
