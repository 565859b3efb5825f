//! What is known about a request.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::IpAddr;

use crate::printing::prints;

/// What is known about a request that is to be counted.
#[derive(Clone, Copy)]
pub struct CountedRequest<'a> {
    /// The identity that authentication vouches for, or an empty text.
    pub identity: &'a str,
    /// The tenant that authentication vouches for, or an empty text.
    pub tenant_id: &'a str,
    /// The tenant that the request names itself, or an empty text. Only
    /// [`KeyPolicy::contract`](super::KeyPolicy::contract) looks at it.
    pub named_tenant_id: &'a str,
    /// The client's address that the provider or the connection vouches for.
    pub address: Option<IpAddr>,
    /// The pattern of the route that serves the request; `None` where it is unknown.
    pub route: Option<&'a str>,
    /// The path, percent-encoded.
    pub path: &'a str,
    /// The method.
    pub method: &'a str,
    /// The values of header fields.
    pub fields: HeaderLookup<'a>,
}

/// A look-up of all values of a header field by its name in lower case.
type HeaderLookup<'a> = &'a (dyn Fn(&str) -> Vec<String> + Sync + 'a);

impl<'a> CountedRequest<'a> {
    /// Begins with a request of which nothing is vouched for.
    #[must_use]
    pub const fn of(method: &'a str, path: &'a str, fields: HeaderLookup<'a>) -> Self {
        Self {
            identity: "",
            tenant_id: "",
            named_tenant_id: "",
            address: None,
            route: None,
            path,
            method,
            fields,
        }
    }

    /// The first value of a header field that is not blank, trimmed.
    pub(super) fn field(&self, name: &str) -> Option<String> {
        let mut values = (self.fields)(name).into_iter();
        values.find(|value| !value.trim().is_empty()).map(|value| value.trim().to_string())
    }

    /// The token of an `authorization` field of the scheme `Bearer`, whose case does not matter
    /// (RFC 9110 §11.1).
    pub(super) fn bearer(&self) -> Option<String> {
        let value = self.field("authorization")?;
        let (scheme, token) = value.split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| token.to_string())
    }
}

// Who calls, and what they send, is not printed.
prints!(CountedRequest<'_>: method, route);
