//! What handlers may ask for.

/// What may hold secrets, such as the key of an API or a signature, and is not printed.
macro_rules! not_printed {
    ($([$($generics:tt)*] $type:ident $(<$of:ident>)?),+) => {$(
        impl<$($generics)*> core::fmt::Debug for $type $(<$of>)? {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.debug_struct(stringify!($type)).finish_non_exhaustive()
            }
        }
    )+};
}

mod body;
mod caller;
mod head;
#[cfg(feature = "multipart")]
mod multipart;
mod platform;
#[cfg(feature = "validation")]
mod valid;

use core::any::type_name;
use core::fmt;
use std::borrow::Cow;
use std::sync::Arc;

use apptheory_core::error::AppError;
use apptheory_core::http::binding::{decode_params, from_headers, from_params, from_query};
use apptheory_core::http::exchange::Call;
use serde::de::DeserializeOwned;

use super::context::Context;
use super::kind::{Http, RequestKind};

pub use body::Form;
pub use caller::{Authorizer, Claims, ClientIp, PrincipalId, Scopes, Tenant};
pub use head::{MatchedPath, RawQuery};
#[cfg(feature = "tower")]
pub(super) use head::{header_map, too_many_fields};
#[cfg(feature = "multipart")]
pub use multipart::{Multipart, Part};
pub use platform::{RequestContext, StageVariables};
#[cfg(feature = "validation")]
pub use valid::{Checked, Valid};

