//! Work that takes longer than its invocation is cancelled, by the same rule for all kinds of
//! events.

use core::future::pending;
use core::time::Duration;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use apptheory_core::error::AppError;
use apptheory_core::events::Rule;
use apptheory_core::http::RawRequest;
use apptheory_core::http::exchange::{PolicyStage, Principal};
use apptheory_core::time::Timestamp;
use futures_util::{StreamExt as _, stream};
use serde_json::{Value as Json, json};

use super::{builder, clock, get, text};
use crate::app::events::{EventBridgeMessage, SnsNotification, SqsMessage};
use crate::app::*;
use crate::clock::{Clock as _, VirtualClock};

/// The time of every invocation: work stops half a second before its end.
const GIVEN: Duration = Duration::from_secs(6);
const WORK: Duration = Duration::from_millis(5_500);

fn within(clock: &VirtualClock, given: Duration) -> Invocation {
    Invocation { deadline: Some(clock.now().saturating_add(given)), ..Invocation::default() }
}

/// Counts the futures that were dropped before they finished.
#[derive(Clone, Default)]
struct Dropped(Arc<AtomicUsize>);

struct Held(Dropped);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Dropped {
    async fn hang<T>(self) -> T {
        let _held = Held(self);
        pending().await
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Returns an event of a function URL.
fn url_event(path: &str) -> String {
    json!({"version": "2.0", "rawPath": path, "requestContext": {
        "domainName": "abc.lambda-url.eu-west-1.on.aws", "http": {"method": "GET", "path": path}}})
    .to_string()
}

#[test]
fn a_request_that_hangs_anywhere_is_504() {
    let clock = clock();
    let dropped = Dropped::default();
    let [in_handler, in_middleware, in_caller, in_policy] = [(); 4].map(|()| dropped.clone());
    let tokens = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&tokens);
    let app = builder(&clock)
        .policy(PolicyStage::BeforeAuthentication, move |context: Context| {
            let (hang, token) = (in_policy.clone(), context.cancellation().clone());
            keep.lock().unwrap().push(token);
            async move { if context.path() == "/policy" { hang.hang().await } else { Ok(None) } }
        })
        .authenticate(move |context: Context| {
            let hang = in_caller.clone();
            async move {
                if context.path() == "/caller" {
                    return hang.hang().await;
                }
                Ok(Some(Principal::new("u")))
            }
        })
        .layer(move |context: Context, next: Next| {
            let hang = in_middleware.clone();
            async move {
                if context.path() == "/middleware" {
                    return hang.hang().await;
                }
                Ok(next.run(context).await)
            }
        })
        .get(
            "/{place}",
            (move |context: Context| {
                let hang = in_handler.clone();
                async move {
                    if context.param("place") == "handler" { hang.hang().await } else { "done" }
                }
            })
            .for_callers(),
        )
        .build()
        .unwrap();
    for (round, place) in ["handler", "middleware", "caller", "policy"].into_iter().enumerate() {
        let (begun, invocation) = (clock.now(), within(&clock, GIVEN));
        let response = clock.run(app.serve(get(&format!("/{place}")), invocation));
        assert_eq!((response.status, begun.until(clock.now())), (504, WORK), "{place}");
        assert!(text(&response).contains(r#""code":"app.timeout","message":"request timeout""#));
        assert!(!response.headers.first("x-request-id").is_empty());
        assert_eq!(dropped.count(), round + 1, "{place}");
        assert!(tokens.lock().unwrap()[round].is_cancelled(), "{place}");
    }
    let response = clock.run(app.serve(get("/nothing"), within(&clock, GIVEN)));
    assert_eq!(response.status, 200);
    assert!(!tokens.lock().unwrap()[4].is_cancelled());
    // Work that is already late does not start.
    let response = clock.run(app.serve(get("/nothing"), within(&clock, Duration::ZERO)));
    assert_eq!(response.status, 504);
}

#[test]
fn the_reserve_is_one_setting_for_requests_and_events() {
    let hang = async || pending::<()>().await;
    for (given, reserve, works) in [
        (Duration::from_secs(900), None, Duration::from_millis(899_500)),
        (Duration::from_secs(3), None, Duration::from_millis(2_700)),
        (Duration::from_secs(3), Some(1), Duration::from_secs(2)),
        (Duration::from_secs(3), Some(0), Duration::from_secs(3)),
    ] {
        let clock = clock();
        let app = builder(&clock)
            .get("/", hang)
            .sqs("q", async |_: Arc<SqsMessage>| pending::<()>().await)
            .sns("t", async |_: Arc<SnsNotification>| pending::<()>().await)
            .websocket("a", hang);
        let app = match reserve {
            Some(seconds) => app.reserve(Duration::from_secs(seconds)),
            None => app,
        };
        let app = app.build().unwrap();
        for event in [url_event("/"), sqs_event(&["1"]), sns_event(), socket_event("a")] {
            let (begun, invocation) = (clock.now(), within(&clock, given));
            let _ = clock.run(app.invoke(&event, invocation));
            assert_eq!(begun.until(clock.now()), works, "{event}");
        }
    }
}

fn sqs_event(ids: &[&str]) -> String {
    let records = ids.iter().map(|id| {
        json!({"messageId": id, "receiptHandle": "h", "body": id, "attributes": {},
            "messageAttributes": {}, "md5OfBody": "", "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:q", "awsRegion": "us-east-1"})
    });
    json!({"Records": records.collect::<Vec<_>>()}).to_string()
}

fn sns_event() -> String {
    json!({"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0",
        "EventSubscriptionArn": "arn:aws:sns:us-east-1:123456789012:t:s",
        "Sns": {"Type": "Notification", "MessageId": "m1", "Message": "hi", "Subject": null,
            "TopicArn": "arn:aws:sns:us-east-1:123456789012:t", "MessageAttributes": {}}}]})
    .to_string()
}

fn bridge_event() -> String {
    json!({"version": "0", "id": "e1", "detail-type": "Order", "source": "shop",
        "account": "123456789012", "time": "2026-01-01T00:00:00Z", "region": "us-east-1",
        "resources": [], "detail": {}})
    .to_string()
}

fn socket_event(route_key: &str) -> String {
    json!({"body": "hi", "isBase64Encoded": false, "requestContext": {
        "routeKey": route_key, "eventType": "MESSAGE", "connectionId": "c1=", "stage": "dev",
        "domainName": "a.execute-api.us-east-1.amazonaws.com", "requestId": "r1"}})
    .to_string()
}

#[test]
fn other_events_that_hang_fail_as_timed_out() {
    let clock = clock();
    let failures = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&failures);
    let tokens = Arc::new(Mutex::new(Vec::new()));
    let [of_sns, of_bridge, of_socket] = [(); 3].map(|()| Arc::clone(&tokens));
    let dropped = Dropped::default();
    let [in_sns, in_bridge, in_socket] = [(); 3].map(|()| dropped.clone());
    let app = builder(&clock)
        .on_failure(move |failure| {
            let cause = core::error::Error::source(&failure.error).map(ToString::to_string);
            told.lock().unwrap().push(cause.unwrap_or_default());
        })
        .sns("t", move |_: Arc<SnsNotification>, context: Context| {
            of_sns.lock().unwrap().push(context.cancellation().clone());
            in_sns.clone().hang::<()>()
        })
        .event_bridge(
            Rule::source("shop").detail_type("Order"),
            move |_: Arc<EventBridgeMessage>, context: Context| {
                of_bridge.lock().unwrap().push(context.cancellation().clone());
                in_bridge.clone().hang::<()>()
            },
        )
        .websocket("a", move |context: Context| {
            of_socket.lock().unwrap().push(context.cancellation().clone());
            in_socket.clone().hang::<()>()
        })
        .build()
        .unwrap();
    for event in [sns_event(), bridge_event(), socket_event("a")] {
        let (begun, invocation) = (clock.now(), within(&clock, GIVEN));
        let answer = clock.run(app.invoke(&event, invocation));
        assert!(matches!(answer, Err(InvokeError::TimedOut(TimedOut))), "{event}: {answer:?}");
        assert_eq!(begun.until(clock.now()), WORK, "{event}");
        assert!(tokens.lock().unwrap().pop().unwrap().is_cancelled(), "{event}");
    }
    assert_eq!(dropped.count(), 3);
    assert_eq!(*failures.lock().unwrap(), ["the event was not handled in time"; 3]);
}

