//! What it costs to send to 10,000 connections, one in a hundred of them gone: through a
//! [`Broadcaster`], several at a time, beside a loop that sends to one after the other and looks
//! for those that are gone. The client is the one in memory, so that nothing but the work around
//! each send is measured.
//!
//! Run with `cargo bench -p apptheory-bench --bench broadcast`. Compare ratios within a run.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up has to stop")]

use core::hint::black_box;
use core::num::NonZeroUsize;
use core::time::Duration;
use std::sync::Arc;

use apptheory::websocket::{Broadcaster, FakeWebSocketManagementClient, WebSocketClient};
use apptheory_core::gateway::Connection;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::Builder;

const CONNECTIONS: usize = 10_000;

fn ids() -> Vec<String> {
    (0..CONNECTIONS).map(|n| format!("connection-{n}=")).collect()
}

/// The fake keeps what it is asked: every run has one of its own.
fn client(ids: &[String]) -> WebSocketClient {
    let client = FakeWebSocketManagementClient::strict("https://ws.example.com");
    for id in ids.iter().enumerate().filter_map(|(n, id)| (n % 100 != 0).then_some(id)) {
        client.connect(id, Connection::default());
    }
    Arc::new(client)
}

fn broadcast(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let ids = ids();
    let mut group = criterion.benchmark_group("broadcast");
    group.throughput(Throughput::Elements(u64::try_from(CONNECTIONS).expect("few")));
    for at_a_time in [1, 16, 256] {
        let concurrency = NonZeroUsize::new(at_a_time).expect("at least one");
        group.bench_function(BenchmarkId::new("broadcaster", at_a_time), |bencher| {
            bencher.iter_batched(
                || (Broadcaster::new(client(&ids)).with_concurrency(concurrency), ids.clone()),
                |(broadcaster, ids)| {
                    let report = runtime.block_on(broadcaster.send(ids, b"news"));
                    assert_eq!((report.delivered, report.gone.len()), (9_900, 100));
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.bench_function("loop", |bencher| {
        bencher.iter_batched(
            || client(&ids),
            |client| {
                let mut gone = Vec::new();
                for id in &ids {
                    let sent = runtime.block_on(client.post_to_connection(id, b"news"));
                    gone.extend(sent.is_err_and(|error| error.is_gone()).then(|| id.clone()));
                }
                assert_eq!(black_box(gone).len(), 100);
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = broadcast
}
criterion_main!(benches);
