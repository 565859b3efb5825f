//! `TransactWriteItems`: several guarded writes, all or none.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value as Json};

use super::effect::Conclusion;
use super::error::Error;
use super::expression::Expressions;
use super::guard::Guard;
use super::item::{Item, Key};
use super::table::TableName;
use super::wire::{Fault, Reply, Wire, answer, body, check_key, require};
use super::{DeleteItem, MAX_TRANSACT_WRITES, PutItem, UpdateItem};

/// Carries out several writes to different items, all of them or none.
///
/// *If the outcome is lost*: the writes may have been applied. Within ten minutes, the same order
/// with the same token is safe to repeat: DynamoDB applies it once. *Costs* two write units per KB
/// of each item.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TransactWriteItems {
    /// The writes, at least one, at most [`MAX_TRANSACT_WRITES`], each to another item.
    pub writes: Vec<TransactWrite>,
    /// The idempotency token (`ClientRequestToken`), 1 to 36 characters.
    pub token: Option<String>,
}

/// The code of a cancelled transaction (DynamoDB API reference).
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
    /// Writes nothing, but lets the transaction through only if its guard holds.
    Check(ConditionCheck),
}

/// A condition of a transaction on an item that it does not write.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConditionCheck {
    /// The table.
    pub table: TableName,
    /// The key of the item.
    pub key: Key,
    /// What must hold on the item, or its absence.
    pub guard: Guard,
}

/// The outcome of a transaction. A cancellation is an answer, not an error.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Transacted {
    /// All writes took effect.
    Committed,
    /// None did.
    Canceled {
        /// One reason per write, in their order.
        reasons: Vec<CancellationReason>,
    },
}

/// What a write had to do with the cancellation of its transaction.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CancellationReason {
    /// Nothing: another write failed.
    None,
    /// Its guard did not hold.
    ConditionalCheckFailed {
        /// The item as it was found; `None` if there was none, or the store did not say.
        seen: Option<Item>,
    },
    /// It failed for another reason: a conflict with another transaction, throttling, validation.
    Failed(Error),
}

impl CancellationReason {
    /// The reason that a DynamoDB reason code stands for.
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
    /// The guard as an expression with placeholders.
    #[must_use]
    pub fn expressions(&self) -> Expressions {
        Expressions::default().with_guard(&self.guard)
    }
}

impl TransactWrite {
    fn to_json(&self) -> Json {
        let (member, body) = match self {
            Self::Update(update) => ("Update", update.to_body()),
            Self::Put(put) => ("Put", put.to_body()),
            Self::Delete(delete) => ("Delete", delete.to_body()),
            Self::Check(check) => ("ConditionCheck", check.to_body()),
        };
        Json::Object(Map::from_iter([(member.to_string(), without_return_values(body))]))
    }

    fn check(&self) -> Result<(), Error> {
        match self {
            // Alone, an update without assignments creates its item; here it is refused.
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

impl ConditionCheck {
    fn to_body(&self) -> Json {
        let mut body = super::wire::guarded_body(
            &self.guard,
            [("TableName", Json::from(self.table.as_ref())), ("Key", self.key.to_item().to_json())],
        );
        self.expressions().write_to(&mut body);
        Json::Object(body)
    }
}

/// The longest idempotency token, in characters (DynamoDB limit).
const MAX_TOKEN_CHARS: usize = 36;

// A transaction returns no attributes, and DynamoDB refuses to be asked for them.
fn without_return_values(mut body: Json) -> Json {
    if let Some(members) = body.as_object_mut() {
        members.remove("ReturnValues");
    }
    body
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

    fn to_body(&self) -> Json {
        let writes = self.writes.iter().map(TransactWrite::to_json).collect();
        let mut body = body([("TransactItems", Json::Array(writes))]);
        if let Some(token) = &self.token {
            body.insert("ClientRequestToken".to_string(), Json::from(token.as_str()));
        }
        Json::Object(body)
    }

    fn check(&self) -> Result<(), Error> {
        require((1..=MAX_TRANSACT_WRITES).contains(&self.writes.len()))?;
        let token = self.token.as_ref().map(|token| token.chars().count());
        require(token.is_none_or(|length| (1..=MAX_TOKEN_CHARS).contains(&length)))?;
        self.writes.iter().try_for_each(TransactWrite::check)
    }

    fn read_answer(&self, _: &Json) -> Result<Transacted, Error> {
        Ok(Transacted::Committed)
    }

    fn read_fault(&self, fault: Fault) -> Result<Transacted, Error> {
        match &*fault.code {
            CANCELED => Ok(Transacted::Canceled { reasons: fault.reasons }),
            _ => Err(fault.error()),
        }
    }

    fn to_reply(&self, transacted: &Transacted) -> Reply {
        match transacted {
            Transacted::Committed => answer([]),
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
