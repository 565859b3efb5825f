//! Orders as low-level DynamoDB requests, and replies as outcomes.
//!
//! This module converts to and from the JSON of DynamoDB's HTTP API. It does not handle
//! connections, signatures and retries: a host in any language posts the body with `x-amz-target:
//! DynamoDB_20120810.{OPERATION}`, and returns the reply.
//!
//! An order serializes directly to its request, with members sorted by name, and answers are read
//! directly from their bytes. No tree of JSON values is built.
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

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::effect::{Answered, Conclusion, Outcome};
use super::error::Error;
use super::expression::{Expressions, serialize_names, serialize_values};
use super::guard::Guard;
use super::item::{AttributeName, Item, Key};
use super::table::TableName;
use super::transact_write_items::CancellationReason;
use super::update_item::Written;
use super::{MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES, Misconfiguration, Value};
use crate::json::to_plain_bytes;
use crate::time::Timestamp;

/// An order that DynamoDB carries out. Its outcome is the answer, or an error.
///
/// Serializes as the low-level JSON body of the request.
pub trait Wire: Serialize + Sized {
    /// DynamoDB's answer. A refusal because of a condition is an answer, too.
    type Answer;

    /// The operation's name in the DynamoDB API.
    const OPERATION: &'static str;

    /// Returns the table; for a transaction, the first write's table.
    fn table(&self) -> Option<&TableName>;

    /// Returns the low-level JSON body of the request as a value, for inspection. To post it, use
    /// [`to_body_bytes`](Self::to_body_bytes).
    fn to_body(&self) -> Json {
        // Only maps whose keys are not strings fail; there are none.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Returns the low-level JSON body of the request, to post.
    fn to_body_bytes(&self) -> Vec<u8> {
        // Only floats, tuples and bytes that are not text fail; there are none.
        to_plain_bytes(self).unwrap_or_default()
    }

    /// Refuses orders that DynamoDB is known to refuse, so that all executors behave alike and no
    /// useless request is sent.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] over a size limit, [`Error::Misconfigured`] otherwise.
    fn check(&self) -> Result<(), Error>;

    /// Reads the operation's JSON answer.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] for anything else, because an unreadable reply leaves open whether a
    /// write was applied.
    fn read_answer(&self, answer: &[u8]) -> Result<Self::Answer, Error>;

    /// Reads DynamoDB's error reply. For a guarded write, a failed condition is an answer.
    ///
    /// # Errors
    ///
    /// The error for the fault's code.
    fn read_fault(&self, fault: Fault) -> Result<Self::Answer, Error> {
        Err(fault.error())
    }

    /// Reads a reply that arrived at `at`.
    ///
    /// # Errors
    ///
    /// The same as for [`read_answer`](Self::read_answer) and [`read_fault`](Self::read_fault).
    fn read_reply(&self, reply: Reply<'_>, at: Timestamp) -> Outcome<Self::Answer> {
        let answer = match reply {
            Reply::Answer(answer) => self.read_answer(&answer)?,
            Reply::Fault(fault) => self.read_fault(fault)?,
        };
        Ok(Answered { answer, at })
    }

    /// Returns a reply for `answer`, which [`read_reply`](Self::read_reply) reads back.
    fn to_reply(&self, answer: &Self::Answer) -> Reply<'static>;

    /// Returns how the effect with this answer ended.
    #[must_use]
    fn conclude(_answer: &Self::Answer) -> Conclusion {
        Conclusion::Answered
    }
}

/// The code of a failed condition (DynamoDB API reference).
const CONDITION_FAILURE: &str = "ConditionalCheckFailedException";

/// A reply of DynamoDB.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply<'a> {
    /// The operation's JSON answer, not parsed yet.
    Answer(Cow<'a, [u8]>),
    /// A typed error of the service.
    Fault(Fault),
}

/// An error reply of DynamoDB, without its message: messages may quote data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fault {
    /// The error code, such as `ConditionalCheckFailedException`.
    pub code: String,
    /// The existing item, after a failed condition.
    pub item: Option<Item>,
    /// The reasons of a cancelled transaction, one per write, in order.
    pub reasons: Vec<CancellationReason>,
}

impl<'a> Reply<'a> {
    /// Reads an HTTP reply of the low-level API. A body that is not the expected JSON becomes
    /// [`Error::Unavailable`].
    #[must_use]
    pub fn from_http(status: u16, body: &'a [u8]) -> Self {
        if (200..=299).contains(&status) {
            return Self::Answer(Cow::Borrowed(body));
        }
        Self::Fault(match serde_json::from_slice::<Json>(body) {
            Ok(error) => Fault::from_json(&error),
            Err(_) if status >= 500 => Fault::default(),
            Err(_) => Fault { code: status.to_string(), ..Fault::default() },
        })
    }

