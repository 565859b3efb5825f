//! How work is laid out in its table.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::store::{AttributeStyle, Guard, Item, Value};
use crate::time::Timestamp;

/// The names of the attributes in one style, by what they hold. The
/// table's key is `PK` and `SK` in both.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct AttributeNames {
    /// `IN_PROGRESS`, or `COMPLETED`.
    pub(super) status: &'static str,
    /// What the work is done with, hashed.
    pub(super) payload_hash: &'static str,
    /// Who has the lease: 32 hexadecimal digits. It stays when the work is done.
    pub(super) owner: &'static str,
    /// When the lease ends, in Unix milliseconds.
    pub(super) lease_until: &'static str,
    /// What came of the work.
    pub(super) result: &'static str,
    /// The table's TTL attribute, in Unix seconds.
    pub(super) ttl: &'static str,
}

impl AttributeNames {
    /// The names in a style.
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

/// An item, read.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct Entry {
    pub(super) status: Status,
    pub(super) payload_hash: String,
    /// `None` in items that are older than owners: somebody else's.
    pub(super) owner: Option<Owner>,
}

#[derive(Clone, Eq, PartialEq)]
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
        let owner = item.text(names.owner).and_then(Owner::parse);
        Some(Self { status, payload_hash: item.text(names.payload_hash)?.to_string(), owner })
    }
}

/// Who asked for a lease: an id that nobody else has, one for every time that somebody asks.
///
/// A write whose reply was lost may be sent again, by a machine or by an executor, and is then
/// refused because of itself. The owner is how it knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Owner(u128);

impl Owner {
    /// Takes 128 bits as an owner. They must be new for every acquisition, such as those of a random
    /// UUID: two that share them would both do the work.
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

/// Holds while this owner has the lease.
pub(super) fn is_held(names: &AttributeNames, owner: Owner) -> Guard {
    let in_progress = Guard::equals(names.status, Value::from(IN_PROGRESS));
    in_progress.and(Guard::equals(names.owner, owner.to_value()))
}

/// Whole milliseconds since 1970, rounded down.
pub(super) fn unix_millis(at: Timestamp) -> i128 {
    at.unix_nanos().div_euclid(1_000_000)
}
