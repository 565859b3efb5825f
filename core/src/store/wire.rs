//! Orders as low-level DynamoDB requests, and replies as outcomes.
//!
//! This module decides the JSON that DynamoDB's HTTP API takes and gives. It refuses to know about
//! connections, signatures and retries: a host in any language posts
//! `x-amz-target: DynamoDB_20120810.{OPERATION}` with the body, and hands the reply back.
//!
//! ```
//! use apptheory_core::store::wire::{Reply, Wire};
//! use apptheory_core::store::{GetItem, Key, Value};
//! use apptheory_core::time::Timestamp;
//!
//! let order = GetItem {
//!     table: "events".into(),
//!     key: Key::of("ID", Value::from("e1")),
//!     consistent: true,
//! };
//! assert_eq!(order.to_body()["Key"]["ID"]["S"], "e1");
//!
//! let reply = Reply::from_http(200, br#"{"Item": {"ID": {"S": "e1"}}}"#);
//! let item = order.read_reply(reply, Timestamp::UNIX_EPOCH)?.answer;
//! assert_eq!(item.expect("found").text("ID"), Some("e1"));
//! # Ok::<(), apptheory_core::store::Error>(())
//! ```

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value as Json};

use super::effect::{Answered, Conclusion, Outcome};
use super::error::Error;
use super::guard::Guard;
use super::item::{Item, Key};
use super::table::TableName;
use super::transact_write_items::CancellationReason;
use super::update_item::Written;
use super::{MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES, Misconfiguration, Value};
use crate::time::Timestamp;

/// An order that DynamoDB carries out. Its outcome is the answer, or why there was none.
pub trait Wire: Sized {
    /// What DynamoDB answers; a refusal by a condition is an answer, too.
    type Answer;

    /// The operation's name in the DynamoDB API.
    const OPERATION: &'static str;

    /// Returns the table; of a transaction, the first write's.
    fn table(&self) -> Option<&TableName>;

    /// Returns the low-level JSON body of the request.
    fn to_body(&self) -> Json;

    /// Refuses what DynamoDB is known to refuse, so that every executor answers alike and nothing
    /// hopeless is sent.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] over a size limit, [`Error::Misconfigured`] otherwise.
    fn check(&self) -> Result<(), Error>;

    /// Reads the operation's JSON answer.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] for JSON that is not this operation's answer.
    fn read_answer(&self, answer: &Json) -> Result<Self::Answer, Error>;

    /// Reads DynamoDB's refusal. A failed condition is an answer, where there can be one.
    ///
    /// # Errors
    ///
    /// The error that the refusal's code stands for.
    fn read_fault(&self, fault: Fault) -> Result<Self::Answer, Error> {
        Err(fault.error())
    }

    /// Reads a reply; `at` is when it arrived.
    ///
    /// # Errors
    ///
    /// As [`read_answer`](Self::read_answer) and [`read_fault`](Self::read_fault).
    fn read_reply(&self, reply: Reply, at: Timestamp) -> Outcome<Self::Answer> {
        let answer = match reply {
            Reply::Answer(answer) => self.read_answer(&answer)?,
            Reply::Fault(fault) => self.read_fault(fault)?,
        };
        Ok(Answered { answer, at })
    }

    /// Returns a reply that stands for `answer`: [`read_reply`](Self::read_reply) reads it back.
    fn to_reply(&self, answer: &Self::Answer) -> Reply;

    /// Returns what kind of end `answer` is.
    #[must_use]
    fn conclude(_answer: &Self::Answer) -> Conclusion {
        Conclusion::Answered
    }
}

/// The code of a failed condition (DynamoDB API reference).
const CONDITION_FAILURE: &str = "ConditionalCheckFailedException";

/// What DynamoDB replied.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// The operation's JSON answer.
    Answer(Json),
    /// The service's typed refusal.
    Fault(Fault),
}

/// A refusal by DynamoDB, reduced to what outcomes are made of. Its message is left behind: it is
/// for people, and may quote data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fault {
    /// The error code, such as `ConditionalCheckFailedException`.
    pub code: String,
    /// The item as it was, with a failed condition.
    pub item: Option<Item>,
    /// One reason per write of a cancelled transaction, in order.
    pub reasons: Vec<CancellationReason>,
}

impl Reply {
    /// Reads an HTTP reply of the low-level API. A body that is not the expected JSON reads as a
    /// fault of an unknown code, which classifies as [`Error::Unavailable`].
    #[must_use]
    pub fn from_http(status: u16, body: &[u8]) -> Self {
        match (status, serde_json::from_slice::<Json>(body)) {
            (200..=299, Ok(answer)) => Self::Answer(answer),
            (200..=299, Err(_)) => Self::Fault(Fault::default()),
            (_, Ok(error)) => Self::Fault(Fault::from_json(&error)),
            (500.., Err(_)) => Self::Fault(Fault::default()),
            (_, Err(_)) => Self::Fault(Fault { code: status.to_string(), ..Fault::default() }),
        }
    }

    /// The JSON body of the reply.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::Answer(answer) => answer.clone(),
            Self::Fault(fault) => fault.to_json(),
        }
    }

    /// Reads the JSON body of a reply whose status is not known: a fault has a `__type`.
    #[must_use]
    pub fn from_json(body: &Json) -> Self {
        if body.get("__type").is_some() {
            Self::Fault(Fault::from_json(body))
        } else {
            Self::Answer(body.clone())
        }
    }

    /// The fault that stands for an error.
    #[must_use]
    pub fn of_error(error: Error) -> Self {
        Self::Fault(Fault { code: error.code().to_string(), ..Fault::default() })
    }
}

