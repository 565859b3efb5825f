//! What handlers may ask for.

use core::any::type_name;
use core::fmt;
use std::sync::Arc;

use apptheory_core::error::AppError;
use apptheory_core::http::binding::{decode_params, from_headers, from_params, from_query};
use serde::de::DeserializeOwned;

use super::context::Context;

/// Whatever a handler may take as an argument, read from a request of an application with the state
/// `S`.
///
/// Reading is synchronous: the request is all there. What has to be fetched from elsewhere is for a
/// [middleware](super::Middleware), which leaves it as an [`Extension`].
///
/// | Type | Reads | Answers when it cannot |
/// |---|---|---|
/// | [`Context`] | everything | – |
/// | [`Path`] | the path's parameters, decoded | 400 `invalid path binding` |
/// | [`Query`] | the query | 400 `invalid query binding` |
/// | [`Headers`] | header fields | 400 `invalid header binding` |
/// | [`Json`] | the body | 415 for another media type, 400 for no body and for no JSON, 422 for JSON of another shape |
/// | [`State`] | the application's state | – |
/// | [`Extension`] | what middleware left | 500, masked: the middleware is missing |
/// | [`Body`] | the bytes of the body | – |
/// | `Option<T>`, `Result<T, AppError>` | `T`, if it can be read | – |
/// | tuples of up to eight | each in turn | as the first that cannot be read |
pub trait FromContext<S>: Sized {
    /// Reads the value.
    ///
    /// # Errors
    ///
    /// The answer to a request that it cannot be read from.
    fn from_context(context: &Context, state: &S) -> Result<Self, AppError>;
}

/// The body, read as JSON; as a response, JSON. A body needs a media type of JSON, unless the
/// application's [`JsonReading`](apptheory_core::http::JsonReading) says otherwise, and an error says
/// what is wrong where.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Json<T>(pub T);

/// The parameters of the path, their `%XX` decoded, once: a struct by their names, a tuple in the order of
/// the pattern, or the only one. How texts are read is
/// [`binding`](apptheory_core::http::binding)'s to decide.
///
/// ```
/// use apptheory::app::{App, Path, Query};
///
/// #[derive(serde::Deserialize)]
/// struct Page { limit: Option<u8> }
///
/// async fn notes(Path((user, year)): Path<(String, u16)>, Query(page): Query<Page>) -> String {
///     format!("{} notes of {user} in {year}", page.limit.unwrap_or(10))
/// }
///
/// let app = App::builder().get("/users/{user}/notes/{year}", notes).build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Path<T>(pub T);

/// The query as a struct, or a map. A member that is a list takes all values of its name.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Query<T>(pub T);

/// Header fields as a struct whose members bear their names in lower case
/// (`#[serde(rename_all = "kebab-case")]`). Several `cookie` fields are one.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Headers<T>(pub T);

/// The application's state, or a part of it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct State<T>(pub T);

/// What a middleware left with [`Context::extend`].
#[derive(Clone, Debug)]
pub struct Extension<T>(pub Arc<T>);

/// The bytes of the body. They are not printed.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Body(pub Vec<u8>);

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.0.len())
    }
}

/// A part of an application's state. Every state is a part of itself; implement it for others.
pub trait FromRef<T> {
    /// The part.
    fn from_ref(state: &T) -> Self;
}

impl<T: Clone> FromRef<T> for T {
    fn from_ref(state: &T) -> Self {
        state.clone()
    }
}

impl<S> FromContext<S> for Context {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        Ok(context.clone())
    }
}

impl<S, T: DeserializeOwned> FromContext<S> for Path<T> {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        let params = decode_params(context.call().params());
        Ok(Self(from_params(&params)?))
    }
}

impl<S, T: DeserializeOwned> FromContext<S> for Query<T> {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        Ok(Self(from_query(&context.request().query)?))
    }
}

impl<S, T: DeserializeOwned> FromContext<S> for Headers<T> {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        Ok(Self(from_headers(context.request())?))
    }
}

impl<S, T: DeserializeOwned> FromContext<S> for Json<T> {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        context.json().map(Self)
    }
}

impl<S, T: FromRef<S>> FromContext<S> for State<T> {
    fn from_context(_: &Context, state: &S) -> Result<Self, AppError> {
        Ok(Self(T::from_ref(state)))
    }
}

impl<S, T: Send + Sync + 'static> FromContext<S> for Extension<T> {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        let missing = || AppError::internal().with_cause(MissingExtension(type_name::<T>()));
        context.extension().map(Self).ok_or_else(missing)
    }
}

impl<S> FromContext<S> for Body {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        Ok(Self(context.request().body.clone()))
    }
}

impl<S, T: FromContext<S>> FromContext<S> for Option<T> {
    fn from_context(context: &Context, state: &S) -> Result<Self, AppError> {
        Ok(T::from_context(context, state).ok())
    }
}

impl<S, T: FromContext<S>> FromContext<S> for Result<T, AppError> {
    fn from_context(context: &Context, state: &S) -> Result<Self, AppError> {
        Ok(T::from_context(context, state))
    }
}

/// A handler asks for an extension that no middleware left: a mistake of the application.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no middleware left an extension of the type {0}")]
struct MissingExtension(&'static str);
