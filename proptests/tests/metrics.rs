//! What CloudWatch gets, for any measurements in any order of writing.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet};

use allocation_counter::measure;
use apptheory::clock::ManualClock;
use apptheory::metrics::{By, Counter, Dimension, Gauge, Histogram, Metrics, Unit};
use apptheory::testkit::TestWriter;
use apptheory::time::Timestamp;
use apptheory_proptests::cases;
use proptest::prelude::*;
use serde_json::Value as Json;

/// One of each instrument, without a dimension and with two.
struct Shop {
    metrics: Metrics,
    written: TestWriter,
    counter: Counter,
    gauge: Gauge,
    counters: By<Counter, 2>,
    histograms: By<Histogram, 2>,
}

impl Shop {
    fn open() -> Self {
        let written = TestWriter::default();
        let metrics = Metrics::builder("Shop")
            .dimension("service", "orders")
            .clock(ManualClock::new(Timestamp::UNIX_EPOCH))
            .writer(written.clone())
            .build()
            .unwrap();
        let by = || {
            metrics.by([
                Dimension::new("method", ["card", "cash"]).unwrap(),
                Dimension::new("currency", ["EUR", "USD"]).unwrap(),
            ])
        };
        Self {
            counter: metrics.counter("Orders").unwrap(),
            gauge: metrics.gauge("Waiting", Unit::Count).unwrap(),
            counters: by().counter("Payments").unwrap(),
            histograms: by().histogram("Amount", Unit::None).unwrap(),
            metrics,
            written,
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Order(u32),
    Wait(f64),
    Pay([String; 2], u32),
    Amount([String; 2], f64),
    Flush,
}

fn any_step() -> impl Strategy<Value = Step> {
    let label =
        || prop::sample::select(vec!["card", "cash", "EUR", "USD", "", "\u{202e}", "_OTHER"]);
    let labels = move || [label(), label()].prop_map(|labels| labels.map(str::to_owned));
    prop_oneof![
        any::<u32>().prop_map(Step::Order),
        any::<f64>().prop_map(Step::Wait),
        (labels(), any::<u32>()).prop_map(|(labels, count)| Step::Pay(labels, count)),
        (labels(), any::<f64>()).prop_map(|(labels, value)| Step::Amount(labels, value)),
        Just(Step::Flush),
    ]
}

/// The values of dimensions and metrics by name, as the model counts them.
#[derive(Debug, Default, PartialEq)]
struct Told {
    orders: u64,
    waiting: Vec<f64>,
    payments: BTreeMap<[String; 2], u64>,
    amounts: BTreeMap<[String; 2], Vec<f64>>,
}

/// Returns a value as CloudWatch keeps it, if it accepts the value.
fn taken(value: f64) -> Option<f64> {
    let (exponent, is_number) = (value.abs().log2(), value.is_finite());
    match exponent {
        _ if !is_number || value.abs() > 2.0_f64.powi(360) => None,
        ..-360.0 => Some(0.0),
        _ => Some(value),
    }
}

fn known(labels: &[String; 2]) -> [String; 2] {
    let [method, currency] = labels.each_ref().map(String::as_str);
    let method = if ["card", "cash"].contains(&method) { method } else { "_OTHER" };
    let currency = if ["EUR", "USD"].contains(&currency) { currency } else { "_OTHER" };
    [method.to_owned(), currency.to_owned()]
}

/// Parses lines, and checks that each is within the limits of the format.
fn read(lines: &[Json]) -> Told {
    let mut told = Told::default();
    for line in lines {
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        let metrics = directive["Metrics"].as_array().unwrap();
        assert!((1..=100).contains(&metrics.len()));
        let mut members: BTreeSet<&str> =
            metrics.iter().map(|m| m["Name"].as_str().unwrap()).collect();
        assert_eq!(members.len(), metrics.len());
        for set in directive["Dimensions"].as_array().unwrap() {
            let set = set.as_array().unwrap();
            assert!(set.len() <= 30);
            for name in set {
                let name = name.as_str().unwrap();
                assert!(!line[name].as_str().unwrap().is_empty());
                members.insert(name);
            }
        }
        members.insert("_aws");
        let found: BTreeSet<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(found, members);
        let labels =
            ["method", "currency"].map(|name| line[name].as_str().unwrap_or("").to_owned());
        let values = |name: &str| {
            let Some(value) = line.get(name) else { return vec![] };
            let values = value.as_array().map_or_else(|| vec![value], |many| many.iter().collect());
            assert!((1..=100).contains(&values.len()));
            values.into_iter().map(|value| value.as_f64().unwrap()).collect::<Vec<f64>>()
        };
        told.orders += line["Orders"].as_u64().unwrap_or(0);
        told.waiting.extend(values("Waiting"));
        if let Some(count) = line["Payments"].as_u64() {
            *told.payments.entry(labels.clone()).or_default() += count;
        }
        for value in values("Amount") {
            told.amounts.entry(labels.clone()).or_default().push(value);
        }
    }
    told
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn every_recorded_value_is_written_once(mut steps in prop::collection::vec(any_step(), 0..80)) {
        steps.push(Step::Flush);
        let shop = Shop::open();
        let mut model = Told::default();
        let mut waiting = None;
        for step in &steps {
            match step {
                Step::Order(count) => {
                    shop.counter.add(u64::from(*count));
                    model.orders += u64::from(*count);
                }
                Step::Wait(value) => {
                    shop.gauge.set(*value);
                    waiting = taken(*value).or(waiting);
                }
                Step::Pay(labels, count) => {
                    shop.counters.with(labels.each_ref().map(String::as_str)).add(u64::from(*count));
                    if *count > 0 {
                        *model.payments.entry(known(labels)).or_default() += u64::from(*count);
                    }
                }
                Step::Amount(labels, value) => {
                    shop.histograms.with(labels.each_ref().map(String::as_str)).record(*value);
                    if let Some(value) = taken(*value) {
                        model.amounts.entry(known(labels)).or_default().push(value);
                    }
                }
                Step::Flush => {
                    shop.metrics.flush();
                    model.waiting.extend(waiting.take());
                }
            }
        }
        prop_assert_eq!(read(&shop.written.take_json()), model);
    }
}

#[test]
fn measuring_allocates_nothing_and_writing_little() {
    let shop = Shop::open();
    let use_all = || {
        shop.counter.add(1);
        shop.gauge.set(2.0);
        for labels in [["card", "EUR"], ["cash", "USD"], ["a client's", "own"]] {
            shop.counters.with(labels).add(1);
            shop.histograms.with(labels).record(2.5);
        }
    };
    use_all();
    shop.metrics.flush(); // gives buffers their sizes
    let used = measure(use_all);
    assert_eq!(used.count_total, 0);
    // For each line: the measurements that fit, the time as text, the values of dimensions, and the
    // sets of their names, of which there are two with a breakdown.
    let flushed = measure(|| shop.metrics.flush());
    assert!(flushed.count_total <= 5 + 3 * 6, "{}", flushed.count_total);
}
