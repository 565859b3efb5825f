//! Idempotency of records, and of messages on connections.

use super::*;

/// Returns an application that handles messages: `fail`, or a number of seconds to wait.
fn consumer(clock: &VirtualClock, once: Idempotent) -> (AppService, Runs) {
    let runs = Runs::default();
    let (messages, notifications) = (Arc::clone(&runs), Arc::clone(&runs));
    let handle = move |message: Arc<SqsMessage>, context: Context| {
        let run = messages.fetch_add(1, Ordering::Relaxed) + 1;
        async move {
            let wait = message.body.parse().unwrap_or_default();
            context.clock().sleep(seconds(wait)).await;
            match &*message.body {
                "fail" if run < 3 => Err(BoxError::from("out of stock")),
                _ => Ok(()),
            }
        }
    };
    let notify = move || {
        let run = notifications.fetch_add(1, Ordering::Relaxed) + 1;
        async move { json!({"run": run}) }
    };
    let app = builder(clock).layer(once).sqs("q", handle).sns("t", notify);
    (app.build().unwrap(), runs)
}

fn messages(messages: &[(&str, &str)]) -> String {
    let messages = messages.iter().map(|(id, body)| {
        json!({"eventSource": "aws:sqs", "eventSourceARN": "arn:q", "messageId": id, "body": body})
    });
    json!({"Records": messages.collect::<Vec<_>>()}).to_string()
}

async fn handle(app: &AppService, clock: &VirtualClock, event: &str) -> Result<Json, String> {
    let deadline = Some(clock.now().saturating_add(seconds(10)));
    let answer = app.invoke(event, Invocation { deadline, ..Invocation::default() }).await;
    answer.map(|answer| serde_json::from_str(&answer).unwrap()).map_err(|error| error.to_string())
}

fn failures(ids: &[&str]) -> Result<Json, String> {
    let ids = ids.iter().map(|id| json!({"itemIdentifier": id}));
    Ok(json!({"batchItemFailures": ids.collect::<Vec<_>>()}))
}

#[test]
fn records_are_handled_once() {
    let clock = clock();
    let (app, runs) = consumer(&clock, once(&memory(&clock)));
    let event = messages(&[("1", ""), ("2", "fail"), ("1", "")]);
    assert_eq!(clock.run(handle(&app, &clock, &event)), failures(&["2"]));
    assert_eq!(count(&runs), 2);
    // Redelivered with the same messages as before.
    assert_eq!(clock.run(handle(&app, &clock, &event)), failures(&[]));
    assert_eq!(count(&runs), 3);
    let nameless = messages(&[(" ", "")]);
    let refused = clock.run(handle(&app, &clock, &nameless));
    assert_eq!(refused, Err("apptheory: failed record has no identifier".to_owned()));
    assert_eq!(count(&runs), 3);
}

#[test]
fn a_record_that_is_being_handled_fails() {
    let clock = clock();
    let (app, runs) = consumer(&clock, once(&memory(&clock)));
    let event = messages(&[("1", "5")]);
    let later = async {
        clock.sleep(seconds(1)).await;
        handle(&app, &clock, &event).await
    };
    let handled = clock.run(join(handle(&app, &clock, &event), later));
    assert_eq!(handled, (failures(&[]), failures(&["1"])));
    assert_eq!(clock.run(handle(&app, &clock, &event)), failures(&[]));
    assert_eq!(count(&runs), 1);
}

#[test]
fn a_record_that_was_given_up_comes_again_when_its_lease_has_ended() {
    let clock = clock();
    let (app, runs) = consumer(&clock, once(&memory(&clock)));
    let event = messages(&[("1", "60")]);
    assert_eq!(clock.run(handle(&app, &clock, &event)), failures(&["1"]));
    // Half a second is left of the invocation, and of the lease.
    assert_eq!(clock.run(handle(&app, &clock, &event)), failures(&["1"]));
    assert_eq!(count(&runs), 1);
    clock.advance(seconds(1));
    assert_eq!(clock.run(handle(&app, &clock, &event)), failures(&["1"]));
    assert_eq!(count(&runs), 2);
}

#[test]
fn records_fail_when_the_store_fails_unless_failing_open() {
    for (fails_open, failed, runs_then) in [(false, &["1"][..], 0), (true, &[], 1)] {
        let clock = clock();
        let plan = FaultPlan::default().fail(1, store::Error::Throttled);
        let once = once(&memory(&clock).layer(|store| Faulty::new(store, plan)));
        let (app, runs) = consumer(&clock, if fails_open { once.fail_open() } else { once });
        let event = messages(&[("1", "")]);
        assert_eq!(clock.run(handle(&app, &clock, &event)), failures(failed));
        assert_eq!(count(&runs), runs_then);
    }
}

#[test]
fn outputs_are_given_again() {
    let clock = clock();
    let (app, _) = consumer(&clock, once(&memory(&clock)));
    let record = |id: &str| {
        json!({"EventSource": "aws:sns",
        "Sns": {"TopicArn": "arn:t", "MessageId": id}})
    };
    let event = json!({"Records": [record("1"), record("2"), record("1")]}).to_string();
    let outputs = Ok(json!([{"run": 1}, {"run": 2}, {"run": 1}]));
    assert_eq!(clock.run(handle(&app, &clock, &event)), outputs);
}

#[test]
fn messages_with_one_key_on_two_connections_are_handled_separately() {
    let clock = clock();
    let runs = Runs::default();
    let counted = Arc::clone(&runs);
    let once = once(&memory(&clock)).with_key(KeySource::json_pointer("/id").unwrap());
    let app = builder(&clock).layer(once).websocket("join", move |_: Context| {
        counted.fetch_add(1, Ordering::Relaxed);
        async { Response::new(200) }
    });
    let app = app.build().unwrap();
    let asked = [
        ("c1=", "", 1),
        ("c1=", "", 1),
        ("c2=", "", 2),
        // An authenticated caller is the same on every connection.
        ("c1=", "ann", 3),
        ("c2=", "ann", 3),
        ("c2=", "bob", 4),
    ];
    for (connection, user, runs_after) in asked {
        let event = json!({"body": r#"{"action":"join","id":"1"}"#, "requestContext": {
            "routeKey": "join", "eventType": "MESSAGE", "connectionId": connection, "stage": "dev",
            "authorizer": {"principalId": user, "integrationLatency": 85},
            "domainName": "a.execute-api.us-east-1.amazonaws.com", "requestId": "r1"}});
        clock.run(app.invoke(&event.to_string(), Invocation::default())).unwrap();
        assert_eq!(count(&runs), runs_after, "{connection}");
    }
}
