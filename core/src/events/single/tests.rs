//! Tests of recognizing, reading and answering single events.

use alloc::string::{String, ToString};

use serde_json::{Value as Json, json};

use super::*;
use crate::events::{LambdaEvent, RawEvent, Seen};
use crate::json;

fn rotation() -> Json {
    json!({"Step": "setSecret", "SecretId": "arn:s", "ClientRequestToken": "t1"})
}

fn job() -> Json {
    json!({"CodePipeline.job": {"id": "j1", "accountId": "1", "data": {
        "actionConfiguration": {"configuration":
            {"FunctionName": "f", "UserParameters": "stage=test"}},
        "inputArtifacts": [{"name": "app", "revision": null, "location": {"type": "S3",
            "s3Location": {"bucketName": "b", "objectKey": "k.zip"}}}],
        "outputArtifacts": [], "artifactCredentials": {"accessKeyId": "AK",
            "secretAccessKey": "s3cret", "sessionToken": "s3cret"}}}})
}

fn evaluation() -> Json {
    json!({"version": "1.0", "configRuleName": "tagged", "resultToken": "r1",
        "eventLeftScope": true, "ruleParameters": r#"{"tag":"owner"}"#,
        "invokingEvent": r#"{"messageType":"ScheduledNotification"}"#})
}

fn alarm() -> Json {
    json!({"source": "aws.cloudwatch", "alarmArn": "arn:a", "accountId": "1", "alarmData":
        {"alarmName": "latency", "state": {"value": "ALARM", "reason": "too slow"},
            "previousState": {"value": "OK"}, "configuration": {"metrics": []}}})
}

fn task() -> Json {
    json!({"invocationSchemaVersion": "1.0", "invocationId": "i1", "job": {"id": "j1"}, "tasks":
        [{"taskId": "t1", "s3Key": "a+b%2Fc", "s3VersionId": null, "s3BucketArn": "arn:b"}]})
}

fn function() -> Json {
    json!({"messageVersion": "1.0", "agent": {"name": "a"}, "actionGroup": "weather",
        "function": "now", "parameters": [{"name": "city", "type": "string", "value": "Oslo"}],
        "inputText": "s3cret", "sessionAttributes": {"kept": "1"},
        "promptSessionAttributes": {"turn": "2"}})
}

fn operation() -> Json {
    json!({"messageVersion": "1.0", "agent": {"name": "a"}, "actionGroup": "weather",
        "apiPath": "/now", "httpMethod": "POST", "requestBody": {"content": {"application/json":
            {"properties": [{"name": "city", "type": "string", "value": "Oslo"}]}}}})
}

fn answered(event: &Json, output: Json) -> Result<Json, String> {
    let text = event.to_string();
    let LambdaEvent::Single(event) = LambdaEvent::read(&text).unwrap() else { panic!("{text}") };
    event.answer(output).map_err(|error| {
        core::error::Error::source(&error).map(ToString::to_string).unwrap_or_default()
    })
}

#[test]
fn each_service_is_known_by_its_own_members() {
    let named = String::from;
    for (event, members, route) in [
        (rotation(), &["Step", "SecretId", "ClientRequestToken"][..], SingleRoute::SecretsRotation),
        (job(), &["CodePipeline.job"], SingleRoute::CodePipeline),
        (
            evaluation(),
            &["configRuleName", "resultToken", "invokingEvent"],
            SingleRoute::ConfigRule(named("tagged")),
        ),
        (alarm(), &["alarmArn", "alarmData"], SingleRoute::CloudWatchAlarm(named("latency"))),
        (
            task(),
            &["invocationSchemaVersion", "invocationId", "job", "tasks"],
            SingleRoute::S3Batch,
        ),
        (
            function(),
            &["messageVersion", "agent", "actionGroup", "function"],
            SingleRoute::BedrockAgent(named("weather")),
        ),
        (
            operation(),
            &["messageVersion", "agent", "actionGroup", "apiPath"],
            SingleRoute::BedrockAgent(named("weather")),
        ),
    ] {
        let text = event.to_string();
        let LambdaEvent::Single(single) = LambdaEvent::read(&text).unwrap() else {
            panic!("{text}")
        };
        assert_eq!(single.route(), &route);
        assert_eq!(single.raw().seen(), Seen::Single(route.source()));
        for member in members {
            let mut bare = event.clone();
            bare[*member] = Json::Null;
            let text = bare.to_string();
            assert!(matches!(LambdaEvent::read(&text), Ok(LambdaEvent::Other(_))), "{text}");
        }
    }
    let mut step = rotation();
    step["Step"] = "other".into();
    assert!(matches!(LambdaEvent::read(&step.to_string()), Ok(LambdaEvent::Other(_))));
    assert!(matches!(RawEvent::read("{}").unwrap().seen(), Seen::Members { .. }));
}

#[test]
fn events_are_read_by_type_and_print_no_secrets() {
    let read: SecretRotation = json::read(rotation().to_string().as_bytes()).unwrap();
    assert_eq!((read.step, &*read.client_request_token), (RotationStep::Set, "t1"));

    let read = CodePipelineJob::read(&job().to_string()).unwrap();
    assert_eq!((&*read.id, read.user_parameters()), ("j1", "stage=test"));
    assert_eq!(read.data.input_artifacts[0].location(), ("b", "k.zip"));
    assert!(!alloc::format!("{read:?}").contains("s3cret"), "{read:?}");

    let read: ConfigEvaluation = json::read(evaluation().to_string().as_bytes()).unwrap();
    assert!(read.event_left_scope);
    let parameters: Json = read.rule_parameters().unwrap();
    let event: Json = read.invoking_event().unwrap();
    assert_eq!(
        (&parameters["tag"], &event["messageType"]),
        (&json!("owner"), &json!("ScheduledNotification"))
    );
    assert!(read.rule_parameters::<u8>().is_err());
    let mut bare = evaluation();
    bare["ruleParameters"] = Json::Null;
    let read: ConfigEvaluation = json::read(bare.to_string().as_bytes()).unwrap();
    assert_eq!(read.rule_parameters::<Json>().unwrap(), json!({}));

    let read: AlarmEvent = json::read(alarm().to_string().as_bytes()).unwrap();
    let AlarmData { state, previous_state, .. } = &read.alarm_data;
    assert_eq!((&*state.value, &*state.reason), ("ALARM", "too slow"));
    assert_eq!(previous_state.as_ref().map(|state| &*state.value), Some("OK"));

    let read: AgentRequest = json::read(operation().to_string().as_bytes()).unwrap();
    assert_eq!((read.parameter("city"), read.parameter("other")), ("Oslo", ""));
    let read: AgentRequest = json::read(function().to_string().as_bytes()).unwrap();
    assert_eq!(read.parameter("city"), "Oslo");
    assert!(!alloc::format!("{read:?}").contains("s3cret"), "{read:?}");
}

#[test]
fn a_task_of_s3_is_answered_under_its_ids() {
    let read = S3BatchTask::read(&task().to_string()).unwrap();
    assert_eq!((&*read.bucket, &*read.key, &*read.version_id), ("arn:b", "a b/c", ""));
    for (result, code) in [
        (S3BatchResult::Succeeded("r".into()), "Succeeded"),
        (S3BatchResult::TemporaryFailure("r".into()), "TemporaryFailure"),
        (S3BatchResult::PermanentFailure("r".into()), "PermanentFailure"),
    ] {
        let expected = json!({"invocationSchemaVersion": "1.0", "invocationId": "i1",
            "treatMissingKeysAs": "TemporaryFailure",
            "results": [{"taskId": "t1", "resultCode": code, "resultString": "r"}]});
        assert_eq!(answered(&task(), json!(result)), Ok(expected));
    }
    let mut newer = task();
    newer["job"]["userArguments"] = json!({"size": "5"});
    newer["tasks"][0] = json!({"taskId": "t1", "s3Key": "k", "s3Bucket": "b"});
    let read = S3BatchTask::read(&newer.to_string()).unwrap();
    assert_eq!((&*read.bucket, &read.user_arguments["size"]), ("b", &json!("5")));
    assert!(answered(&task(), Json::Null).unwrap_err().contains("S3BatchResult"));
    let mut two = task();
    two["tasks"] = json!([two["tasks"][0], two["tasks"][0]]);
    assert!(S3BatchTask::read(&two.to_string()).is_err());
}

#[test]
fn an_agent_is_answered_as_its_action_group_is_set_up() {
    let sunny = || AgentAnswer::text("sunny").session_attribute("city", "Oslo");
    let expected = json!({"messageVersion": "1.0",
        "response": {"actionGroup": "weather", "function": "now",
            "functionResponse": {"responseBody": {"TEXT": {"body": "sunny"}}}},
        "sessionAttributes": {"kept": "1", "city": "Oslo"},
        "promptSessionAttributes": {"turn": "2"}});
    assert_eq!(answered(&function(), json!(sunny())), Ok(expected));
    let expected = json!({"messageVersion": "1.0",
        "response": {"actionGroup": "weather", "apiPath": "/now", "httpMethod": "POST",
            "httpStatusCode": 200, "responseBody": {"application/json": {"body": "{\"a\":1}"}}},
        "sessionAttributes": {}, "promptSessionAttributes": {}});
    assert_eq!(answered(&operation(), json!(AgentAnswer::json(&json!({"a": 1})))), Ok(expected));
    for (answer, state, status) in
        [(sunny().reprompt(), "REPROMPT", 400), (sunny().failure(), "FAILURE", 500)]
    {
        let of_function = answered(&function(), json!(answer.clone())).unwrap();
        assert_eq!(of_function["response"]["functionResponse"]["responseState"], state);
        let of_operation = answered(&operation(), json!(answer)).unwrap();
        assert_eq!(of_operation["response"]["httpStatusCode"], status);
    }
    assert!(answered(&function(), json!("sunny")).unwrap_err().contains("AgentAnswer"));
}
