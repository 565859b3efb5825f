//! Authorizers, as API Gateway sees them.

use core::future::pending;
use core::time::Duration;

use apptheory_core::error::AppError;
use apptheory_core::events::{AuthorizerPolicy, AuthorizerRequest};
use serde_json::{Value, json};

use super::{builder, clock};
use crate::app::events::AnyEvent;
use crate::app::*;
use crate::clock::Clock as _;

const METHOD: &str = "arn:aws:execute-api:eu-west-1:111122223333:abc123/prod/GET/orders";

fn request() -> Value {
    json!({"path": "/orders", "resource": "/orders", "httpMethod": "GET",
        "headers": {"authorization": "Bearer 7"}, "requestContext": {"stage": "prod"}})
}

/// Returns the event that asks an authorizer about a request.
fn asking(request: &Value) -> Value {
    let mut event = request.clone();
    event["type"] = "REQUEST".into();
    event["methodArn"] = METHOD.into();
    event
}

fn invoke(app: &AppService, event: &Value) -> Result<Value, InvokeError> {
    let invocation = Invocation { request_id: "r1".into(), ..Invocation::default() };
    let answer = clock().run(app.invoke(&event.to_string(), invocation))?;
    Ok(serde_json::from_str(&answer).unwrap())
}

async fn check(asked: AuthorizerRequest) -> Result<AuthorizerPolicy, AppError> {
    match asked.bearer_token().ok_or_else(AppError::unauthorized)? {
        "7" => Ok(AuthorizerPolicy::allow("user-7")),
        "boom" => panic!("secret=42"),
        "down" => Err(AppError::internal()),
        _ => Ok(AuthorizerPolicy::deny()),
    }
}

#[test]
fn one_function_is_an_api_and_its_authorizer_and_never_mixes_them_up() {
    let app = builder(&clock())
        .get("/orders", async |context: Context| context.header("authorization").to_owned())
        .authorizer(check)
        .otherwise(async || ())
        .build()
        .unwrap();
    let answer = invoke(&app, &request()).unwrap();
    assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(200), &json!("Bearer 7")));
    let answer = invoke(&app, &asking(&request())).unwrap();
    assert_eq!(answer["principalId"], "user-7");
    let statement = &answer["policyDocument"]["Statement"][0];
    assert_eq!((&statement["Effect"], &statement["Resource"]), (&json!("Allow"), &json!([METHOD])));
}

#[test]
fn failures_of_an_authorizer_never_allow_a_request() {
    let app = builder(&clock()).authorizer(check).build().unwrap();
    let answered = |token: &str| {
        let mut event = asking(&request());
        event["headers"]["authorization"] = token.into();
        invoke(&app, &event)
    };
    let denied = answered("Bearer 8").unwrap();
    assert_eq!(denied["policyDocument"]["Statement"][0]["Effect"], "Deny");
    // API Gateway responds with 401 to exactly this text.
    assert_eq!(answered("Basic 7").unwrap_err().to_string(), "Unauthorized");
    for token in ["Bearer boom", "Bearer down"] {
        assert_eq!(answered(token).unwrap_err().to_string(), "internal error", "{token}");
    }
    let mut malformed = asking(&request());
    malformed["headers"] = 5.into();
    assert_eq!(invoke(&app, &malformed).unwrap_err().to_string(), "internal error");

    async fn answer_itself(_: Context, _: Next) -> Answer {
        Response::json(200, &json!({"isAuthorized": true}))
    }
    let app = builder(&clock()).layer(answer_itself).authorizer(check).build().unwrap();
    let error = invoke(&app, &asking(&request())).unwrap_err();
    let causes = core::iter::successors(Some(&error as &dyn core::error::Error), |e| e.source());
    let last = causes.last().map(ToString::to_string).unwrap_or_default();
    assert!(last.contains("an API with a Lambda authorizer would not accept"), "{last}");

    let clock = clock();
    let app =
        builder(&clock).authorizer(async || pending::<AuthorizerPolicy>().await).build().unwrap();
    let deadline = Some(clock.now().saturating_add(Duration::from_secs(6)));
    let invocation = Invocation { deadline, ..Invocation::default() };
    let event = asking(&request()).to_string();
    let failed = clock.run(app.invoke(&event, invocation)).unwrap_err();
    assert!(matches!(failed, InvokeError::TimedOut(_)), "{failed:?}");
}

#[test]
fn without_an_authorizer_the_event_is_any_event() {
    let seen = async |event: AnyEvent| Json(event.seen().to_string());
    let app = builder(&clock()).get("/orders", async || "served").otherwise(seen).build().unwrap();
    let expected = "an event of authorizer (by `type` beside `methodArn` or `routeArn`)";
    assert_eq!(invoke(&app, &asking(&request())).unwrap(), expected);

    let app = builder(&clock()).get("/orders", async || "served").build().unwrap();
    let error = invoke(&app, &asking(&request())).unwrap_err().to_string();
    assert!(
        error.ends_with("with `authorizer`, or `otherwise`, or check what invokes the function")
    );

    let twice = builder(&clock()).authorizer(check).authorizer(check).build().unwrap_err();
    assert_eq!(
        twice.to_string(),
        "authorizer() would never run its handler: an earlier one answers the same events; remove \
         one of the two; see apptheory::guide::events"
    );
}
