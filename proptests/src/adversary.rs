//! A store with arbitrary replies.
//!
//! No machine may panic, loop or give false guarantees, whatever the store returns: a broken store,
//! another program's items, a table that was edited by hand.

use apptheory::machine::Interpret;
use apptheory::store::{
    self, Answered, BatchGetItem, BatchRead, CancellationReason, DeleteItem, GetItem, Item, Number,
    Page, PutItem, QueryItems, Sleep, TransactWriteItems, Transacted, UpdateItem, Value, Written,
};
use apptheory::time::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;

/// Replies to every effect with its next whim; when there are no more, with the last error,
/// forever.
#[derive(Clone, Debug)]
pub struct Adversary {
    whims: Vec<Whim>,
    /// The number of effects that were requested.
    pub asked: usize,
}

/// One reply, for any effect.
#[derive(Clone, Debug)]
pub struct Whim {
    /// The error, if the effect fails.
    error: Option<store::Error>,
    /// Whether it refuses or finds nothing, instead of applying or finding.
    refuses: bool,
    /// Whether it returns the item that it saw.
    tells: bool,
    /// The number in every attribute of that item.
    count: Value,
    /// The reply's instant.
    at: Timestamp,
}

/// Generates any adversary.
pub fn any_adversary() -> impl Strategy<Value = Adversary> {
    prop::collection::vec(any_whim(), 0..12).prop_map(|whims| Adversary { whims, asked: 0 })
}

fn any_whim() -> impl Strategy<Value = Whim> {
    let errors = vec![
        store::Error::Throttled,
        store::Error::Unavailable,
        store::Error::Timeout,
        store::Error::Conflict,
        store::Error::TooLarge,
    ];
    let number = prop_oneof![
        4 => (-3..10_i128).prop_map(Number::from),
        1 => select(vec![i64::MIN, i64::MAX]).prop_map(Number::from),
        1 => select(vec![i128::MIN, i128::MAX]).prop_map(Number::from),
        2 => (1_767_225_600_000_000_000..1_767_225_700_000_000_000_i128).prop_map(Number::from),
        1 => select(vec!["", "1.5", "x"]).prop_map(Number::from_text),
    ];
    let count = prop_oneof![9 => number.prop_map(Value::N), 1 => Just(Value::from("seven"))];
    let at = select(vec![0, 1_767_225_630, 1_767_225_700, 253_402_300_799_i64]);
    (
        prop_oneof![2 => Just(None), 1 => select(errors).prop_map(Some)],
        any::<[bool; 2]>(),
        count,
        at,
    )
        .prop_map(|(error, [refuses, tells], count, at)| Whim {
            error,
            refuses,
            tells,
            count,
            at: Timestamp::from_unix_seconds(at),
        })
}

impl Adversary {
    fn next(&mut self) -> Whim {
        self.asked += 1;
        self.whims.pop().unwrap_or(Whim {
            error: Some(store::Error::Conflict),
            refuses: true,
            tells: false,
            count: Value::Null,
            at: Timestamp::UNIX_EPOCH,
        })
    }
}

impl Whim {
    /// Returns an item with the number in every attribute that a limiter may read.
    fn item(&self, names: impl IntoIterator<Item = String>) -> Item {
        names.into_iter().fold(Item::new(), |item, name| item.with(name, self.count.clone()))
    }

    fn written(&self, update: &UpdateItem) -> Written {
        let names = update.assignments.iter().map(|change| change.name().to_string());
        let told = if self.tells { self.item(names) } else { Item::new() };
        if self.refuses {
            Written::Refused { seen: self.tells.then_some(told) }
        } else {
            Written::Applied { attributes: told }
        }
    }

    fn fail_or<T>(&self, answer: impl FnOnce() -> T) -> store::Outcome<T> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(Answered { answer: answer(), at: self.at }),
        }
    }
}

impl Interpret<UpdateItem> for Adversary {
    fn interpret(&mut self, update: &UpdateItem) -> store::Outcome<Written> {
        let whim = self.next();
        whim.fail_or(|| whim.written(update))
    }
}

impl Interpret<TransactWriteItems> for Adversary {
    /// The list of reasons may have another length than the transaction.
    fn interpret(&mut self, _: &TransactWriteItems) -> store::Outcome<Transacted> {
        let whim = self.next();
        let reason = |index| match index {
            0 => CancellationReason::None,
            1 => CancellationReason::Failed(whim.error.unwrap_or(store::Error::Conflict)),
            _ => CancellationReason::ConditionalCheckFailed {
                seen: whim.tells.then(|| whim.item(["Count".to_owned()])),
            },
        };
        if !whim.refuses {
            return whim.fail_or(|| Transacted::Committed);
        }
        let reasons = if whim.tells { vec![0, 2, 2, 0] } else { vec![0, 1] };
        let reasons = reasons.into_iter().map(reason).collect();
        Ok(Answered { answer: Transacted::Canceled { reasons }, at: whim.at })
    }
}

impl Interpret<BatchGetItem> for Adversary {
    fn interpret(&mut self, batch: &BatchGetItem) -> store::Outcome<BatchRead> {
        let whim = self.next();
        let names = || batch.projection.iter().map(ToString::to_string);
        whim.fail_or(|| {
            let found = batch.keys.iter().take(if whim.refuses { 0 } else { batch.keys.len() });
            let found = found.map(|key| {
                let keys = key.to_item().into_iter();
                keys.fold(whim.item(names()), |item, (name, value)| item.with(name, value))
            });
            let left_out = if whim.tells { Vec::new() } else { batch.keys.clone() };
            BatchRead { items: found.collect(), unprocessed: left_out }
        })
    }
}

impl Interpret<GetItem> for Adversary {
    fn interpret(&mut self, _: &GetItem) -> store::Outcome<Option<Item>> {
        let whim = self.next();
        whim.fail_or(|| whim.tells.then(|| whim.item(["Count".to_owned()])))
    }
}

impl Interpret<Sleep> for Adversary {
    fn interpret(&mut self, _: &Sleep) -> Timestamp {
        self.next().at
    }
}

macro_rules! never_asked_for {
    ($($effect:ident => $outcome:ty: $answer:expr,)+) => {$(
        impl Interpret<$effect> for Adversary {
            fn interpret(&mut self, _: &$effect) -> store::Outcome<$outcome> {
                self.next().fail_or(|| $answer)
            }
        }
    )+};
}

never_asked_for! {
    PutItem => Written: Written::Refused { seen: None },
    DeleteItem => Written: Written::Refused { seen: None },
    QueryItems => Page: Page::default(),
}
