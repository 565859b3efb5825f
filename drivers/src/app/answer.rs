//! What handlers may return.

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

/// A response whose body may still be made while it is sent.
pub type Response = apptheory_core::http::HttpResponse<BodyStream>;

/// Whatever a handler of the [kind](super::kind) `K` may return.
///
/// | Type | For a request or message | For a record |
/// |---|---|---|
/// | `()` | 204 | handled |
/// | [`Json`], `serde_json::Value` | 200, JSON | handled; SNS, EventBridge and AppSync are answered the JSON |
/// | [`Response`] | itself | – |
/// | `&str`, `String` | 200, text | – |
/// | [`Html`] | 200, HTML, of a text or a [`BodyStream`] | – |
/// | `Vec<u8>`, `Bytes` | 200, `application/octet-stream` | – |
/// | `StatusCode` | that status, without a body | – |
/// | `(StatusCode, T)` | `T` with that status | – |
/// | `([(name, value)], T)`, `(StatusCode, [(name, value)], T)` | `T` with these [header fields](HeaderFields), or those of an `http::HeaderMap` | – |
/// | `Option<T>` | `T`, or 404 | – |
/// | [`Redirect`] | 303, 307 or 308; requests alone | – |
/// | [`Disposition`](super::events::Disposition) | – | what SES does with a mail |
/// | [`Transformed`](apptheory_core::events::Transformed) | – | what becomes of a record of Firehose, which takes no other answer |
/// | [`AppError`] | the error's answer | failed |
/// | [`Policy`](apptheory_core::events::Policy) | – | the answer of an authorizer |
/// | [`SignUp`](apptheory_core::events::SignUp) and the like | – | the answer of a Cognito trigger, each its own; `()` of those that read nothing of it |
/// | [`Done`](apptheory_core::events::Done) | – | what CloudFormation is told of a custom resource |
/// | [`AgentAnswer`](apptheory_core::events::AgentAnswer), [`S3BatchResult`](apptheory_core::events::S3BatchResult) | – | the answer to a Bedrock agent, and to S3 Batch Operations |
/// | [`LexAnswer`](apptheory_core::events::LexAnswer), [`ContactAnswer`](apptheory_core::events::ContactAnswer) | – | the answer to a Lex bot, and to a flow of Amazon Connect |
/// | [`Raw<T>`](super::Raw) | `T` as a response of a Lambda function | – or the answer of a service that reads one |
/// | `Result<T, E>` | `T`, or the error: an [`AppError`], or a boxed error, which is masked unless it holds one | `T`, or failed |
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the answer of a handler of this kind of event",
    note = "handlers of requests return a `Response`, a text, `Json<T>`, `()`, or a `Result` of these",
    note = "handlers of records return `()`, `Json<T>`, or a `Result` of these: a text or a status would be taken for success"
)]
pub trait IntoAnswer<K> {
    /// Returns the answer.
    ///
    /// # Errors
    ///
    /// An [`AppError`] is answered as such, and fails a record.
    fn into_answer(self) -> Answer;
}

/// HTML, 200.
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

impl<K, T: IntoAnswer<K>, E: Into<AppError>> IntoAnswer<K> for Result<T, E> {
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
