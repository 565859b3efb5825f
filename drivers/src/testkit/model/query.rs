//! A model of event bus queries.

use apptheory_core::eventbus::{Event, EventQuery, Order};

/// Returns the events that a query selects from all published events, in its order: what its pages
/// contain in total, whatever their size. A cursor is ignored.
///
/// Events of one instant are ordered by id, then by type. Pages over all types have this order only
/// within a page: across pages, such events are in the table's order.
///
/// ```
/// use apptheory::eventbus::{BusConfig, Event, EventQuery};
/// use apptheory::machine;
/// use apptheory::testkit::{World, model};
///
/// let bus = BusConfig::builder().build()?;
/// let mut world = World::default().with_table(bus.table());
/// let mut published = Vec::new();
/// for (n, tag) in ["tea", "milk", "tea"].into_iter().enumerate() {
///     let event = Event::new("shop", "order.created").id(format!("order-{n}")).tagged([tag]);
///     let publish = bus.publish(event, world.now(), 0)?;
///     published.push(machine::run(publish, &mut world).result?.event);
/// }
/// let query = EventQuery::new("shop").tagged(["tea"]);
/// let page = machine::run(bus.query(&query)?, &mut world).result?;
/// assert_eq!(page.events, model::selected(&query, &published));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn selected(query: &EventQuery, published: &[Event]) -> Vec<Event> {
    let is_selected = |event: &&Event| {
        event.tenant_id == query.tenant_id
            && query.event_type.as_ref().is_none_or(|name| *name == event.event_type)
            && query.start.is_none_or(|start| Some(start) <= event.published_at)
            && query.end.is_none_or(|end| event.published_at <= Some(end))
            && query.tags.iter().all(|tag| event.tags.contains(tag))
    };
    let mut selected: Vec<Event> = published.iter().filter(is_selected).cloned().collect();
    selected.sort_by(|a, b| {
        let place =
            |event: &Event| (event.published_at, event.id.clone(), event.event_type.clone());
        match query.order {
            Order::NewestFirst => place(b).cmp(&place(a)),
            Order::OldestFirst => place(a).cmp(&place(b)),
        }
    });
    selected
}
