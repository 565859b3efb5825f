//! Extractors: what handlers may take as arguments.

/// Prints only the type's name: the value may hold secrets, such as an API key or a signature.
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
use std::borrow::Cow;
use std::sync::Arc;

use apptheory_core::error::AppError;
use apptheory_core::http::binding::{self, decode_params, from_headers, from_params, from_query};
use apptheory_core::http::exchange::Call;
use serde::de::DeserializeOwned;

use super::context::Context;
use super::kind::{Http, RequestKind};

pub use body::{Body, Form, Json};
pub use caller::{Authorizer, Claims, ClientIp, PrincipalId, Scopes, Tenant};
pub use head::{MatchedPath, RawQuery};
#[cfg(feature = "tower")]
pub(super) use head::{header_map, too_many_fields};
#[cfg(feature = "multipart")]
pub use multipart::{Multipart, Part};
pub use platform::{RequestContext, StageVariables};
#[cfg(feature = "validation")]
pub use valid::{Checked, Valid};

/// A type that a handler of the [kind](super::kind) `K` can take as an argument, in an application
/// with the state `S`.
///
/// Extraction is synchronous, because the request or record is already complete. Fetch anything
/// else in a [middleware](super::Middleware), and pass it on as an [`Extension`].
///
/// | Type | Reads | Available for | On failure |
/// |---|---|---|---|
/// | [`Context`] | everything | all | – |
/// | [`State`] | the application's state | all | – |
/// | [`Extension`] | a value that a middleware set | all | 500, masked: the middleware is missing |
/// | [`Invocation`](super::Invocation) | the invocation | all | – |
/// | [`Json`] | the body, or the record's [payload](apptheory_core::events::EventInput::payload) | all | 415 for another media type, 400 for an empty body or malformed JSON, 422 for JSON of another shape |
/// | [`Body`], `Bytes` | the body or payload as bytes | all | – |
/// | `String` | the body or payload as text | all | 400 for invalid UTF-8 |
/// | [`Form`] | the body or payload as a form | all | 415 for another media type, 422 for a field that is missing or of another type |
/// | `Multipart` | the parts of the body (feature `multipart`) | requests | 415 for another media type, 400 for a malformed body, 413 for too many parts |
/// | [`Path`] | the path parameters, decoded | requests | 400 `invalid path binding`; does not build if the route has other parameters |
/// | [`Query`] | the query | requests, messages | 400 `invalid query binding` |
/// | [`RawQuery`] | the query as it was sent | requests, messages | – |
/// | [`Headers`] | headers | requests, messages | 400 `invalid header binding` |
/// | `http::HeaderMap` | headers | requests, messages | 431 for too many |
/// | [`Cookies`](apptheory_core::http::Cookies) | cookies by name | requests, messages | – |
/// | `http::Method` | the method | requests | 400 |
/// | [`MatchedPath`] | the route's pattern | requests | 500, masked, in a fallback |
/// | `Arc<`[`Call`]`>` | the whole request | requests, messages | – |
/// | [`WebSocket`](super::WebSocket) | the connection | messages | – |
/// | [`Sse`](super::Sse) | nothing: its methods send events | requests | – |
/// | `Arc<`[`SqsMessage`](super::events::SqsMessage)`>` and the like | the whole record | its own kind | – |
/// | [`WindowState`](super::events::WindowState), [`TumblingWindow`](apptheory_core::events::TumblingWindow) | the state of a tumbling window, and its bounds | records in windows, ends of windows | 422 for a state of another shape |
/// | [`AuthorizerRequest`](apptheory_core::events::AuthorizerRequest) | the request to authorize | authorizers | 500, masked |
/// | [`CognitoEvent`](apptheory_core::events::CognitoEvent) | the trigger's event | Cognito | 422 for members of other types |
/// | [`AppSyncRequest`](apptheory_core::events::AppSyncRequest), [`Arguments`](super::events::Arguments) | the field to resolve | AppSync; in batches `Vec<AppSyncRequest>` | 422 for members of other types |
/// | [`CustomResource`](apptheory_core::events::CustomResource) | the change of a custom resource, with typed properties | CloudFormation | 422 for properties of another shape |
/// | [`AgentRequest`](apptheory_core::events::AgentRequest), [`CodePipelineJob`](apptheory_core::events::CodePipelineJob), [`ConfigEvaluation`](apptheory_core::events::ConfigEvaluation), [`SecretRotation`](apptheory_core::events::SecretRotation), [`AlarmEvent`](apptheory_core::events::AlarmEvent), [`S3BatchTask`](apptheory_core::events::S3BatchTask), [`LexTurn`](apptheory_core::events::LexTurn), [`ContactEvent`](apptheory_core::events::ContactEvent) | the event | its own kind | 422 for members of other types |
/// | `Option<T>` | `T`, or `None` if it is [missing](OptionalFromContext) | those of `T` | as `T`, if the value is present and malformed |
/// | `Valid<T>` | `T`, if it satisfies the rules of its type (feature `validation`) | those of `T` | as `T`, and 422 for broken rules |
/// | [`Raw`](super::Raw) | the event or record as AWS sends it, as a type of yours | all | 500, masked |
/// | `Result<T, AppError>` | `T`, or the error | those of `T` | – |
/// | tuples of up to eight | each in turn | | as the first that fails |
///
/// Clients control all of these values except the state, extensions and the invocation. The values
/// in the next table are verified: a client cannot forge them. They are available for requests
/// and messages, [`Tenant`] for all events.
///
/// | Type | Reads | Verified by | If missing |
/// |---|---|---|---|
/// | [`Principal`](apptheory_core::http::exchange::Principal) | the caller | the application's authentication | 401; 500, masked, on a route without authentication |
/// | [`Tenant`] | the tenant | the platform, else authentication; clients only if the application [allows it](apptheory_core::http::exchange::TenantSource) | 403 |
/// | [`ClientIp`] | the client's address | the platform, else the connection | 500, masked |
/// | [`Claims`], [`Scopes`] | the claims and scopes of the caller's token | API Gateway's JWT or Cognito authorizer | 500, masked |
/// | [`Authorizer`], [`PrincipalId`] | the result of a Lambda authorizer | your authorizer, through API Gateway | 500, masked |
/// | [`IamIdentity`](apptheory_core::http::platform::IamIdentity), [`CognitoIdentity`](apptheory_core::http::platform::CognitoIdentity) | who signed the request | AWS | 500, masked |
/// | [`ClientCertificate`](apptheory_core::http::platform::ClientCertificate) | the client's certificate | API Gateway's mutual TLS | 500, masked |
/// | [`RequestContext`] | the rest of the event | the platform; parts repeat client input, such as the path | 500, masked |
/// | [`StageVariables`] | the stage's variables | API Gateway | empty |
///
/// A verified value of another shape than its type is a masked 500 as well; the log says which
/// member does not fit.
///
/// An error fails only the record that it is about, not its batch.
///
/// To read a type of your own, implement the trait:
///
/// ```
/// use apptheory::prelude::*;
///
/// struct Locale(String);
///
/// impl<S, K> FromContext<S, K> for Locale {
///     fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
///         match context.header("accept-language") {
///             "" => Err(AppError::bad_request("accept-language is missing")),
///             locale => Ok(Self(locale.to_owned())),
///         }
///     }
/// }
///
/// let app = App::new().get("/", async |Locale(locale): Locale| locale).build()?;
/// # Ok::<(), BuildError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a handler of this kind of event",
    note = "the documentation of `FromContext` lists which arguments are for which events",
    note = "a part of the application's state is `State<T>`, and a value that a middleware set is `Extension<T>`"
)]
pub trait FromContext<S, K>: Sized {
    /// Whether the extractor reads the event behind a request, as [`Raw`](super::Raw) does. Set it
    /// to `true` in an extractor that does; applications without one do not keep events of
    /// requests.
    const KEEPS_EVENT: bool = false;

