//! Finds the handler of a record by name.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Maps the names of queues, streams, tables, topics or route keys to their handlers.
///
/// A record whose name has no handler fails. It is neither lost nor given to another handler.
#[derive(Clone, Debug)]
pub struct Routes<H> {
    routes: Vec<(String, H)>,
}

/// Says why a handler of events would never run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RouteTaken {
    /// Its name or its rule is blank, so it matches nothing.
    Blank,
    /// An earlier handler already takes all of its events. Holds that handler's name or rule.
    By(String),
}

impl<H> Routes<H> {
    /// Creates an empty table.
    #[must_use]
    pub const fn new() -> Self {
        Self { routes: Vec::new() }
    }

    /// Registers a handler for a name, which is trimmed.
    ///
    /// # Errors
    ///
    /// [`RouteTaken`] for a blank name, and for a name that already has a handler.
    pub fn insert(&mut self, name: &str, handler: H) -> Result<(), RouteTaken> {
        match name.trim() {
            "" => Err(RouteTaken::Blank),
            name if self.find(name).is_some() => Err(RouteTaken::By(name.to_string())),
            name => {
                self.routes.push((name.to_string(), handler));
                Ok(())
            }
        }
    }

    /// Returns the handler for exactly this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&H> {
        self.routes.iter().find(|(known, _)| known == name).map(|(_, handler)| handler)
    }

    /// Returns whether no handler is registered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }
}

impl<H> Default for Routes<H> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::{RouteTaken, Routes};

    #[test]
    fn every_name_has_one_handler() {
        let mut routes = Routes::new();
        assert!(routes.is_empty());
        assert_eq!((routes.insert(" q ", 1), routes.insert("Q", 2)), (Ok(()), Ok(())));
        assert_eq!(routes.insert("q\n", 3), Err(RouteTaken::By("q".into())));
        assert_eq!(routes.insert(" \t", 4), Err(RouteTaken::Blank));
        let found = ["q", "Q", " q", ""].map(|name| routes.find(name).copied());
        assert_eq!(found, [Some(1), Some(2), None, None]);
    }
}
