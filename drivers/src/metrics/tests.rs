use std::thread;

use apptheory_core::time::Timestamp;
use serde_json::{Value as Json, json};

use super::*;
use crate::clock::ManualClock;
use crate::test_writer::TestWriter;

fn metrics() -> (Metrics, TestWriter) {
    let written = TestWriter::default();
    let metrics = Metrics::builder("Shop")
        .dimension("service", "orders")
        .clock(ManualClock::new(Timestamp::from_unix_seconds(7)))
        .writer(written.clone())
        .build()
        .unwrap();
    (metrics, written)
}

#[test]
fn a_flush_writes_what_was_measured_and_begins_anew() {
    let (metrics, written) = metrics();
    let orders = metrics.counter("Orders").unwrap();
    let waiting = metrics.high_resolution().gauge("Waiting", Unit::Count).unwrap();
    let basket = metrics.histogram("Basket", Unit::None).unwrap();
    metrics.flush();
    assert_eq!(written.take_json(), [] as [Json; 0]);

    orders.add(2);
    orders.clone().add(3);
    waiting.set(9.0);
    waiting.set(4.5);
    basket.record(1.0);
    basket.record(-2.5);
    metrics.flush();
    let definitions = json!([
        {"Name": "Orders", "Unit": "Count"},
        {"Name": "Waiting", "Unit": "Count", "StorageResolution": 1},
        {"Name": "Basket", "Unit": "None"},
    ]);
    let directive =
        json!([{"Namespace": "Shop", "Dimensions": [["service"]], "Metrics": definitions}]);
    let expected = json!({
        "_aws": {"Timestamp": 7000, "CloudWatchMetrics": directive},
        "service": "orders", "Orders": 5, "Waiting": 4.5, "Basket": [1, -2.5],
    });
    assert_eq!(written.take_json(), [expected]);

    waiting.set(0.0);
    metrics.flush();
    let lines = written.take_json();
    assert_eq!((&lines[0]["Waiting"], lines[0].get("Orders")), (&json!(0), None));
    assert_eq!(metrics.stats(), MetricsStats { written: 2, ..MetricsStats::default() });
}

#[test]
fn known_label_values_are_separate_and_unknown_ones_share_other() {
    let (metrics, written) = metrics();
    let method = || Dimension::new("method", ["card", "cash"]).unwrap();
    let payments = metrics.by([method()]).counter("Payments").unwrap();
    let refunds = metrics.by([method()]).counter("Refunds").unwrap();
    payments.with(["cash"]).add(1);
    payments.with(["barter"]).add(2);
    payments.with(["a client's own"]).add(4);
    refunds.with(["cash"]).add(8);
    metrics.flush();
    let seen = written.take_json().into_iter().map(|line| {
        let sets = &line["_aws"]["CloudWatchMetrics"][0]["Dimensions"];
        assert_eq!(*sets, json!([["service"], ["service", "method"]]));
        (line["method"].clone(), line["Payments"].clone(), line["Refunds"].clone())
    });
    let expected = [(json!("cash"), json!(1), json!(8)), (json!("_OTHER"), json!(6), Json::Null)];
    assert_eq!(seen.collect::<Vec<_>>(), expected);
}

#[test]
fn what_is_lost_is_counted() {
    let (metrics, written) = metrics();
    let waiting = metrics.gauge("Waiting", Unit::Count).unwrap();
    let basket = metrics.histogram("Basket", Unit::None).unwrap();
    waiting.set(f64::INFINITY);
    basket.record(f64::NAN);
    for _ in 0..=MAX_VALUES {
        basket.record(1.0);
    }
    metrics.flush();
    let lines = written.take_json();
    let values = lines.iter().map(|line| line["Basket"].as_array().unwrap().len());
    assert_eq!((values.clone().sum::<usize>(), values.max()), (MAX_VALUES, Some(100)));
    let stats = MetricsStats { written: 100, refused: 2, dropped: 1, failed: 0 };
    assert_eq!(metrics.stats(), stats);
}

#[test]
fn a_line_that_was_torn_takes_no_other_with_it() {
    let (metrics, written) = metrics();
    let waiting = metrics.gauge("Waiting", Unit::Count).unwrap();
    for room in [0, 20] {
        written.set_room(Some(room));
        waiting.set(1.0);
        metrics.flush();
        assert_eq!(written.take().len(), room);
        written.set_room(None);
        for begins_with in ["\n{", "{"] {
            waiting.set(2.0);
            metrics.flush();
            let text = written.take();
            assert!(text.starts_with(begins_with), "{text:?}");
            assert_eq!(serde_json::from_str::<Json>(&text).unwrap()["Waiting"], 2);
        }
    }
    assert_eq!(metrics.stats(), MetricsStats { written: 4, failed: 2, ..MetricsStats::default() });
}

#[test]
fn sums_are_exact_whatever_runs_at_the_same_time() {
    let (metrics, written) = metrics();
    let orders = metrics.counter("Orders").unwrap();
    let basket = metrics.histogram("Basket", Unit::None).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..1000 {
                    orders.add(n);
                    basket.record(1.0);
                    if n % 100 == 0 {
                        metrics.flush();
                    }
                }
            });
        }
    });
    metrics.flush();
    let lines = written.take_json();
    let orders = lines.iter().filter_map(|line| line["Orders"].as_u64());
    let baskets = lines.iter().filter_map(|line| line.get("Basket"));
    let baskets = baskets.map(|basket| basket.as_array().map_or(1, Vec::len));
    assert_eq!((orders.sum::<u64>(), baskets.sum::<usize>()), (4 * 999 * 500, 4000));
}

#[test]
fn what_cloudwatch_would_refuse_is_an_error_where_it_is_declared() {
    let (metrics, _) = metrics();
    let method = || Dimension::new("method", ["card"]).unwrap();
    let twice = |given: &str| Error::Twice { given: given.into() };
    metrics.counter("Orders").unwrap();
    assert_eq!(metrics.counter("Orders").unwrap_err(), twice("Orders"));
    assert_eq!(metrics.by([method()]).counter("Orders").unwrap_err(), twice("Orders"));
    assert_eq!(metrics.gauge("service", Unit::None).unwrap_err(), twice("service"));
    assert_eq!(metrics.by([method()]).counter("method").unwrap_err(), twice("method"));
    assert_eq!(metrics.by([method(), method()]).counter("a").unwrap_err(), twice("method"));
    assert!(matches!(metrics.counter("ümlaut"), Err(Error::MetricName { .. })));
    assert!(matches!(Metrics::builder("").build(), Err(Error::Namespace { .. })));
    let fixed = Metrics::builder("Shop").dimension("service", "");
    assert!(matches!(fixed.build(), Err(Error::DimensionValue { .. })));
}
