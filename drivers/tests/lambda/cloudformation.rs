//! CloudFormation custom resources: a response reaches the URL in any case.

use core::future::pending;
use core::time::Duration;
use std::sync::{Arc, Mutex};

use apptheory::app::{App, AppService, Invocation};
use apptheory::clock::VirtualClock;
use apptheory::error::AppError;
use apptheory::events::{CustomResource, Done, LeftBehind, ResourceChange};
use apptheory::lambda::InvokeMode;
use serde_json::{Value as Json, json};
use tokio::sync::{mpsc, oneshot};

use super::server::RuntimeApi;
use super::time::{clock, in_seconds};

#[derive(serde::Deserialize)]
struct Settings {
    does: String,
}

/// A fake S3 on loopback.
struct S3(RuntimeApi);

impl S3 {
    async fn listen() -> Self {
        Self(RuntimeApi::listen().await)
    }

    fn event(&self, request_type: &str, physical_id: &str, does: &str) -> String {
        let url = format!("http://{}/a%20b/c?X-Amz-Signature=s3cret&x=1%2F2", self.0.address());
        json!({"RequestType": request_type, "ResponseURL": url, "StackId": "stack-1",
            "RequestId": "request-1", "LogicalResourceId": "Cache", "PhysicalResourceId": physical_id,
            "ResourceType": "Custom::Cache", "ResourceProperties": {"does": does}})
        .to_string()
    }

    /// Receives a response, and replies with a status of S3's.
    async fn take(&mut self, status: u16) -> Json {
        let mut put = self.0.request().await;
        let line = (&*put.method, &*put.path);
        assert_eq!(line, ("PUT", "/a%20b/c?X-Amz-Signature=s3cret&x=1%2F2"));
        // The URL is signed without a content type, and S3 accepts no chunks.
        assert_eq!(put.headers.get("content-type"), None);
        assert_eq!(put.headers.get("transfer-encoding"), None);
        let answer = put.json().await;
        put.answer(status, &[("connection", "close")], b"").await;
        answer
    }
}

/// Reported failures.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn take(&self) -> Vec<String> {
        core::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// Returns an application whose resource does what its template says, the calls of its handler, and
/// the reported failures.
fn app(clock: &VirtualClock) -> (App, mpsc::UnboundedReceiver<()>, Told) {
    let (call, calls) = mpsc::unbounded_channel();
    let told = Told::default();
    let tell = told.clone();
    let app = App::new()
        .clock(clock.clone())
        .cloudformation_at_any_host()
        .cloudformation(move |resource: CustomResource<Settings>| {
            call.send(()).unwrap();
            async move {
                let does = match resource.change {
                    ResourceChange::Create { properties } => properties.does,
                    ResourceChange::Update { properties, .. } => properties.does,
                    ResourceChange::Delete { physical_id, .. } => {
                        return Ok(Done::new(physical_id));
                    }
                };
                match &*does {
                    "conflicts" => Err(AppError::conflict("the name is taken")),
                    "leaves" => {
                        let error = AppError::conflict("no quota is left");
                        Err(LeftBehind::new("cache-7", error).into())
                    }
                    "fails" => Err(AppError::from_error(std::io::Error::other("no host"))),
                    "panics" => panic!("boom"),
                    "hangs" => pending().await,
                    "grows" => Ok(Done::new("cache-7").data("Endpoint", "a".repeat(5000))),
                    _ => Ok(Done::new("cache-7").data("Endpoint", "cache-7.local")),
                }
            }
        })
        .on_failure(move |failure| tell.0.lock().unwrap().push(failure.to_string()));
    (app, calls, told)
}

/// Starts a function, and returns the API that sends its events.
async fn start(app: App) -> RuntimeApi {
    let api = RuntimeApi::listen().await;
    let _function = api.start(app.build().unwrap(), InvokeMode::Buffered);
    api
}

async fn hand_out(api: &mut RuntimeApi, event: &str) {
    let fields = [("Lambda-Runtime-Deadline-Ms", &*in_seconds(10))];
    api.poll().await.hand_out("r1", &fields, event).await;
}

/// Receives the response of the invocation.
async fn answered(api: &mut RuntimeApi) -> (String, Json) {
    let mut answer = api.request().await;
    let resource = answer.resource().to_owned();
    let json = answer.json().await;
    answer.answer(202, &[], b"").await;
    (resource, json)
}

