//! Runs the machines against one item; the guards are evaluated on it.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::entry::AttributeNames;
use super::error::Reason;
use super::*;
use crate::error::{AppError, Happened};
use crate::machine::{Machine, Step};
use crate::store::{self, Answered, Assignment, AttributeStyle, Item, StoreRequest, Written};
use crate::time::Timestamp;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds)
}

fn key() -> IdempotencyKey {
    IdempotencyKey::new("scope", "key").unwrap()
}

/// The table's single item, whether refusals return it, and how the next call fails.
#[derive(Default)]
struct Shelf {
    item: Option<Item>,
    is_silent: bool,
    /// The error in place of the next write's reply.
    loses: Option<store::Error>,
    /// The number of acquisitions; also the owner of the last one.
    owners: u128,
}

const fn answered<A>(answer: A) -> store::Outcome<A> {
    Ok(Answered { answer, at: Timestamp::UNIX_EPOCH })
}

impl Shelf {
    fn written(&mut self, holds: bool, new: Option<Item>) -> store::Outcome<Written> {
        if holds {
            self.item = new;
        }
        if let Some(error) = self.loses.take() {
            return Err(error);
        }
        if holds {
            return answered(Written::Applied { attributes: Item::new() });
        }
        answered(Written::Refused { seen: self.item.clone().filter(|_| !self.is_silent) })
    }

    fn run<M: Machine<Request = StoreRequest<M>>>(&mut self, machine: M) -> M::Output {
        let mut step = machine.start();
        loop {
            step = match step {
                Step::Done(output) => return output,
                Step::Ask(StoreRequest::PutItem(ask)) => {
                    let holds = ask.effect().guard.holds(self.item.as_ref());
                    let written = self.written(holds, Some(ask.effect().item.clone()));
                    ask.answer(written)
                }
                Step::Ask(StoreRequest::UpdateItem(ask)) => {
                    let (update, old) = (ask.effect(), self.item.clone().unwrap_or_default());
                    let new = Assignment::apply_all(&update.assignments, &old).unwrap();
                    let holds = update.guard.holds(self.item.as_ref());
                    let written = self.written(holds, Some(new));
                    ask.answer(written)
                }
                Step::Ask(StoreRequest::DeleteItem(ask)) => {
                    let holds = ask.effect().guard.holds(self.item.as_ref());
                    let written = self.written(holds, None);
                    ask.answer(written)
                }
                Step::Ask(StoreRequest::GetItem(ask)) => ask.answer(answered(self.item.clone())),
                Step::Ask(_) => panic!("nothing else is asked for"),
            };
        }
    }

    fn acquire(
        &mut self,
        idempotency: &IdempotencyConfig,
        hash: &str,
        now: Timestamp,
    ) -> Result<Acquisition, Error> {
        self.owners = self.owners.saturating_add(1);
        let (owner, lasts) = (Owner::new(self.owners), Duration::from_secs(10));
        self.run(idempotency.acquire(key(), hash, owner, now, Some(lasts)))
    }
}

fn lease(acquired: Result<Acquisition, Error>) -> Lease {
    let Ok(Acquisition::Acquired(lease)) = acquired else { panic!("{acquired:?}") };
    lease
}

fn every_style() -> [IdempotencyConfig; 2] {
    [AttributeStyle::Pascal, AttributeStyle::TableTheory]
        .map(|style| IdempotencyConfig::builder().attribute_style(style).build())
}

#[test]
fn work_is_done_once_and_its_result_given_to_others() {
    for idempotency in every_style() {
        for is_silent in [false, true] {
            let mut shelf = Shelf { is_silent, ..Shelf::default() };
            let first = lease(shelf.acquire(&idempotency, "h", at(0)));
            assert_eq!(
                shelf.acquire(&idempotency, "h", at(3)),
                Err(Error(Reason::InProgress { retry_after: Duration::from_secs(7) }))
            );
            let differs = Err(Error(Reason::PayloadDiffers));
            assert_eq!(shelf.acquire(&idempotency, "x", at(3)), differs);
            let done = shelf.run(idempotency.complete(first, *b"result", at(9)));
            assert_eq!(done, Ok(Completion::Stored));
            let result = Some(b"result".to_vec());
            assert_eq!(
                shelf.acquire(&idempotency, "h", at(3_000)),
                Ok(Acquisition::Completed { result })
            );
            // The result has expired after an hour.
            lease(shelf.acquire(&idempotency, "x", at(9 + 3_600)));
        }
    }
}