    /// Checks that the extractor can read the parameters of a route's pattern, when the application
    /// is built. Implement it only for an extractor around [`Path`], and let that one check.
    ///
    /// # Errors
    ///
    /// A name that the extractor or the pattern lacks, or another number of parameters.
    fn check_params(names: &[&str]) -> Result<(), binding::Error> {
        let _ = names;
        Ok(())
    }

    /// Returns the formats in which the extractor reads the body, if it refuses all others, in the
    /// words of [`BuildError::Formats`](crate::app::BuildError::Formats): `JSON`, `a form`, `parts`.
    /// A handler with extractors of two formats does not build: no body would satisfy both.
    #[must_use]
    fn body_formats() -> Vec<&'static str> {
        Vec::new()
    }

    /// Reads the value.
    ///
    /// # Errors
    ///
    /// The error response for the request, or the reason why the record fails.
    fn from_context(context: &Context, state: &S) -> Result<Self, AppError>;
}

/// An extractor that handlers can take as `Option<T>`. A missing value is `None`; a malformed value
/// is still an error.
#[diagnostic::on_unimplemented(
    message = "`Option<{Self}>` cannot be an argument of a handler of this kind of event",
    note = "an argument that is never missing needs no `Option`; take `Result<{Self}, AppError>` to handle malformed values"
)]
pub trait OptionalFromContext<S, K>: Sized {
    /// Reads the value; `None` if it is missing.
    ///
    /// # Errors
    ///
    /// As [`FromContext::from_context`], for a value that is present and malformed.
    fn optional_from_context(context: &Context, state: &S) -> Result<Option<Self>, AppError>;
}

