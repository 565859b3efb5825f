//! Records the orders to a store and its replies, as JSON.
//!
//! An order is recorded as its DynamoDB request, and its outcome as the corresponding DynamoDB
//! reply. With a transcript, decisions in production can be replayed in a test. This module does
//! not decide who records and replays, or where a transcript is stored.
//!
//! A transcript contains keys and payloads; protect it like the original data.
//!
//! ```
//! use apptheory_core::store::transcript::Transcript;
//! use apptheory_core::store::{self, GetItem, Key, StoreEffect, Value};
//!
//! let order = GetItem {
//!     table: "events".into(),
//!     key: Key::of("ID", Value::from("e1")),
//!     consistent: true,
//! };
//! let throttled = order.transcribe(&Err(store::Error::Throttled));
//! let written = Transcript { exchanges: vec![throttled] }.to_json();
//! assert_eq!(written[0]["reply"]["__type"], "ThrottlingException");
//!
//! let read = Transcript::from_json(&written)?;
//! assert_eq!(order.outcome_of(&read.exchanges[0]), Err(store::Error::Throttled));
//! # Ok::<(), apptheory_core::store::ReadError>(())
//! ```

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value as Json;

use super::ReadError;
use super::wire::body;
use crate::time::Timestamp;

/// One effect with its request and reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// The operation's name in DynamoDB, or `Sleep`.
    pub operation: String,
    /// The request body.
    pub request: Json,
    /// The body of the reply; an error has a `__type`.
    pub reply: Json,
    /// When the reply arrived, if the outcome contains this time.
    pub answered_at: Option<Timestamp>,
}

/// Exchanges in the order in which they were answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transcript {
    /// The exchanges.
    pub exchanges: Vec<Exchange>,
}

impl Exchange {
    fn to_json(&self) -> Json {
        let mut members = body([
            ("operation", Json::from(self.operation.as_str())),
            ("request", self.request.clone()),
            ("reply", self.reply.clone()),
        ]);
        if let Some(answered_at) = self.answered_at {
            members.insert("answered_at".to_string(), Json::from(answered_at.to_rfc3339()));
        }
        Json::Object(members)
    }

    fn from_json(json: &Json) -> Result<Self, &'static str> {
        let member = |name: &'static str| json.get(name).ok_or(name);
        let answered_at = match json.get("answered_at") {
            None => None,
            Some(instant) => {
                Some(instant.as_str().and_then(|text| text.parse().ok()).ok_or("answered_at")?)
            }
        };
        Ok(Self {
            operation: member("operation")?.as_str().ok_or("operation")?.to_string(),
            request: member("request")?.clone(),
            reply: member("reply")?.clone(),
            answered_at,
        })
    }
}

impl Transcript {
    /// Returns the transcript as JSON: a list of objects with `operation`, `request`, `reply` and,
    /// if known, `answered_at` in RFC 3339.
    #[must_use]
    pub fn to_json(&self) -> Json {
        self.exchanges.iter().map(Exchange::to_json).collect()
    }

