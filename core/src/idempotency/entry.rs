//! How work is laid out in its table.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::store::{Comparison, Guard, Item, Schema, Value};
use crate::time::Timestamp;

/// The attribute names of one schema, by what they hold. The table's key is `PK` and `SK` in both.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AttributeNames {
    /// `IN_PROGRESS`, or `COMPLETED`.
    pub status: &'static str,
    /// What the work is done with, hashed.
    pub payload_hash: &'static str,
    /// When the lease ends, in Unix milliseconds.
    pub lease_until: &'static str,
    /// What came of the work.
    pub result: &'static str,
    /// The table's TTL attribute, in Unix seconds.
    pub ttl: &'static str,
}

impl AttributeNames {
    /// The attribute names of a schema.
    #[must_use]
    pub const fn of(schema: Schema) -> &'static Self {
        match schema {
            Schema::Mission => &MISSION,
            Schema::TableTheory => &TABLE_THEORY,
        }
    }
}

const MISSION: AttributeNames = AttributeNames {
    status: "Status",
    payload_hash: "PayloadHash",
    lease_until: "LeaseUntil",
    result: "Result",
    ttl: "TTL",
};

const TABLE_THEORY: AttributeNames = AttributeNames {
    status: "status",
    payload_hash: "payloadHash",
    lease_until: "leaseUntil",
    result: "result",
    ttl: "ttl",
};

pub(super) const IN_PROGRESS: &str = "IN_PROGRESS";
pub(super) const COMPLETED: &str = "COMPLETED";

/// An item, read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Entry {
    pub(super) status: Status,
    pub(super) payload_hash: String,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Status {
    InProgress {
        /// In Unix milliseconds.
        lease_until: i128,
    },
    Completed {
        result: Option<Vec<u8>>,
    },
}

impl Entry {
    /// Reads an item; `None` when it is not one of these.
    pub(super) fn read(item: &Item, names: &AttributeNames) -> Option<Self> {
        let status = match item.text(names.status)? {
            IN_PROGRESS => Status::InProgress { lease_until: item.integer(names.lease_until)? },
            COMPLETED => Status::Completed {
                result: match item.get(names.result) {
                    None => None,
                    Some(Value::B(result)) => Some(result.clone()),
                    Some(_) => return None,
                },
            },
            _ => return None,
        };
        Some(Self { status, payload_hash: item.text(names.payload_hash)?.to_string() })
    }
}

/// Holds where work may be begun as of `now`: nobody ever did, what was done has expired, or who
/// began it let the lease end.
pub(super) fn is_free(
    names: &AttributeNames,
    partition_key: &'static str,
    now: Timestamp,
) -> Guard {
    let expired = Guard::at_most(names.ttl, now.unix_seconds().into());
    let in_progress = Guard::equals(names.status, Value::from(IN_PROGRESS));
    let lapsed = Guard::at_most(names.lease_until, unix_millis(now).into());
    Guard::absent(partition_key).or(expired).or(in_progress.and(lapsed))
}

/// Holds while the lease that ends at this millisecond is the one that counts.
pub(super) fn is_held(names: &AttributeNames, lease_until: i128) -> Guard {
    let in_progress = Guard::equals(names.status, Value::from(IN_PROGRESS));
    let same = Guard::Compare {
        name: names.lease_until.into(),
        comparison: Comparison::Equal,
        value: Value::N(lease_until.into()),
    };
    in_progress.and(same)
}

/// Whole milliseconds since 1970, rounded down.
pub(super) fn unix_millis(at: Timestamp) -> i128 {
    at.unix_nanos().div_euclid(1_000_000)
}
