//! Single events, as their services send them.

use apptheory_core::error::AppError;
use apptheory_core::events::{
    AgentAnswer, AgentRequest, AlarmEvent, AppSyncRequest, AuthorizerPolicy, AuthorizerRequest,
    AuthorizerSource, CodePipelineJob, CognitoEvent, ConfigEvaluation, ContactAnswer, ContactEvent,
    LexAnswer, LexSource, LexTurn, RotationStep, S3BatchResult, S3BatchTask, SecretRotation,
    SignUp,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::app::said;
use crate::app::events::Arguments;
use crate::app::kind::cognito::{PostConfirmation, PreSignUp};
use crate::app::{App, Json};
use crate::store::Store;
use crate::testkit::events::{self, LexEntry};
use crate::testkit::{TestApp, Via};

#[derive(Deserialize)]
struct Find {
    id: u32,
}

async fn check(asked: AuthorizerRequest) -> Result<AuthorizerPolicy, AppError> {
    asked.bearer_token().ok_or_else(AppError::unauthorized)?;
    let source = format!("{:?} {}", asked.source, asked.request.path);
    Ok(AuthorizerPolicy::allow("user-7").context("source", source))
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
    assert!(url.contains("FunctionUrl has no Lambda authorizers"), "{url}");
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
    // No handler is registered, so the user is refused.
    let other = app.cognito("PreAuthentication_Authentication", &request);
    other.assert_error("an event of cognito (by `triggerSource`)");
}

#[test]
fn services_that_run_operations_are_answered_in_their_form() {
    let app = TestApp::new(|_| {
        App::new()
            .secrets_rotation(async |rotation: SecretRotation| {
                assert_eq!(rotation.step, RotationStep::Test);
                Json(rotation.secret_id)
            })
            .codepipeline(async |job: CodePipelineJob| {
                assert_eq!((&*job.id, job.user_parameters()), ("job-1", "stage=test"));
            })
            .config_rule("tagged", async |asked: ConfigEvaluation| {
                let event: Value = asked.invoking_event()?;
                Ok::<_, AppError>(Json(json!([asked.result_token, event["messageType"]])))
            })
            .cloudwatch_alarm("latency", async |alarm: AlarmEvent| {
                let data = alarm.alarm_data;
                Json(json!([data.state.value, data.previous_state.map(|before| before.value)]))
            })
            .s3_batch(async |task: S3BatchTask| {
                assert_eq!((&*task.job_id, &*task.bucket), ("job-1", "arn:aws:s3:::uploads"));
                S3BatchResult::Succeeded(task.key)
            })
    });
    let secret = "arn:aws:secretsmanager:us-east-1:000000000000:secret:shop-AbCdEf";
    app.secrets_rotation("shop", RotationStep::Test).assert_answer(secret);
    app.codepipeline("stage=test").assert_answer(&Value::Null);
    app.invoke(&json!({"CodePipeline.job": {"id": "j1"}})).assert_error("data");
    let scheduled = json!({"messageType": "ScheduledNotification"});
    app.config_rule("tagged", &scheduled).assert_answer(&["token-1", "ScheduledNotification"]);
    app.config_rule("other", &scheduled).assert_error("with `config_rule`, or `otherwise`");
    app.cloudwatch_alarm("latency", "OK").assert_answer(&["OK", "ALARM"]);
    app.cloudwatch_alarm("latency", "ALARM").assert_answer(&["ALARM", "OK"]);
    let answer: Value = app.s3_batch("uploads", "a b/ä+.txt").answer();
    assert_eq!(answer["results"][0]["resultString"], "a b/ä+.txt");
    assert_eq!(answer["results"][0]["taskId"], "task-1");
}

#[test]
fn agents_bots_and_flows_get_their_answers() {
    let app = TestApp::new(|_| {
        App::new()
            .bedrock_agent("weather", async |asked: AgentRequest| {
                AgentAnswer::text(format!("{} {}", asked.parameter("city"), asked.api_path))
            })
            .lex("Order", async |turn: LexTurn| match turn.invocation_source {
                LexSource::DialogCodeHook if turn.slot("Size").is_empty() => {
                    LexAnswer::elicit_slot("Size").say("Small or large?")
                }
                LexSource::DialogCodeHook => LexAnswer::delegate(),
                LexSource::FulfillmentCodeHook if turn.is_denied() => LexAnswer::failed(),
                LexSource::FulfillmentCodeHook => {
                    let last = turn.slot("Size").to_owned();
                    LexAnswer::fulfilled().session_attribute("last", last)
                }
            })
            .connect(async |event: ContactEvent| {
                assert_eq!(event.contact.contact_id, "contact-1");
                let asked: Find = event.parameters()?;
                Ok::<_, AppError>(ContactAnswer::new().text("order", asked.id.to_string()))
            })
    });
    let answer: Value = app.bedrock_agent("weather", "now", &json!({"city": "Oslo"})).answer();
    let body = &answer["response"]["functionResponse"]["responseBody"]["TEXT"]["body"];
    assert_eq!(body, "Oslo ");
    let asked = events::bedrock_operation("weather", "GET", "/now", &json!({"city": "Oslo"}));
    let answer: Value = app.invoke(&asked).answer();
    let body = &answer["response"]["responseBody"]["application/json"]["body"];
    assert_eq!(body, "Oslo /now");

    let asked: Value = app.lex("Order").answer();
    assert_eq!(asked["sessionState"]["dialogAction"]["slotToElicit"], "Size");
    assert_eq!(asked["messages"][0]["content"], "Small or large?");
    let order = LexEntry::new("Order").slot("Size", "large").session_attribute("kept", "1");
    let going_on: Value = app.lex(order.clone().says("large, please")).answer();
    assert_eq!(going_on["sessionState"]["dialogAction"]["type"], "Delegate");
    let done: Value = app.lex(order.clone().fulfillment().confirmed(true)).answer();
    assert_eq!(done["sessionState"]["intent"]["state"], "Fulfilled");
    assert_eq!(done["sessionState"]["sessionAttributes"], json!({"kept": "1", "last": "large"}));
    let denied: Value = app.lex(order.fulfillment().confirmed(false)).answer();
    assert_eq!(denied["sessionState"]["intent"]["state"], "Failed");
    app.lex("Other").assert_error("with `lex`, or `otherwise`");

    app.connect(&json!({"id": "7"})).assert_answer(&json!({"order": "7"}));
    app.connect(&json!({"id": "x"})).assert_error("Details.Parameters.id: expected u32");
}

#[test]
fn handlers_of_single_events_that_never_run_do_not_build() {
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
    // With one value too few, values would go to the wrong parents.
    app.invoke(&[asked("short", 1), asked("short", 2)]).assert_error("internal error");
    app.invoke(&[asked("short", 1)]).assert_answer(&[1]);
}
