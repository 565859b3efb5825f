//! Bodies as JSON, forms, text and bytes.

use core::fmt;

use apptheory_core::error::AppError;
use apptheory_core::http::{read_form, read_form_text};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::{FromContext, OptionalFromContext};
use crate::app::ContextKind;
use crate::app::context::Context;

/// Reads the body as JSON; as a return value, sends JSON with status 200. A request needs a JSON
/// media type, unless the application's [`JsonReading`](apptheory_core::http::JsonReading) allows
/// others. For a record it reads the [payload](apptheory_core::events::EventInput::payload). Errors
/// name the member that does not fit.
///
/// ```
/// use apptheory::prelude::*;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Deserialize, Serialize)]
/// struct Note { title: String }
///
/// async fn create(Json(note): Json<Note>) -> (StatusCode, Json<Note>) {
///     (StatusCode::CREATED, Json(note))
/// }
///
/// let app = App::new().post("/notes", create).build()?;
/// # Ok::<(), BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Json<T>(pub T);

impl<S, K, T: DeserializeOwned> FromContext<S, K> for Json<T> {
    fn body_formats() -> Vec<&'static str> {
        vec!["JSON"]
    }

    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        context.json().map(Self)
    }
}

impl<S, K, T: DeserializeOwned> OptionalFromContext<S, K> for Json<T> {
    fn optional_from_context(context: &Context, _: &S) -> Result<Option<Self>, AppError> {
        if context.body().is_empty() { Ok(None) } else { context.json().map(Self).map(Some) }
    }
}

/// Reads the body as a form (`application/x-www-form-urlencoded`): into a struct whose members have
/// the names of the fields, or into a map. A member that is a list takes all values of its name.
/// `Option<Form<T>>` is `None` for an empty body.
///
/// A request needs the media type of forms. WebSocket messages have no media type, and of a record
/// it reads the [payload](apptheory_core::events::EventInput::payload), whatever its media type.
///
/// Pages of other origins can submit forms with the cookies of their visitors. If a cookie
/// identifies the caller, set it `SameSite`, or check a token.
///
/// ```
/// use apptheory::app::{App, Form};
///
/// #[derive(serde::Deserialize)]
/// struct Login { name: String, stay: Option<bool> }
///
/// async fn login(Form(login): Form<Login>) -> String {
///     format!("welcome {}", login.name)
/// }
///
/// let app = App::new().post("/login", login).build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Form<T>(pub T);

impl<S, K, T: DeserializeOwned> FromContext<S, K> for Form<T> {
    fn body_formats() -> Vec<&'static str> {
        vec!["a form"]
    }

    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        match context.call() {
            Some(call) if context.kind() != ContextKind::Message => read_form(&call.request),
            Some(_) | None => read_form_text(context.body()),
        }
        .map(Self)
    }
}

impl<S, K, T: DeserializeOwned> OptionalFromContext<S, K> for Form<T> {
    fn optional_from_context(context: &Context, state: &S) -> Result<Option<Self>, AppError> {
        if context.body().is_empty() {
            Ok(None)
        } else {
            FromContext::<S, K>::from_context(context, state).map(Some)
        }
    }
}

/// Reads the body as text, whatever its media type; 400 for invalid UTF-8.
impl<S, K> FromContext<S, K> for String {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        let text = core::str::from_utf8(context.body());
        text.map(str::to_owned)
            .map_err(|error| AppError::bad_request("the body is not UTF-8").with_cause(error))
    }
}

/// Reads the bytes of the body. `Debug` does not print them.
///
/// ```
/// use apptheory::prelude::*;
///
/// async fn upload(Body(bytes): Body) -> String {
///     format!("{} bytes", bytes.len())
/// }
///
/// let app = App::new().put("/files/{name}", upload).build()?;
/// # Ok::<(), BuildError>(())
/// ```
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Body(pub Vec<u8>);

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.0.len())
    }
}

impl<S, K> FromContext<S, K> for Body {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        Ok(Self(context.body().to_vec()))
    }
}

/// Reads the bytes of the body.
impl<S, K> FromContext<S, K> for Bytes {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        Ok(Self::copy_from_slice(context.body()))
    }
}
