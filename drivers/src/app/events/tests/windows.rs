//! Tumbling windows, as Lambda runs them.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use apptheory_core::error::AppError;
use apptheory_core::events::{Change, TumblingWindow};
use serde_json::{Value, json};

use super::Log;
use crate::app::Handler as _;
use crate::app::events::{KinesisMessage, WindowState};
use crate::app::{App, Context, Json};
use crate::clock::Clock as _;
use crate::idempotency::Idempotent;
use crate::testkit::TestApp;
use crate::testkit::events::{self, ItemChange};

#[derive(Debug, Default, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
struct Totals {
    clicks: u64,
}

async fn gather(mut totals: WindowState<Totals>, Json(clicks): Json<u64>) -> Result<(), AppError> {
    // The state has changed when the record fails: the change must not be returned.
    totals.clicks += clicks;
    if clicks == 13 { Err(AppError::conflict("no 13, please")) } else { Ok(()) }
}

#[test]
fn records_go_into_the_state_until_the_window_ends() {
    let ended = Log::default();
    let note = ended.clone();
    let app = TestApp::new(|_| {
        let end = move |totals: WindowState<Totals>, window: TumblingWindow| {
            note.note(format!("{} {} {}", totals.clicks, window.end, window.is_terminated_early));
            async {}
        };
        App::new().kinesis_window("clicks", gather, end)
    });
    let mut window = app.kinesis_window("clicks");
    let answer = window.send(["3", "4"]);
    answer.assert_answer(&json!({"batchItemFailures": [], "state": {"clicks": 7}}));
    window.send(["5"]).assert_ok();
    assert_eq!(window.state::<Totals>(), Totals { clicks: 12 });
    window.send([] as [&str; 0]).assert_ok();
    assert_eq!(window.state::<Totals>(), Totals { clicks: 12 });
    assert!(ended.take().is_empty());
    window.end().assert_answer(&json!({"batchItemFailures": [], "state": {}}));
    assert_eq!(ended.take(), ["12 1970-01-01T00:05:00Z false"]);

    window.send(["1"]).assert_ok();
    assert_eq!(window.state::<Totals>(), Totals { clicks: 1 });
    window.end_early().assert_ok();
    assert_eq!(ended.take(), ["1 1970-01-01T00:10:00Z true"]);
}

#[test]
fn a_failure_leaves_the_state_as_it_was() {
    let told = Log::default();
    let tell = told.clone();
    let app = TestApp::new(|_| {
        let end = async |totals: WindowState<Totals>| match totals.clicks {
            7 => Err(AppError::conflict("not at seven")),
            _ => Ok(()),
        };
        let app = App::new().kinesis_window("clicks", gather, end);
        app.on_failure(move |failure| tell.note(failure.to_string()))
    });
    let mut window = app.kinesis_window("clicks");
    window.send(["7"]).assert_ok();
    for (records, why) in [(["1", "13", "2"], "no 13, please"), (["1", "?", "2"], "invalid json")] {
        window.send(records).assert_error(why);
        assert_eq!(window.state::<Totals>(), Totals { clicks: 7 });
        let told = told.take();
        assert!(told.len() == 1 && told[0].contains(why), "{told:?}");
    }
    window.end().assert_error("not at seven");
    assert_eq!(window.state::<Totals>(), Totals { clicks: 7 });
    window.send(["1"]).assert_ok();
    window.end().assert_ok();
}

#[test]
fn a_record_that_is_not_in_time_or_from_elsewhere_fails_all() {
    async fn slow(mut totals: WindowState<Totals>, context: Context, Json(secs): Json<u64>) {
        totals.clicks += 1;
        context.clock().sleep(Duration::from_secs(secs)).await;
    }
    let app = TestApp::new(|_| {
        App::new().kinesis_window("clicks", slow, async |_: WindowState<Totals>| ())
    });
    let app = app.time_limit(Duration::from_secs(10));
    let mut window = app.kinesis_window("clicks");
    window.send(["1", "1"]).assert_ok();
    window.send(["1", "60"]).assert_error("in time");
    assert_eq!(window.state::<Totals>(), Totals { clicks: 2 });
    let mut event = window.event(["1", "1"]);
    event["Records"][1]["eventSource"] = "aws:sqs".into();
    app.invoke(&event).assert_error("internal error");
}

