//! The core's example without drivers, against a DynamoDB on loopback.
#![expect(clippy::unwrap_used, reason = "a test ends where its stage cannot be set")]

#[allow(dead_code, unreachable_pub, clippy::disallowed_methods, reason = "the example's own main")]
#[path = "../../core/examples/own_runtime.rs"]
mod own_runtime;
#[allow(dead_code, reason = "other tests use the rest")]
mod support;

use apptheory::limiter::Recall;
use dynoxide::Database;
use support::{block_on, serve};

#[test]
fn a_host_that_posts_json_holds_a_limit() {
    let database = Database::memory().unwrap();
    let limiter = own_runtime::limiter();
    let create = serde_json::from_value(limiter.table().create_table_body()).unwrap();
    database.create_table(create).unwrap();
    let counted = block_on(serve(database, async |url| {
        let server = url.trim_start_matches("http://").to_owned();
        let decided = tokio::task::spawn_blocking(move || {
            // The minute may end in between, and a new window begins.
            let mut recall = Recall::default();
            let mut decide =
                || own_runtime::decide(&server, &limiter, &mut recall, "tenant-7").unwrap();
            (0..9).map(|_| decide()).collect()
        });
        let decided: Vec<_> = decided.await.unwrap();
        decided
    }));
    let admitted = counted.iter().filter(|decision| decision.allowed).count();
    assert!((3..=6).contains(&admitted), "{admitted}");
    assert_eq!(counted[0].remaining(), Some(2));
}
