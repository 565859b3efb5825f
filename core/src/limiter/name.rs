//! Names of limiters, which keep the counters of several limits on one table apart.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;

use serde::Deserialize;

use super::config::Limiter;
use super::error::Error;
use super::setting::{Setting, SharedCounters};

/// The name of a limiter: 1 to 64 of `[A-Za-z0-9_.-]`.
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
    /// Checks that no two of the limiters that the same requests pass can meet in one item: requests
    /// would be counted twice, and the shorter limit's expiry would delete the counts of the longer
    /// one. Use it where limits are put together.
    ///
    /// Two limiters on one table are apart when they have different names. Tables are told apart by
    /// their names alone.
    ///
    /// # Errors
    ///
    /// [`Error`] for the first two that are not apart.
    pub fn check_apart(limiters: &[Self]) -> Result<(), Error> {
        for (at, second) in limiters.iter().enumerate() {
            for first in limiters.iter().take(at) {
                let (one, other) = (first.config(), second.config());
                // `a#b` with the operation `c` is, unnamed, what `a` with `b` is under the name `c`.
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