#[test]
fn the_rest_of_a_batch_comes_again() {
    let clock = clock();
    let app = builder(&clock)
        .sqs("q", async |message: Arc<SqsMessage>| {
            if message.body == "2" {
                pending::<()>().await;
            }
        })
        .build()
        .unwrap();
    let answer = clock.run(app.invoke(&sqs_event(&["1", "2", "3"]), within(&clock, GIVEN)));
    let failed = r#"{"batchItemFailures":[{"itemIdentifier":"2"},{"itemIdentifier":"3"}]}"#;
    assert_eq!(answer.unwrap(), failed);
}

/// Returns streams without an end: silent, always ready with empty chunks, always ready with bytes.
fn endless(kind: &str) -> BodyStream {
    match kind {
        "silent" => BodyStream::new(stream::pending::<Result<&str, AppError>>()),
        "empty" => BodyStream::new(stream::repeat("").map(Ok::<_, AppError>)),
        _ => BodyStream::new(stream::repeat_with(|| Ok::<_, AppError>(vec![b'a'; 1 << 20]))),
    }
}

#[test]
fn collected_bodies_that_never_end_are_cut_by_time_or_by_size() {
    for (kind, status) in [("silent", 504), ("empty", 504), ("bytes", 413)] {
        let clock = clock();
        let shared = clock.clone();
        let respond = move |context: Context| {
            let body = endless(kind);
            let clock = shared.clone();
            // Time passes while the stream is read.
            let body = body.inspect(move |_| clock.advance(Duration::from_millis(100)));
            drop(context);
            core::future::ready(Response::html_stream(200, BodyStream::new(body)))
        };
        let app = builder(&clock).get("/", respond.clone()).websocket("a", respond);
        let app = app.build().unwrap();
        let answer = clock.run(app.invoke(&url_event("/"), within(&clock, GIVEN))).unwrap();
        let answer: Json = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["statusCode"], status, "{kind}");

        let answer = clock.run(app.invoke(&socket_event("a"), within(&clock, GIVEN)));
        if status == 413 {
            let answer: Json = serde_json::from_str(&answer.unwrap()).unwrap();
            assert_eq!(answer["statusCode"], 413);
        } else {
            assert!(matches!(answer, Err(InvokeError::TimedOut(_))), "{kind}: {answer:?}");
        }
    }
}

