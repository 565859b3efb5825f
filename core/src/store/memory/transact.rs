//! Transactions: all writes or no writes, once per token.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::write::{Ruling, Verdict, Write};
use super::{Carried, INVALID_REQUEST, Tables};
use crate::store::{ConsumedCapacity, Error, TransactWrite, TransactWriteItems, Transacted};
use crate::time::Timestamp;

/// Committed transactions by their idempotency token.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Tokens {
    remembered: BTreeMap<String, Remembered>,
    /// The tokens in the order in which they expire.
    by_age: BTreeSet<(Timestamp, String)>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Remembered {
    writes: Vec<TransactWrite>,
    /// The bytes that each write was charged for.
    sizes: Vec<usize>,
}

pub(super) fn transact_write_items(
    tables: &mut Tables,
    tokens: &mut Tokens,
    transaction: &TransactWriteItems,
    now: Timestamp,
) -> Carried<Transacted> {
    tokens.forget_before(now);
    if let Some(replayed) = tokens.replay(transaction) {
        return replayed;
    }
    check_targets(tables, transaction)?;
    let verdicts: Vec<Verdict<'_>> = transaction
        .writes
        .iter()
        .map(|write| Write::from(write).decide(tables))
        .collect::<Result<_, _>>()?;

    let charge = |verdict: &Verdict<'_>| ConsumedCapacity::write(verdict.bytes).transactional();
    let mut consumed: ConsumedCapacity = verdicts.iter().map(charge).sum();
    let sizes = verdicts.iter().map(|verdict| verdict.bytes).collect();
    let granted = |verdict: &Verdict<'_>| matches!(verdict.ruling, Ruling::Granted(_));
    if !verdicts.iter().all(granted) {
        let reasons = verdicts.into_iter().map(|verdict| verdict.ruling.reason()).collect();
        return Ok((Transacted::Canceled { reasons }, consumed));
    }
    for verdict in verdicts {
        if let Ruling::Granted(change) = verdict.ruling {
            // Indexes are updated outside of the transaction, at the cost of single writes.
            consumed += tables.apply(change).1;
        }
    }
    tokens.remember(transaction, sizes, now);
    Ok((Transacted::Committed, consumed))
}

/// Refuses a transaction that writes an item twice. A key that does not match its table is refused
/// later, by the verdict on its write. A transaction has at most 100 writes, usually two: it is
/// cheaper to compare each with all before it than to sort them.
fn check_targets(tables: &Tables, transaction: &TransactWriteItems) -> Result<(), Error> {
    let mut targets = Vec::with_capacity(transaction.writes.len());
    for write in transaction.writes.iter().map(Write::from) {
        let table = tables.get(write.table())?;
        if let Some(target) = write.target(table) {
            let target = (write.table(), target);
            if targets.contains(&target) {
                return Err(INVALID_REQUEST);
            }
            targets.push(target);
        }
    }
    Ok(())
}

impl Tokens {
    /// Returns the answer to a transaction with a known token: it has been committed, or, if its
    /// writes differ, it is invalid. DynamoDB charges the repetition as a transactional read.
    fn replay(&self, transaction: &TransactWriteItems) -> Option<Carried<Transacted>> {
        let remembered = self.remembered.get(transaction.token.as_deref()?)?;
        if remembered.writes != transaction.writes {
            return Some(Err(INVALID_REQUEST));
        }
        let read = |bytes: &usize| ConsumedCapacity::read(*bytes, true).transactional();
        Some(Ok((Transacted::Committed, remembered.sizes.iter().map(read).sum())))
    }

    fn remember(&mut self, transaction: &TransactWriteItems, sizes: Vec<usize>, at: Timestamp) {
        if let Some(token) = &transaction.token {
            let writes = transaction.writes.clone();
            self.remembered.insert(token.clone(), Remembered { writes, sizes });
            self.by_age.insert((at, token.clone()));
        }
    }

    fn forget_before(&mut self, now: Timestamp) {
        while let Some((at, _)) = self.by_age.first()
            && at.until(now) >= TOKEN_LIFETIME
            && let Some((_, token)) = self.by_age.pop_first()
        {
            self.remembered.remove(&token);
        }
    }
}

/// How long DynamoDB remembers an idempotency token (ten minutes).
const TOKEN_LIFETIME: Duration = Duration::from_secs(600);