#[tokio::test]
async fn a_success_is_sent_to_s3_before_the_invocation_is_answered() {
    let (mut s3, (app, _calls, told)) = (S3::listen().await, app(&clock()));
    let mut api = start(app).await;
    for (request_type, physical_id) in
        [("Create", ""), ("Update", "cache-6"), ("Delete", "cache-7")]
    {
        hand_out(&mut api, &s3.event(request_type, physical_id, "")).await;
        let data = match request_type {
            "Delete" => json!({}),
            _ => json!({"Endpoint": "cache-7.local"}),
        };
        assert_eq!(
            s3.take(200).await,
            json!({
                "Status": "SUCCESS", "PhysicalResourceId": "cache-7", "StackId": "stack-1",
                "RequestId": "request-1", "LogicalResourceId": "Cache", "Data": data, "NoEcho": false,
            })
        );
        assert_eq!(answered(&mut api).await, ("r1/response".to_owned(), Json::Null));
    }
    assert!(told.take().is_empty());
}

#[tokio::test]
async fn a_failure_is_sent_with_its_reason_and_only_created_resources_are_deleted() {
    let (mut s3, (app, mut calls, told)) = (S3::listen().await, app(&clock()));
    let api = RuntimeApi::listen().await;
    let variables =
        [("AWS_LAMBDA_LOG_GROUP_NAME", "group"), ("AWS_LAMBDA_LOG_STREAM_NAME", "stream")];
    let _function = tokio::spawn(api.runtime(app.build().unwrap(), &variables).run());
    let mut api = api;
    for (does, reason, cause) in [
        ("conflicts", "the name is taken", "the name is taken"),
        ("leaves", "no quota is left", "no quota is left"),
        ("fails", "internal error", "no host"),
        ("panics", "internal error", "boom"),
        ("grows", "internal error", "4096 bytes"),
    ] {
        hand_out(&mut api, &s3.event("Create", "", does)).await;
        let answer = s3.take(200).await;
        assert_eq!(answer["Status"], "FAILED");
        let reason = format!("{reason}; see the log of request r1 in group stream");
        assert_eq!(answer["Reason"], reason);
        // It succeeds: Lambda would retry it, although CloudFormation has its response.
        assert_eq!(answered(&mut api).await.0, "r1/response");
        let causes = told.take();
        assert!(causes.len() == 1 && causes[0].contains(cause), "{does}: {causes:?}");
        calls.recv().await.unwrap();

        let physical_id = answer["PhysicalResourceId"].as_str().unwrap();
        hand_out(&mut api, &s3.event("Delete", physical_id, does)).await;
        assert_eq!(s3.take(200).await["Status"], "SUCCESS");
        assert_eq!(answered(&mut api).await.0, "r1/response");
        // A resource whose response is too large was created, as one left behind, and can be
        // deleted.
        assert_eq!(calls.try_recv().is_ok(), matches!(does, "grows" | "leaves"), "{does}");

        // A failed update that created another resource names it; any other names the old resource.
        hand_out(&mut api, &s3.event("Update", "cache-6", does)).await;
        let answer = s3.take(200).await;
        let made = if matches!(does, "grows" | "leaves") { "cache-7" } else { "cache-6" };
        assert_eq!(answer["PhysicalResourceId"], made, "{does}");
        assert_eq!(answered(&mut api).await.0, "r1/response");
        calls.recv().await.unwrap();
        drop(told.take());
    }
    let odd = s3.event("Update", "cache-6", "").replace(r#""does":"""#, r#""does":null"#);
    hand_out(&mut api, &odd).await;
    let answer = s3.take(200).await;
    assert_eq!(answer["PhysicalResourceId"], "cache-6");
    let reason = answer["Reason"].as_str().unwrap();
    assert!(reason.contains("ResourceProperties.does: expected a string"), "{reason}");
}

#[tokio::test]
async fn a_handler_that_hangs_is_sent_as_failed_before_the_deadline() {
    for (deadline_s, stopped_ms) in [(10, 8_000), (4, 3_000)] {
        let clock = clock();
        let (mut s3, (app, mut calls, _)) = (S3::listen().await, app(&clock));
        let mut api = start(app).await;
        let fields = [("Lambda-Runtime-Deadline-Ms", &*in_seconds(deadline_s))];
        let event = s3.event("Create", "", "hangs");
        api.poll().await.hand_out("r1", &fields, &event).await;
        calls.recv().await.unwrap();
        clock.advance(Duration::from_millis(stopped_ms - 1));
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(s3.0.try_request().is_none());
        clock.advance(Duration::from_millis(1));
        let answer = s3.take(200).await;
        assert_eq!(answer["Status"], "FAILED");
        assert!(answer["Reason"].as_str().unwrap().contains("in time"), "{answer}");
        assert_eq!(answered(&mut api).await.0, "r1/response");
    }
}

#[tokio::test]
async fn a_shutdown_sends_the_failure_at_once() {
    let (mut s3, (app, mut calls, _)) = (S3::listen().await, app(&clock()));
    let mut api = RuntimeApi::listen().await;
    let (stop, stopped) = oneshot::channel::<()>();
    let runtime = api.runtime(app.build().unwrap(), &[]);
    let function = tokio::spawn(runtime.shutdown_on(async { drop(stopped.await) }).run());
    let register = api.request().await;
    register.answer(200, &[("Lambda-Extension-Identifier", "e-1")], b"{}").await;
    let others = [api.request().await, api.request().await];
    for poll in others {
        if poll.path.ends_with("/runtime/invocation/next") {
            let event = s3.event("Create", "", "hangs");
            poll.hand_out("r1", &[], &event).await;
        }
    }
    calls.recv().await.unwrap();
    stop.send(()).unwrap();
    let answer = s3.take(200).await;
    assert!(answer["Reason"].as_str().unwrap().contains("shut down"), "{answer}");
    assert_eq!(answered(&mut api).await.0, "r1/response");
    function.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_aborted_invocation_still_sends_its_failure() {
    let (mut s3, (app, mut calls, _)) = (S3::listen().await, app(&clock()));
    let app = app.build().unwrap();
    let (service, event) = (app.clone(), s3.event("Update", "cache-6", "hangs"));
    let invoking = tokio::spawn(async move { service.invoke(&event, Invocation::default()).await });
    calls.recv().await.unwrap();
    invoking.abort();
    let answer = s3.take(200).await;
    assert_eq!(
        (&answer["Status"], &answer["PhysicalResourceId"]),
        (&json!("FAILED"), &json!("cache-6"))
    );
}

/// Invokes an application, with a clock that is advanced whenever a task sleeps.
async fn invoke(app: AppService, clock: &VirtualClock, event: String) -> Result<String, String> {
    let invoked = tokio::spawn(async move {
        app.invoke(&event, Invocation::default()).await.map_err(|error| error.to_string())
    });
    while !invoked.is_finished() {
        clock.advance(Duration::from_millis(10));
        tokio::task::yield_now().await;
    }
    invoked.await.unwrap()
}

#[tokio::test]
async fn an_answer_that_does_not_get_through_is_sent_again() {
    let clock = clock();
    let (mut s3, (app, _calls, told)) = (S3::listen().await, app(&clock));
    let event = s3.event("Create", "", "");
    let sending = tokio::spawn({
        let (app, clock) = (app.build().unwrap(), clock.clone());
        async move { invoke(app, &clock, event).await }
    });
    s3.take(503).await;
    drop(s3.0.request().await);
    let answer = s3.take(200).await;
    assert_eq!(answer["Status"], "SUCCESS");
    assert_eq!(sending.await.unwrap().unwrap(), "null");
    assert!(told.take().is_empty());
}

#[tokio::test]
async fn an_answer_that_gets_lost_fails_the_invocation_and_prints_no_url() {
    for (status, attempts) in [(403, 1), (500, 5)] {
        let clock = clock();
        let (mut s3, (app, _calls, told)) = (S3::listen().await, app(&clock));
        let event = s3.event("Create", "", "");
        let sending = tokio::spawn({
            let (app, clock) = (app.build().unwrap(), clock.clone());
            async move { invoke(app, &clock, event).await }
        });
        for _ in 0..attempts {
            s3.take(status).await;
        }
        assert_eq!(sending.await.unwrap().unwrap_err(), "internal error");
        let told = told.take();
        assert!(
            told.len() == 1 && told[0].contains(&format!("S3 returned status {status}")),
            "{told:?}"
        );
        assert!(!told[0].contains("Signature"), "{told:?}");
    }
}

#[tokio::test]
async fn nothing_is_sent_to_hosts_other_than_s3_unless_configured() {
    let mut s3 = S3::listen().await;
    let told = Told::default();
    let tell = told.clone();
    let app = App::new()
        .cloudformation(async |_: CustomResource<Settings>| -> Done {
            panic!("it cannot be answered")
        })
        .on_failure(move |failure| tell.0.lock().unwrap().push(failure.to_string()))
        .build()
        .unwrap();
    let refused = app.invoke(&s3.event("Create", "", ""), Invocation::default()).await;
    assert_eq!(refused.unwrap_err().to_string(), "internal error");
    let told = told.take();
    assert!(told.len() == 1 && told[0].contains("cloudformation_at_any_host"), "{told:?}");
    assert!(s3.0.try_request().is_none());
}
