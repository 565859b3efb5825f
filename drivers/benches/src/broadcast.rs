//! Sending to many connections.

use core::hint::black_box;
use core::num::NonZeroUsize;
use std::sync::Arc;

use apptheory::websocket::{Broadcaster, FakeWebSocketManagementClient, WebSocketClient};
use apptheory_core::gateway::Connection;
use tokio::runtime::Builder;

use crate::measure::{Contender, Effort};
use crate::table::{Group, Row, beside};

pub(crate) const GROUP: Group = Group {
    name: "broadcast",
    title: "Broadcasts",
    how: "One connection of 10,000, one in a hundred of them gone, through a `Broadcaster` that sends to so many at a time, \
          beside a loop that sends to one after the other and notes which are gone. The client is one in memory, so \
          that nothing but the work around each send is measured.",
    run,
};

const CONNECTIONS: u32 = 10_000;

fn run(effort: Effort) -> Vec<Row> {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let ids: Vec<String> = (0..CONNECTIONS).map(|n| format!("connection-{n}=")).collect();
    let rows = [1, 16, 256].map(|at_a_time| {
        let concurrency = NonZeroUsize::new(at_a_time).expect("at least one");
        beside(
            effort,
            format!("{at_a_time} at a time"),
            Contender::using(
                "apptheory",
                || (Broadcaster::new(client(&ids)).with_concurrency(concurrency), ids.clone()),
                |(broadcaster, ids)| {
                    let report = runtime.block_on(broadcaster.send(ids, b"news"));
                    assert_eq!((report.delivered, report.gone.len()), (9_900, 100));
                },
            )
            .each(CONNECTIONS),
            [Contender::using(
                "a loop by hand",
                || client(&ids),
                |client| {
                    let mut gone = Vec::new();
                    for id in &ids {
                        let sent = runtime.block_on(client.post_to_connection(id, b"news"));
                        gone.extend(sent.is_err_and(|error| error.is_gone()).then(|| id.clone()));
                    }
                    assert_eq!(black_box(gone).len(), 100);
                },
            )
            .each(CONNECTIONS)],
        )
    });
    rows.concat()
}

/// The fake records its calls, so every run has its own.
fn client(ids: &[String]) -> WebSocketClient {
    let client = FakeWebSocketManagementClient::strict("https://ws.example.com");
    for id in ids.iter().enumerate().filter_map(|(n, id)| (n % 100 != 0).then_some(id)) {
        client.connect(id, Connection::default());
    }
    Arc::new(client)
}
