//! The router: finds the route of a request.
//!
//! | Pattern segment | Matches | Written back as |
//! |---|---|---|
//! | `users` | that text | `users`, percent-encoded |
//! | `{id}` or `:id` | one non-empty segment | `{id}` |
//! | `{path+}` | the rest, at least one segment, which may be empty; only as the last | `{path+}` |
//!
//! Among the matching routes, the winner has more static segments, then more parameters, then no
//! proxy, then more segments, then was registered earlier. Paths are in the normal form of
//! [`UriPath`], and so is the static text of patterns; both are compared byte by byte. Nothing is
//! decoded, trimmed or simplified: `/a/` differs from `/a`, and `/admin%20` from `/admin`.
//!
//! A look-up allocates nothing. It walks a trie: its time grows with the path's segments and with
//! the alternatives that the patterns have at each segment, not with the number of routes.
//!
//! ```
//! use apptheory_core::http::UriPath;
//! use apptheory_core::http::router::{Lookup, RouteTable};
//!
//! let mut routes = RouteTable::new();
//! routes.insert("GET", "/files/{path+}", 1)?;
//! routes.insert("GET", "/files/{name}", 2)?;
//! routes.insert("PUT", "/files/{name}", 3)?;
//!
//! let path = UriPath::from_encoded("/files/a/b");
//! let Lookup::Found(found) = routes.look_up("GET", &path) else { panic!("a route") };
//! assert_eq!((*found.handler(), found.param("path")), (1, Some("a/b")));
//! let path = UriPath::from_encoded("/files/a");
//! let Lookup::MethodNotAllowed { allow } = routes.look_up("DELETE", &path) else { panic!() };
//! assert_eq!(allow, "GET, PUT");
//! # Ok::<(), apptheory_core::http::router::RegistrationError>(())
//! ```

mod edges;
mod error;
mod matched;
mod pattern;
mod segment;
mod strict;
#[cfg(test)]
mod tests;
mod trie;

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

pub use self::error::RegistrationError;
pub use self::matched::{Param, RouteMatch};
pub use self::pattern::{Pattern, PatternError, Segment};

use self::trie::{Search, Trie};
use super::UriPath;
use super::names::canonical_method;
use super::sending::is_token;

/// The routes of an application, each with its handler.
#[derive(Clone, Debug)]
pub struct RouteTable<T> {
    routes: Vec<Route<T>>,
    trie: Trie,
    head_as_get: bool,
    is_permissive: bool,
}

/// A method, a pattern, and their handler.
#[derive(Clone, Debug)]
pub struct Route<T> {
    method: String,
    pattern: Arc<Pattern>,
    handler: T,
}

/// The result of a look-up.
#[derive(Clone, Debug)]
pub enum Lookup<'r, 'p, T> {
    /// The route of the request.
    Found(RouteMatch<'r, 'p, T>),
    /// The path exists, but not with this method: respond with 405.
    MethodNotAllowed {
        /// The value of the `allow` header: the methods of the path, sorted.
        allow: String,
    },
    /// No pattern matches the path: respond with 404.
    NotFound,
}

impl<T> RouteTable<T> {
    /// Creates an empty table.
    #[must_use]
    pub fn new() -> Self {
        let (routes, trie) = (Vec::new(), Trie::new());
        Self { routes, trie, head_as_get: false, is_permissive: false }
    }

    /// Creates an empty table that accepts routes that are probably mistakes: methods that are not
    /// tokens, patterns in the syntax of other frameworks, and routes that are never used because
    /// an earlier one differs in names only. The portable cases of the contract need it.
    #[must_use]
    pub fn permissive() -> Self {
        Self { is_permissive: true, ..Self::new() }
    }

    /// Lets `GET` routes also serve `HEAD` requests without a `HEAD` route. Off by default: `HEAD`
    /// is then an ordinary method.
    #[must_use]
    pub fn with_head_as_get(mut self) -> Self {
        self.head_as_get = true;
        self
    }

