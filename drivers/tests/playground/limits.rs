//! The limited routes.

use core::time::Duration;

use apptheory::app::AppService;

use crate::{app_over, body, clock, get, new_app, read_json};

/// How many requests pass before the first is refused, of at most 20.
async fn admitted(app: &AppService, path: &str) -> usize {
    for passed in 0..20 {
        if get(app, path).await.status != 200 {
            return passed;
        }
    }
    20
}

#[tokio::test]
async fn each_route_has_its_limit() {
    let (app, _dir) = new_app();
    let expected = [
        ("/fixed", 5),
        ("/sliding", 5),
        ("/multi", 3),
        ("/packed", 3),
        ("/bucket", 5),
        ("/shadow", 20),
        ("/open", 5),
    ];
    let index = body(get(&app, "/").await);
    for (path, limit) in expected {
        assert!(index.contains(path), "{index}");
        assert_eq!(admitted(&app, path).await, limit, "{path}");
    }
}

#[tokio::test]
async fn a_route_reports_its_limit_and_its_usage() {
    let (app, _dir) = new_app();
    let response = get(&app, "/fixed").await;
    assert_eq!(response.headers.first("x-ratelimit-limit"), "5");
    assert_eq!(response.headers.first("ratelimit"), "\"10s\";r=4;t=10");
    assert_eq!(read_json(response)["count"], 1);

    let usage = read_json(get(&app, "/usage/fixed").await);
    assert_eq!(usage["identifier"], "ip:127.0.0.1");
    assert_eq!(usage["windows"]["2026-01-01T00:00:30Z"]["count"], 1);
    assert_eq!(get(&app, "/usage/nowhere").await.status, 404);
}

#[tokio::test]
async fn what_is_used_up_stays_used_up_over_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("limits.db");
    let clock = clock();
    let app = app_over(&file, &clock);
    assert_eq!(admitted(&app, "/fixed").await, 5);
    drop(app);

    let app = app_over(&file, &clock);
    let denied = get(&app, "/fixed").await;
    assert_eq!(denied.status, 429);
    assert_eq!(denied.headers.first("retry-after"), "10");
    clock.advance(Duration::from_secs(10));
    assert_eq!(get(&app, "/fixed").await.status, 200);
}
