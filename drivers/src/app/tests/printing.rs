//! `Debug` never prints what clients sent.

use core::fmt::Debug;
use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use apptheory_core::http::RawRequest;
use serde_json::{Value as Json, json};

use super::{builder, clock};
use crate::app::events::SqsMessage;
use crate::app::*;

const SECRET: &str = "hush-hush";

/// Printed texts, by their values.
type Printed = Arc<Mutex<Vec<(&'static str, String)>>>;

fn print(printed: &Printed, what: &'static str, value: &impl Debug) {
    printed.lock().unwrap().push((what, format!("{value:?} {value:#?}")));
}

/// Checks the printed texts, also for bytes that are printed as numbers.
fn check(printed: &Printed, expected: &[&str]) {
    let printed = core::mem::take(&mut *printed.lock().unwrap());
    let names: Vec<_> = printed.iter().map(|(what, _)| *what).collect();
    assert_eq!(names, expected);
    let numbers: String = format!("{:?}", SECRET.as_bytes()).split_whitespace().collect();
    for (what, printed) in printed {
        let flat: String = printed.split_whitespace().collect();
        for shown in [SECRET, numbers.trim_matches(['[', ']'])] {
            assert!(!flat.contains(shown), "{what}: {printed}");
        }
    }
}

fn request(method: &str, path: &str) -> RawRequest<'static> {
    let mut request = RawRequest::new(method, &format!("{path}?token={SECRET}"));
    request.headers.append("authorization", format!("Bearer {SECRET}"));
    request.headers.append("cookie", format!("session={SECRET}"));
    request.body = Cow::Borrowed(SECRET.as_bytes());
    request
}

#[test]
fn requests_of_an_application_are_not_printed() {
    let (clock, printed) = (clock(), Printed::default());
    let (at_handler, at_middleware) = (Arc::clone(&printed), Arc::clone(&printed));
    let builder = builder(&clock)
        .layer(move |context: Context, next: Next| {
            let printed = Arc::clone(&at_middleware);
            async move {
                context.set("token", SECRET);
                context.extend(SECRET.to_owned());
                print(&printed, "next", &next);
                let response = next.run(context.clone()).await;
                print(&printed, "context", &context);
                print(&printed, "response", &response);
                Ok(response)
            }
        })
        .post("/", move |context: Context, body: Body| {
            print(&at_handler, "body", &body);
            print(&at_handler, "handler's context", &context);
            core::future::ready(
                Response::text(200, SECRET)
                    .with_header("x-secret", SECRET)
                    .with_cookie(SECRET)
                    .with_stream(BodyStream::from_chunks([SECRET])),
            )
        });
    print(&printed, "builder", &builder);
    let app = builder.build().unwrap();
    print(&printed, "app", &app);
    let response = clock.run(app.serve(request("POST", "/"), Invocation::default()));
    print(&printed, "answer", &response);
    print(&printed, "stream", &response.stream);
    check(
        &printed,
        &[
            "builder",
            "app",
            "next",
            "body",
            "handler's context",
            "context",
            "response",
            "answer",
            "stream",
        ],
    );
}

#[cfg(feature = "tower")]
#[test]
fn bodies_of_services_are_not_printed() {
    let (clock, printed) = (clock(), Printed::default());
    let app = builder(&clock)
        .get("/whole", async || SECRET)
        .get("/streamed", async || {
            Response::text(200, SECRET).with_stream(BodyStream::from_chunks([SECRET]))
        })
        .build()
        .unwrap();
    for path in ["/whole", "/streamed"] {
        let request = http::Request::get(path).body(http_body_util::Empty::<bytes::Bytes>::new());
        let answer = clock.run(app.respond(request.unwrap()));
        print(&printed, path, answer.body());
    }
    check(&printed, &["/whole", "/streamed"]);
}

fn invoke(app: &AppService, event: &Json) -> Json {
    let answer = clock().run(app.invoke(&event.to_string(), Invocation::default()));
    serde_json::from_str(&answer.unwrap()).unwrap()
}

#[test]
fn messages_of_websockets_are_not_printed() {
    let printed = Printed::default();
    let at_handler = Arc::clone(&printed);
    let app = builder(&clock())
        .websocket("$default", move |context: Context, socket: WebSocket, body: Body| {
            print(&at_handler, "socket", &socket);
            print(&at_handler, "context", &context);
            print(&at_handler, "body", &body);
            core::future::ready("")
        })
        .build()
        .unwrap();
    let answer = invoke(
        &app,
        &json!({"body": SECRET, "headers": {"authorization": SECRET}, "isBase64Encoded": false,
            "requestContext": {
                "routeKey": "$default", "eventType": "MESSAGE", "connectionId": "c1=",
                "stage": "dev", "domainName": "a.execute-api.us-east-1.amazonaws.com",
                "requestId": "r1", "authorizer": {"principalId": "u", "token": SECRET}}}),
    );
    assert_eq!(answer["statusCode"], 200);
    check(&printed, &["socket", "context", "body"]);
}

#[test]
fn what_the_platform_says_of_a_request_is_not_printed() {
    let printed = Printed::default();
    let at_handler = Arc::clone(&printed);
    let app = builder(&clock())
        .get(
            "/",
            move |query: RawQuery,
                  claims: Claims<Json>,
                  authorizer: Result<Authorizer<Json>, AppError>,
                  context: RequestContext,
                  stage: StageVariables| {
                print(&at_handler, "query", &query);
                print(&at_handler, "claims", &claims);
                print(&at_handler, "authorizer", &authorizer);
                print(&at_handler, "context", &context);
                print(&at_handler, "stage", &stage);
                core::future::ready("")
            },
        )
        .build()
        .unwrap();
    let answer = invoke(
        &app,
        &json!({"httpMethod": "GET", "path": "/", "queryStringParameters": {"sig": SECRET},
            "stageVariables": {"key": SECRET}, "requestContext": {
                "identity": {"apiKey": SECRET},
                "authorizer": {"principalId": "u", "token": SECRET, "claims": {"sub": SECRET}}}}),
    );
    assert_eq!(answer["statusCode"], 200);
    check(&printed, &["query", "claims", "authorizer", "context", "stage"]);
}

#[test]
fn records_are_not_printed() {
    let printed = Printed::default();
    let at_handler = Arc::clone(&printed);
    let app = builder(&clock())
        .sqs("q", move |message: Arc<SqsMessage>, context: Context| {
            context.set("token", SECRET);
            print(&at_handler, "message", &message);
            print(&at_handler, "context", &context);
            print(&at_handler, "input", context.record().unwrap());
            core::future::ready(Ok::<_, AppError>(()))
        })
        .build()
        .unwrap();
    let answer = invoke(
        &app,
        &json!({"Records": [{"messageId": "1", "receiptHandle": SECRET, "body": SECRET,
            "attributes": {}, "messageAttributes": {"token": {"stringValue": SECRET, "dataType": "String"}},
            "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:1:q",
            "awsRegion": "us-east-1"}]}),
    );
    assert_eq!(answer, json!({"batchItemFailures": []}));
    check(&printed, &["message", "context", "input"]);
}
