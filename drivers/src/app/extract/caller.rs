//! Who calls.
//!
//! Each of these says who vouches for it; nothing here is a client's mere word.

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

/// The client's address, as far as the platform or the connection vouches for it; never what a header
/// field says. Behind a load balancer it is unknown: `Option<ClientIp>` is `None`, and without
/// `Option` the answer is a masked 500.
///
/// In a stack of tower, it is a request extension that the server of the connection sets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClientIp(pub IpAddr);

/// The tenant: the one that Lambda runs the invocation for, where the function isolates its tenants;
/// else the one that the application's authentication vouches for; else, if the application
/// [lets](apptheory_core::http::exchange::TenantSource) clients name it, the one that the request names.
/// 403 where there is no tenant.
///
/// In a stack of tower, it is a request extension that authentication sets; a limit counts it as
/// `tenant:` and the trimmed text, where it knows no identity.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tenant(pub String);

/// The claims of the caller's token, which a JWT authorizer of an HTTP API or a Cognito authorizer of a
/// REST API has checked. Numbers and Booleans may be texts: HTTP APIs write all claims so. A masked 500
/// where no such authorizer is in front of the route, or the claims have another shape.
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

/// The scopes of the caller's token, which the authorizer of [`Claims`] has checked.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Scopes(pub Vec<String>);

/// The context that a Lambda authorizer answered with. REST APIs write its numbers and Booleans as
/// texts, which are read as what the type asks for. A masked 500 where no Lambda authorizer is in front
/// of the route, or the context has another shape.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub struct Authorizer<T>(pub T);

not_printed! { [T] Claims<T>, [T] Authorizer<T> }

/// Who a Lambda authorizer of a REST or WebSocket API said is calling: its `principalId`. A masked 500
/// where it did not say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PrincipalId(pub String);

/// An extractor that may be missing, of requests and messages: `$read` finds it, and `$missing` says in
/// the log why it is missing.
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
        "nobody vouches for the client's address: behind a load balancer, take `Option<ClientIp>`";
    [T: DeserializeOwned] Claims<T>, |context| Ok(platform(context, PlatformContext::claims)?.map(Self)),
        "no JWT or Cognito authorizer is in front of the route";
    [] Scopes, |context| Ok(platform(context, PlatformContext::scopes)?.map(Self)),
        "no JWT or Cognito authorizer is in front of the route";
    [T: DeserializeOwned] Authorizer<T>,
        |context| Ok(platform(context, PlatformContext::authorizer)?.map(Self)),
        "no Lambda authorizer is in front of the route";
    [] PrincipalId, |context| Ok(platform(context, PlatformContext::principal_id)?.map(Self)),
        "no Lambda authorizer said who calls";
    [] IamIdentity, |context| platform(context, PlatformContext::iam_identity),
        "the route does not ask for a signature with AWS credentials";
    [] CognitoIdentity, |context| platform(context, PlatformContext::cognito_identity),
        "the request was not signed with credentials of a Cognito identity pool";
    [] ClientCertificate, |context| platform(context, PlatformContext::client_certificate),
        "the API does not ask for a certificate of the client";
}

fn platform<T>(
    context: &Context,
    read: fn(&PlatformContext) -> Result<Option<T>, Error>,
) -> Result<Option<T>, AppError> {
    Ok(read(&context.expect_call()?.request.platform)?)
}

/// 403 where there is no tenant.
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

/// Who calls, as the application's authentication said. 401 for an unknown caller, and a masked 500 on
/// a route that does not ask who calls: say who may call it.
impl<S, K: RequestKind> FromContext<S, K> for Principal {
    fn from_context(context: &Context, state: &S) -> Result<Self, AppError> {
        let found = <Self as OptionalFromContext<S, K>>::optional_from_context(context, state)?;
        found.ok_or_else(|| match context.was_asked_who_calls() {
            true => AppError::unauthorized(),
            false => missing("the route asks nobody who calls: say `for_callers` or `for_scopes`"),
        })
    }
}

impl<S, K: RequestKind> OptionalFromContext<S, K> for Principal {
    fn optional_from_context(context: &Context, _: &S) -> Result<Option<Self>, AppError> {
        Ok(context.principal().cloned())
    }
}