impl Fault {
    /// Reads the JSON body of an error reply.
    #[must_use]
    pub fn from_json(error: &Json) -> Self {
        let kind = error.get("__type").and_then(Json::as_str).unwrap_or_default();
        let code = kind.rsplit_once('#').map_or(kind, |(_, code)| code);
        let reasons = error
            .get("CancellationReasons")
            .and_then(Json::as_array)
            .map(|reasons| reasons.iter().map(CancellationReason::from_json).collect());
        Self {
            code: code.to_string(),
            item: error.get("Item").and_then(|item| Item::from_json(item).ok()),
            reasons: reasons.unwrap_or_default(),
        }
    }

    /// The JSON body of the error reply.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut error = body([("__type", Json::from(self.code.as_str()))]);
        if let Some(item) = &self.item {
            error.insert("Item".to_string(), item.to_json());
        }
        if !self.reasons.is_empty() {
            let reasons = self.reasons.iter().map(CancellationReason::to_json).collect();
            error.insert("CancellationReasons".to_string(), reasons);
        }
        Json::Object(error)
    }

    /// What the fault means to a machine, when it is not a failed condition.
    #[must_use]
    pub fn error(&self) -> Error {
        Error::from_code(&self.code)
    }
}

/// The answer of a guarded write that took effect.
pub(super) fn read_applied(answer: &Json) -> Result<Written, Error> {
    Ok(Written::Applied { attributes: read_item(answer, "Attributes")? })
}

/// The answer of a guarded write that was refused: a failed condition is no error.
pub(super) fn read_refused(fault: Fault) -> Result<Written, Error> {
    match &*fault.code {
        CONDITION_FAILURE => Ok(Written::Refused { seen: fault.item }),
        _ => Err(fault.error()),
    }
}

/// The reply to a guarded write that ended so: the inverse of reading one.
pub(super) fn write_written(written: &Written) -> Reply {
    match written {
        Written::Applied { attributes } if attributes.is_empty() => answer([]),
        Written::Applied { attributes } => answer([("Attributes", attributes.to_json())]),
        Written::Refused { seen } => Reply::Fault(Fault {
            code: CONDITION_FAILURE.to_string(),
            item: seen.clone(),
            reasons: Vec::new(),
        }),
    }
}

/// How a guarded write ended.
pub(super) const fn conclude_written(written: &Written) -> Conclusion {
    match written {
        Written::Applied { .. } => Conclusion::Applied,
        Written::Refused { .. } => Conclusion::Refused,
    }
}

/// A member that holds an item; missing reads as an empty one.
pub(super) fn read_item(answer: &Json, member: &str) -> Result<Item, Error> {
    answer.get(member).map_or_else(|| Ok(Item::new()), parse_item)
}

/// A member that holds a list of items; missing reads as none.
pub(super) fn read_items(list: Option<&Json>) -> Result<Vec<Item>, Error> {
    list.and_then(Json::as_array)
        .map_or_else(|| Ok(Vec::new()), |items| items.iter().map(parse_item).collect())
}

// A reply that cannot be read says nothing about whether the write happened.
fn parse_item(json: &Json) -> Result<Item, Error> {
    Item::from_json(json).map_err(|_| Error::Unavailable)
}

/// A request body with the members that every guarded write has.
pub(super) fn guarded_body<const N: usize>(
    guard: &Guard,
    members: [(&str, Json); N],
) -> Map<String, Json> {
    let mut body = body(members);
    if *guard != Guard::Always {
        body.insert("ReturnValuesOnConditionCheckFailure".to_string(), Json::from("ALL_OLD"));
    }
    body
}

pub(super) fn answer<const N: usize>(members: [(&str, Json); N]) -> Reply {
    Reply::Answer(Json::Object(body(members)))
}

pub(super) fn body<const N: usize>(members: [(&str, Json); N]) -> Map<String, Json> {
    members.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

/// Refuses an order that DynamoDB calls invalid.
pub(super) const fn require(valid: bool) -> Result<(), Error> {
    if valid { Ok(()) } else { Err(Error::Misconfigured(Misconfiguration::InvalidRequest)) }
}

/// Refuses key values that DynamoDB refuses: empty ones, over-long ones, and types other than
/// text, number and bytes.
pub(super) fn check_key(key: &Key) -> Result<(), Error> {
    check_key_value(&key.partition.value, MAX_PARTITION_KEY_BYTES)?;
    key.sort.as_ref().map_or(Ok(()), |sort| check_key_value(&sort.value, MAX_SORT_KEY_BYTES))
}

pub(super) fn check_key_value(value: &Value, most: usize) -> Result<(), Error> {
    let length = match value {
        Value::S(text) => text.len(),
        Value::B(bytes) => bytes.len(),
        Value::N(number) if number.is_valid() => 1,
        Value::N(_)
        | Value::Bool(_)
        | Value::Null
        | Value::L(_)
        | Value::M(_)
        | Value::Ss(_)
        | Value::Ns(_)
        | Value::Bs(_) => 0,
    };
    require(length > 0 && length <= most)
}
