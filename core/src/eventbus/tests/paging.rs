use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::at;
use super::world::World;
use crate::eventbus::error::Reason;
use crate::eventbus::{
    AttributeStyle, BusConfig, Error, ErrorKind, Event, EventPage, EventQuery, MemoryBus, Order,
    PageEnd, Separator, TimestampFormat,
};
use crate::run::run;
use crate::store::{self, CursorError, Item, KeyCursor, Value};
use crate::time::Timestamp;

/// Instants that sort differently as text if fractions vary; some occur twice.
const INSTANTS: [&str; 7] = [
    "2026-03-04T05:06:00Z",
    "2026-03-04T05:06:00.000000001Z",
    "2026-03-04T05:06:00.5Z",
    "2026-03-04T05:06:00.5Z",
    "2026-03-04T05:06:00.999999999Z",
    "2026-03-04T05:06:01Z",
    "2026-03-04T05:06:01Z",
];

fn fixed9() -> BusConfig {
    BusConfig::builder().build().unwrap()
}

fn trimmed() -> BusConfig {
    let builder = BusConfig::builder().attribute_style(AttributeStyle::TableTheory);
    builder.timestamp_format(TimestampFormat::Trimmed).build().unwrap()
}

/// Three events per instant, with alternating types, every third one tagged; and another tenant's.
fn events() -> Vec<Event> {
    let instants = INSTANTS.iter().flat_map(|instant| [instant; 3]);
    let mut events: Vec<Event> = instants
        .enumerate()
        .map(|(n, instant)| {
            let event_type = if n % 2 == 0 { "even" } else { "odd" };
            let event =
                Event::new("t1", event_type).id(format!("evt_{n:02}")).published_at(at(instant));
            if n % 3 == 0 { event.tagged(["vip", "eu"]) } else { event.tagged(["vip"]) }
        })
        .collect();
    events.push(Event { tenant_id: "t2".into(), ..events[0].clone() });
    events
}

fn filled(bus: &BusConfig) -> World {
    let mut world = World::of(bus);
    for event in events() {
        world.publish(bus, event);
    }
    world.calls = 0;
    world
}

fn page(bus: &BusConfig, world: &mut World, query: &EventQuery) -> EventPage {
    run(bus.query(query).unwrap(), world).result.unwrap()
}

fn ids(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| event.id.clone()).collect()
}

/// Returns by definition what a query selects, in its order.
fn expected(query: &EventQuery) -> Vec<(Option<Timestamp>, String)> {
    let mut selected: Vec<Event> = events();
    selected.retain(|event| {
        event.tenant_id == query.tenant_id
            && query.event_type.as_ref().is_none_or(|name| *name == event.event_type)
            && query.tags.iter().all(|tag| event.tags.contains(tag))
            && query.start.is_none_or(|start| event.published_at >= Some(start))
            && query.end.is_none_or(|end| event.published_at <= Some(end))
    });
    let mut places: Vec<_> =
        selected.into_iter().map(|event| (event.published_at, event.id)).collect();
    places.sort();
    if query.order == Order::NewestFirst {
        places.reverse();
    }
    places
}

fn queries() -> Vec<EventQuery> {
    let mut queries = Vec::new();
    for order in [Order::NewestFirst, Order::OldestFirst] {
        let all = EventQuery::new("t1").ordered(order);
        for query in [all.clone(), all.clone().of_type("even")] {
            queries.push(query.clone());
            queries.push(query.clone().tagged([" eu ", "", "vip", "eu"]));
            for start in &INSTANTS {
                queries.push(query.clone().since(at(start)));
                queries.push(query.clone().until(at(start)));
                for end in &INSTANTS {
                    queries.push(query.clone().since(at(start)).until(at(end)));
                }
            }
        }
    }
    queries
}

/// Follows the cursors to the end.
fn all_pages(query: &EventQuery, mut page: impl FnMut(&EventQuery) -> EventPage) -> Vec<Event> {
    let mut query = query.clone();
    let mut events = Vec::new();
    for _ in 0..200 {
        let page = page(&query);
        assert!(page.events.len() <= query.page_size() as usize);
        assert_eq!(page.next.is_none(), page.end == PageEnd::EndOfData);
        events.extend(page.events);
        match page.next {
            Some(cursor) => query = query.after(cursor),
            None => return events,
        }
    }
    panic!("the cursors never end");
}

