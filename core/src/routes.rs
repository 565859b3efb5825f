//! Which handler serves what.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Handlers by the name of the queue, stream, table, topic or route key that they serve.
///
/// What is not registered is served by nobody: a record fails, so that it is neither lost nor
/// handled by the handler of another one.
#[derive(Clone, Debug)]
pub struct Routes<H> {
    routes: Vec<(String, H)>,
}

/// Why a handler of events would never run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RouteTaken {
    /// It is for nothing: its name, or its rule, is blank.
    Blank,
    /// An earlier one takes all that it is for. Its name, or its rule.
    By(String),
}

impl<H> Routes<H> {
    /// Begins without routes.
    #[must_use]
    pub const fn new() -> Self {
        Self { routes: Vec::new() }
    }

    /// Registers a handler for a name, which is trimmed.
    ///
    /// # Errors
    ///
    /// [`RouteTaken`] for a blank name, and for one that has a handler.
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

    /// Returns whether nothing is registered.
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