#[test]
fn an_expired_lease_can_be_taken_over_and_its_holder_overwrites_nothing() {
    let idempotency = IdempotencyConfig::builder().build();
    let mut shelf = Shelf::default();
    let slow = lease(shelf.acquire(&idempotency, "h", at(0)));
    let quick = lease(shelf.acquire(&idempotency, "h", at(10)));
    let late = shelf.run(idempotency.complete(slow.clone(), *b"late", at(11)));
    assert_eq!(late, Ok(Completion::LeaseLost));
    assert_eq!(shelf.run(idempotency.release(slow)), Ok(Released::LeaseLost));
    let done = shelf.run(idempotency.complete(quick.clone(), *b"quick", at(12)));
    assert_eq!(done, Ok(Completion::Stored));
    assert_eq!(shelf.run(idempotency.release(quick)), Ok(Released::LeaseLost));
    let result = Some(b"quick".to_vec());
    assert_eq!(shelf.acquire(&idempotency, "h", at(13)), Ok(Acquisition::Completed { result }));
}

#[test]
fn what_failed_can_be_tried_again_at_once() {
    let idempotency = IdempotencyConfig::builder().build();
    let mut shelf = Shelf::default();
    let failed = lease(shelf.acquire(&idempotency, "h", at(0)));
    assert_eq!(shelf.run(idempotency.release(failed)), Ok(Released::Released));
    assert!(shelf.item.is_none());
    lease(shelf.acquire(&idempotency, "other", at(0)));
}

#[test]
fn work_with_a_result_over_the_limit_is_completed_without_it() {
    let idempotency = IdempotencyConfig::builder().build();
    for (length, expected) in
        [(MAX_RESULT_BYTES, Completion::Stored), (MAX_RESULT_BYTES + 1, Completion::WithoutResult)]
    {
        let mut shelf = Shelf::default();
        let held = lease(shelf.acquire(&idempotency, "h", at(0)));
        let done = shelf.run(idempotency.complete(held, vec![0; length], at(1)));
        assert_eq!(done, Ok(expected));
        let Ok(Acquisition::Completed { result }) = shelf.acquire(&idempotency, "h", at(2)) else {
            panic!("it is done");
        };
        let stored = (expected == Completion::Stored).then_some(length);
        assert_eq!(result.as_ref().map(Vec::len), stored);
    }
}

#[test]
fn work_without_a_result_is_done_all_the_same() {
    let idempotency = IdempotencyConfig::builder().build();
    let mut shelf = Shelf::default();
    let held = lease(shelf.acquire(&idempotency, "h", at(0)));
    let done = shelf.run(idempotency.complete_without_result(held, at(1)));
    assert_eq!(done, Ok(Completion::WithoutResult));
    let again = shelf.acquire(&idempotency, "h", at(2));
    assert_eq!(again, Ok(Acquisition::Completed { result: None }));
}

#[test]
fn an_item_outlives_its_lease() {
    let idempotency = IdempotencyConfig::builder().ttl(Duration::ZERO).build();
    let mut shelf = Shelf::default();
    lease(shelf.acquire(&idempotency, "h", at(0)));
    let asked = shelf.acquire(&idempotency, "h", at(9)).unwrap_err();
    assert_eq!(asked.kind(), ErrorKind::InProgress);
    lease(shelf.acquire(&idempotency, "h", at(10)));
}

#[test]
fn a_lease_is_not_granted_when_the_store_fails() {
    let idempotency = IdempotencyConfig::builder().build();
    let acquire = || idempotency.acquire(key(), "h", Owner::new(1), at(0), None);
    // Nothing was written, so the caller decides whether to retry.
    let Step::Ask(StoreRequest::PutItem(ask)) = acquire().start() else { panic!("one put") };
    let Step::Done(Err(error)) = ask.answer(Err(store::Error::Throttled)) else {
        panic!("an error")
    };
    assert_eq!((error.kind(), error.happened()), (ErrorKind::Store, Happened::No));
    // It is unknown whether anything was written, so the same put is sent again, once.
    let Step::Ask(StoreRequest::PutItem(first)) = acquire().start() else { panic!("one put") };
    let item = first.effect().item.clone();
    let Step::Ask(StoreRequest::PutItem(second)) = first.answer(Err(store::Error::Timeout)) else {
        panic!("another put")
    };
    assert_eq!(second.effect().item, item);
    let Step::Done(Err(error)) = second.clone().answer(Err(store::Error::Unavailable)) else {
        panic!("an error")
    };
    assert_eq!((error.kind(), error.happened()), (ErrorKind::Store, Happened::Unknown));
    // The second put wrote nothing; the first one may have.
    let Step::Done(Err(error)) = second.answer(Err(store::Error::Throttled)) else {
        panic!("an error")
    };
    assert_eq!((error.kind(), error.happened()), (ErrorKind::Store, Happened::Unknown));
    let mut shelf = Shelf { item: Some(Item::new().with("PK", "x".into())), ..Shelf::default() };
    let unreadable = shelf.run(acquire());
    assert_eq!(unreadable, Err(Error(Reason::Unreadable)));
}