/// Whatever a handler of the [kind](super::kind) `K` may take as an argument, in an application with
/// the state `S`.
///
/// Reading is synchronous: the request or record is all there. What has to be fetched from elsewhere
/// is for a [middleware](super::Middleware), which leaves it as an [`Extension`].
///
/// | Type | Reads | Of | What happens when it cannot |
/// |---|---|---|---|
/// | [`Context`] | everything | all | – |
/// | [`State`] | the application's state | all | – |
/// | [`Extension`] | what middleware left | all | 500, masked: the middleware is missing |
/// | [`Invocation`](super::Invocation) | the invocation | all | – |
/// | [`Json`] | the body, or what the record [brings](apptheory_core::events::EventInput::payload) | all | 415 for another media type, 400 for no body and for no JSON, 422 for JSON of another shape |
/// | [`Body`], `Bytes` | its bytes | all | – |
/// | `String` | its text | all | 400 for what is no UTF-8 |
/// | [`Form`] | the body as a form, or what the record brings | all | 415 for another media type, 422 for a field that is missing or of another type |
/// | `Multipart` | the parts of the body (feature `multipart`) | requests | 415 for another media type, 400 for a malformed body, 413 for too many parts |
/// | [`Path`] | the path's parameters, decoded | requests | 400 `invalid path binding`; 500, masked, on a route with other parameters |
/// | [`Query`] | the query | requests, messages | 400 `invalid query binding` |
/// | [`RawQuery`] | the query as it was sent | requests, messages | – |
/// | [`Headers`] | header fields | requests, messages | 400 `invalid header binding` |
/// | `http::HeaderMap` | header fields | requests, messages | 431 for too many |
/// | [`Cookies`](apptheory_core::http::Cookies) | cookies by name | requests, messages | – |
/// | `http::Method` | the method | requests | 400 |
/// | [`MatchedPath`] | the route's pattern | requests | 500, masked, in a fallback |
/// | `Arc<`[`Call`]`>` | the request itself | requests, messages | – |
/// | [`WebSocket`](super::WebSocket) | the connection | messages | – |
/// | [`Sse`](super::Sse) | nothing: it sends events | requests | – |
/// | `Arc<`[`SqsMessage`](super::events::SqsMessage)`>` and the like | the record itself | its own kind | – |
/// | [`WindowState`](super::events::WindowState), [`TumblingWindow`](apptheory_core::events::TumblingWindow) | the state of a tumbling window, and which it is | records in windows, and their ends | 422 for a state of another shape |
/// | [`AuthorizerRequest`](apptheory_core::events::AuthorizerRequest) | the request that may pass or not | authorizers | 500, masked |
/// | [`CognitoEvent`](apptheory_core::events::CognitoEvent) | the event of a trigger | Cognito | 422 for members of other types |
/// | [`AppSyncRequest`](apptheory_core::events::AppSyncRequest), [`Arguments`](super::events::Arguments) | the field that is asked for | AppSync; in batches `Vec<AppSyncRequest>` | 422 for members of other types |
/// | [`CustomResource`](apptheory_core::events::CustomResource) | what is to be done with a custom resource, and its properties as a type | CloudFormation | 422 for properties of another shape |
/// | [`AgentRequest`](apptheory_core::events::AgentRequest), [`CodePipelineJob`](apptheory_core::events::CodePipelineJob), [`ConfigEvaluation`](apptheory_core::events::ConfigEvaluation), [`SecretRotation`](apptheory_core::events::SecretRotation), [`AlarmEvent`](apptheory_core::events::AlarmEvent), [`S3BatchTask`](apptheory_core::events::S3BatchTask), [`LexTurn`](apptheory_core::events::LexTurn), [`ContactEvent`](apptheory_core::events::ContactEvent) | the event | its own kind | 422 for members of other types |
/// | `Option<T>` | `T`, if it is [there](OptionalFromContext) | those of `T` | as `T`, if it is there and malformed |
/// | `Valid<T>` | `T`, if it keeps the rules of its type (feature `validation`) | those of `T` | as `T`, and 422 for broken rules |
/// | [`Raw`](super::Raw) | the event or record as AWS sends it, of your type | all | 500, masked |
/// | `Result<T, AppError>` | `T`, or why it cannot be read | those of `T` | – |
/// | tuples of up to eight | each in turn | | as the first that cannot be read |
///
/// The sender of a request writes all of these but the state, extensions and the invocation. The
/// following are vouched for: nothing that a client writes makes them. They are of requests and
/// messages, [`Tenant`] of all events.
///
/// | Type | Reads | Who vouches for it | When it is not there |
/// |---|---|---|---|
/// | [`Principal`](apptheory_core::http::exchange::Principal) | who calls | the application's authentication | 401; 500, masked, on a route that does not ask who calls |
/// | [`Tenant`] | the tenant | the platform, else authentication; clients only where the application [lets](apptheory_core::http::exchange::TenantSource) them | 403 |
/// | [`ClientIp`] | the client's address | the platform, else the connection | 500, masked |
/// | [`Claims`], [`Scopes`] | what the caller's token says | API Gateway's JWT or Cognito authorizer | 500, masked |
/// | [`Authorizer`], [`PrincipalId`] | what a Lambda authorizer answered | your authorizer, through API Gateway | 500, masked |
/// | [`IamIdentity`](apptheory_core::http::platform::IamIdentity), [`CognitoIdentity`](apptheory_core::http::platform::CognitoIdentity) | who signed the request | AWS | 500, masked |
/// | [`ClientCertificate`](apptheory_core::http::platform::ClientCertificate) | the client's certificate | API Gateway's mutual TLS | 500, masked |
/// | [`RequestContext`] | the rest of the event | the platform, but it repeats what clients sent, such as the path | 500, masked |
/// | [`StageVariables`] | the stage's variables | API Gateway | empty |
///
/// What has another shape than the type it is read as is a masked 500 as well; the log says what, and
/// where.
///
/// An error of a record fails that record alone.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a handler of this kind of event",
    note = "the documentation of `FromContext` lists which arguments are for which events",
    note = "a part of the application's state is `State<T>`, and what a middleware left is `Extension<T>`"
)]
pub trait FromContext<S, K>: Sized {
    /// Whether it reads the event behind a request, as [`Raw`](super::Raw) does. Events are kept for the
    /// handlers of requests only in applications that have such an extractor.
    const KEEPS_EVENT: bool = false;

    /// Reads the value.
    ///
    /// # Errors
    ///
    /// The answer to a request that it cannot be read from, or why a record fails.
    fn from_context(context: &Context, state: &S) -> Result<Self, AppError>;
}

/// What may be missing: handlers take it as `Option<T>`. What is there and malformed is an error all
/// the same, and never `None`.
#[diagnostic::on_unimplemented(
    message = "`Option<{Self}>` cannot be an argument of a handler of this kind of event",
    note = "an argument that cannot be missing needs no `Option`; `Result<{Self}, AppError>` takes what is malformed"
)]
pub trait OptionalFromContext<S, K>: Sized {
    /// Reads the value; `None` when it is missing.
    ///
    /// # Errors
    ///
    /// As [`FromContext::from_context`], for what is there and cannot be read.
    fn optional_from_context(context: &Context, state: &S) -> Result<Option<Self>, AppError>;
}

