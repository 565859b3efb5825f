//! Names of limiters, which keep the counters of several limits on one table apart.

use alloc::string::{String, ToString};
use alloc::sync::Arc;

use super::config::Limiter;
use crate::store::TableName;

/// The name of a limiter: 1 to 64 of `[A-Za-z0-9_.-]`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct LimiterName(Arc<str>);

impl LimiterName {
    pub(super) fn new(name: &str) -> Result<Self, NameError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if let Some(character) = name.chars().find(|c| !fits(*c)) {
            return Err(NameError::Character(character));
        }
        match name.len() {
            1..=MAX_NAME_BYTES => Ok(Self(name.into())),
            length => Err(NameError::Length(length)),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a limiter cannot have a name. Nothing at request time can cause it: fix the configuration.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NameError {
    /// The name is empty or too long.
    #[error("the name of a limiter has 1 to {MAX_NAME_BYTES} characters, not {0}")]
    Length(usize),
    /// The name holds another character: it becomes a part of stored keys.
    #[error("the name of a limiter holds A-Z, a-z, 0-9, '_', '.' and '-', not {0:?}")]
    Character(char),
    /// The limiter allows `#` in resources: its keys could be those of another limiter.
    #[error("a limiter that allows '#' in resources has no name: use one or the other")]
    Separators,
}

/// Two limits that would count in the same items of one table: requests would be counted twice, and
/// the shorter limit's expiry would delete the counts of the longer one.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{first} and {second} share their counters in the table {table}: {}", self.mending())]
pub struct SharedCounters {
    /// The table.
    pub table: TableName,
    /// The strategy of one of them, in words.
    pub first: String,
    /// The strategy of the other, in words.
    pub second: String,
    /// The name that both have, if any.
    pub name: Option<String>,
}

impl SharedCounters {
    /// Checks that no two of the limiters that the same requests pass can meet in one item. Use it
    /// where limits are put together.
    ///
    /// Two limiters on one table are apart when they have different names. Tables are told apart by
    /// their names alone.
    ///
    /// # Errors
    ///
    /// [`SharedCounters`] for the first two that are not apart.
    pub fn check(limiters: &[Limiter]) -> Result<(), Self> {
        for (at, second) in limiters.iter().enumerate() {
            for first in limiters.iter().take(at) {
                let (one, other) = (first.config(), second.config());
                // `a#b` with the operation `c` is, unnamed, what `a` with `b` is under the name `c`.
                let can_meet = one.name == other.name || one.separators || other.separators;
                if one.table == other.table && can_meet {
                    return Err(Self {
                        table: one.table.clone(),
                        first: one.strategy.to_string(),
                        second: other.strategy.to_string(),
                        name: one.name.as_ref().map(|name| name.as_str().into()),
                    });
                }
            }
        }
        Ok(())
    }

    fn mending(&self) -> &'static str {
        match self.name {
            Some(_) => "they have the same name; give each its own with LimiterBuilder::named",
            None => "give them names with LimiterBuilder::named, or a table each",
        }
    }
}

/// The longest name, in bytes.
pub(super) const MAX_NAME_BYTES: usize = 64;