/// Reads the path parameters, percent-decoded once: into a struct by their names, into a tuple in
/// the order of the pattern, or into a single value. See [`binding`](apptheory_core::http::binding)
/// for how texts become values.
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

/// Reads the query into a struct or a map. A member that is a list takes all values of its name.
///
/// ```
/// use apptheory::prelude::*;
///
/// #[derive(serde::Deserialize)]
/// struct Filter { tag: Vec<String>, limit: Option<u8> }
///
/// async fn list(Query(filter): Query<Filter>) -> String {
///     format!("{} notes about {}", filter.limit.unwrap_or(10), filter.tag.join(", "))
/// }
///
/// let app = App::new().get("/notes", list).build()?;
/// # Ok::<(), BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Query<T>(pub T);

/// Reads headers into a struct whose members have the headers' names in lower case
/// (`#[serde(rename_all = "kebab-case")]`). Several `cookie` headers are joined into one value.
///
/// ```
/// use apptheory::prelude::*;
///
/// #[derive(serde::Deserialize)]
/// #[serde(rename_all = "kebab-case")]
/// struct Head { user_agent: Option<String> }
///
/// let app = App::new()
///     .get("/", async |Headers(head): Headers<Head>| head.user_agent.unwrap_or_default())
///     .build()?;
/// # Ok::<(), BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Headers<T>(pub T);

/// Reads the application's state, or one [part](FromRef) of it. See
/// [`App::with_state`](super::App::with_state).
///
/// ```
/// use apptheory::prelude::*;
///
/// #[derive(Clone)]
/// struct Shop {
///     name: &'static str,
/// }
///
/// let app = App::with_state(Shop { name: "corner shop" })
///     .get("/", async |State(shop): State<Shop>| shop.name)
///     .build()?;
/// # Ok::<(), BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct State<T>(pub T);

/// Reads the value that a middleware set with [`Context::extend`].
///
/// ```
/// use apptheory::prelude::*;
///
/// struct Started(apptheory::time::Timestamp);
///
/// async fn stamp(context: Context, next: Next) -> Answer {
///     context.extend(Started(context.now()));
///     Ok(next.run(context).await)
/// }
///
/// async fn show(Extension(started): Extension<Started>) -> String {
///     started.0.unix_seconds().to_string()
/// }
///
/// let app = App::new().get("/", show).layer(stamp).build()?;
/// # Ok::<(), BuildError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Extension<T>(pub Arc<T>);

/// Returns a part of an application's state of type `T`, so that handlers can take `State<Part>`.
/// Every state is a part of itself; [derive](derive@crate::FromRef) the trait for the others.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a part of the application's state `{T}`",
    note = "derive `FromRef` for the state, or implement it for the part"
)]
pub trait FromRef<T> {
    /// Clones the part out of the state.
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

impl<S, K, T: Send + Sync + 'static> FromContext<S, K> for Extension<T> {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        let name = type_name::<T>();
        let missing = || missing(format!("no middleware set an extension of type {name}"));
        context.extension().map(Self).ok_or_else(missing)
    }
}

impl<S, K, T: Send + Sync + 'static> OptionalFromContext<S, K> for Extension<T> {
    fn optional_from_context(context: &Context, _: &S) -> Result<Option<Self>, AppError> {
        Ok(context.extension().map(Self))
    }
}

impl<S, T: DeserializeOwned> FromContext<S, Http> for Path<T> {
    fn check_params(names: &[&str]) -> Result<(), binding::Error> {
        binding::check_params::<T>(names.iter().copied())
    }

    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        let params = decode_params(context.expect_call()?.params());
        let read = from_params(&params).map(Self);
        read.map_err(|error| match params.iter().any(|(name, _)| *name == error.name) {
            true => error.into(),
            // The route captures all of its parameters, so either its pattern lacks this one, or
            // the type is wrong.
            false => missing(format!("the route's parameters do not match its handler: {error}")),
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

/// Returns the error for a value that is missing because of a mistake in the application, or in the
/// configuration of the API in front of it. The client gets a masked 500, and the log has the
/// reason.
fn missing(why: impl Into<Cow<'static, str>>) -> AppError {
    AppError::internal().with_cause(Missing(why.into()))
}

/// Why a value is missing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
struct Missing(Cow<'static, str>);
