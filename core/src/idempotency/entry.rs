//! The layout of work in its table.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::store::{AttributeStyle, Guard, Item, Value};
use crate::time::Timestamp;

/// The attribute names of one style, by their contents. The table's key is `PK` and `SK` in every
/// style.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct AttributeNames {
    /// `IN_PROGRESS`, or `COMPLETED`.
    pub(super) status: &'static str,
    /// The hash of the work's input.
    pub(super) payload_hash: &'static str,
    /// The owner of the lease: 32 hexadecimal digits. It stays after the work is done.
    pub(super) owner: &'static str,
    /// When the lease ends, in Unix milliseconds.
    pub(super) lease_until: &'static str,
    /// The result of the work.
    pub(super) result: &'static str,
    /// The table's TTL attribute, in Unix seconds.
    pub(super) ttl: &'static str,
}

impl AttributeNames {
    /// Returns the names of a style.
    pub(super) const fn of(style: AttributeStyle) -> &'static Self {
        match style {
            AttributeStyle::Pascal => &PASCAL,
            AttributeStyle::TableTheory => &TABLE_THEORY,
        }
    }
}

const PASCAL: AttributeNames = AttributeNames {
    status: "Status",
    payload_hash: "PayloadHash",
    owner: "Owner",
    lease_until: "LeaseUntil",
    result: "Result",
    ttl: "TTL",
};

const TABLE_THEORY: AttributeNames = AttributeNames {
    status: "status",
    payload_hash: "payloadHash",
    owner: "owner",
    lease_until: "leaseUntil",
    result: "result",
    ttl: "ttl",
};

pub(super) const IN_PROGRESS: &str = "IN_PROGRESS";
pub(super) const COMPLETED: &str = "COMPLETED";

/// A decoded item.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct Entry {
    pub(super) status: Status,
    pub(super) payload_hash: String,
    /// `None` in items from before owners were stored; such an item belongs to another caller.
    pub(super) owner: Option<Owner>,
}

#[derive(Clone, Eq, PartialEq)]
pub(super) enum Status {
    InProgress {
        /// The end of the lease in Unix milliseconds.
        lease_until: i128,
    },
    Completed {
        result: Option<Vec<u8>>,
    },
}

impl Entry {
    /// Reads an item; `None` if it is not one of this schema.
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
        let owner = item.text(names.owner).and_then(Owner::parse);
        Some(Self { status, payload_hash: item.text(names.payload_hash)?.to_string(), owner })
    }
}

/// Identifies one attempt to acquire a lease, by an id that is never reused.
///
/// A write whose reply was lost may be sent again, by a machine or an executor. If the first write
/// had been applied, the second is refused. The owner in the item shows that the caller's own write
/// refused it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Owner(u128);

impl Owner {
    /// Creates an owner from 128 bits. They must be new for every acquisition, for example a random
    /// UUID: two acquisitions with the same owner would both do the work.
    #[must_use]
    pub const fn new(id: u128) -> Self {
        Self(id)
    }

    fn parse(text: &str) -> Option<Self> {
        (text.len() == 32).then(|| u128::from_str_radix(text, 16).ok()).flatten().map(Self)
    }

    pub(super) fn to_value(self) -> Value {
        Value::S(format!("{:032x}", self.0))
    }
}

/// Requires that work may begin as of `now`: it never began, its result has expired, or its lease
/// has ended.
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

/// Requires that this owner has the lease.
pub(super) fn is_held(names: &AttributeNames, owner: Owner) -> Guard {
    let in_progress = Guard::equals(names.status, Value::from(IN_PROGRESS));
    in_progress.and(Guard::equals(names.owner, owner.to_value()))
}

/// Returns the whole milliseconds since 1970, rounded down.
pub(super) fn unix_millis(at: Timestamp) -> i128 {
    at.unix_nanos().div_euclid(1_000_000)
}
