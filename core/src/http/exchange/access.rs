//! Who may call a route, and who calls it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde_json::{Map, Value as Json};

use crate::http::AppError;

/// Who may call a route.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Access {
    /// Anybody; nobody is asked who calls.
    #[default]
    Public,
    /// Anybody; a caller who says who it is, is recognized. A failed recognition fails the request.
    Optional,
    /// Callers with an identity.
    Authenticated,
    /// Callers with an identity and every one of these scopes. Blank scopes do not count, and a
    /// list of nothing else is [`Public`](Self::Public).
    AllScopes(Vec<String>),
    /// Callers with an identity and at least one of these scopes. Blank scopes do not count, and a
    /// list of nothing else is [`Public`](Self::Public).
    AnyScope(Vec<String>),
}

/// Who calls: what the host's authentication vouches for.
#[derive(Clone, Default, PartialEq)]
pub struct Principal {
    /// The caller's identity. A blank one is nobody's.
    pub identity: String,
    /// What the caller may do.
    pub scopes: Vec<String>,
    /// What else is known about the caller.
    pub claims: Map<String, Json>,
    /// The caller's tenant. It takes the place of the one that the request names.
    pub tenant_id: Option<String>,
}

impl Principal {
    /// A caller of whom nothing but the identity is known.
    #[must_use]
    pub fn new(identity: impl Into<String>) -> Self {
        Self { identity: identity.into(), ..Self::default() }
    }

    /// The same with scopes.
    #[must_use]
    pub fn with_scopes<T: Into<String>>(self, scopes: impl IntoIterator<Item = T>) -> Self {
        Self { scopes: scopes.into_iter().map(T::into).collect(), ..self }
    }

    /// Without white space around the identity and scopes, and each scope once. `None` when nobody
    /// is left.
    fn normalized(mut self) -> Option<Self> {
        self.identity = self.identity.trim().to_string();
        self.scopes = unique(&self.scopes);
        (!self.identity.is_empty()).then_some(self)
    }
}

/// Claims may hold anything, and are not printed.
impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal")
            .field("identity", &self.identity)
            .field("scopes", &self.scopes)
            .field("tenant_id", &self.tenant_id)
            .finish_non_exhaustive()
    }
}

impl Access {
    /// The rule without blank and repeated scopes.
    pub(super) fn normalized(self) -> Self {
        match self {
            Self::Public | Self::Optional | Self::Authenticated => self,
            Self::AllScopes(scopes) => Self::scoped(&scopes, Self::AllScopes),
            Self::AnyScope(scopes) => Self::scoped(&scopes, Self::AnyScope),
        }
    }

    fn scoped(scopes: &[String], rule: fn(Vec<String>) -> Self) -> Self {
        match unique(scopes) {
            scopes if scopes.is_empty() => Self::Public,
            scopes => rule(scopes),
        }
    }

    /// Whether the host has to say who calls.
    #[must_use]
    pub const fn is_protected(&self) -> bool {
        !matches!(self, Self::Public)
    }

    /// Admits a caller, or says why not: 401 for nobody, 403 for somebody without the scopes.
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
        let has = |scope: &String| principal.scopes.contains(scope);
        let may = match self {
            Self::Public | Self::Optional | Self::Authenticated => true,
            Self::AllScopes(scopes) => scopes.iter().all(has),
            Self::AnyScope(scopes) => scopes.iter().any(has),
        };
        if may { Ok(caller) } else { Err(AppError::forbidden()) }
    }
}

/// Trimmed texts that are not blank, each once, in their order.
fn unique(texts: &[String]) -> Vec<String> {
    let mut unique: Vec<String> = Vec::new();
    for text in texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
        if !unique.iter().any(|earlier| earlier == text) {
            unique.push(text.to_string());
        }
    }
    unique
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::{Access, Principal};

    fn scopes(list: &[&str]) -> Vec<String> {
        list.iter().copied().map(String::from).collect()
    }

    fn status(access: &Access, caller: Option<Principal>) -> u16 {
        access.admit(caller).map_or_else(|error| error.status(), |_| 200)
    }

    #[test]
    fn nobody_is_anonymous_and_only_welcome_where_nobody_need_be_known() {
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
    fn blank_scopes_protect_nothing() {
        for access in [Access::AllScopes(scopes(&[" ", ""])), Access::AnyScope(Vec::new())] {
            assert_eq!(access.normalized(), Access::Public);
        }
        let access = Access::AllScopes(scopes(&[" a ", "a"])).normalized();
        assert_eq!(access, Access::AllScopes(scopes(&["a"])));
    }
}