    /// Reads the JSON of [`to_json`](Self::to_json).
    ///
    /// # Errors
    ///
    /// [`ReadError`] if the JSON is not a transcript.
    pub fn from_json(json: &Json) -> Result<Self, ReadError> {
        let exchanges = json
            .as_array()
            .ok_or(ReadError::NotATranscript)?
            .iter()
            .enumerate()
            .map(|(index, exchange)| {
                Exchange::from_json(exchange)
                    .map_err(|member| ReadError::Exchange { index, member })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { exchanges })
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use core::time::Duration;

    use super::*;
    use crate::store::{
        Answered, BatchGetItem, BatchRead, CancellationReason, DeleteItem, Error, GetItem, Guard,
        Item, Key, Misconfiguration, Page, PutItem, QueryItems, Sleep, StoreEffect,
        TransactWriteItems, Transacted, UpdateItem, Value, Written,
    };

    const ERRORS: [Error; 9] = [
        Error::Throttled,
        Error::Unavailable,
        Error::Timeout,
        Error::Conflict,
        Error::TooLarge,
        Error::Misconfigured(Misconfiguration::MissingTable),
        Error::Misconfigured(Misconfiguration::AccessDenied),
        Error::Misconfigured(Misconfiguration::MissingCredentials),
        Error::Misconfigured(Misconfiguration::InvalidRequest),
    ];

    fn key(id: &str) -> Key {
        Key::of("ID", Value::from(id))
    }

    fn item(id: &str) -> Item {
        key(id).to_item().with("Payload", Value::B(vec![0, 255])).with("N", Value::N(7.into()))
    }

    /// Checks that every outcome, including every error, survives writing to JSON text and reading
    /// back.
    fn round_trips<E>(effect: &E, outcomes: impl IntoIterator<Item = E::Outcome>)
    where
        E: StoreEffect,
        E::Outcome: PartialEq + core::fmt::Debug,
    {
        let errors = ERRORS.into_iter().filter_map(E::failed);
        for outcome in outcomes.into_iter().chain(errors) {
            let exchange = effect.transcribe(&outcome);
            let text = Transcript { exchanges: vec![exchange.clone()] }.to_json().to_string();
            let read = Transcript::from_json(&serde_json::from_str(&text).unwrap()).unwrap();
            assert_eq!(read.exchanges, [exchange]);
            assert_eq!(effect.outcome_of(&read.exchanges[0]), outcome);
        }
    }

    #[test]
    fn every_code_reads_back_as_its_error() {
        for error in ERRORS {
            assert_eq!(Error::from_code(error.code()), error);
        }
    }

    #[test]
    fn every_outcome_round_trips() {
        let table = || "t".into();
        let at = Timestamp::from_unix_nanos(1_767_225_600_000_000_001).unwrap();
        let get = GetItem { table: table(), key: key("a"), consistent: true };
        round_trips(&get, [None, Some(item("a"))].map(|answer| Ok(Answered { answer, at })));

        let written = || {
            [
                Written::Applied { attributes: Item::new() },
                Written::Applied { attributes: item("a") },
                Written::Refused { seen: None },
                Written::Refused { seen: Some(item("a")) },
            ]
            .map(|answer| Ok(Answered { answer, at }))
        };
        let put = PutItem { table: table(), item: item("a"), guard: Guard::absent("ID") };
        round_trips(&put, written());
        let delete = DeleteItem { table: table(), key: key("a"), guard: Guard::Always };
        round_trips(&delete, written());
        let update = UpdateItem {
            table: table(),
            key: key("a"),
            assignments: Vec::new(),
            guard: Guard::Always,
        };
        round_trips(&update, written());

        let query = QueryItems {
            table: table(),
            index: None,
            partition: key("a").partition,
            range: None,
            filter: Guard::Always,
            start_after: None,
            limit: Some(2),
            forward: true,
            consistent: false,
        };
        let page = Page { items: vec![item("a"), item("b")], next: Some(key("b").to_item()) };
        round_trips(&query, [Page::default(), page].map(|answer| Ok(Answered { answer, at })));

        let batch = BatchGetItem {
            table: table(),
            keys: vec![key("a"), key("b")],
            projection: Vec::new(),
            consistent: false,
        };
        let read = BatchRead { items: vec![item("a")], unprocessed: vec![key("b")] };
        let all = BatchRead { unprocessed: Vec::new(), ..read.clone() };
        round_trips(&batch, [read, all].map(|answer| Ok(Answered { answer, at })));

        let reasons = vec![
            CancellationReason::None,
            CancellationReason::ConditionalCheckFailed { seen: None },
            CancellationReason::ConditionalCheckFailed { seen: Some(item("a")) },
            CancellationReason::Failed(Error::Conflict),
        ];
        let transact = TransactWriteItems { writes: Vec::new(), token: None };
        let canceled = |reasons| Transacted::Canceled { reasons };
        round_trips(
            &transact,
            [Transacted::Committed, canceled(Vec::new()), canceled(reasons)]
                .map(|answer| Ok(Answered { answer, at })),
        );

        round_trips(&Sleep { duration: Duration::from_millis(1500) }, [at]);
    }

    #[test]
    fn malformed_transcripts_are_refused_with_the_invalid_member() {
        let error = |text| Transcript::from_json(&serde_json::from_str(text).unwrap()).unwrap_err();
        assert_eq!(error("{}"), ReadError::NotATranscript);
        let member = |member| ReadError::Exchange { index: 0, member };
        assert_eq!(error("[3]"), member("operation"));
        assert_eq!(error(r#"[{"operation": "GetItem"}]"#), member("request"));
        let late = r#"[{"operation": "Sleep", "request": {}, "reply": {}, "answered_at": 1}]"#;
        assert_eq!(error(late), member("answered_at"));
    }
}
