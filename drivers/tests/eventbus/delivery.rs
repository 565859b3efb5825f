//! Subscribers of a bus behind its table's stream.

use std::sync::{Arc, Mutex};

use apptheory::app::{App, Invocation};
use apptheory::clock::ManualClock;
use apptheory::eventbus::EventBus;
use apptheory::execute::{Execute as _, StoreExecutor};
use apptheory::store::Store;
use apptheory_core::eventbus::{BusConfig, Event};
use apptheory_core::store::GetItem;
use serde_json::{Value as Json, json};

use crate::support::block_on;
use crate::{bus_over, clock, config, embedded, event, memory};

const ARN: &str = "arn:aws:dynamodb:eu-west-1:1:table/events/stream/2026-01-01T00:00:00.000";

/// Returns the stream record of a published event.
async fn record(bus: &EventBus, published: &Event, change: &str) -> Json {
    let config = bus.config().unwrap();
    let key = published.key.as_ref().unwrap().to_store_key(config.codec().names());
    let table = config.table_name().clone();
    let read = GetItem { table, key: key.clone(), consistent: true };
    let image = bus.store().execute(&read).await.unwrap().answer.unwrap().to_json();
    let mut images = match change {
        "INSERT" => json!({"NewImage": image}),
        "MODIFY" => json!({"NewImage": image, "OldImage": image}),
        _ => json!({"OldImage": image}),
    };
    images["Keys"] = key.to_item().to_json();
    images["SequenceNumber"] = format!("{change} {}", published.id).into();
    json!({"eventID": published.id, "eventName": change, "eventSource": "aws:dynamodb",
        "eventSourceARN": ARN, "dynamodb": images})
}

fn runs_subscribers(executor: impl StoreExecutor + Send + 'static, clock: &ManualClock) {
    let bus = bus_over(config(), executor, clock);
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let hears = Arc::clone(&heard);
    bus.subscribe("e", move |event| {
        hears.lock().unwrap().push(event.id.clone());
        let is_broken = event.id.ends_with('2');
        async move { if is_broken { Err("out of paper".into()) } else { Ok(()) } }
    })
    .unwrap();
    let app = App::new().eventbus(&bus).build().unwrap();

    block_on(async {
        let mut records = Vec::new();
        for n in 1..=3 {
            let published = bus.publish(Event { event_type: "e".into(), ..event(n) }).await;
            let published = published.unwrap().event;
            records.push(record(&bus, &published, "INSERT").await);
            if n == 1 {
                records.push(record(&bus, &published, "MODIFY").await);
                records.push(record(&bus, &published, "REMOVE").await);
            }
        }
        let other = bus.publish(Event { event_type: "other".into(), ..event(4) }).await;
        records.push(record(&bus, &other.unwrap().event, "INSERT").await);
        let mut without_image =
            record(&bus, &bus.publish(event(5)).await.unwrap().event, "INSERT").await;
        without_image["dynamodb"]["NewImage"] = Json::Null;
        records.push(without_image);

        let batch = json!({"Records": records}).to_string();
        let answer = app.invoke(&batch, Invocation::default()).await.unwrap();
        let failed = r#"{"batchItemFailures":[{"itemIdentifier":"INSERT e00002"},{"itemIdentifier":"INSERT e00005"}]}"#;
        assert_eq!(answer, failed);
    });
    assert_eq!(*heard.lock().unwrap(), ["e00001", "e00002", "e00003"]);
}

#[test]
fn what_is_published_reaches_subscribers_through_the_stream() {
    let clock = clock();
    runs_subscribers(memory(&clock), &clock);
    runs_subscribers(embedded(&clock), &clock);
}

#[test]
fn a_bus_whose_table_is_an_arn_is_found_by_its_name() {
    let table = "arn:aws:dynamodb:eu-west-1:1:table/events";
    let bus = BusConfig::builder().table_name(table).build().unwrap();
    let bus = EventBus::new(bus, &Store::memory());
    let app = App::new().eventbus(&bus).build().unwrap();
    let record = json!({"eventID": "1", "eventName": "REMOVE", "eventSource": "aws:dynamodb",
        "eventSourceARN": ARN, "dynamodb": {"SequenceNumber": "1", "Keys": {
            "PartitionKey": {"S": "t1#e"}, "SortKey": {"S": "1767225600000000000#e1"}}}});
    let batch = json!({"Records": [record]}).to_string();
    let answer = block_on(app.invoke(&batch, Invocation::default())).unwrap();
    assert_eq!(answer, r#"{"batchItemFailures":[]}"#);
}
