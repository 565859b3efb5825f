//! An application and its tests: requests and messages, two hours of virtual time, and recorded
//! store calls.
//!
//! ```text
//! cargo test --example testing --features testkit
//! ```

use std::process::ExitCode;

use apptheory::eventbus::Feed;
use apptheory::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
struct Order {
    id: u32,
}

/// A message may be delivered twice; its order is shipped once.
async fn ship(State(bus): State<EventBus>, Json(order): Json<Order>) -> Result<(), AppError> {
    bus.publish(Event::new("shop", "order.shipped").payload(&order)).await?;
    Ok(())
}

async fn count(State(bus): State<EventBus>) -> String {
    bus.query("shop").events().count().await.to_string()
}

/// Streams orders as they are shipped, with keep-alives between them.
async fn follow(State(bus): State<EventBus>, sse: Sse) -> Result<Response, AppError> {
    Ok(sse.send(Feed::new(&bus, "shop").open().await?))
}

pub(crate) fn app(store: &Store) -> App<EventBus> {
    let limit = RateLimit::per_hour(30).burst(1).fail_closed().on(store);
    App::with_state(EventBus::on(store))
        .sqs("orders", ship.layer(Idempotent::new("ship", store)))
        .get("/count", count.layer(limit))
        .get("/shipped", follow)
}

fn main() -> ExitCode {
    apptheory::start(async || app(&Store::memory()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use apptheory::layer::{FaultPlan, Faulty, Recording, Replay};
    use apptheory::prelude::*;
    use apptheory::store;
    use apptheory::store::transcript::Transcript;
    use apptheory::testkit::{TestApp, TestEnv};

    use super::app;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn an_order_is_shipped_once() {
        let app = TestApp::new(app);
        for _ in 0..2 {
            app.sqs("orders", [r#"{"id": 7}"#, "?"]).assert_failures(["msg-2"]);
        }
        app.get("/count").send().assert_status(200).assert_text("1");
    }

    #[test]
    fn two_hours_take_no_time() {
        let app = TestApp::new(app);
        app.sqs("orders", [r#"{"id": 7}"#]).assert_ok();

        // A keep-alive every 15 seconds.
        let mut feed = app.get("/shipped").stream();
        let chunks = feed.read_for(120 * MINUTE);
        let keep_alives = chunks.iter().filter(|chunk| **chunk == ": keep-alive\n\n").count();
        assert_eq!(keep_alives, 480);

        // One request per minute, 30 per hour.
        let mut admitted = 0;
        for _ in 0..120 {
            admitted += usize::from(app.get("/count").send().status() == 200);
            app.advance(MINUTE);
        }
        assert_eq!(admitted, 60);

        // Results are kept for an hour: the message counts as new now.
        app.sqs("orders", [r#"{"id": 7}"#]).assert_ok();
        assert_eq!(feed.events_for(MINUTE).len(), 1);
    }

    #[test]
    fn what_happened_in_production_happens_again() {
        // In production, `main` wraps its store in a recording like this, and a handler that fails
        // writes the transcript to a file. The transcript grows with each call, and contains keys
        // and payloads.
        let production = TestEnv::new().layer(|store| {
            Faulty::new(store, FaultPlan::default().fail(3, store::Error::Throttled))
        });
        let recording = Arc::new(Recording::new(production.store().clone()));
        let production = TestApp::within(production.layer(|_| Arc::clone(&recording)), app);
        production.get("/count").send().assert_status(200);
        production.advance(2 * MINUTE);
        production.get("/count").send().assert_status(503);
        let file = recording.transcript().to_json().to_string();

        // The test reads the file, at the same instants: fix the application until it passes.
        let transcript = serde_json::from_str(&file).map(|file| Transcript::from_json(&file));
        let replay = Arc::new(Replay::new(transcript.unwrap().unwrap()));
        let app = TestApp::within(TestEnv::new().layer(|_| Arc::clone(&replay)), app);
        app.get("/count").send().assert_status(200);
        app.advance(2 * MINUTE);
        app.get("/count").send().assert_status(503);
        assert_eq!(replay.finish(), Ok(()));
    }
}
