//! A matched route, with the values of its parameters.

use alloc::borrow::Cow;

use super::Route;
use super::pattern::Pattern;
use crate::percent;

/// A matched route, with the path of the request.
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
    /// The text in the path, percent-encoded.
    pub raw: &'p str,
}

impl<'r, 'p, T> RouteMatch<'r, 'p, T> {
    pub(super) const fn new(route: &'r Route<T>, path: Option<&'p str>) -> Self {
        Self { route, path }
    }

    /// Returns the route's handler.
    #[must_use]
    pub fn handler(&self) -> &'r T {
        self.route.handler()
    }

    /// Returns the route's pattern.
    #[must_use]
    pub fn pattern(&self) -> &'r Pattern {
        self.route.pattern()
    }

    /// Returns the route.
    #[must_use]
    pub const fn route(&self) -> &'r Route<T> {
        self.route
    }

    /// Returns the text that a parameter captured, percent-encoded. `None` if the pattern has no
    /// such parameter. Only a proxy parameter can capture an empty text.
    #[inline]
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&'p str> {
        self.params().find(|param| param.name == name).map(|param| param.raw)
    }

    /// Yields all parameters, in the order of the pattern.
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
    /// Returns the captured text with its `%XX` decoded. A decoded `/` cannot be distinguished from
    /// a separator in a proxy's text. Invalid UTF-8 becomes U+FFFD.
    #[must_use]
    pub fn decoded(&self) -> Cow<'p, str> {
        percent::decode(self.raw)
    }
}
