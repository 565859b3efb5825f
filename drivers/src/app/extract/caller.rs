//! The caller, as far as the platform or authentication verifies it.

use core::net::IpAddr;

use apptheory_core::error::AppError;
use apptheory_core::http::exchange::Principal;
use apptheory_core::http::platform::{
    ClientCertificate, CognitoIdentity, Error, IamIdentity, PlatformContext,
};
use serde::de::DeserializeOwned;

use super::{FromContext, OptionalFromContext, missing};
use crate::app::context::Context;
use crate::app::kind::RequestKind;

/// Reads the client's address from the platform or the connection, never from a header. Behind a
/// load balancer the address is unknown: `Option<ClientIp>` is `None`, and without `Option` the
/// response is a masked 500.
///
/// In a tower stack, it is a request extension that the server sets.
///
/// ```
/// use apptheory::prelude::*;
///
/// let app = App::new().get("/", async |ClientIp(address): ClientIp| address.to_string()).build()?;
/// # Ok::<(), BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClientIp(pub IpAddr);

/// Reads the tenant; 403 if there is no tenant. The first of these counts: the tenant that Lambda
/// runs the invocation for, if the function isolates tenants; the tenant that authentication
/// verifies; the tenant that the request names, if the application [allows
/// it](apptheory_core::http::exchange::TenantSource).
///
/// In a tower stack, it is a request extension that authentication sets; a rate limit without an
/// identity counts it as `tenant:` and the trimmed text.
///
/// ```
/// use apptheory::prelude::*;
///
/// let app = App::new()
///     .get("/orders", async |Tenant(tenant): Tenant| format!("orders of {tenant}"))
///     .build()?;
/// # Ok::<(), BuildError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tenant(pub String);

/// Reads the claims of the caller's token, which a JWT authorizer of an HTTP API or a Cognito
/// authorizer of a REST API has checked. Numbers and Booleans may be texts, as HTTP APIs send all
/// claims. A masked 500 if the route has no such authorizer, or the claims have another shape.
///
/// ```
/// use apptheory::app::{App, Claims};
///
/// #[derive(serde::Deserialize)]
/// struct Me { sub: String, #[serde(default)] email_verified: bool }
///
/// async fn me(Claims(me): Claims<Me>) -> String {
///     me.sub
/// }
///
/// let app = App::new().get("/me", me).build()?;
/// # Ok::<(), apptheory::app::BuildError>(())
/// ```
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub struct Claims<T>(pub T);

/// Reads the scopes of the caller's token, which the authorizer of [`Claims`] has checked.
///
/// ```
/// use apptheory::prelude::*;
///
/// let app = App::new().get("/", async |Scopes(scopes): Scopes| scopes.join(" ")).build()?;
/// # Ok::<(), BuildError>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Scopes(pub Vec<String>);

/// Reads the context that a Lambda authorizer returned. REST APIs send its numbers and Booleans as
/// texts, which are converted to the type's members. A masked 500 if the route has no Lambda
/// authorizer, or the context has another shape.
///
/// ```
/// use apptheory::prelude::*;
///
/// #[derive(serde::Deserialize)]
/// struct Account {
///     plan: String,
/// }
///
/// let app = App::new()
///     .get("/plan", async |Authorizer(account): Authorizer<Account>| account.plan)
///     .build()?;
/// # Ok::<(), BuildError>(())
/// ```
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub struct Authorizer<T>(pub T);

not_printed! { [T] Claims<T>, [T] Authorizer<T> }

/// Reads the `principalId` that a Lambda authorizer of a REST or WebSocket API returned. A masked
/// 500 if it returned none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PrincipalId(pub String);

/// Implements an extractor, and its `Option`, for requests and messages: `$read` finds the value,
/// and `$missing` is the reason in the log when the value is missing.
macro_rules! may_be_missing {
    ($([$($generics:tt)*] $type:ty, $read:expr, $missing:literal;)+) => {$(
        impl<S, K: RequestKind, $($generics)*> OptionalFromContext<S, K> for $type {
            fn optional_from_context(context: &Context, _: &S) -> Result<Option<Self>, AppError> {
                let read: fn(&Context) -> Result<Option<Self>, AppError> = $read;
                read(context)
            }
        }

        impl<S, K: RequestKind, $($generics)*> FromContext<S, K> for $type {
            fn from_context(context: &Context, state: &S) -> Result<Self, AppError> {
                let found = <Self as OptionalFromContext<S, K>>::optional_from_context(context, state)?;
                found.ok_or_else(|| missing($missing))
            }
        }
    )+};
}

may_be_missing! {
    [] ClientIp, |context| Ok(context.client_ip().map(Self)),
        "the client's address is unknown: behind a load balancer, take `Option<ClientIp>`";
    [T: DeserializeOwned] Claims<T>, |context| Ok(platform(context, PlatformContext::claims)?.map(Self)),
        "no JWT or Cognito authorizer is in front of the route";
    [] Scopes, |context| Ok(platform(context, PlatformContext::scopes)?.map(Self)),
        "no JWT or Cognito authorizer is in front of the route";
    [T: DeserializeOwned] Authorizer<T>,
        |context| Ok(platform(context, PlatformContext::authorizer)?.map(Self)),
        "no Lambda authorizer is in front of the route";
    [] PrincipalId, |context| Ok(platform(context, PlatformContext::principal_id)?.map(Self)),
        "no Lambda authorizer returned a `principalId`";
    [] IamIdentity, |context| platform(context, PlatformContext::iam_identity),
        "the route does not require a signature with AWS credentials";
    [] CognitoIdentity, |context| platform(context, PlatformContext::cognito_identity),
        "the request was not signed with credentials of a Cognito identity pool";
    [] ClientCertificate, |context| platform(context, PlatformContext::client_certificate),
        "the API does not require a client certificate";
}

fn platform<T>(
    context: &Context,
    read: fn(&PlatformContext) -> Result<Option<T>, Error>,
) -> Result<Option<T>, AppError> {
    Ok(read(&context.expect_call()?.request.platform)?)
}

/// Reads the tenant; 403 if there is no tenant.
impl<S, K> FromContext<S, K> for Tenant {
    fn from_context(context: &Context, state: &S) -> Result<Self, AppError> {
        let found = <Self as OptionalFromContext<S, K>>::optional_from_context(context, state)?;
        found.ok_or_else(AppError::forbidden)
    }
}

impl<S, K> OptionalFromContext<S, K> for Tenant {
    fn optional_from_context(context: &Context, _: &S) -> Result<Option<Self>, AppError> {
        let tenant_id = context.tenant_id();
        Ok(Some(tenant_id).filter(|id| !id.is_empty()).map(|id| Self(id.to_owned())))
    }
}

/// Reads the caller that authentication returned. 401 for an anonymous caller, and a masked 500 on
/// a route without authentication: call `for_callers` on its handler or router.
impl<S, K: RequestKind> FromContext<S, K> for Principal {
    fn from_context(context: &Context, state: &S) -> Result<Self, AppError> {
        let found = <Self as OptionalFromContext<S, K>>::optional_from_context(context, state)?;
        found.ok_or_else(|| match context.was_asked_who_calls() {
            true => AppError::unauthorized(),
            false => missing(
                "the route does not authenticate callers: call `for_callers` or `for_scopes`",
            ),
        })
    }
}

impl<S, K: RequestKind> OptionalFromContext<S, K> for Principal {
    fn optional_from_context(context: &Context, _: &S) -> Result<Option<Self>, AppError> {
        Ok(context.principal().cloned())
    }
}
