//! What effects cost: calls, and capacity units by DynamoDB's rules.
//!
//! This module decides how bytes become units and adds them up per operation. It does not know who
//! carried the operations out: tables in memory and an embedded DynamoDB both report in its terms.
//!
//! ```
//! use apptheory_core::store::ConsumedCapacity;
//!
//! let two_reads = ConsumedCapacity::read(5 * 1024, true) + ConsumedCapacity::read(100, false);
//! assert_eq!(two_reads.read_half_units, 5); // 2 units for 4 KB + 1 KB, then half a unit
//! assert_eq!(two_reads.read_units(), 2.5);
//! assert_eq!(ConsumedCapacity::write(1025).write_units, 2);
//! ```

use alloc::collections::BTreeMap;
use core::ops::{Add, AddAssign, Sub};

/// Capacity that operations consumed.
///
/// An eventually consistent read costs half a unit, so reads are counted in halves: sums are exact
/// and comparable.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ConsumedCapacity {
    /// Read capacity, in half units.
    pub read_half_units: u64,
    /// Write capacity, in units: of tables and of their indexes.
    pub write_units: u64,
}

impl ConsumedCapacity {
    /// A read of `bytes`: one unit per started 4 KB, at least one; half of that unless consistent.
    #[must_use]
    pub const fn read(bytes: usize, consistent: bool) -> Self {
        let blocks = blocks(bytes, READ_UNIT_BYTES);
        let halves = if consistent { blocks.saturating_mul(2) } else { blocks };
        Self { read_half_units: halves, write_units: 0 }
    }

    /// A write of `bytes`, the larger of an item before and after: one unit per started KB, at
    /// least one.
    #[must_use]
    pub const fn write(bytes: usize) -> Self {
        Self { read_half_units: 0, write_units: blocks(bytes, WRITE_UNIT_BYTES) }
    }

    /// The same within a transaction, which prepares and then commits: twice as much.
    #[must_use]
    pub const fn transactional(self) -> Self {
        Self {
            read_half_units: self.read_half_units.saturating_mul(2),
            write_units: self.write_units.saturating_mul(2),
        }
    }

    /// Read capacity in units, as DynamoDB reports it.
    #[must_use]
    pub fn read_units(self) -> f64 {
        // Exact below 2^53 half units.
        self.read_half_units as f64 / 2.0
    }
}

impl Add for ConsumedCapacity {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            read_half_units: self.read_half_units.saturating_add(other.read_half_units),
            write_units: self.write_units.saturating_add(other.write_units),
        }
    }
}

impl AddAssign for ConsumedCapacity {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for ConsumedCapacity {
    type Output = Self;

    /// The difference, each part at least zero.
    fn sub(self, earlier: Self) -> Self {
        Self {
            read_half_units: self.read_half_units.saturating_sub(earlier.read_half_units),
            write_units: self.write_units.saturating_sub(earlier.write_units),
        }
    }
}

impl core::iter::Sum for ConsumedCapacity {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), Add::add)
    }
}

/// What one operation added up to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct OperationUsage {
    /// How often it was sent to the store; orders that an executor refuses unsent do not count.
    pub calls: u64,
    /// The capacity that the calls consumed together.
    pub consumed: ConsumedCapacity,
}

/// What an executor carried out so far, per operation: a snapshot. Sleeping is no operation.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StoreUsage(BTreeMap<&'static str, OperationUsage>);

impl StoreUsage {
    /// The use of one operation, by its name in the DynamoDB API, such as `UpdateItem`.
    #[must_use]
    pub fn operation(&self, name: &str) -> OperationUsage {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// The use of all operations together.
    #[must_use]
    pub fn total(&self) -> OperationUsage {
        self.iter().fold(OperationUsage::default(), |total, (_, usage)| OperationUsage {
            calls: total.calls.saturating_add(usage.calls),
            consumed: total.consumed + usage.consumed,
        })
    }

    /// What was used between an `earlier` snapshot of the same executor and this one. Operations
    /// that were not called in between are left out.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let difference = self.iter().map(|(name, usage)| {
            let before = earlier.operation(name);
            let calls = usage.calls.saturating_sub(before.calls);
            (name, OperationUsage { calls, consumed: usage.consumed - before.consumed })
        });
        Self(difference.filter(|(_, usage)| usage.calls > 0).collect())
    }

    /// The operations that were called, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, OperationUsage)> {
        self.0.iter().map(|(name, usage)| (*name, *usage))
    }

    /// Adds one call. For executors, once per order that was sent.
    pub fn record(&mut self, operation: &'static str, consumed: ConsumedCapacity) {
        let usage = self.0.entry(operation).or_default();
        usage.calls = usage.calls.saturating_add(1);
        usage.consumed += consumed;
    }
}

const fn blocks(bytes: usize, size: usize) -> u64 {
    let blocks = bytes.div_ceil(size);
    // `usize` has at most 64 bits on every platform that Rust supports.
    if blocks == 0 { 1 } else { blocks as u64 }
}

/// Bytes that one read unit reads (DynamoDB pricing).
const READ_UNIT_BYTES: usize = 4 * 1024;

/// Bytes that one write unit writes (DynamoDB pricing).
const WRITE_UNIT_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{ConsumedCapacity, StoreUsage};

    #[test]
    fn units_are_started_blocks() {
        for (bytes, units) in [(0, 1), (1, 1), (1024, 1), (1025, 2), (400 * 1024, 400)] {
            assert_eq!(ConsumedCapacity::write(bytes).write_units, units, "{bytes}");
        }
        for (bytes, units) in [(0, 1.0), (4096, 1.0), (4097, 2.0)] {
            assert_eq!(ConsumedCapacity::read(bytes, true).read_units(), units, "{bytes}");
            assert_eq!(ConsumedCapacity::read(bytes, false).read_units(), units / 2.0, "{bytes}");
        }
    }

    #[test]
    fn a_difference_names_what_was_called_in_between() {
        let mut usage = StoreUsage::default();
        usage.record("GetItem", ConsumedCapacity::read(0, true));
        let before = usage.clone();
        usage.record("PutItem", ConsumedCapacity::write(2000));
        usage.record("PutItem", ConsumedCapacity::write(1));
        let between = usage.since(&before);
        assert_eq!(between.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["PutItem"]);
        assert_eq!(between.operation("PutItem").calls, 2);
        assert_eq!(between.total().consumed.write_units, 3);
        assert_eq!(usage.total().calls, 3);
    }
}