#[test]
fn pages_add_up_to_the_whole_answer() {
    for bus in [fixed9(), trimmed()] {
        let mut world = filled(&bus);
        for query in queries() {
            for limit in [1, 3, 100] {
                let query = query.clone().limit(limit);
                let found = all_pages(&query, |query| page(&bus, &mut world, query));
                let mut places: Vec<_> =
                    found.iter().map(|event| (event.published_at, event.id.clone())).collect();
                // Events of one instant that lie on two pages appear in the store's order.
                let is_tenant_index = query.event_type.is_none();
                if is_tenant_index && query.order == Order::NewestFirst {
                    sort_trimmed(&mut places, &bus, true);
                } else if is_tenant_index {
                    sort_trimmed(&mut places, &bus, false);
                }
                let wanted: EventQuery =
                    EventQuery { tags: trimmed_tags(&query.tags), ..query.clone() };
                assert_eq!(places, expected(&wanted), "{query:?}");
            }
        }
    }
}

/// Sorts what a page alone cannot: events of one instant and, with trimmed fractions, of one
/// second.
fn sort_trimmed(places: &mut [(Option<Timestamp>, String)], bus: &BusConfig, newest_first: bool) {
    let whole_second = bus.codec().timestamp_format == TimestampFormat::Trimmed;
    if !whole_second {
        let is_sorted = if newest_first {
            places.is_sorted_by(|a, b| a.0 >= b.0)
        } else {
            places.is_sorted_by(|a, b| a.0 <= b.0)
        };
        assert!(is_sorted, "{places:?}");
    }
    places.sort();
    if newest_first {
        places.reverse();
    }
}

fn trimmed_tags(tags: &[String]) -> Vec<String> {
    tags.iter().map(|tag| tag.trim().to_string()).filter(|tag| !tag.is_empty()).collect()
}

#[test]
fn both_buses_agree() {
    let bus = fixed9();
    let mut world = filled(&bus);
    let mut memory = MemoryBus::default();
    for event in events() {
        memory.publish(event, world.now(), 7).unwrap();
    }
    for query in queries() {
        let whole = page(&bus, &mut world, &query).events;
        for limit in [1, 4, 100] {
            let query = query.clone().limit(limit);
            let found = all_pages(&query, |query| memory.query(query).unwrap());
            assert_eq!(ids(&found), ids(&whole), "{query:?}");
        }
    }
}

#[test]
fn reading_on_after_any_event_loses_nothing() {
    for bus in [fixed9(), trimmed()] {
        let mut world = filled(&bus);
        for query in queries() {
            let whole = page(&bus, &mut world, &query);
            for index in 0..whole.events.len() {
                let rest = match whole.cursor_after(index) {
                    Some(cursor) => page(&bus, &mut world, &query.clone().after(cursor)),
                    None => page(&bus, &mut world, &query),
                };
                let (rest, missing) = (ids(&rest.events), ids(&whole.events[index + 1..]));
                assert!(rest.ends_with(&missing), "{query:?} {index}");
                if query.event_type.is_some() {
                    assert_eq!(rest, missing);
                }
            }
        }
    }
    let mut memory = MemoryBus::default();
    for event in events() {
        memory.publish(event, Timestamp::UNIX_EPOCH, 7).unwrap();
    }
    let whole = memory.query(&EventQuery::new("t1")).unwrap();
    let rest = memory.query(&EventQuery::new("t1").after(whole.cursor_after(4).unwrap())).unwrap();
    assert_eq!(ids(&rest.events), ids(&whole.events[5..]));
}

#[test]
fn events_published_between_pages_move_nothing() {
    let bus = fixed9();
    let mut world = filled(&bus);
    let query = EventQuery::new("t1").of_type("odd").limit(2);
    let before = ids(&all_pages(&query, |query| page(&bus, &mut world, query)));
    let mut number = 0;
    let during = all_pages(&query, |query| {
        let page = page(&bus, &mut world, query);
        number += 1;
        let newer = Event::new("t1", "odd").id(format!("new_{number}"));
        world.publish(&bus, newer.published_at(at("2027-01-01T00:00:00Z")));
        page
    });
    assert_eq!(ids(&during), before);
}

