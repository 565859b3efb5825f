//! An application and two properties of it: of its limit, for every order of callers, and of its
//! pages, for every event that is published between them.
//!
//! ```text
//! cargo test --example properties --features testkit
//! ```

use std::process::ExitCode;

use apptheory::eventbus::EventQuery;
use apptheory::prelude::*;

/// Admits a request every two seconds, and two at once.
fn limit(store: &Store) -> RateLimit {
    RateLimit::per_minute(30).burst(2).fail_closed().on(store)
}

fn orders() -> EventQuery {
    EventQuery::new("shop").of_type("order.created").limit(20)
}

async fn newest(State(bus): State<EventBus>) -> Result<Json<Vec<String>>, AppError> {
    let page = bus.query(orders()).page().await?;
    Ok(Json(page.events.into_iter().map(|event| event.id).collect()))
}

pub(crate) fn app(store: &Store) -> App<EventBus> {
    App::with_state(EventBus::on(store)).get("/orders", newest).layer(limit(store))
}

fn main() -> ExitCode {
    apptheory::start(async || app(&Store::memory()))
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use apptheory::eventbus::{BusConfig, Order};
    use apptheory::limiter::{Attempt, RateLimitKey, Recall};
    use apptheory::machine::run;
    use apptheory::prelude::*;
    use apptheory::testkit::model::{self, Admission};
    use apptheory::testkit::{Schedules, World};

    use super::{limit, orders};

    #[test]
    fn of_three_callers_as_many_get_in_as_the_limit_says() -> Result<(), Box<dyn Error>> {
        let limit = limit(&Store::memory());
        let limiter = limit.limiter()?;
        let world = World::new(limiter);
        for schedule in Schedules::of(3) {
            assert_eq!(world.run(limiter, schedule).admitted(), 2);
        }
        for schedule in Schedules::of(3).losing_one_reply() {
            assert!(world.run(limiter, schedule).admitted() <= 2);
        }
        Ok(())
    }

    #[test]
    fn one_after_the_other_is_decided_as_by_the_model() -> Result<(), Box<dyn Error>> {
        let limit = limit(&Store::memory());
        let limiter = limit.limiter()?;
        let period = Duration::from_secs(60);
        let model = model::Limit::TokenBucket { period, limit: 30, burst: 2 };
        let key = RateLimitKey::new("tenant-7", "/orders", "GET")?;
        // Every sequence of five requests, each 0 to 3 seconds after the previous one.
        for gaps in 0..4_u64.pow(5) {
            let (mut world, mut admitted) = (World::new(limiter), Vec::new());
            for place in 0..5 {
                let gap = gaps / 4_u64.pow(place) % 4;
                world.set_time(world.now().saturating_add(Duration::from_secs(gap)));
                let attempt = Attempt::new(key.clone(), world.now());
                let machine = limiter.check_and_increment(attempt, &Recall::default());
                let allowed = run(machine, &mut world).decision?.allowed;

                let request = Admission { at: world.now(), cost: 1 };
                assert_eq!(allowed, model.admits(&admitted, request), "{admitted:?} {request:?}");
                admitted.extend(allowed.then_some(request));
            }
        }
        Ok(())
    }

    #[test]
    fn pages_add_up_whatever_is_published_between_them() -> Result<(), Box<dyn Error>> {
        let bus = BusConfig::builder().build()?;
        for page_size in 1..=6 {
            let mut world = World::default().with_table(bus.table());
            let mut published = Vec::new();
            let mut publish = |world: &mut World| {
                world.set_time(world.now().saturating_add(Duration::from_secs(1)));
                for event_type in ["order.created", "order.shipped"] {
                    let publish = bus.publish(Event::new("shop", event_type), world.now(), 0)?;
                    published.push(run(publish, world).result?.event);
                }
                Ok::<_, Box<dyn Error>>(published.clone())
            };
            let mut there = Vec::new();
            for _ in 0..5 {
                there = publish(&mut world)?;
            }

            // Events newer than the first page are on no later page.
            let query = orders().limit(page_size).ordered(Order::NewestFirst);
            let whole = model::selected(&query, &there);
            let (mut found, mut next) = (Vec::new(), Some(query.clone()));
            while let Some(query) = next {
                let page = run(bus.query(&query)?, &mut world).result?;
                found.extend(page.events);
                next = page.next.map(|cursor| query.after(cursor));
                publish(&mut world)?;
            }
            assert_eq!(found, whole, "{page_size} on a page");
        }
        Ok(())
    }
}
