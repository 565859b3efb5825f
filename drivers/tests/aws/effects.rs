//! Every effect, with a reply.

use core::time::Duration;

use apptheory::execute::{Execute, StoreExecutor};
use apptheory::layer::{Recording, Replay};
use apptheory_core::machine::Effect;
use apptheory_core::store::wire::Wire;
use apptheory_core::store::{
    self, Assignment, Attribute, BatchGetItem, CancellationReason, ConditionCheck, DeleteItem,
    GetItem, Guard, Item, PutItem, QueryItems, Sleep, SortRange, TransactWrite, TransactWriteItems,
    Transacted, UpdateItem, Value, Written,
};

use crate::support::NOW;
use crate::{event, key, with_each_client};

fn get(id: &str) -> GetItem {
    GetItem { table: "events".into(), key: key(id), consistent: true }
}

fn put(id: &str) -> PutItem {
    PutItem { table: "events".into(), item: event(id), guard: Guard::absent("ID") }
}

fn delete(id: &str, guard: Guard) -> DeleteItem {
    DeleteItem { table: "events".into(), key: key(id), guard }
}

/// Counts up to `most`.
fn increment(id: &str, most: i64) -> UpdateItem {
    UpdateItem {
        table: "events".into(),
        key: key(id),
        assignments: vec![
            Assignment::add("Count", 1),
            Assignment::set_if_absent("CreatedAt", Value::from("now")),
        ],
        guard: Guard::absent("Count").or(Guard::at_most("Count", (most - 1).into())),
    }
}

/// Returns the page of the tenant index after `start_after`.
fn page(start_after: Option<Item>, filter: Guard) -> QueryItems {
    QueryItems {
        table: "events".into(),
        index: Some("tenants".into()),
        partition: Attribute { name: "TenantID".into(), value: Value::from("t1") },
        range: Some(("SortKey".into(), SortRange::Between(Value::from("e2"), Value::from("e6")))),
        filter,
        start_after,
        limit: Some(2),
        forward: false,
        consistent: false,
    }
}

/// Executes a request, and checks that the outcome has the reply's arrival time.
async fn ask<W: Wire>(store: &impl Execute<W>, order: &W) -> Result<W::Answer, store::Error> {
    let answered = store.execute(order).await?;
    assert_eq!(answered.at, NOW);
    Ok(answered.answer)
}

fn applied(attributes: Item) -> Result<Written, store::Error> {
    Ok(Written::Applied { attributes })
}

fn refused(seen: Item) -> Result<Written, store::Error> {
    Ok(Written::Refused { seen: Some(seen) })
}

fn counted(count: i64) -> Item {
    Item::new().with("Count", Value::N(count.into())).with("CreatedAt", Value::from("now"))
}

#[test]
fn a_put_is_read_back_and_refused_the_second_time() {
    with_each_client(async |store, usage| {
        assert_eq!(ask(&store, &get("e1")).await, Ok(None));
        assert_eq!(ask(&store, &put("e1")).await, applied(Item::new()));
        assert_eq!(ask(&store, &get("e1")).await, Ok(Some(event("e1"))));
        assert_eq!(ask(&store, &put("e1")).await, refused(event("e1")));

        let replaced = PutItem { item: key("e1").to_item(), guard: Guard::Always, ..put("e1") };
        assert_eq!(ask(&store, &replaced).await, applied(Item::new()));
        assert_eq!(ask(&store, &get("e1")).await, Ok(Some(key("e1").to_item())));

        let (puts, gets) = (usage().operation("PutItem"), usage().operation("GetItem"));
        assert_eq!((puts.calls, gets.calls), (3, 3));
        // The index counts, too; the refused write is not reported.
        assert_eq!((puts.consumed.write_units, gets.consumed.read_units()), (4, 3.0));
    });
}

#[test]
fn an_update_answers_what_it_changed_or_what_stood_in_its_way() {
    with_each_client(async |store, _| {
        let increment = async || ask(&store, &increment("c", 2)).await;
        assert_eq!(increment().await, applied(counted(1)));
        // `CreatedAt` is assigned again, so it is among the changed attributes.
        assert_eq!(increment().await, applied(counted(2)));
        let seen = counted(2).with("ID", Value::from("c"));
        assert_eq!(increment().await, refused(seen));
    });
}

#[test]
fn a_delete_answers_what_was_there() {
    with_each_client(async |store, _| {
        assert!(ask(&store, &put("e1")).await.is_ok());
        let other = Guard::equals("TenantID", Value::from("t2"));
        assert_eq!(ask(&store, &delete("e1", other)).await, refused(event("e1")));
        assert_eq!(ask(&store, &delete("e1", Guard::Always)).await, applied(event("e1")));
        assert_eq!(ask(&store, &delete("e1", Guard::Always)).await, applied(Item::new()));
        let there = Guard::Present("ID".into());
        let nothing_there = Ok(Written::Refused { seen: None });
        assert_eq!(ask(&store, &delete("e1", there)).await, nothing_there);
    });
}

