//! The cost of an event: the figures of ARCHITECTURE.md.

use core::future::Future;

use apptheory::eventbus::EventBus;
use apptheory_core::eventbus::{Event, EventQuery};
use apptheory_core::store::StoreUsage;

use crate::support::block_on;
use crate::{bus_over, clock, config, embedded, event, memory};

/// Calls, half read units and write units; the same order everywhere in this file.
type Cost = (u64, u64, u64);

#[derive(Debug, Eq, PartialEq)]
struct Costs {
    created: Cost,
    deduplicated: Cost,
    page_of_type: Cost,
    page_of_tenant: Cost,
    got_by_id: Cost,
    got_by_key: Cost,
    deleted: Cost,
    deleted_all: Cost,
    deleted_tenant: Cost,
}

/// Returns an event whose item is slightly smaller than a kilobyte.
fn sized(n: u32) -> Event {
    event(n).payload(&"x".repeat(600))
}

async fn measure(bus: &EventBus, usage: impl Fn() -> StoreUsage) -> Costs {
    async fn cost<T>(usage: impl Fn() -> StoreUsage, work: impl Future<Output = T>) -> (Cost, T) {
        let before = usage();
        let output = work.await;
        let total = usage().since(&before).total();
        let units = (total.consumed.read_half_units, total.consumed.write_units);
        ((total.calls, units.0, units.1), output)
    }
    let (created, published) = cost(&usage, bus.publish(sized(0))).await;
    let (deduplicated, _) = cost(&usage, bus.publish(sized(0))).await;
    let key = published.unwrap().event.key.unwrap();
    for n in 1..150 {
        bus.publish(sized(n)).await.unwrap();
    }
    for n in 200..204 {
        bus.publish(sized(n).id("copied")).await.unwrap();
    }
    let of_tenant = EventQuery::new("t1");
    let of_type = of_tenant.clone().of_type("e");
    let (page_of_type, page) = cost(&usage, bus.query(of_type.clone()).page()).await;
    assert_eq!(page.unwrap().events.len(), 100);
    let (page_of_tenant, page) = cost(&usage, bus.query(of_tenant.clone()).page()).await;
    assert_eq!(page.unwrap().events.len(), 100);
    let (got_by_id, got) = cost(&usage, bus.get("e00000", None)).await;
    let (got_by_key, same) = cost(&usage, bus.get_by_key(key)).await;
    assert_eq!(got.unwrap(), same.unwrap());
    let (deleted, one) = cost(&usage, bus.delete("e00000", None)).await;
    let (deleted_all, four) = cost(&usage, bus.delete_all("copied", None)).await;
    assert_eq!((one.unwrap().copies, four.unwrap().copies), (1, 4));
    let (deleted_tenant, rest) = cost(&usage, bus.delete_tenant("t1")).await;
    assert_eq!(rest, Ok(149));
    Costs {
        created,
        deduplicated,
        page_of_type,
        page_of_tenant,
        got_by_id,
        got_by_key,
        deleted,
        deleted_all,
        deleted_tenant,
    }
}

#[test]
fn operations_cost_what_the_table_says() {
    let clock = clock();
    let (memory, embedded) = (memory(&clock), embedded(&clock));
    let bus = bus_over(config(), memory.clone(), &clock);
    let on_memory = block_on(measure(&bus, || memory.usage()));
    let bus = bus_over(config(), embedded.clone(), &clock);
    let on_embedded = block_on(measure(&bus, || embedded.usage()));
    assert_eq!(
        on_memory,
        Costs {
            created: (1, 0, 3),      // the item, and a copy in each index
            deduplicated: (1, 0, 1), // DynamoDB charges for refused writes
            page_of_type: (1, 21, 0),
            page_of_tenant: (1, 21, 0),
            got_by_id: (1, 1, 0),
            got_by_key: (1, 2, 0),
            deleted: (2, 1, 3),
            deleted_all: (1 + 4, 1, 4 * 3),
            // Two batches, and a last query that finds nothing.
            deleted_tenant: (3 + 149, 21 + 11 + 1, 149 * 3),
        }
    );
    // The embedded database charges nothing for a refused write, and the same for everything else.
    assert_eq!(on_embedded, Costs { deduplicated: (1, 0, 0), ..on_memory });
}
