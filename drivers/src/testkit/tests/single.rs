//! Single events, as their services send them.

use apptheory_core::error::AppError;
use apptheory_core::events::{
    AgentAnswer, AgentRequest, AlarmEvent, AppSyncRequest, AuthorizerRequest, AuthorizerSource,
    CodePipelineJob, CognitoEvent, ConfigEvaluation, Policy, S3BatchResult, S3BatchTask,
    SecretRotation, SignUp,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::app::said;
use crate::app::events::Arguments;
use crate::app::kind::cognito::{PostConfirmation, PreSignUp};
use crate::app::{App, Json};
use crate::store::Store;
use crate::testkit::{TestApp, Via, events};

#[derive(Deserialize)]
struct Find {
    id: u32,
}

async fn check(asked: AuthorizerRequest) -> Result<Policy, AppError> {
    asked.bearer_token().ok_or_else(AppError::unauthorized)?;
    let source = format!("{:?} {}", asked.source, asked.request.path);
    Ok(Policy::allow("user-7").context("source", source))
}

async fn sign_up(event: CognitoEvent) -> Result<SignUp, AppError> {
    match event.request.attribute("email") {
        "" => Err(AppError::bad_request("an email address is needed")),
        _ => Ok(SignUp { auto_confirm_user: true, ..SignUp::default() }),
    }
}

fn app(_: &Store) -> App {
    App::new()
        .get("/orders", async || "served")
        .authorizer(check)
        .cognito(PreSignUp, sign_up)
        .cognito(PostConfirmation, async || ())
        .appsync("Query", "order", async |Arguments(find): Arguments<Find>| Json(find.id))
        .appsync_batch("Order", "total", async |asked: Vec<AppSyncRequest>| {
            Json(asked.into_iter().map(|one| one.source["id"].clone()).collect::<Vec<_>>())
        })
        .appsync_batch("Order", "short", async |_: Vec<AppSyncRequest>| Json(vec![1]))
}

#[test]
fn each_kind_of_api_asks_before_it_hands_over() {
    let app = TestApp::new(app);
    for (via, source) in [
        (Via::RestApi, AuthorizerSource::RestRequest),
        (Via::HttpApiV1, AuthorizerSource::HttpApiV1),
        (Via::HttpApi, AuthorizerSource::HttpApiV2),
    ] {
        let request = app.get("/orders").via(via).header("authorization", "Bearer t");
        let answer: Value = request.clone().authorize().answer();
        assert_eq!(answer["context"]["source"], format!("{source:?} /orders"));
        let statement = &answer["policyDocument"]["Statement"][0];
        let arn = "arn:aws:execute-api:us-east-1:000000000000:test/test/GET/orders";
        assert_eq!(statement["Resource"], json!([arn]), "{via:?}");
        request.send().assert_status(200);
        app.get("/orders").via(via).authorize().assert_error("Unauthorized");
    }
    let answer: Value = app.authorize_token("Bearer t", "GET", "/orders").answer();
    assert_eq!(answer["context"]["source"], "RestToken /orders");
    let url = said(|| drop(app.get("/").authorize()));
    assert!(url.contains("FunctionUrl asks no Lambda authorizer"), "{url}");
}

#[test]
fn triggers_are_answered_with_their_events() {
    let app = TestApp::new(app);
    let request = json!({"userAttributes": {"email": "ann@example.com"}});
    let mut expected = events::cognito("PreSignUp_SignUp", &request);
    expected["response"] =
        json!({"autoConfirmUser": true, "autoVerifyEmail": false, "autoVerifyPhone": false});
    app.cognito("PreSignUp_SignUp", &request).assert_answer(&expected);
    app.cognito("PreSignUp_SignUp", &json!({})).assert_error("an email address is needed");
    let confirmed = "PostConfirmation_ConfirmSignUp";
    app.cognito(confirmed, &request).assert_answer(&events::cognito(confirmed, &request));
    // Nothing is registered for it: the user is not let in by accident.
    let other = app.cognito("PreAuthentication_Authentication", &request);
    other.assert_error("an event of cognito (by `triggerSource`)");
}

#[test]
fn services_without_a_builder_are_invoked_with_their_events() {
    let app = TestApp::new(|_| {
        App::new()
            .secrets_rotation(async |rotation: SecretRotation| Json(rotation.secret_id))
            .codepipeline(async |job: CodePipelineJob| assert_eq!(job.id, "j1"))
            .config_rule("tagged", async |asked: ConfigEvaluation| Json(asked.result_token))
            .cloudwatch_alarm("latency", async |alarm: AlarmEvent| {
                Json(alarm.alarm_data.state.value)
            })
            .s3_batch(async |task: S3BatchTask| S3BatchResult::Succeeded(task.key))
            .bedrock_agent("weather", async |asked: AgentRequest| {
                AgentAnswer::text(asked.parameter("city"))
            })
    });
    let rotation = json!({"Step": "testSecret", "SecretId": "s", "ClientRequestToken": "t"});
    app.invoke(&rotation).assert_answer("s");
    let job = json!({"id": "j1", "data": {"actionConfiguration": {"configuration": {}}}});
    app.invoke(&json!({"CodePipeline.job": job})).assert_answer(&Value::Null);
    app.invoke(&json!({"CodePipeline.job": {"id": "j1"}})).assert_error("data");
    let rule =
        |name: &str| json!({"configRuleName": name, "resultToken": "r", "invokingEvent": "{}"});
    app.invoke(&rule("tagged")).assert_answer("r");
    app.invoke(&rule("other")).assert_error("with `config_rule`, or `otherwise`");
    let alarm = json!({"alarmArn": "a", "alarmData":
        {"alarmName": "latency", "state": {"value": "OK"}}});
    app.invoke(&alarm).assert_answer("OK");
    let task = json!({"invocationSchemaVersion": "1.0", "invocationId": "i", "job": {"id": "j"},
        "tasks": [{"taskId": "t", "s3Key": "k"}]});
    let answer: Value = app.invoke(&task).answer();
    assert_eq!(answer["results"][0]["resultString"], "k");
    let asked = json!({"messageVersion": "1.0", "agent": {}, "actionGroup": "weather",
        "function": "f", "parameters": [{"name": "city", "value": "Oslo"}]});
    let answer: Value = app.invoke(&asked).answer();
    let body = &answer["response"]["functionResponse"]["responseBody"]["TEXT"]["body"];
    assert_eq!(body, "Oslo");

    let twice = App::new().config_rule("a", async || ()).config_rule(" a ", async || ());
    let error = twice.build().unwrap_err().to_string();
    assert!(error.starts_with(r#"config_rule("a") would never run its handler: an earlier one"#));
    let blank = App::new().bedrock_agent(" ", async || AgentAnswer::text("")).build();
    assert!(blank.unwrap_err().to_string().contains("the name is blank"));
}

#[test]
fn fields_are_resolved_one_by_one_and_in_batches() {
    let app = TestApp::new(app);
    app.appsync("Query", "order", &json!({"id": 7})).assert_answer(&7);
    let wrong = app.appsync("Query", "order", &json!({"id": "secret"}));
    wrong.assert_error("invalid json of arguments.id: expected u32");
    app.appsync("Query", "other", &json!({})).assert_error("an event of appsync");
    let asked = |field: &str, id: u32| {
        let mut event = events::appsync("Order", field, &json!({}));
        event["source"] = json!({"id": id});
        event
    };
    app.invoke(&[asked("total", 1), asked("total", 2)]).assert_answer(&[1, 2]);
    // A value too few would be another parent's.
    app.invoke(&[asked("short", 1), asked("short", 2)]).assert_error("internal error");
    app.invoke(&[asked("short", 1)]).assert_answer(&[1]);
}
