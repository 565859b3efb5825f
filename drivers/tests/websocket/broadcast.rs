//! Broadcasts: in order, bounded, and not delayed by slow clients.

use core::future::{Future, pending};
use core::num::NonZeroUsize;
use core::time::Duration;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use apptheory::clock::{Clock as _, VirtualClock};
use apptheory::websocket::{
    Broadcaster, ClientFuture, FakeWebSocketManagementClient, WebSocketManagementClient,
};
use apptheory_core::gateway::{self, Connection};
use apptheory_core::time::Timestamp;

/// A client that takes as many seconds as the number that is the id, and never finishes for other
/// ids.
#[derive(Debug)]
struct Slow {
    clock: VirtualClock,
    under_way: AtomicUsize,
    most: AtomicUsize,
    order: Mutex<Vec<String>>,
}

impl Slow {
    fn new() -> (Arc<Self>, VirtualClock) {
        let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
        let (under_way, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let slow = Self { clock: clock.clone(), under_way, most, order: Mutex::default() };
        (Arc::new(slow), clock)
    }
}

impl WebSocketManagementClient for Slow {
    fn endpoint(&self) -> &str {
        ""
    }

    fn post_to_connection<'c>(&'c self, id: &'c str, _: &'c [u8]) -> ClientFuture<'c, ()> {
        Box::pin(async move {
            let now = self.under_way.fetch_add(1, Ordering::Relaxed) + 1;
            self.most.fetch_max(now, Ordering::Relaxed);
            match id.parse() {
                Ok(seconds) => self.clock.sleep(Duration::from_secs(seconds)).await,
                Err(_) => pending().await,
            };
            self.under_way.fetch_sub(1, Ordering::Relaxed);
            self.order.lock().unwrap().push(id.to_owned());
            Ok(())
        })
    }

    fn get_connection<'c>(&'c self, _: &'c str) -> ClientFuture<'c, Connection> {
        Box::pin(pending())
    }

    fn delete_connection<'c>(&'c self, _: &'c str) -> ClientFuture<'c, ()> {
        Box::pin(pending())
    }
}

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

fn run<F: Future>(clock: &VirtualClock, future: F) -> (F::Output, i64) {
    let output = clock.run(future);
    (output, clock.now().unix_seconds())
}

#[test]
fn only_so_many_are_sent_to_at_a_time() {
    let (slow, clock) = Slow::new();
    let two = NonZeroUsize::new(2).unwrap();
    let broadcaster =
        Broadcaster::new(slow.clone()).with_clock(clock.clone()).with_concurrency(two);
    let (report, seconds) = run(&clock, broadcaster.send(ids(&["3", "1", "1", "2"]), b"x"));
    // One lane takes 3 s, the other 1 + 1 and then 2.
    assert_eq!((report.delivered, seconds), (4, 4));
    assert_eq!(slow.most.load(Ordering::Relaxed), 2);
    assert_eq!(*slow.order.lock().unwrap(), ["1", "1", "3", "2"]);
}

#[test]
fn connections_that_exceed_the_budget_are_reported_as_failed() {
    let (slow, clock) = Slow::new();
    let budget = Duration::from_secs(2);
    let broadcaster = Broadcaster::new(slow).with_clock(clock.clone()).with_budget(budget);
    let (report, seconds) = run(&clock, broadcaster.send(ids(&["never", "1", "3", "2"]), b"x"));
    assert_eq!((report.delivered, seconds), (2, 2));
    let failed: Vec<_> = report.failed.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(failed, ["never", "3"]);
    assert_eq!(report.failed[0].1.kind(), &gateway::ErrorKind::Transport);
}

#[test]
fn the_report_is_in_the_order_of_the_connections() {
    let clock = VirtualClock::new(Timestamp::UNIX_EPOCH);
    let fake = FakeWebSocketManagementClient::strict("https://ws.example.com");
    fake.connect("b", Connection::default());
    let broadcaster = Broadcaster::new(Arc::new(fake.clone())).with_clock(clock.clone());
    let report = clock.run(broadcaster.send(ids(&["c", " ", "b", "a"]), b"x"));
    assert_eq!((report.delivered, report.gone), (1, ids(&["c", "a"])));
    assert_eq!(report.failed[0].1.kind(), &gateway::ErrorKind::EmptyConnectionId);
    assert_eq!(fake.calls().len(), 3);
    assert_eq!(clock.run(broadcaster.send([], b"x")).delivered, 0);
}
