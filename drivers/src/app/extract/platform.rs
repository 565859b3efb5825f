//! What the platform sends along with a request: its context and the stage variables.

use std::collections::BTreeMap;

use apptheory_core::error::AppError;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::{FromContext, OptionalFromContext, missing};
use crate::app::context::Context;
use crate::app::invocation::Invocation;
use crate::app::kind::RequestKind;

/// Reads the `requestContext` of the request's event into a type of yours. Use it for members that
/// no other extractor reads, such as `apiId` or `requestTimeEpoch`. A masked 500 if the event has
/// no context, as on the local server, or if the context has another shape.
///
/// ```
/// use apptheory::prelude::*;
///
/// #[derive(serde::Deserialize)]
/// #[serde(rename_all = "camelCase")]
/// struct Api {
///     api_id: String,
///     stage: String,
/// }
///
/// let app = App::new()
///     .get("/", async |RequestContext(api): RequestContext<Api>| api.api_id + "/" + &api.stage)
///     .build()?;
/// # Ok::<(), BuildError>(())
/// ```
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub struct RequestContext<T = Json>(pub T);

/// Reads API Gateway's stage variables into a map or a struct, whose members may be numbers and
/// Booleans. An API without stage variables gives an empty map; a missing variable that the struct
/// requires is a masked 500.
///
/// ```
/// use apptheory::prelude::*;
///
/// async fn table(StageVariables(variables): StageVariables) -> Option<String> {
///     variables.get("table").cloned()
/// }
///
/// let app = App::new().get("/table", table).build()?;
/// # Ok::<(), BuildError>(())
/// ```
#[derive(Clone, Default, Eq, PartialEq)]
pub struct StageVariables<T = BTreeMap<String, String>>(pub T);

not_printed! { [T] RequestContext<T>, [T] StageVariables<T> }

impl<S, K: RequestKind, T: DeserializeOwned> FromContext<S, K> for RequestContext<T> {
    fn from_context(context: &Context, state: &S) -> Result<Self, AppError> {
        <Self as OptionalFromContext<S, K>>::optional_from_context(context, state)?
            .ok_or_else(|| missing("the request's event has no `requestContext`"))
    }
}

impl<S, K: RequestKind, T: DeserializeOwned> OptionalFromContext<S, K> for RequestContext<T> {
    fn optional_from_context(context: &Context, _: &S) -> Result<Option<Self>, AppError> {
        Ok(context.expect_call()?.request.platform.request_context()?.map(Self))
    }
}

impl<S, K: RequestKind, T: DeserializeOwned> FromContext<S, K> for StageVariables<T> {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        Ok(Self(context.expect_call()?.request.platform.stage_variables()?))
    }
}

impl<S, K> FromContext<S, K> for Invocation {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        Ok(context.invocation().clone())
    }
}
