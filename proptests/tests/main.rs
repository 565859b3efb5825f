//! Property tests, in one program: each file is a module of it. Separate programs would each be
//! linked with every client and an embedded DynamoDB.

mod allocations;
mod app;
mod binding;
mod eventbus;
mod events;
mod extractors;
mod gateway;
mod http_adapters;
mod http_allocations;
mod idempotency;
mod kinesis;
mod limiter_clocks;
mod limiter_costs;
mod limiter_headers;
mod limiter_keys;
mod limiter_retry;
mod limiter_schedules;
mod limiter_windows;
mod log_lines;
mod logs;
mod metrics;
mod nesting;
mod payload_allocations;
mod router;
mod sanitize;
mod sse;
mod store;
mod stream;
mod stream_allocations;
mod testkit;
mod testkit_events;
mod testkit_sources;
mod uris;
mod validation;

/// Checks that every file is named above, or it would not run.
#[test]
fn every_file_is_a_module() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");
    let files = std::fs::read_dir(folder).expect("a folder").flatten();
    let files: Vec<_> = files.map(|file| file.path()).collect();
    let names = files.iter().filter(|file| file.extension().is_some_and(|kind| kind == "rs"));
    let names: Vec<_> = names.filter_map(|file| file.file_stem()?.to_str()).collect();
    assert!(names.len() > 30, "{names:?}");
    let own = include_str!("main.rs");
    let is_named = |name: &str| name == "main" || own.contains(&format!("\nmod {name};\n"));
    let missing: Vec<_> = names.into_iter().filter(|name| !is_named(name)).collect();
    assert!(missing.is_empty(), "not named: {missing:?}");
}