#[test]
fn a_transaction_applies_all_writes_or_gives_a_reason_for_each() {
    with_each_client(async |store, _| {
        let check = |id: &str, guard| {
            TransactWrite::Check(ConditionCheck { table: "events".into(), key: key(id), guard })
        };
        let order = TransactWriteItems {
            writes: vec![
                TransactWrite::Update(increment("c", 1)),
                TransactWrite::Put(put("e1")),
                TransactWrite::Delete(delete("e2", Guard::Always)),
                check("e3", Guard::absent("ID")),
            ],
            token: None,
        };
        assert_eq!(ask(&store, &order).await, Ok(Transacted::Committed));
        assert_eq!(ask(&store, &get("e1")).await, Ok(Some(event("e1"))));

        let failed = |seen| CancellationReason::ConditionalCheckFailed { seen: Some(seen) };
        let reasons = vec![
            failed(counted(1).with("ID", Value::from("c"))),
            failed(event("e1")),
            CancellationReason::None,
            CancellationReason::None,
        ];
        assert_eq!(ask(&store, &order).await, Ok(Transacted::Canceled { reasons }));
    });
}

#[test]
fn a_transaction_with_a_token_is_applied_once() {
    with_each_client(async |store, _| {
        let order = TransactWriteItems {
            writes: vec![TransactWrite::Update(increment("c", 9))],
            token: Some("token-1".into()),
        };
        assert_eq!(ask(&store, &order).await, Ok(Transacted::Committed));
        assert_eq!(ask(&store, &order).await, Ok(Transacted::Committed));
        let item = ask(&store, &get("c")).await.unwrap().unwrap();
        assert_eq!(item.integer("Count"), Some(1));
    });
}

#[test]
fn a_batch_brings_what_exists() {
    with_each_client(async |store, _| {
        for id in ["e1", "e2"] {
            assert!(ask(&store, &put(id)).await.is_ok());
        }
        let order = BatchGetItem {
            table: "events".into(),
            keys: vec![key("e1"), key("e2"), key("e3")],
            projection: vec!["ID".into(), "SortKey".into()],
            consistent: true,
        };
        let mut read = ask(&store, &order).await.unwrap();
        read.items.sort_by_key(|item| item.text("ID").map(str::to_owned));
        let projected = |id: &str| key(id).to_item().with("SortKey", Value::from(id));
        assert_eq!(read.items, [projected("e1"), projected("e2")]);
        assert_eq!(read.unprocessed, []);
    });
}

#[test]
fn an_index_is_read_page_by_page() {
    with_each_client(async |store, _| {
        for id in ["e1", "e2", "e3", "e4", "e5", "e6", "e7"] {
            assert!(ask(&store, &put(id)).await.is_ok());
        }
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let page = ask(&store, &page(after, Guard::Always)).await.unwrap();
            pages.push(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let expected = [vec!["e6", "e5"], vec!["e4", "e3"], vec!["e2"]];
        assert_eq!(pages, expected.map(|ids| ids.into_iter().map(event).collect::<Vec<_>>()));

        let filter = Guard::equals("Missing", Value::from("x"));
        let filtered = ask(&store, &page(None, filter)).await.unwrap();
        assert_eq!(filtered.items, []);
        assert!(filtered.next.is_some(), "an empty page is not the end");
    });
}

#[test]
fn a_sleep_passes_on_the_clock() {
    with_each_client(async |store, _| {
        let woken = store.execute(&Sleep { duration: Duration::from_secs(5) }).await;
        assert_eq!(woken.unix_seconds(), NOW.unix_seconds() + 5);
    });
}

/// Executes one of each effect.
async fn one_of_each(store: &impl StoreExecutor) -> String {
    async fn outcome_text<E: Effect<Outcome: core::fmt::Debug>>(
        store: &impl Execute<E>,
        e: E,
    ) -> String {
        format!("{:?}\n", store.execute(&e).await)
    }
    let batch = BatchGetItem {
        table: "events".into(),
        keys: vec![key("e1")],
        projection: Vec::new(),
        consistent: true,
    };
    let update = TransactWrite::Update(increment("c", 1));
    let transaction = TransactWriteItems { writes: vec![update], token: None };
    [
        outcome_text(store, put("e1")).await,
        outcome_text(store, put("e1")).await,
        outcome_text(store, get("e1")).await,
        outcome_text(store, get("missing")).await,
        outcome_text(store, batch).await,
        outcome_text(store, increment("c", 1)).await,
        outcome_text(store, transaction).await,
        outcome_text(store, Sleep { duration: Duration::from_millis(1500) }).await,
        outcome_text(store, page(None, Guard::Always)).await,
        outcome_text(store, delete("e1", Guard::Always)).await,
        outcome_text(store, GetItem { table: "missing".into(), ..get("e1") }).await,
    ]
    .concat()
}

#[test]
fn a_recording_replays_without_a_store() {
    with_each_client(async |store, _| {
        let record = Recording::new(store);
        let told = one_of_each(&record).await;
        let replay = Replay::new(record.transcript());
        assert_eq!(one_of_each(&replay).await, told);
        assert_eq!(replay.finish(), Ok(()));
    });
}
