//! The head of a request: route, query, method, cookies, headers.

use apptheory_core::error::{AppError, code};
use apptheory_core::http::{Cookies, Values};
use http::header::{HeaderMap, HeaderName, HeaderValue, MaxSizeReached};
use http::{Method, StatusCode};

use super::{FromContext, OptionalFromContext, missing};
use crate::app::context::Context;
use crate::app::kind::{Http, RequestKind};

/// Reads the pattern of the matched route, such as `/orders/{id}`. Use it in logs and metrics
/// instead of the path, which can have any number of values. A fallback has no pattern.
///
/// ```
/// use apptheory::prelude::*;
///
/// let app = App::new()
///     .get("/orders/{id}", async |MatchedPath(pattern): MatchedPath| pattern)
///     .build()?;
/// # Ok::<(), BuildError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MatchedPath(pub String);

/// Reads the query as the client sent it, without `?`, for signatures and cache keys. Load
/// balancers, REST APIs and payload format 1.0 do not pass it on; then it is rebuilt from the
/// parameters. `Option<RawQuery>` is `None` for a request without a query.
///
/// ```
/// use apptheory::prelude::*;
///
/// let app = App::new().get("/", async |RawQuery(query): RawQuery| query).build()?;
/// # Ok::<(), BuildError>(())
/// ```
#[derive(Clone, Default, Eq, PartialEq)]
pub struct RawQuery(pub String);

not_printed! { [] RawQuery }

impl<S> FromContext<S, Http> for MatchedPath {
    fn from_context(context: &Context, state: &S) -> Result<Self, AppError> {
        Self::optional_from_context(context, state)?
            .ok_or_else(|| missing("no route matched: take `Option<MatchedPath>` in a fallback"))
    }
}

impl<S> OptionalFromContext<S, Http> for MatchedPath {
    fn optional_from_context(context: &Context, _: &S) -> Result<Option<Self>, AppError> {
        let pattern = context.expect_call()?.pattern();
        Ok(pattern.map(|pattern| Self(pattern.as_str().to_owned())))
    }
}

impl<S, K: RequestKind> FromContext<S, K> for RawQuery {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        Ok(Self(context.expect_call()?.request.raw_query.clone()))
    }
}

impl<S, K: RequestKind> OptionalFromContext<S, K> for RawQuery {
    fn optional_from_context(context: &Context, _: &S) -> Result<Option<Self>, AppError> {
        let query = &context.expect_call()?.request.raw_query;
        Ok(Some(query).filter(|query| !query.is_empty()).cloned().map(Self))
    }
}

/// Reads the method; 400 if it is not an HTTP token.
impl<S> FromContext<S, Http> for Method {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        Self::from_bytes(context.method().as_bytes())
            .map_err(|error| AppError::bad_request("malformed method").with_cause(error))
    }
}

/// Reads the cookies that the client sent, by name.
impl<S, K: RequestKind> FromContext<S, K> for Cookies {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        Ok(context.expect_call()?.request.cookies.clone())
    }
}

/// Reads the headers. Several `cookie` headers are joined into one, and headers that HTTP cannot
/// carry are left out. 431 for more headers than the map holds.
impl<S, K: RequestKind> FromContext<S, K> for HeaderMap {
    fn from_context(context: &Context, _: &S) -> Result<Self, AppError> {
        header_map(context.expect_call()?.request.fields()).map_err(|_| too_many_fields())
    }
}

/// Returns the error for a request with more headers than a [`HeaderMap`] holds.
pub(crate) fn too_many_fields() -> AppError {
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.as_u16();
    AppError::new(code::TOO_LARGE, "too many headers").with_status(status)
}

/// Returns the headers that HTTP can carry. Others are left out, because no standard says how to
/// read them.
///
/// # Errors
///
/// [`MaxSizeReached`] for more names than a [`HeaderMap`] holds, 24,576.
pub(crate) fn header_map<'h>(
    fields: impl Iterator<Item = (&'h str, Values<'h>)>,
) -> Result<HeaderMap, MaxSizeReached> {
    let mut map = HeaderMap::new();
    for (name, values) in fields {
        // Nearly all responses have this name, which the `http` crate would copy.
        let name = match name {
            "x-request-id" => Ok(REQUEST_ID),
            name => HeaderName::from_bytes(name.as_bytes()),
        };
        let Ok(name) = name else { continue };
        let read = |value: &str| HeaderValue::from_bytes(value.as_bytes()).ok();
        let mut values = values.iter().filter_map(read);
        // The last value takes the name: most headers have one, and a copy is an allocation.
        let last = values.next_back();
        for value in values {
            map.try_append(name.clone(), value)?;
        }
        if let Some(last) = last {
            map.try_append(name, last)?;
        }
    }
    Ok(map)
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
