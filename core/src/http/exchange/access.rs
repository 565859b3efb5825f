//! Access rules of routes, and callers.

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde_json::{Map, Value as Json};

use crate::error::AppError;
use crate::printing::prints;

/// Says who may call a route.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Access {
    /// Everybody. Callers are not authenticated.
    #[default]
    Public,
    /// Everybody. A caller with credentials is authenticated, and invalid credentials fail the
    /// request.
    Optional,
    /// Authenticated callers.
    Authenticated,
    /// Authenticated callers with all of these scopes. A route with an empty list or a blank scope
    /// cannot be registered.
    AllScopes(Vec<String>),
    /// Authenticated callers with at least one of these scopes. A route with an empty list or a
    /// blank scope cannot be registered.
    AnyScope(Vec<String>),
}

/// The authenticated caller, as the host reports it.
#[derive(Clone, Default, PartialEq)]
pub struct Principal {
    /// The caller's identity. A caller with a blank identity counts as anonymous.
    pub identity: String,
    /// The caller's scopes.
    pub scopes: Vec<String>,
    /// Further claims about the caller.
    pub claims: Map<String, Json>,
    /// The caller's tenant. It takes precedence over the tenant that the request names, but not
    /// over the tenant that Lambda runs the invocation for.
    pub tenant_id: Option<String>,
}

impl Principal {
    /// Creates a caller with an identity only.
    #[must_use]
    pub fn new(identity: impl Into<String>) -> Self {
        Self { identity: identity.into(), ..Self::default() }
    }

    /// Sets the scopes.
    #[must_use]
    pub fn with_scopes<T: Into<String>>(self, scopes: impl IntoIterator<Item = T>) -> Self {
        Self { scopes: scopes.into_iter().map(T::into).collect(), ..self }
    }

    /// Trims the identity and scopes, and removes duplicate scopes. `None` if the identity is
    /// blank.
    fn normalized(mut self) -> Option<Self> {
        self.identity = self.identity.trim().to_string();
        self.scopes = unique(&self.scopes);
        (!self.identity.is_empty()).then_some(self)
    }

    /// Yields for each of these scopes whether the caller has it.
    fn has<'a>(&'a self, scopes: &'a [String]) -> impl Iterator<Item = bool> + 'a {
        let own: BTreeSet<&str> = self.scopes.iter().map(String::as_str).collect();
        scopes.iter().map(move |scope| own.contains(scope.trim()))
    }
}

// Claims may contain anything, and are not printed.
prints!(Principal: identity, scopes, tenant_id);

/// Describes the permitted callers in a few words.
impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public => f.write_str("anybody"),
            Self::Optional => f.write_str("anybody, recognized"),
            Self::Authenticated => f.write_str("callers with an identity"),
            Self::AllScopes(scopes) => {
                write!(f, "callers with the scopes {}", scopes.join(" and "))
            }
            Self::AnyScope(scopes) => write!(f, "callers with a scope of {}", scopes.join(" or ")),
        }
    }
}

impl Access {
    /// Returns whether all listed scopes are valid: an empty list or a blank entry would require
    /// less than intended.
    pub(super) fn is_complete(&self) -> bool {
        match self {
            Self::Public | Self::Optional | Self::Authenticated => true,
            Self::AllScopes(scopes) | Self::AnyScope(scopes) => {
                !scopes.is_empty() && scopes.iter().all(|scope| !scope.trim().is_empty())
            }
        }
    }

    /// Returns whether callers have to be authenticated.
    #[must_use]
    pub const fn is_protected(&self) -> bool {
        !matches!(self, Self::Public)
    }

    /// Admits a caller, or returns an error: 401 without a caller, 403 for a caller without the
    /// scopes.
    pub(super) fn admit(&self, caller: Option<Principal>) -> Result<Option<Principal>, AppError> {
        let caller = caller.and_then(Principal::normalized);
        let Some(principal) = &caller else {
            return match self {
                Self::Public | Self::Optional => Ok(None),
                Self::Authenticated | Self::AllScopes(_) | Self::AnyScope(_) => {
                    Err(AppError::unauthorized())
                }
            };
        };
        let may = match self {
            Self::Public | Self::Optional | Self::Authenticated => true,
            Self::AllScopes(scopes) => principal.has(scopes).all(|has| has),
            Self::AnyScope(scopes) => principal.has(scopes).any(|has| has),
        };
        if may { Ok(caller) } else { Err(AppError::forbidden()) }
    }
}

/// Returns the trimmed texts that are not blank, without duplicates, in order.
fn unique(texts: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let texts = texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty());
    texts.filter(|text| seen.insert(*text)).map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;

    use super::{Access, Principal};

    fn scopes(list: &[&str]) -> Vec<String> {
        list.iter().copied().map(String::from).collect()
    }

    fn status(access: &Access, caller: Option<Principal>) -> u16 {
        access.admit(caller).map_or_else(|error| error.status(), |_| 200)
    }

    #[test]
    fn a_missing_or_blank_principal_counts_as_anonymous() {
        for nobody in [None, Some(Principal::new(" ")), Some(Principal::default())] {
            assert_eq!(Access::Optional.admit(nobody.clone()).unwrap(), None);
            assert_eq!(status(&Access::Authenticated, nobody.clone()), 401);
            assert_eq!(status(&Access::AnyScope(scopes(&["a"])), nobody), 401);
        }
        let known = Access::Authenticated.admit(Some(Principal::new(" u "))).unwrap();
        assert_eq!(known.map(|principal| principal.identity).as_deref(), Some("u"));
    }

    #[test]
    fn scopes_are_all_or_any() {
        let caller = || Some(Principal::new("u").with_scopes([" read ", "read", "", "list"]));
        let all = Access::AllScopes(scopes(&["read", "list"]));
        assert_eq!(status(&all, caller()), 200);
        assert_eq!(status(&Access::AllScopes(scopes(&["read", "write"])), caller()), 403);
        assert_eq!(status(&Access::AnyScope(scopes(&["read", "write"])), caller()), 200);
        assert_eq!(status(&Access::AnyScope(scopes(&["write"])), caller()), 403);
        let admitted = all.admit(caller()).unwrap().unwrap();
        assert_eq!(admitted.scopes, ["read", "list"]);
    }

    #[test]
    fn a_scope_list_that_is_empty_or_has_a_blank_is_incomplete() {
        for list in [&[][..], &[" ", ""], &["admin", ""]] {
            assert!(!Access::AllScopes(scopes(list)).is_complete());
            assert!(!Access::AnyScope(scopes(list)).is_complete());
        }
        assert!(Access::AnyScope(scopes(&[" a "])).is_complete());
        assert_eq!(status(&Access::AnyScope(scopes(&[" a "])), Some(with(&["a"]))), 200);
    }

    #[test]
    fn many_scopes_are_looked_up_not_searched_for() {
        // A pairwise comparison would take 10^10 steps.
        let many: Vec<String> = (0..100_000_u32).map(|n| n.to_string()).collect();
        let caller = || Some(Principal::new("u").with_scopes(many.clone()));
        assert_eq!(status(&Access::AllScopes(many.clone()), caller()), 200);
        let others: Vec<String> = (0..100_000_u32).map(|n| (n + 100_000).to_string()).collect();
        assert_eq!(status(&Access::AnyScope(others), caller()), 403);
    }

    fn with(list: &[&str]) -> Principal {
        Principal::new("u").with_scopes(list.iter().copied())
    }
}
