//! The data of a request that the limiter uses.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::IpAddr;

use crate::printing::prints;

/// The data of a request to count.
#[derive(Clone, Copy)]
pub struct CountedRequest<'a> {
    /// The authenticated identity, or an empty text.
    pub identity: &'a str,
    /// The authenticated tenant, or an empty text.
    pub tenant_id: &'a str,
    /// The tenant that the request claims without authentication, or an empty text. Only
    /// [`KeyPolicy::contract`](super::KeyPolicy::contract) reads it.
    pub named_tenant_id: &'a str,
    /// The client's address, verified by the provider or the connection.
    pub address: Option<IpAddr>,
    /// The pattern of the matched route; `None` if it is unknown.
    pub route: Option<&'a str>,
    /// The percent-encoded path.
    pub path: &'a str,
    /// The method.
    pub method: &'a str,
    /// Looks up header values.
    pub fields: HeaderLookup<'a>,
}

/// Returns all values of a header by its name in lower case.
type HeaderLookup<'a> = &'a (dyn Fn(&str) -> Vec<String> + Sync + 'a);

impl<'a> CountedRequest<'a> {
    /// Creates a request without identity, tenant, address and route.
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

    /// Returns the first value of a header that is not blank, trimmed.
    pub(super) fn field(&self, name: &str) -> Option<String> {
        let mut values = (self.fields)(name).into_iter();
        values.find(|value| !value.trim().is_empty()).map(|value| value.trim().to_string())
    }

    /// Returns the token of an `authorization` header with the scheme `Bearer`, which is
    /// case-insensitive (RFC 9110 §11.1).
    pub(super) fn bearer(&self) -> Option<String> {
        let value = self.field("authorization")?;
        let (scheme, token) = value.split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| token.to_string())
    }
}

// Callers and header values are not printed.
prints!(CountedRequest<'_>: method, route);
