//! A route that was found, and what its parameters captured.

use alloc::borrow::Cow;

use super::Route;
use super::pattern::Pattern;
use crate::percent;

/// The route that serves a request, and the path it matched.
#[derive(Debug)]
pub struct RouteMatch<'r, 'p, T> {
    route: &'r Route<T>,
    path: Option<&'p str>,
}

/// A path parameter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Param<'r, 'p> {
    /// The name in the pattern.
    pub name: &'r str,
    /// What the path has in its place, percent-encoded.
    pub raw: &'p str,
}

impl<'r, 'p, T> RouteMatch<'r, 'p, T> {
    pub(super) const fn new(route: &'r Route<T>, path: Option<&'p str>) -> Self {
        Self { route, path }
    }

    /// What serves the route.
    #[must_use]
    pub fn handler(&self) -> &'r T {
        self.route.handler()
    }

    /// The route's pattern.
    #[must_use]
    pub fn pattern(&self) -> &'r Pattern {
        self.route.pattern()
    }

    /// The route.
    #[must_use]
    pub const fn route(&self) -> &'r Route<T> {
        self.route
    }

    /// What a parameter captured, percent-encoded. `None` when the pattern has none of that
    /// name. Only a proxy's capture can be empty.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&'p str> {
        self.params().find(|param| param.name == name).map(|param| param.raw)
    }

    /// All parameters, in the order of the pattern.
    pub fn params(&self) -> impl Iterator<Item = Param<'r, 'p>> + use<'r, 'p, T> {
        self.pattern().capture(self.path)
    }
}

impl<T> Clone for RouteMatch<'_, '_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for RouteMatch<'_, '_, T> {}

impl<'p> Param<'_, 'p> {
    /// What the client meant: the capture with its `%XX` decoded. A decoded `/` is not told from
    /// one that separates the segments of a proxy. Bytes that are not UTF-8 read as U+FFFD.
    #[must_use]
    pub fn decoded(&self) -> Cow<'p, str> {
        percent::decode(self.raw)
    }
}