#[test]
fn a_page_says_why_it_ended() {
    let bus = BusConfig::builder().read_budget(2).build().unwrap();
    let mut world = filled(&bus);
    let query = EventQuery::new("t1");

    let full = page(&bus, &mut world, &query.clone().limit(21));
    assert_eq!((full.events.len(), full.end, world.calls), (21, PageEnd::Full, 1));
    let after_it = page(&bus, &mut world, &query.clone().after(full.next.unwrap()));
    assert_eq!((after_it.events.len(), after_it.end), (0, PageEnd::EndOfData));

    world.most_examined = Some(1);
    world.calls = 0;
    let spent = page(&bus, &mut world, &query.tagged(["eu"]).limit(5));
    assert_eq!((spent.end, world.calls), (PageEnd::BudgetSpent, 2));
    assert!(spent.next.is_some() && spent.events.is_empty());
    assert_eq!(spent.to_json(), {
        let cursor = spent.next.as_ref().unwrap();
        format!(r#"{{"events":[],"next_key":{{"cursor":"{cursor}"}},"end":"budget_spent"}}"#)
    });
}

#[test]
fn each_read_asks_for_what_is_missing() {
    let bus = fixed9();
    let mut world = filled(&bus);
    let page = page(&bus, &mut world, &EventQuery::new("t1").tagged(["eu"]).limit(3));
    assert_eq!((page.events.len(), page.end), (3, PageEnd::Full));
    let last = page.events.last().unwrap();
    // Nothing was read beyond the last event, so the cursor is its position.
    assert_eq!(page.next, page.cursor_after(2), "{}", last.id);
}

#[test]
fn cursors_have_the_specified_bytes() {
    let bus = fixed9();
    let mut world = World::of(&bus);
    for n in 1..=3 {
        let published_at = at(&format!("2026-03-04T05:06:0{n}Z"));
        let event = Event::new("t1", "order.created").id(format!("evt_{n}"));
        world.publish(&bus, event.published_at(published_at));
    }
    let tenant = EventQuery::new("t1").limit(2);
    let typed = tenant.clone().of_type("order.created");
    assert_eq!(
        page(&bus, &mut world, &typed).next.as_deref(),
        Some(
            "eyJsYXN0S2V5Ijp7IlBhcnRpdGlvbktleSI6eyJTIjoidDEjb3JkZXIuY3JlYXRlZCJ9LCJTb3J0S2V5Ijp7IlMiOiIxNzcyNjAwNzYyMDAwMDAwMDAwI2V2dF8yIn19LCJzb3J0IjoiREVTQyJ9"
        )
    );
    assert_eq!(
        page(&bus, &mut world, &tenant).next.as_deref(),
        Some(
            "eyJsYXN0S2V5Ijp7IlBhcnRpdGlvbktleSI6eyJTIjoidDEjb3JkZXIuY3JlYXRlZCJ9LCJQdWJsaXNoZWRBdCI6eyJTIjoiMjAyNi0wMy0wNFQwNTowNjowMi4wMDAwMDAwMDBaIn0sIlNvcnRLZXkiOnsiUyI6IjE3NzI2MDA3NjIwMDAwMDAwMDAjZXZ0XzIifSwiVGVuYW50SUQiOnsiUyI6InQxIn19LCJpbmRleCI6InRlbmFudC10aW1lc3RhbXAtaW5kZXgiLCJzb3J0IjoiREVTQyJ9"
        )
    );
}

#[test]
fn a_cursor_fits_its_own_query_only() {
    let bus = fixed9();
    let mut world = filled(&bus);
    let tenant = EventQuery::new("t1").limit(1);
    let typed = tenant.clone().of_type("even");
    let mut cursor = |query: &EventQuery| page(&bus, &mut world, query).next.unwrap();
    let (of_tenant, of_type) = (cursor(&tenant), cursor(&typed));

    let other_names = trimmed();
    let foreign = page(&other_names, &mut filled(&other_names), &typed).next.unwrap();
    let oldest_first = |query: EventQuery| query.ordered(Order::OldestFirst);
    let other_tenant = EventQuery { tenant_id: "t2".into(), ..tenant.clone() };
    for (query, cursor, mismatch) in [
        (tenant.clone(), &of_type, CursorError::OtherIndex),
        (typed.clone(), &of_tenant, CursorError::OtherIndex),
        (oldest_first(tenant.clone()), &of_tenant, CursorError::OtherOrder),
        (other_tenant.clone(), &of_tenant, CursorError::OtherPartition),
        (other_tenant.of_type("even"), &of_type, CursorError::OtherPartition),
        (tenant.clone().of_type("odd"), &of_type, CursorError::OtherPartition),
        (typed.clone(), &foreign, CursorError::OtherKey),
        (typed.until(at(INSTANTS[0])), &of_type, CursorError::OutOfRange),
    ] {
        let mut world = filled(&bus);
        let refused = run(bus.query(&query.after(cursor.as_str())).unwrap(), &mut world);
        let error = refused.result.unwrap_err();
        assert_eq!(error, Error(Reason::QueryCursor(mismatch)));
        assert_eq!((error.kind().as_str(), world.calls), ("cursor_mismatch", 0));
        assert_eq!(refused.metric.unwrap().name, "QueryError");
    }
    for cursor in ["!!", "Mg", "e30="] {
        let mut world = World::of(&bus);
        let error =
            run(bus.query(&tenant.clone().after(cursor)).unwrap(), &mut world).result.unwrap_err();
        assert!(error.to_string().starts_with("failed to query events: invalid cursor: "));
        assert_eq!((error.kind(), world.calls), (ErrorKind::InvalidCursor, 0));
    }
}

#[test]
fn a_blank_cursor_is_the_first_page() {
    let bus = fixed9();
    let mut world = filled(&bus);
    let tenant = EventQuery::new("t1").limit(1);
    let first = page(&bus, &mut world, &tenant);
    for cursor in ["", "  ", "\t\r\n", "\u{3000}"] {
        let blank = page(&bus, &mut world, &tenant.clone().after(cursor));
        assert_eq!((blank.events, blank.next), (first.events.clone(), first.next.clone()));
    }
}

/// A store would refuse such keys with an error that blames the deployment.
#[test]
fn a_cursor_whose_key_no_item_can_have_is_refused() {
    let bus = fixed9();
    let (tenant, instant) = (EventQuery::new("t1"), "2026-01-01T00:00:00.000000000Z");
    let typed = tenant.clone().of_type("even");
    let (long, longer) = ("9".repeat(1025), "t".repeat(2049));
    let of_table = [("t1#even", ""), ("t1#even", &*long)];
    let of_index = [("", "1#a", instant), (&*longer, "1#a", instant), ("t1#even", "1#a", "")];
    let key = |partition: &str, sort: &str| {
        let key = Item::new().with("PartitionKey", Value::from(partition));
        key.with("SortKey", Value::from(sort))
    };
    let of_table = of_table.map(|(partition, sort)| (&typed, None, key(partition, sort)));
    let of_index = of_index.map(|(partition, sort, published_at)| {
        let key = key(partition, sort).with("TenantID", Value::from("t1"));
        let key = key.with("PublishedAt", Value::from(published_at));
        (&tenant, Some("tenant-timestamp-index".to_string()), key)
    });
    for (query, index, last_key) in of_table.into_iter().chain(of_index) {
        let cursor = KeyCursor { last_key, index, sort: Some("DESC".into()) }.encode();
        let mut world = filled(&bus);
        let refused = run(bus.query(&query.clone().after(cursor)).unwrap(), &mut world).result;
        let mismatch = Error(Reason::QueryCursor(CursorError::OtherKey));
        assert_eq!((refused.unwrap_err(), world.calls), (mismatch, 0));
    }
}

#[test]
fn sealed_cursors_are_accepted_only_as_they_were_given() {
    let plain = fixed9();
    let sealing = BusConfig::builder().cursor_secret("secret").build().unwrap();
    let mut world = filled(&sealing);
    let query = EventQuery::new("t1").of_type("even").limit(2);
    let found = all_pages(&query, |query| page(&sealing, &mut world, query));
    assert_eq!(found.len(), expected(&query).len());

    let sealed = page(&sealing, &mut world, &query).next.unwrap();
    let unsealed = page(&plain, &mut filled(&plain), &query).next.unwrap();
    assert!(sealed.starts_with(&format!("{unsealed}.")));
    for (bus, cursor, invalid) in [
        (&sealing, unsealed, CursorError::Seal),
        (&sealing, sealed.replace("eyJs", "eyJt"), CursorError::Seal),
        (&plain, sealed, CursorError::NotBase64),
    ] {
        let refused =
            run(bus.query(&query.clone().after(cursor)).unwrap(), &mut filled(bus)).result;
        assert_eq!(refused.unwrap_err(), Error(Reason::QueryCursor(invalid)));
    }
}

#[test]
fn a_bad_item_hides_no_other() {
    let bus = fixed9();
    let mut world = filled(&bus);
    let poisoned = world.items()[0].text("SortKey").unwrap().to_string();
    world.tamper(0, "Payload", "not bytes");
    for query in [EventQuery::new("t1"), EventQuery::new("t1").of_type("even")] {
        let wanted = expected(&query).len() - 1;
        let page = page(&bus, &mut world, &query);
        assert_eq!((page.events.len(), page.unreadable.len()), (wanted, 1));
        let error = &page.unreadable[0];
        assert_eq!(error.key.as_ref().unwrap().sort_key, poisoned);
        assert!(error.to_string().starts_with("failed to unmarshal item: "));
        assert!(page.to_json().contains(r#""unreadable":[{"partition_key":"t1#even""#));
    }
}

#[test]
fn queries_without_an_answer_cost_nothing() {
    let bus = fixed9();
    let mut world = filled(&bus);
    let reversed = EventQuery::new("t1").since(at(INSTANTS[5])).until(at(INSTANTS[0]));
    let answered = run(bus.query(&reversed).unwrap(), &mut world);
    assert_eq!(answered.result.unwrap().end, PageEnd::EndOfData);
    assert_eq!(answered.metric.unwrap().name, "QuerySuccess");
    for (tenant, text) in
        [(" ", "tenant_id is required for queries"), ("t#1", "tenant ID must not contain '#'")]
    {
        let query = EventQuery::new(tenant);
        assert_eq!(bus.query(&query).unwrap_err().to_string(), text);
        let in_memory = MemoryBus::default().query(&query).unwrap_err();
        assert_eq!(in_memory.to_string(), text);
    }
    assert_eq!(world.calls, 0);
}

#[test]
fn the_widest_time_bounds_behave_like_missing_bounds() {
    let bus = fixed9();
    let mut world = filled(&bus);
    for query in [EventQuery::new("t1"), EventQuery::new("t1").of_type("odd")] {
        let unbounded = ids(&page(&bus, &mut world, &query).events);
        let bounded = query.clone().since(Timestamp::MIN).until(Timestamp::MAX);
        assert_eq!(ids(&page(&bus, &mut world, &bounded).events), unbounded);
        let never = query.since(Timestamp::MAX);
        assert!(page(&bus, &mut world, &never).events.is_empty());
    }
}

#[test]
fn events_of_tenants_that_share_a_partition_key_are_separated() {
    let bus = BusConfig::builder().allow_separator_in_keys(true).build().unwrap();
    let mut world = World::of(&bus);
    let mut memory = MemoryBus::new(Separator::Allowed);
    for (tenant, event_type, id) in [("a", "b#c", "mine"), ("a#b", "c", "theirs")] {
        let event = Event::new(tenant, event_type).id(id);
        memory.publish(event.clone(), world.now(), 7).unwrap();
        world.publish(&bus, event);
    }
    let query = EventQuery::new("a").of_type("b#c");
    assert_eq!(ids(&page(&bus, &mut world, &query).events), ["mine"]);
    assert_eq!(ids(&memory.query(&query).unwrap().events), ["mine"]);
}

#[test]
fn a_failing_store_is_named() {
    let bus = fixed9();
    let mut world = filled(&bus).failing(&[(1, store::Error::Throttled)]);
    let failed = run(bus.query(&EventQuery::new("t1")).unwrap(), &mut world);
    let error = failed.result.unwrap_err();
    let text = "failed to query events: throttled (table apptheory-events)";
    assert_eq!((error.to_string().as_str(), error.kind()), (text, ErrorKind::Store));
    let metric = failed.metric.unwrap();
    assert_eq!((metric.name, &*metric.tags["error_type"]), ("QueryError", "query_failed"));
}