#[test]
fn a_lost_reply_is_found_to_be_ones_own() {
    for idempotency in every_style() {
        for is_silent in [false, true] {
            let loses = || Some(store::Error::Timeout);
            let mut shelf = Shelf { is_silent, loses: loses(), ..Shelf::default() };
            let first = lease(shelf.acquire(&idempotency, "h", at(0)));
            let other = shelf.acquire(&idempotency, "h", at(1));
            assert_eq!(other.unwrap_err().retry_after(), Some(Duration::from_secs(9)));
            shelf.loses = loses();
            let done = shelf.run(idempotency.complete(first.clone(), *b"r", at(2)));
            assert_eq!(done, Ok(Completion::Stored));
            // An executor may repeat an answered call.
            let again = shelf.run(idempotency.complete(first.clone(), *b"r", at(2)));
            assert_eq!(again, Ok(Completion::Stored));
            assert_eq!(shelf.run(idempotency.release(first)), Ok(Released::LeaseLost));
            let Ok(Acquisition::Completed { result }) = shelf.acquire(&idempotency, "h", at(3))
            else {
                panic!("it is done")
            };
            assert_eq!(result.as_deref(), Some(&b"r"[..]));
        }
    }
}

#[test]
fn releasing_a_released_lease_again_succeeds() {
    for is_silent in [false, true] {
        let idempotency = IdempotencyConfig::builder().build();
        let mut shelf = Shelf { is_silent, ..Shelf::default() };
        let held = lease(shelf.acquire(&idempotency, "h", at(0)));
        for _ in 0..2 {
            assert_eq!(shelf.run(idempotency.release(held.clone())), Ok(Released::Released));
        }
        lease(shelf.acquire(&idempotency, "h", at(0)));
        assert_eq!(shelf.run(idempotency.release(held)), Ok(Released::LeaseLost));
    }
}

#[test]
fn leases_that_end_in_the_same_millisecond_are_distinguished() {
    let idempotency = IdempotencyConfig::builder().build();
    let mut shelf = Shelf::default();
    let lasting = |owner, now: Timestamp| {
        let lasts = Some(now.until(at(10)));
        idempotency.acquire(key(), "h", Owner::new(owner), now, lasts)
    };
    let first = lease(shelf.run(lasting(1, at(0))));
    assert_eq!(shelf.run(idempotency.release(first.clone())), Ok(Released::Released));
    let second = lease(shelf.run(lasting(2, at(5))));
    let late = shelf.run(idempotency.complete(first, *b"late", at(6)));
    assert_eq!(late, Ok(Completion::LeaseLost));
    let done = shelf.run(idempotency.complete(second, *b"done", at(6)));
    assert_eq!(done, Ok(Completion::Stored));
}

#[test]
fn an_item_without_an_owner_counts_as_held_by_another_owner() {
    for style in [AttributeStyle::Pascal, AttributeStyle::TableTheory] {
        let idempotency = IdempotencyConfig::builder().attribute_style(style).build();
        let mut shelf = Shelf::default();
        let held = lease(shelf.acquire(&idempotency, "h", at(0)));
        let mut item = shelf.item.take().unwrap();
        assert!(item.remove(AttributeNames::of(style).owner).is_some());
        shelf.item = Some(item);
        let asked = shelf.acquire(&idempotency, "h", at(1));
        assert_eq!(asked.unwrap_err().kind(), ErrorKind::InProgress);
        let lost = shelf.run(idempotency.complete(held, *b"r", at(2)));
        assert_eq!(lost, Ok(Completion::LeaseLost));
    }
}

#[test]
fn refusals_are_answered_as_specified() {
    let retry_after = Duration::from_millis(1_200);
    let error = AppError::from(Error(Reason::InProgress { retry_after }));
    assert_eq!((error.status(), error.code()), (409, "app.conflict"));
    assert_eq!(error.message(), "request in progress");
    assert_eq!(error.headers(), [("retry-after".into(), "2".into())]);
    let error = AppError::from(Error(Reason::PayloadDiffers));
    assert_eq!((error.status(), error.code()), (422, "app.validation_failed"));
    for (error, status) in [
        (Error(Reason::MissingKey), 400),
        (Error(Reason::Unreadable), 503),
        (Error(Reason::NoCookie), 500),
    ] {
        assert_eq!(AppError::from(error).status(), status);
    }
}