#[test]
fn without_a_deadline_there_is_no_race() {
    let clock = clock();
    let year = Duration::from_secs(365 * 24 * 3600);
    let sleeper = clock.clone();
    let app = builder(&clock).get("/", move || {
        let clock = sleeper.clone();
        async move {
            clock.sleep(year).await;
            "done"
        }
    });
    let response = clock.run(app.build().unwrap().serve(get("/"), Invocation::default()));
    assert_eq!((response.status, clock.now()), (200, Timestamp::UNIX_EPOCH.saturating_add(year)));
}

#[test]
fn under_the_contract_a_time_out_is_408_at_the_deadline() {
    let clock = clock();
    let app = builder(&clock).contract_profile().get("/", async || pending::<()>().await);
    let app = app.build().unwrap();
    let invocation = within(&clock, Duration::from_secs(3));
    let response = clock.run(app.serve(get("/"), invocation));
    assert_eq!((response.status, clock.now().unix_seconds()), (408, 3));
}

#[test]
fn a_timeout_may_bound_the_stream_as_well() {
    fn ticking(clock: &VirtualClock, timeout: Timeout) -> AppService {
        builder(clock)
            .layer(timeout)
            .get("/", async |context: Context| {
                let clock = context.clock().clone();
                let ticks = stream::unfold(clock, async |clock| {
                    clock.sleep(Duration::from_secs(2)).await;
                    Some((Ok::<_, AppError>("tick"), clock))
                });
                Response::html_stream(200, BodyStream::new(ticks))
            })
            .build()
            .unwrap()
    }
    async fn take(app: &AppService, request: RawRequest<'_>) -> Vec<Result<String, u16>> {
        let stream = app.serve(request, Invocation::default()).await.stream.unwrap();
        let chunks = stream.take(5).map(|chunk| match chunk {
            Ok(chunk) => Ok(String::from_utf8(chunk.to_vec()).unwrap()),
            Err(error) => Err(error.status()),
        });
        chunks.collect().await
    }
    let clock = clock();
    let tick = || Ok("tick".to_owned());
    let timeout = Timeout::after(Duration::from_secs(5));
    let unbounded = ticking(&clock, timeout.clone());
    assert_eq!(clock.run(take(&unbounded, get("/"))), [(); 5].map(|()| tick()));

    let (begun, bounded) = (clock.now(), ticking(&clock, timeout.including_streams()));
    assert_eq!(clock.run(take(&bounded, get("/"))), [tick(), tick(), Err(504)]);
    assert_eq!(begun.until(clock.now()), Duration::from_secs(5));
    // A reader that was away for longer gets the end, not the chunks that were ready meanwhile.
    let late = clock.run(async {
        let response = bounded.serve(get("/"), Invocation::default()).await;
        clock.advance(Duration::from_secs(60));
        response.stream.unwrap().next().await.unwrap().map_err(|error| error.status())
    });
    assert_eq!(late, Err(504));
}
