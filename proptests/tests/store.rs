//! The executor in memory against the embedded DynamoDB, and against itself behind a `Store`: the
//! same requests, replies, final items and costs.

#[path = "store/expressions.rs"]
mod expressions;
#[path = "store/orders.rs"]
mod orders;

use apptheory::clock::{Clock as _, ManualClock};
use apptheory::execute::StoreExecutor;
use apptheory::layer::Counted;
use apptheory::store::{
    self, Answered, Attribute, BatchRead, CancellationReason, Guard, Item, Page, QueryItems,
    Transacted, Value, Written,
};
use apptheory::store::{ConsumedCapacity, StoreUsage};
use apptheory::store::{EmbeddedError, EmbeddedStore, MemoryStore, Store};
use apptheory::time::Timestamp;
use apptheory_proptests::cases;
use proptest::prelude::*;

use self::orders::{Order, order, tables};

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn memory_answers_as_the_embedded_dynamodb(orders in prop::collection::vec(order(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(compare(&orders))?;
    }
}

async fn compare(orders: &[Order]) -> Result<(), TestCaseError> {
    let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
    let [things, singles] = tables();
    let memory = MemoryStore::new(clock.clone()).with_table(things).with_table(singles);
    let behind = memory.fork(clock.clone());
    let store = Store::builder().clock(clock.clone()).executor(behind.clone()).layer(Counted::new);
    let embedded = EmbeddedStore::in_memory(clock).map_err(failure)?;
    for table in tables() {
        embedded.create_table(&table).map_err(failure)?;
    }

    for order in orders {
        let before = (memory.usage(), embedded.usage());
        let answers = (answer(&memory, order).await, answer(&embedded, order).await);
        prop_assert_eq!(&answers.0, &answers.1, "memory and embedded answer {:#?}", order);
        prop_assert_eq!(&answers.0, &answer(&store, order).await, "a store answers {:#?}", order);
        prop_assert_eq!(memory.usage(), behind.usage(), "price of {:#?}", order);
        let spent = (memory.usage().since(&before.0), embedded.usage().since(&before.1));
        prop_assert_eq!(calls(&spent.0), calls(&spent.1), "calls of {:#?}", order);
        // The embedded database reports no capacity for what it refuses.
        if spent.1.total().consumed != ConsumedCapacity::default() {
            prop_assert_eq!(spent.0, spent.1, "price of {:#?}", order);
        }
    }
    for (table, partition, value) in [
        ("things", "PK", "p"),
        ("things", "PK", "q"),
        ("singles", "ID", "1"),
        ("singles", "ID", "2"),
    ] {
        let all = Order::Query(whole_partition(table, partition, value), 0);
        let kept = memory.items(&table.into());
        let kept = kept.into_iter().filter(|item| item.text(partition) == Some(value)).collect();
        let page = Page { items: kept, next: None };
        let page = Answered { answer: page, at: embedded.clock().now() };
        prop_assert_eq!(answer(&embedded, &all).await, Answer::Pages(vec![Ok(page)]));
    }
    Ok(())
}

fn failure(error: EmbeddedError) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}

/// An executor's reply, in a form in which order matters.
#[derive(Debug, PartialEq)]
enum Answer {
    Item(store::Outcome<Option<Item>>),
    Batch(store::Outcome<BatchRead>),
    Written(store::Outcome<Written>),
    Pages(Vec<store::Outcome<Page>>),
    Transacted(store::Outcome<Transacted>),
}

async fn answer(executor: &impl StoreExecutor, order: &Order) -> Answer {
    match order {
        Order::Get(get) => Answer::Item(executor.execute(get).await),
        Order::Batch(batch) => Answer::Batch(executor.execute(batch).await.map(sorted)),
        Order::Put(put) => Answer::Written(executor.execute(put).await),
        Order::Update(update) => Answer::Written(executor.execute(update).await),
        Order::Delete(delete) => Answer::Written(executor.execute(delete).await),
        Order::Query(query, more) => Answer::Pages(pages(executor, query, *more).await),
        Order::Transact(transaction) => {
            Answer::Transacted(executor.execute(transaction).await.map(normalized))
        }
    }
}

/// Reads a page, and up to `more` after it.
async fn pages(
    executor: &impl StoreExecutor,
    query: &QueryItems,
    more: usize,
) -> Vec<store::Outcome<Page>> {
    let mut pages = vec![executor.execute(query).await];
    while let Some(Ok(Answered { answer: Page { next: Some(next), .. }, .. })) = pages.last()
        && pages.len() <= more
    {
        let query = QueryItems { start_after: Some(next.clone()), ..query.clone() };
        pages.push(executor.execute(&query).await);
    }
    pages
}

/// Sorts a batch, which has no particular order.
fn sorted(mut read: Answered<BatchRead>) -> Answered<BatchRead> {
    read.answer.items.sort_by_cached_key(|item| item.to_json().to_string());
    read
}

/// DynamoDB returns the members of number sets with a cancellation in the order of their hashes.
fn normalized(transacted: Answered<Transacted>) -> Answered<Transacted> {
    let answer = match transacted.answer {
        Transacted::Committed => Transacted::Committed,
        Transacted::Canceled { reasons } => {
            let reasons = reasons.into_iter().map(|reason| match reason {
                CancellationReason::ConditionalCheckFailed { seen } => {
                    CancellationReason::ConditionalCheckFailed { seen: seen.map(Item::normalized) }
                }
                reason @ (CancellationReason::None | CancellationReason::Failed(_)) => reason,
            });
            Transacted::Canceled { reasons: reasons.collect() }
        }
    };
    Answered { answer, ..transacted }
}

fn whole_partition(table: &str, partition: &'static str, value: &str) -> QueryItems {
    QueryItems {
        table: table.into(),
        index: None,
        partition: Attribute { name: partition.into(), value: Value::from(value) },
        range: None,
        filter: Guard::Always,
        start_after: None,
        limit: None,
        forward: true,
        consistent: true,
    }
}

fn calls(usage: &StoreUsage) -> Vec<(&'static str, u64)> {
    usage.iter().map(|(operation, usage)| (operation, usage.calls)).collect()
}
