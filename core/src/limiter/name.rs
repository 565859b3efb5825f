//! Names of limiters, which separate the counters of limits on one table.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;

use serde::Deserialize;

use super::config::Limiter;
use super::error::Error;
use super::setting::{Setting, SharedCounters};

/// The name of a limiter: 1 to 64 characters of `[A-Za-z0-9_.-]`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub(super) struct LimiterName(Arc<str>);

impl LimiterName {
    pub(super) fn new(name: &str) -> Result<Self, Error> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if let Some(character) = name.chars().find(|c| !fits(*c)) {
            return Err(Setting::NameCharacter(character).into());
        }
        match name.len() {
            1..=MAX_NAME_BYTES => Ok(Self(name.into())),
            length => Err(Setting::NameLength(length).into()),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for LimiterName {
    type Error = Error;

    fn try_from(name: String) -> Result<Self, Error> {
        Self::new(&name)
    }
}

impl Limiter {
    /// Checks that no two limiters share an item. Call it with the limiters that the same requests
    /// pass through: a shared item would count a request twice, and the expiry of the shorter limit
    /// would delete the counts of the longer one.
    ///
    /// Two limiters on one table are separate if they have different names. Tables are compared by
    /// name.
    ///
    /// # Errors
    ///
    /// [`Error`] for the first two limiters that are not separate.
    pub fn check_apart(limiters: &[Self]) -> Result<(), Error> {
        for (at, second) in limiters.iter().enumerate() {
            for first in limiters.iter().take(at) {
                let (one, other) = (first.config(), second.config());
                // Unnamed, `a#b` with operation `c` has the same key as `a` with operation `b`
                // under the name `c`.
                let can_meet = one.name == other.name || one.separators || other.separators;
                if one.table == other.table && can_meet {
                    return Err(Setting::SharedCounters(Box::new(SharedCounters {
                        table: one.table.clone(),
                        first: one.strategy.to_string(),
                        second: other.strategy.to_string(),
                        are_named: one.name.is_some(),
                    }))
                    .into());
                }
            }
        }
        Ok(())
    }
}

/// The longest name, in bytes.
pub(super) const MAX_NAME_BYTES: usize = 64;