/// The body, read as JSON; as an answer, JSON. The body of a request needs a media type of JSON, unless
/// the application's [`JsonReading`](apptheory_core::http::JsonReading) says otherwise, and an error
/// says what is wrong where. Of a record, it is what the record
/// [brings](apptheory_core::events::EventInput::payload): an error fails that record alone.
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
/// let app = App::new().get("/users/{user}/notes/{year}", notes).build()?;
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

/// A part of an application's state. Every state is a part of itself;
/// [derive](derive@crate::FromRef) it for the others.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a part of the application's state `{T}`",
    note = "derive `FromRef` for the state, or implement it for the part"
)]
pub trait FromRef<T> {
    /// Returns the part.
    fn from_ref(state: &T) -> Self;
}

impl<T: Clone> FromRef<T> for T {
    fn from_ref(state: &T) -> Self {
        state.clone()
    }
}

impl<S, K> FromContext<S, K> for Context {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        Ok(context.clone())
    }
}

impl<S, K, T: FromRef<S>> FromContext<S, K> for State<T> {
    fn from_context(_: &Context, state: &S) -> Result<Self, AppError> {
        Ok(Self(T::from_ref(state)))
    }
}

impl<S, K, T: DeserializeOwned> FromContext<S, K> for Json<T> {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        context.json().map(Self)
    }
}

impl<S, K, T: DeserializeOwned> OptionalFromContext<S, K> for Json<T> {
    fn optional_from_context(context: &Context, _: &S) -> Result<Option<Self>, AppError> {
        if context.body().is_empty() { Ok(None) } else { context.json().map(Self).map(Some) }
    }
}

impl<S, K> FromContext<S, K> for Body {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        Ok(Self(context.body().to_vec()))
    }
}

impl<S, K, T: Send + Sync + 'static> FromContext<S, K> for Extension<T> {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        let name = type_name::<T>();
        let missing = || missing(format!("no middleware left an extension of the type {name}"));
        context.extension().map(Self).ok_or_else(missing)
    }
}

impl<S, K, T: Send + Sync + 'static> OptionalFromContext<S, K> for Extension<T> {
    fn optional_from_context(context: &Context, _: &S) -> Result<Option<Self>, AppError> {
        Ok(context.extension().map(Self))
    }
}

impl<S, T: DeserializeOwned> FromContext<S, Http> for Path<T> {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        let params = decode_params(context.expect_call()?.params());
        let read = from_params(&params).map(Self);
        read.map_err(|error| match params.iter().any(|(name, _)| *name == error.name) {
            true => error.into(),
            // The route captures them all: what is not there is in its pattern, or the type is wrong.
            false => missing(format!("the route has other parameters than its handler: {error}")),
        })
    }
}

impl<S, K: RequestKind, T: DeserializeOwned> FromContext<S, K> for Query<T> {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        Ok(Self(from_query(&context.expect_call()?.request.query)?))
    }
}

impl<S, K: RequestKind, T: DeserializeOwned> FromContext<S, K> for Headers<T> {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        Ok(Self(from_headers(&context.expect_call()?.request)?))
    }
}

impl<S, K: RequestKind> FromContext<S, K> for Arc<Call> {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        context.expect_call().map(Self::clone)
    }
}

impl<S, K, T: OptionalFromContext<S, K>> FromContext<S, K> for Option<T> {
    fn from_context(context: &Context, state: &S) -> Result<Self, AppError> {
        T::optional_from_context(context, state)
    }
}

impl<S, K, T: FromContext<S, K>> FromContext<S, K> for Result<T, AppError> {
    const KEEPS_EVENT: bool = T::KEEPS_EVENT;

    fn from_context(context: &Context, state: &S) -> Result<Self, AppError> {
        Ok(T::from_context(context, state))
    }
}

/// The error of a handler that asks for what is not there: a mistake of the application, or of how the
/// API in front of it is configured. The client gets a masked 500, and the log says why.
fn missing(why: impl Into<Cow<'static, str>>) -> AppError {
    AppError::internal().with_cause(Missing(why.into()))
}

/// Why something that a handler asks for is not there.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
struct Missing(Cow<'static, str>);
