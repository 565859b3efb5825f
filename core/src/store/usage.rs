//! The costs of effects: calls, and capacity units by DynamoDB's rules.
//!
//! This module converts bytes to units and adds them up per operation. The in-memory tables and the
//! embedded DynamoDB both use it for their reports.
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

/// The capacity that operations consumed.
///
/// An eventually consistent read costs half a unit, so reads are counted in half units: sums are
/// exact and comparable.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ConsumedCapacity {
    /// Read capacity, in half units.
    pub read_half_units: u64,
    /// Write capacity in units, of tables and their indexes.
    pub write_units: u64,
}

impl ConsumedCapacity {
    /// Returns the cost of reading `bytes`: one unit per started 4 KB, at least one; half of that
    /// unless consistent.
    #[must_use]
    pub const fn read(bytes: usize, consistent: bool) -> Self {
        let blocks = blocks(bytes, READ_UNIT_BYTES);
        let halves = if consistent { blocks.saturating_mul(2) } else { blocks };
        Self { read_half_units: halves, write_units: 0 }
    }

    /// Returns the cost of writing `bytes`, the larger of an item before and after: one unit per
    /// started KB, at least one.
    #[must_use]
    pub const fn write(bytes: usize) -> Self {
        Self { read_half_units: 0, write_units: blocks(bytes, WRITE_UNIT_BYTES) }
    }

    /// Returns the cost in a transaction, which prepares and then commits: twice as much.
    #[must_use]
    pub const fn transactional(self) -> Self {
        Self {
            read_half_units: self.read_half_units.saturating_mul(2),
            write_units: self.write_units.saturating_mul(2),
        }
    }

    /// Returns the read capacity in units, as DynamoDB reports it.
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

    /// Subtracts; each part is at least zero.
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

/// The total of one operation.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct OperationUsage {
    /// The number of calls to the store. Orders that an executor refuses without a call do not
    /// count.
    pub calls: u64,
    /// The capacity that all calls consumed.
    pub consumed: ConsumedCapacity,
}

/// A snapshot of the operations of an executor so far. Sleeps are not operations.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StoreUsage(BTreeMap<&'static str, OperationUsage>);

impl StoreUsage {
    /// Returns the usage of an operation, by its DynamoDB name such as `UpdateItem`.
    #[must_use]
    pub fn operation(&self, name: &str) -> OperationUsage {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// Returns the usage of all operations.
    #[must_use]
    pub fn total(&self) -> OperationUsage {
        self.iter().fold(OperationUsage::default(), |total, (_, usage)| OperationUsage {
            calls: total.calls.saturating_add(usage.calls),
            consumed: total.consumed + usage.consumed,
        })
    }

    /// Returns the usage since an `earlier` snapshot of the same executor. Operations without calls
    /// in between are left out.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let difference = self.iter().map(|(name, usage)| {
            let before = earlier.operation(name);
            let calls = usage.calls.saturating_sub(before.calls);
            (name, OperationUsage { calls, consumed: usage.consumed - before.consumed })
        });
        Self(difference.filter(|(_, usage)| usage.calls > 0).collect())
    }

    /// Yields the operations that were called, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, OperationUsage)> {
        self.0.iter().map(|(name, usage)| (*name, *usage))
    }

    /// Adds one call. For executors; call it once per order that was sent.
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

/// The bytes of one read unit (DynamoDB pricing).
const READ_UNIT_BYTES: usize = 4 * 1024;

/// The bytes of one write unit (DynamoDB pricing).
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