    /// Returns the JSON body of the reply.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::Answer(answer) => serde_json::from_slice(answer).unwrap_or_default(),
            Self::Fault(fault) => fault.to_json(),
        }
    }

    /// Reads the JSON body of a reply with an unknown status: a fault has a `__type`.
    #[must_use]
    pub fn from_json(body: &Json) -> Self {
        if body.get("__type").is_some() {
            Self::Fault(Fault::from_json(body))
        } else {
            Self::answer(body)
        }
    }

    /// Returns the fault for an error.
    #[must_use]
    pub fn of_error(error: Error) -> Self {
        Self::Fault(Fault { code: error.code().to_string(), ..Fault::default() })
    }

    /// Returns a reply with a serialized answer.
    pub(super) fn answer(answer: &impl Serialize) -> Self {
        // Only maps whose keys are not strings fail; there are none.
        Self::Answer(Cow::Owned(serde_json::to_vec(answer).unwrap_or_default()))
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

    /// Returns the JSON body of the error reply.
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

    /// Returns the error for this fault, if it is not a failed condition.
    #[must_use]
    pub fn error(&self) -> Error {
        Error::from_code(&self.code)
    }
}

/// Reads an answer, which must be an object.
pub(super) fn read<'a, T: Deserialize<'a>>(answer: &'a [u8]) -> Result<T, Error> {
    // `serde` also reads a struct from a list of its fields.
    if !answer.trim_ascii_start().starts_with(b"{") {
        return Err(Error::Unavailable);
    }
    // Validates UTF-8 once for the whole text, instead of once per string.
    let answer = core::str::from_utf8(answer).map_err(|_| Error::Unavailable)?;
    serde_json::from_str(answer).map_err(|_| Error::Unavailable)
}

/// The `__type` of a fault. It has no values, so an answer with this member is unreadable: a
/// gateway may deliver an error with the status of a success.
#[derive(Deserialize, Serialize)]
pub(super) enum FaultType {}

/// The reply to an applied guarded write.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, rename_all = "PascalCase")]
struct WriteAnswer<'a> {
    #[serde(rename = "__type", skip_serializing_if = "Option::is_none")]
    fault: Option<FaultType>,
    #[serde(skip_serializing_if = "is_empty")]
    attributes: Cow<'a, Item>,
}

fn is_empty(item: &Item) -> bool {
    item.is_empty()
}

/// Reads the reply to an applied guarded write.
pub(super) fn read_applied(answer: &[u8]) -> Result<Written, Error> {
    let WriteAnswer { attributes, fault: None } = read(answer)?;
    Ok(Written::Applied { attributes: attributes.into_owned() })
}

/// Reads the error reply to a guarded write. A failed condition is not an error.
pub(super) fn read_refused(fault: Fault) -> Result<Written, Error> {
    match &*fault.code {
        CONDITION_FAILURE => Ok(Written::Refused { seen: fault.item }),
        _ => Err(fault.error()),
    }
}

/// Returns the reply for the outcome of a guarded write: the inverse of reading.
pub(super) fn write_written(written: &Written) -> Reply<'static> {
    match written {
        Written::Applied { attributes } => {
            Reply::answer(&WriteAnswer { attributes: Cow::Borrowed(attributes), fault: None })
        }
        Written::Refused { seen } => Reply::Fault(Fault {
            code: CONDITION_FAILURE.to_string(),
            item: seen.clone(),
            reasons: Vec::new(),
        }),
    }
}

/// Returns how a guarded write ended.
pub(super) const fn conclude_written(written: &Written) -> Conclusion {
    match written {
        Written::Applied { .. } => Conclusion::Applied,
        Written::Refused { .. } => Conclusion::Refused,
    }
}

/// The body of a guarded write, alone or in a transaction.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WriteBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    condition_expression: Option<String>,
    #[serde(serialize_with = "serialize_names", skip_serializing_if = "Vec::is_empty")]
    expression_attribute_names: Vec<&'a AttributeName>,
    #[serde(serialize_with = "serialize_values", skip_serializing_if = "Vec::is_empty")]
    expression_attribute_values: Vec<Cow<'a, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<&'a Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a Key>,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_values: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_values_on_condition_check_failure: Option<&'static str>,
    table_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_expression: Option<String>,
}

impl<'a> WriteBody<'a> {
    pub(super) fn new(table: &'a TableName, guard: &Guard, expressions: Expressions<'a>) -> Self {
        Self {
            condition_expression: expressions.condition,
            expression_attribute_names: expressions.names,
            expression_attribute_values: expressions.values,
            item: None,
            key: None,
            return_values: None,
            return_values_on_condition_check_failure: (*guard != Guard::Always)
                .then_some("ALL_OLD"),
            table_name: table.as_ref(),
            update_expression: expressions.update,
        }
    }

    /// Sets the item to write.
    pub(super) fn item(self, item: &'a Item) -> Self {
        Self { item: Some(item), ..self }
    }

    /// Sets the key of the item.
    pub(super) fn key(self, key: &'a Key) -> Self {
        Self { key: Some(key), ..self }
    }

    /// Requests attributes in the reply. A transaction returns none, and DynamoDB refuses such a
    /// request.
    pub(super) fn returning(self, values: &'static str) -> Self {
        Self { return_values: Some(values), ..self }
    }
}

pub(super) fn body<const N: usize>(members: [(&str, Json); N]) -> Map<String, Json> {
    members.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

/// Refuses an order that DynamoDB rejects as invalid.
pub(super) const fn require(valid: bool) -> Result<(), Error> {
    if valid { Ok(()) } else { Err(Error::Misconfigured(Misconfiguration::InvalidRequest)) }
}

/// Refuses key values that DynamoDB refuses: empty or too long ones, and types other than string,
/// number and binary.
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

#[cfg(test)]
mod tests;