    /// Adds a route. The method is trimmed and converted to upper case; any token is valid.
    ///
    /// # Errors
    ///
    /// [`RegistrationError`] for a method that is not a token, an invalid pattern, or a pattern
    /// that matches the same paths as another one of the method; the table is then unchanged.
    pub fn insert(
        &mut self,
        method: &str,
        pattern: &str,
        handler: T,
    ) -> Result<(), RegistrationError> {
        let method = canonical_method(method).into_owned();
        if !self.is_permissive && !is_token(&method) {
            return Err(RegistrationError::InvalidMethod { method, pattern: pattern.to_owned() });
        }
        let given = pattern;
        let read = if self.is_permissive { Pattern::parse(given) } else { strict::read(given) };
        let pattern = match read {
            Ok(pattern) => pattern,
            Err(reason) => {
                let pattern = given.to_owned();
                return Err(RegistrationError::InvalidPattern { method, pattern, reason });
            }
        };
        if let Some(existing) = self.rival(&method, &pattern) {
            let (pattern, existing) = (given.to_owned(), existing.as_str().to_owned());
            return Err(RegistrationError::Duplicate { method, pattern, existing });
        }
        self.trie.insert(&method, &pattern, self.routes.len());
        self.routes.push(Route { method, pattern: Arc::new(pattern), handler });
        Ok(())
    }

    /// Returns the routes, in the order of their registration.
    #[must_use]
    pub fn routes(&self) -> &[Route<T>] {
        &self.routes
    }

    /// Finds the route for a method and a path.
    #[must_use]
    pub fn look_up<'r, 'p>(&'r self, method: &str, path: &'p UriPath) -> Lookup<'r, 'p, T> {
        let path = matchable(path);
        // Methods of routes are canonical, and so are nearly all methods of requests.
        let (known, is_head) = match self.trie.method_id(method) {
            Some(known) => (Some(known), method == "HEAD"),
            None => {
                let method = canonical_method(method);
                (self.trie.method_id(&method), method == "HEAD")
            }
        };
        let or_else = (self.head_as_get && is_head).then(|| self.trie.method_id("GET"));
        match self.trie.find(known, or_else.flatten(), path) {
            Search::Found(index) => match self.routes.get(index) {
                Some(route) => Lookup::Found(RouteMatch::new(route, path)),
                None => Lookup::NotFound,
            },
            Search::OtherMethods => {
                Lookup::MethodNotAllowed { allow: self.allowed(path).join(", ") }
            }
            Search::Nothing => Lookup::NotFound,
        }
    }

    /// Returns the methods of a path, sorted.
    #[must_use]
    pub fn methods(&self, path: &UriPath) -> Vec<&str> {
        self.allowed(matchable(path))
    }

    fn allowed(&self, path: Option<&str>) -> Vec<&str> {
        let mut methods = self.trie.methods(path);
        if self.head_as_get && methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.retain(|method| !method.is_empty());
        methods.sort_unstable();
        methods.dedup();
        methods
    }

    /// Returns the route that a new one would duplicate.
    fn rival(&self, method: &str, pattern: &Pattern) -> Option<&Pattern> {
        let same_shape = self.trie.same_shape(pattern);
        let routes = same_shape.into_iter().filter_map(|index| self.routes.get(index));
        let mut patterns =
            routes.filter(|route| route.method == method).map(|route| route.pattern());
        patterns.find(|earlier| !self.is_permissive || *earlier == pattern)
    }
}

impl<T> Default for RouteTable<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Route<T> {
    /// Returns the method, in upper case.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Returns the pattern.
    #[must_use]
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    pub(crate) const fn shared_pattern(&self) -> &Arc<Pattern> {
        &self.pattern
    }

    /// Returns the handler.
    #[must_use]
    pub fn handler(&self) -> &T {
        &self.handler
    }
}

/// Returns a path without its leading slash for matching, or `None` for the root.
fn matchable(path: &UriPath) -> Option<&str> {
    path.as_str().strip_prefix('/').filter(|segments| !segments.is_empty())
}
