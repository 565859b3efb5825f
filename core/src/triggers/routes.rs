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

impl<H> Routes<H> {
    /// No routes.
    #[must_use]
    pub const fn new() -> Self {
        Self { routes: Vec::new() }
    }

    /// Registers a handler for a name, which is trimmed. A blank name is ignored, and so is one
    /// that has a handler; says whether it was taken.
    pub fn insert(&mut self, name: &str, handler: H) -> bool {
        let name = name.trim();
        let is_new = !name.is_empty() && self.find(name).is_none();
        if is_new {
            self.routes.push((name.to_string(), handler));
        }
        is_new
    }

    /// The handler for exactly this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&H> {
        self.routes.iter().find(|(known, _)| known == name).map(|(_, handler)| handler)
    }

    /// Whether nothing is registered.
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
    use super::Routes;

    #[test]
    fn the_first_of_equal_names_wins() {
        let mut routes = Routes::new();
        assert!(routes.is_empty());
        assert!(routes.insert(" q ", 1) && routes.insert("Q", 2));
        assert!(!routes.insert("q", 3) && !routes.insert(" ", 4));
        let found = ["q", "Q", " q", ""].map(|name| routes.find(name).copied());
        assert_eq!(found, [Some(1), Some(2), None, None]);
    }
}
