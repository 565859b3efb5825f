//! `TransactWriteItems`: several guarded writes, applied completely or not at all.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value as Json;

use super::effect::Conclusion;
use super::error::Error;
use super::expression::Expressions;
use super::guard::Guard;
use super::item::{Item, Key};
use super::table::TableName;
use super::wire::{Fault, FaultType, Reply, Wire, WriteBody, body, check_key, read, require};
use super::{DeleteItem, MAX_TRANSACT_WRITES, PutItem, UpdateItem};

/// Carries out several writes to different items, completely or not at all.
///
/// *If the outcome is lost*: the writes may have been applied. Within ten minutes, repeating the
/// same order with the same token is safe: DynamoDB applies it once. *Costs* two write units per KB
/// of each item.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TransactWriteItems {
    /// The writes, 1 to [`MAX_TRANSACT_WRITES`], each to a different item.
    pub writes: Vec<TransactWrite>,
    /// The idempotency token (`ClientRequestToken`), 1 to 36 characters.
    pub token: Option<String>,
}

/// The error code of a cancelled transaction (DynamoDB API reference).
const CANCELED: &str = "TransactionCanceledException";

/// One write of a transaction.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TransactWrite {
    /// Changes an item.
    Update(UpdateItem),
    /// Writes a whole item.
    Put(PutItem),
    /// Removes an item.
    Delete(DeleteItem),
    /// Writes nothing, but cancels the transaction unless its guard holds.
    Check(ConditionCheck),
}

/// A condition of a transaction on an item that is not written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConditionCheck {
    /// The table.
    pub table: TableName,
    /// The key of the item.
    pub key: Key,
    /// The condition on the item, or on its absence.
    pub guard: Guard,
}

/// The outcome of a transaction. A cancellation is an answer, not an error.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Transacted {
    /// All writes were applied.
    Committed,
    /// No write was applied.
    Canceled {
        /// One reason per write, in order.
        reasons: Vec<CancellationReason>,
    },
}

/// Why a write cancelled its transaction.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CancellationReason {
    /// This write did not: another one did.
    None,
    /// Its guard did not hold.
    ConditionalCheckFailed {
        /// The existing item; `None` if there was none, or the store did not return it.
        seen: Option<Item>,
    },
    /// It failed for another reason: a conflict with another transaction, throttling, or
    /// validation.
    Failed(Error),
}

impl CancellationReason {
    /// Returns the reason for a DynamoDB reason code.
    #[must_use]
    pub fn from_code(code: &str, seen: Option<Item>) -> Self {
        match code {
            "" | "None" => Self::None,
            "ConditionalCheckFailed" => Self::ConditionalCheckFailed { seen },
            code => Self::Failed(Error::from_code(code)),
        }
    }

    pub(super) fn to_json(&self) -> Json {
        let (code, seen) = match self {
            Self::None => ("None", None),
            Self::ConditionalCheckFailed { seen } => ("ConditionalCheckFailed", seen.as_ref()),
            Self::Failed(error) => (error.code(), None),
        };
        let mut reason = body([("Code", Json::from(code))]);
        if let Some(item) = seen {
            reason.insert("Item".to_string(), item.to_json());
        }
        Json::Object(reason)
    }

    pub(super) fn from_json(reason: &Json) -> Self {
        let code = reason.get("Code").and_then(Json::as_str).unwrap_or_default();
        let seen = reason.get("Item").and_then(|item| Item::from_json(item).ok());
        Self::from_code(code, seen)
    }
}

impl ConditionCheck {
    /// Returns the guard as an expression with placeholders.
    #[must_use]
    pub fn expressions(&self) -> Expressions<'_> {
        Expressions::default().with_guard(&self.guard)
    }

    fn body(&self) -> WriteBody<'_> {
        WriteBody::new(&self.table, &self.guard, self.expressions()).key(&self.key)
    }
}

/// Serializes as a member of `TransactItems`.
impl Serialize for TransactWrite {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (member, body) = match self {
            Self::Update(update) => ("Update", update.body()),
            Self::Put(put) => ("Put", put.body()),
            Self::Delete(delete) => ("Delete", delete.body()),
            Self::Check(check) => ("ConditionCheck", check.body()),
        };
        serializer.collect_map([(member, body)])
    }
}

impl TransactWrite {
    fn check(&self) -> Result<(), Error> {
        match self {
            // An update without assignments creates its item if sent alone; in a transaction it is
            // refused.
            Self::Update(update) => {
                require(!update.assignments.is_empty())?;
                update.check()
            }
            Self::Put(put) => put.check(),
            Self::Delete(delete) => delete.check(),
            Self::Check(check) => {
                check_key(&check.key)?;
                require(check.guard.is_valid() && !check.guard.is_always())
            }
        }
    }
}

/// The longest idempotency token, in characters (DynamoDB limit).
const MAX_TOKEN_CHARS: usize = 36;

impl Serialize for TransactWriteItems {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_map(None)?;
        if let Some(token) = &self.token {
            body.serialize_entry("ClientRequestToken", token)?;
        }
        body.serialize_entry("TransactItems", &self.writes)?;
        body.end()
    }
}

/// The reply to a committed transaction.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct CommitAnswer {
    #[serde(rename = "__type", skip_serializing_if = "Option::is_none")]
    fault: Option<FaultType>,
}

impl Wire for TransactWriteItems {
    type Answer = Transacted;

    const OPERATION: &'static str = "TransactWriteItems";

    fn table(&self) -> Option<&TableName> {
        self.writes.first().map(|write| match write {
            TransactWrite::Update(update) => &update.table,
            TransactWrite::Put(put) => &put.table,
            TransactWrite::Delete(delete) => &delete.table,
            TransactWrite::Check(check) => &check.table,
        })
    }

    fn check(&self) -> Result<(), Error> {
        require((1..=MAX_TRANSACT_WRITES).contains(&self.writes.len()))?;
        let token = self.token.as_ref().map(|token| token.chars().count());
        require(token.is_none_or(|length| (1..=MAX_TOKEN_CHARS).contains(&length)))?;
        self.writes.iter().try_for_each(TransactWrite::check)
    }

    fn read_answer(&self, answer: &[u8]) -> Result<Transacted, Error> {
        let CommitAnswer { fault: None } = read(answer)?;
        Ok(Transacted::Committed)
    }

    fn read_fault(&self, fault: Fault) -> Result<Transacted, Error> {
        match &*fault.code {
            CANCELED => Ok(Transacted::Canceled { reasons: fault.reasons }),
            _ => Err(fault.error()),
        }
    }

    fn to_reply(&self, transacted: &Transacted) -> Reply<'static> {
        match transacted {
            Transacted::Committed => Reply::answer(&CommitAnswer::default()),
            Transacted::Canceled { reasons } => Reply::Fault(Fault {
                code: CANCELED.to_string(),
                item: None,
                reasons: reasons.clone(),
            }),
        }
    }

    fn conclude(transacted: &Transacted) -> Conclusion {
        match transacted {
            Transacted::Committed => Conclusion::Applied,
            Transacted::Canceled { .. } => Conclusion::Refused,
        }
    }
}