#[test]
fn a_state_of_another_type_is_said_and_one_of_another_form_not_answered() {
    let app = TestApp::new(|_| {
        App::new()
            .kinesis_window("clicks", gather, async || ())
            .kinesis_window("numbers", async |mut sum: WindowState<u64>| *sum += 1, async || ())
            .kinesis_window(
                "twice",
                async |_: WindowState<Totals>, _: WindowState<Totals>| (),
                async || (),
            )
            .kinesis_window("raw", async || (), async || ())
            .kinesis_window(
                "map",
                async |mut all: WindowState<BTreeMap<String, u64>>| {
                    *all.entry("clicks".into()).or_default() += 1;
                },
                async |totals: WindowState<Totals>| assert_eq!(totals.clicks, 8),
            )
    });
    let with_state = |stream: &str, state: Value| {
        let mut event = app.kinesis_window(stream).event(["1"]);
        event["state"] = state;
        app.invoke(&event)
    };
    let wrong = with_state("clicks", json!({"clicks": "secret"}));
    wrong.assert_error("invalid json of state.clicks: expected u64");
    with_state("clicks", json!(7)).assert_error("apptheory: parse kinesis event: ");
    with_state("clicks", Value::Null).assert_answer(&json!({"batchItemFailures": [], "state":
        {"clicks": 1}}));
    let number = with_state("numbers", json!({}));
    assert!(number.failures()[0].contains("has to be a JSON object"), "{number:?}");
    let twice = with_state("twice", json!({}));
    assert!(twice.failures()[0].contains("take one `WindowState`"), "{twice:?}");
    let raw = with_state("raw", json!({"kept": 1}));
    raw.assert_answer(&json!({"batchItemFailures": [], "state": {"kept": 1}}));
    let mut end = app.kinesis_window("map").event(["1"]);
    end["state"] = json!({"clicks": 7});
    end["isFinalInvokeForWindow"] = true.into();
    app.invoke(&end).assert_ok();
}

#[test]
fn handlers_of_windows_and_of_records_are_apart() {
    let app = TestApp::new(|store| {
        let once = Idempotent::new("gather", store);
        App::new()
            .kinesis("plain", async |_: Arc<KinesisMessage>| ())
            .kinesis_window("clicks", gather, async || ())
            .kinesis_window("once", gather.layer(once), async || ())
            .otherwise(async || ())
    });
    let refused = app.kinesis_window("plain").send(["1"]);
    refused.assert_error("register them with `kinesis_window`, or remove TumblingWindowInSeconds");
    assert_eq!(refused.failures().len(), 1);
    app.kinesis_window("other").end().assert_error("of tumbling windows need handlers of a window");
    app.dynamodb_window("clicks").end().assert_error("`dynamodb_window`");
    app.kinesis("clicks", ["1"]).assert_failures(["1"]);
    // Otherwise the record would count as done although it must go into the state again.
    let once = app.kinesis_window("once").send(["1"]);
    assert!(once.failures()[0].contains("remove `Idempotent` from the window"), "{once:?}");

    let twice = App::new()
        .kinesis_window("a", gather, async || ())
        .kinesis_window(" a ", gather, async || ())
        .build();
    let error = twice.unwrap_err().to_string();
    assert!(error.starts_with(r#"kinesis_window("#) && error.contains("has a handler"), "{error}");
}

#[test]
fn changes_of_tables_have_windows_too() {
    async fn sold(mut totals: WindowState<Totals>, change: Change<Totals>) {
        totals.clicks += change.new.map_or(0, |new| new.clicks);
    }
    let app = TestApp::new(|_| App::new().dynamodb_window("orders", sold, async || ()));
    let mut window = app.dynamodb_window("orders");
    let made = ItemChange::insert(&json!({"clicks": 4}));
    window.send([made.clone(), made]).assert_ok();
    assert_eq!(window.state::<Totals>(), Totals { clicks: 8 });
    window.end().assert_ok();
    assert_eq!(events::dynamodb("orders", [ItemChange::expire(&json!({}))])["window"], Value::Null);
}
