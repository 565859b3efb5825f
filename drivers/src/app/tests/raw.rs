//! Events and responses in AWS's own form.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use apptheory_core::events::{BatchSource, LambdaEvent, ResourceChange, Rule, Shape};
use apptheory_core::http::RawRequest;
use aws_lambda_events::{
    activemq, alb, apigw, appsync, cloudformation, cloudwatch_alarms, cloudwatch_logs, code_commit,
    codepipeline_job, cognito, config, documentdb, dynamodb, eventbridge, firehose, kafka, kinesis,
    lambda_function_urls, rabbitmq, s3, secretsmanager, ses, sns, sqs, streams, vpc_lattice,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{builder, clock, serve};
use crate::app::kind::cognito::{PreSignUp, PreTokenGeneration};
use crate::app::{App, Json, Raw, State};
use crate::testkit::events::{self, KinesisEntry, MailEntry, SqsEntry};
use crate::testkit::{TestApp, Via, requests};

/// What handlers got, in order.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Value>>>);

impl Kept {
    fn take(&self) -> Vec<Value> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

async fn keep(State(kept): State<Kept>, Raw(event): Raw<Value>) {
    kept.0.lock().unwrap().push(event);
}

/// Returns the example events of `aws_lambda_events`, by name.
fn examples() -> Vec<(String, Value)> {
    let cargo = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO")).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let version = cargo(&["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let metadata = ["metadata", "--format-version=1", "--locked", "--offline", "--filter-platform"];
    let metadata: Value = serde_json::from_str(&cargo(&[&metadata[..], &[host]].concat())).unwrap();
    let mut packages = metadata["packages"].as_array().unwrap().iter();
    let package = packages.find(|package| package["name"] == "aws_lambda_events").unwrap();
    let manifest = PathBuf::from(package["manifest_path"].as_str().unwrap());
    let fixtures = fs::read_dir(manifest.with_file_name("src").join("fixtures")).unwrap();
    let mut examples: Vec<(String, Value)> = fixtures
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
        })
        .collect();
    examples.sort_by(|(a, _), (b, _)| a.cmp(b));
    examples
}

/// Returns the records of an event, unchanged.
fn records(event: &Value) -> Vec<Value> {
    let lists = ["Records", "records", "messages", "rmqMessagesByQueue", "events"];
    match lists.iter().find_map(|list| event.get(list)) {
        Some(Value::Array(records)) => records.clone(),
        Some(Value::Object(lists)) => {
            lists.values().flat_map(|list| list.as_array().unwrap().clone()).collect()
        }
        _ => vec![event.clone()],
    }
}

/// Returns an application with a handler of the event's records, or of the request that it is.
fn for_one(event: &LambdaEvent<'_>, kept: &Kept) -> App<Kept> {
    let app = App::with_state(kept.clone());
    let LambdaEvent::Batch(batch) = event else {
        return match event {
            LambdaEvent::Http(_) => app.fallback(keep),
            LambdaEvent::WebSocket(event) => app.websocket(&event.connection.route_key, keep),
            LambdaEvent::Sns(records) => app.sns(records[0].topic(), keep),
            LambdaEvent::EventBridge(_) => app.event_bridge(Rule::any(), keep),
            LambdaEvent::Batch(_)
            | LambdaEvent::Window(_)
            | LambdaEvent::Single(_)
            | LambdaEvent::Other(_) => app.otherwise(keep),
        };
    };
    let mut names: Vec<String> = batch.records().map(|record| record.name().to_owned()).collect();
    names.dedup();
    names.iter().fold(app, |app, name| match batch.source() {
        BatchSource::Sqs => app.sqs(name, keep),
        BatchSource::Kinesis => app.kinesis(name, keep),
        BatchSource::DynamoDbStream => app.dynamodb(name, keep),
        BatchSource::Kafka => app.kafka(name, keep),
        BatchSource::S3 => app.s3(name, keep),
        BatchSource::Ses => app.ses(keep),
        BatchSource::CodeCommit => app.codecommit(name, keep),
        BatchSource::ActiveMq => app.activemq(name, keep),
        BatchSource::RabbitMq => app.rabbitmq(name, keep),
        BatchSource::DocumentDb => app.documentdb(name, keep),
        BatchSource::Firehose => {
            app.firehose(name, async |State(kept): State<Kept>, Raw(record): Raw<Value>| {
                kept.0.lock().unwrap().push(record);
                Raw(json!({"result": "Dropped"}))
            })
        }
        BatchSource::CloudWatchLogs => app.cloudwatch_logs(keep),
    })
}

#[test]
fn nothing_of_any_example_is_lost_on_its_way_to_a_handler() {
    let (kept, examples) = (Kept::default(), examples());
    let mut lost = Vec::new();
    for (name, example) in &examples {
        let app = TestApp::new(|_| App::with_state(kept.clone()).otherwise(keep));
        app.invoke(example).assert_ok();
        assert_eq!(kept.take(), core::slice::from_ref(example), "{name} as a whole");

        let text = example.to_string();
        let event = LambdaEvent::read(&text).unwrap();
        if let LambdaEvent::Batch(batch) = &event
            && batch.records().any(|record| record.name().is_empty())
        {
            continue; // Without a name, nothing can be registered.
        }
        let app = TestApp::new(|_| for_one(&event, &kept));
        let answer = app.invoke(example);
        let has_records = matches!(event, LambdaEvent::Batch(_) | LambdaEvent::Sns(_));
        let mut expected = if has_records { records(example) } else { vec![example.clone()] };
        if let LambdaEvent::Batch(batch) = &event {
            for record in &mut expected {
                if batch.source() == BatchSource::DocumentDb {
                    *record = record["event"].take();
                } else if batch.source() == BatchSource::CloudWatchLogs {
                    *record = unpacked(record);
                }
            }
        }
        if kept.take() != expected {
            lost.push((name, answer));
        }
    }
    assert!(lost.is_empty() && examples.len() > 150, "{} examples: {lost:#?}", examples.len());
}

/// Returns the content of a CloudWatch Logs delivery, parsed by the crate.
fn unpacked(event: &Value) -> Value {
    let read: cloudwatch_logs::LogsEvent = serde_json::from_str(&event.to_string()).unwrap();
    serde_json::to_value(read.aws_logs.data).unwrap()
}

/// Passes an example through a handler from a type to the same type, and expects what the type
/// itself writes.
fn whole<T: DeserializeOwned + Serialize + Send + 'static>(
    name: &str,
    examples: &[(String, Value)],
) {
    let (_, example) =
        examples.iter().find(|(known, _)| known == &format!("example-{name}")).unwrap();
    let app = TestApp::new(|_| App::new().otherwise(async |event: Raw<T>| event));
    let expected = serde_json::from_str::<T>(&example.to_string()).unwrap();
    app.invoke(example).assert_answer(&expected);
}

#[test]
fn every_kind_has_its_type_in_both_directions() {
    let examples = &*examples();
    macro_rules! kinds {
        ($($name:literal: $event:ty;)+) => { $(whole::<$event>($name, examples);)+ };
    }
    kinds! {
        "activemq-event": activemq::ActiveMqEvent;
        "alb-lambda-target-request-headers-only": alb::AlbTargetGroupRequest;
        "apigw-request": apigw::ApiGatewayProxyRequest;
        "apigw-v2-request-iam": apigw::ApiGatewayV2httpRequest;
        "apigw-websocket-request": apigw::ApiGatewayWebsocketProxyRequest;
        "apigw-custom-auth-request": apigw::ApiGatewayCustomAuthorizerRequest;
        "apigw-v2-custom-authorizer-v2-request": apigw::ApiGatewayV2CustomAuthorizerV2Request;
        "appsync-direct-resolver": appsync::AppSyncDirectResolverEvent;
        "appsync-lambda-auth-request": appsync::AppSyncLambdaAuthorizerRequest;
        "bedrock-agent-runtime-event": aws_lambda_events::event::bedrock_agent_runtime::AgentEvent;
        "cloudformation-custom-resource-create-request":
            cloudformation::CloudFormationCustomResourceRequest;
        "cloudwatch-alarm-metric": cloudwatch_alarms::CloudWatchMetricAlarm;
        "cloudwatch_logs-event": cloudwatch_logs::LogsEvent;
        "code_commit-event": code_commit::CodeCommitEvent;
        "codepipeline_job-event": codepipeline_job::CodePipelineJobEvent;
        "cognito-event-userpools-presignup": cognito::CognitoEventUserPoolsPreSignup;
        "config-event": config::ConfigEvent;
        "documentdb-insert-event": documentdb::DocumentDbEvent;
        "dynamodb-event": dynamodb::Event;
        "eventbridge-event-obj": eventbridge::EventBridgeEvent;
        "firehose-event": firehose::KinesisFirehoseEvent;
        "kafka-event": kafka::KafkaEvent;
        "kinesis-event": kinesis::KinesisEvent;
        "rabbitmq-event": rabbitmq::RabbitMqEvent;
        "s3-event": s3::S3Event;
        "secretsmanager-secret-rotation-event": secretsmanager::SecretsManagerSecretRotationEvent;
        "ses-event": ses::SimpleEmailEvent;
        "sns-event": sns::SnsEvent;
        "sqs-event": sqs::SqsEvent;
        "vpc-lattice-v1-request": vpc_lattice::VpcLatticeRequestV1;
        "vpc-lattice-v2-request": vpc_lattice::VpcLatticeRequestV2;
    }
}

#[test]
fn a_record_out_of_an_aggregate_has_its_own_key_and_data() {
    async fn count(Raw(record): Raw<kinesis::KinesisEventRecord>, State(kept): State<Kept>) {
        let kinesis::KinesisRecord { data, partition_key, sequence_number, .. } = record.kinesis;
        let got = json!([partition_key, String::from_utf8(data.0).unwrap(), sequence_number]);
        kept.0.lock().unwrap().push(got);
    }
    let kept = Kept::default();
    let app = TestApp::new(|_| App::with_state(kept.clone()).kinesis("s", count));
    // Partition key `k1`, with `hi`.
    let aggregate = "84mawgoCazEaBggAGgJoadrtcnKyP/PPUKy7LBh1GvE=";
    let mut event = events::kinesis("s", [KinesisEntry::new("plain").partition_key("p")]);
    let number = event["Records"][0]["kinesis"]["sequenceNumber"].clone();
    app.invoke(&event).assert_ok();
    event["Records"][0]["kinesis"]["data"] = aggregate.into();
    app.invoke(&event).assert_ok();
    assert_eq!(kept.take(), [json!(["p", "plain", number]), json!(["k1", "hi", number])]);
}

fn fields(value: &'static str) -> http::HeaderMap {
    let mut fields = http::HeaderMap::new();
    fields.insert("content-type", http::HeaderValue::from_static(value));
    fields.append("x-list", http::HeaderValue::from_static("1"));
    fields
}

#[test]
fn responses_of_every_type_are_written_for_every_provider() {
    let proxy = async || {
        let mut answer = apigw::ApiGatewayProxyResponse::default();
        answer.status_code = 201;
        answer.multi_value_headers.append("x-list", http::HeaderValue::from_static("1"));
        answer.multi_value_headers.append("x-list", http::HeaderValue::from_static("2"));
        answer.body = Some("hi".into());
        Raw(answer)
    };
    let v2 = async || {
        let mut answer = apigw::ApiGatewayV2httpResponse::default();
        answer.status_code = 201;
        answer.headers = fields("text/plain");
        answer.cookies = vec!["a=1".into()];
        answer.body = Some("hi".into());
        Raw(answer)
    };
    let url = async || {
        let mut answer = lambda_function_urls::LambdaFunctionUrlResponse::default();
        (answer.status_code, answer.is_base64_encoded) = (201, true);
        answer.headers = fields("image/png");
        (answer.body, answer.cookies) = (Some("/wA=".into()), vec!["a=1".into()]);
        Raw(answer)
    };
    let lattice = async || {
        let mut answer = vpc_lattice::VpcLatticeResponse::default();
        answer.status_code = 201;
        answer.body = Some("hi".into());
        Raw(answer)
    };
    let balancer = async || {
        let mut answer = alb::AlbTargetGroupResponse::default();
        (answer.status_code, answer.status_description) = (201, Some("201 Created".into()));
        answer.body = Some("hi".into());
        Raw(answer)
    };
    let app = App::new().get("/proxy", proxy).get("/v2", v2).get("/url", url);
    let app = TestApp::new(|_| app.get("/lattice", lattice).get("/alb", balancer));
    for via in Via::ALL {
        for path in ["/proxy", "/v2", "/lattice", "/alb"] {
            app.get(path).via(via).send().assert_status(201).assert_text("hi");
        }
        let v2 = app.get("/v2").via(via).send();
        v2.assert_header("content-type", "text/plain").assert_header("x-list", "1");
        assert_eq!(v2.cookies(), ["a=1"]);
        let url = app.get("/url").via(via).send();
        url.assert_header("content-type", "image/png");
        assert_eq!((url.bytes(), url.cookies()), (&[0xff, 0][..], &["a=1".to_owned()][..]));
    }
    let lists = app.get("/proxy").via(Via::RestApi).send();
    assert_eq!(lists.headers().get_all("x-list"), ["1", "2"]);
}

#[test]
fn raw_values_of_the_wrong_type_are_masked_errors() {
    let app = App::new()
        .get("/answer", async || Raw("secret"))
        .get("/event", async |_: Raw<sqs::SqsEvent>| "never")
        .sqs("q", async |_: Raw<kafka::KafkaRecord>| ());
    let app = TestApp::new(|_| app);
    for path in ["/answer", "/event"] {
        let response = app.get(path).send();
        response.assert_status(500);
        assert!(!response.text().contains("secret") && !response.failures().is_empty(), "{path}");
    }
    let failed = app.sqs("q", [SqsEntry::new("secret").id("1")]);
    failed.assert_failures(["1"]);
    assert!(failed.failures()[0].contains("expected a value"), "{:?}", failed.failures());
}

#[test]
fn a_raw_event_that_was_not_kept_is_a_masked_error() {
    let clock = clock();
    let app = builder(&clock).get("/", async |Raw(event): Raw<Value>| Json(event));
    let (told, app) = {
        let told = Arc::new(Mutex::new(Vec::new()));
        let write = Arc::clone(&told);
        let app = app.on_failure(move |failure| write.lock().unwrap().push(failure.to_string()));
        (told, app.build().unwrap())
    };
    let response = serve(&app, &clock, RawRequest::new("GET", "/"));
    assert_eq!(response.status, 500);
    assert!(told.lock().unwrap()[0].contains("no event was kept"), "{told:?}");
    // An event of one service only, and one of any kind.
    let event = requests::get("/").event();
    let source = Via::FunctionUrl.source();
    for answer in [
        clock.run(app.serve_event(source, &event.to_string(), super::Invocation::default())),
        clock.run(app.invoke(&event.to_string(), super::Invocation::default())),
    ] {
        let answer: Value = serde_json::from_str(&answer.unwrap()).unwrap();
        assert_eq!(serde_json::from_str::<Value>(answer["body"].as_str().unwrap()).unwrap(), event);
    }
}

#[test]
fn events_are_kept_only_where_a_handler_of_requests_reads_them() {
    let keeps = |app: App| app.build().unwrap().inner.keeps_events;
    let raw = || async |_: Raw<Value>| ();
    assert!(!keeps(App::new().get("/", async || ()).sqs("q", raw()).otherwise(raw())));
    assert!(keeps(App::new().get("/", raw())));
    assert!(keeps(App::new().websocket("$default", raw())));
    let caught = async |_: Json<u8>, _: Result<Raw<Value>, crate::error::AppError>| ();
    assert!(keeps(App::new().get("/", caught)));
}

#[test]
fn whole_batches_are_answered_by_their_type() {
    async fn all(Raw(batch): Raw<sqs::SqsEvent>) -> Raw<sqs::SqsBatchResponse> {
        let mut answer = sqs::SqsBatchResponse::default();
        for message in batch.records.into_iter().filter(|message| message.body.is_none()) {
            let mut failure = sqs::BatchItemFailure::default();
            failure.item_identifier = message.message_id.unwrap_or_default();
            answer.batch_item_failures.push(failure);
        }
        Raw(answer)
    }
    let app = TestApp::new(|_| App::new().on(Shape::records_from("aws:sqs"), all));
    let mut event = events::sqs("q", [SqsEntry::new("a").id("1"), SqsEntry::new("b").id("2")]);
    event["Records"][1].as_object_mut().unwrap().remove("body");
    app.invoke(&event).assert_failures(["2"]);
    let _: streams::SqsEventResponse = app.invoke(&event).answer();
}

#[test]
fn authorizers_answer_policies_of_their_own() {
    async fn check(
        Raw(asked): Raw<apigw::ApiGatewayCustomAuthorizerRequest>,
    ) -> Raw<apigw::ApiGatewayCustomAuthorizerResponse> {
        let statement = json!({"Effect": "Allow", "Action": ["execute-api:Invoke"],
            "Resource": [asked.method_arn]});
        let answer = json!({"principalId": asked.authorization_token, "policyDocument":
            {"Version": "2012-10-17", "Statement": [statement]}, "context": {"plan": "pro"}});
        Raw(serde_json::from_value(answer).unwrap())
    }
    let app = TestApp::new(|_| App::new().authorizer(check));
    let answer: Value = app.authorize_token("t7", "GET", "/orders").answer();
    assert_eq!((&answer["principalId"], &answer["context"]["plan"]), (&json!("t7"), &json!("pro")));
    let resource = &answer["policyDocument"]["Statement"][0]["Resource"][0];
    assert!(resource.as_str().unwrap().ends_with("/GET/orders"));
    assert!(answer.get("usageIdentifierKey").is_none());
    // A blank principal is refused.
    app.authorize_token(" ", "GET", "/").assert_error("internal error");

    let wrong =
        TestApp::new(|_| App::new().authorizer(async || Raw(json!({"isAuthorized": true}))));
    wrong.authorize_token("t", "GET", "/").assert_error("internal error");
}

#[test]
fn triggers_give_the_event_back() {
    async fn sign_up(
        Raw(mut event): Raw<cognito::CognitoEventUserPoolsPreSignup>,
    ) -> Raw<cognito::CognitoEventUserPoolsPreSignup> {
        event.response.auto_confirm_user = true;
        Raw(event)
    }
    async fn claims(
        Raw(mut event): Raw<cognito::CognitoEventUserPoolsPreTokenGen>,
    ) -> Raw<cognito::CognitoEventUserPoolsPreTokenGen> {
        event.response.claims_override_details = Some(Default::default());
        Raw(event)
    }
    let app = App::new().cognito(PreSignUp, sign_up).cognito(PreTokenGeneration, claims);
    let app = TestApp::new(|_| app);
    let mut event = events::cognito("PreSignUp_SignUp", &json!({"userAttributes": {"a": "b"}}));
    event["unknown"] = json!([1]);
    event["response"] = json!({"autoConfirmUser": false, "autoVerifyEmail": false,
        "autoVerifyPhone": false});
    let answered = app.invoke(&event);
    // Members that the type does not have are kept.
    event["response"]["autoConfirmUser"] = true.into();
    answered.assert_answer(&event);

    let group = json!({"groupsToOverride": [], "iamRolesToOverride": []});
    let request = json!({"userAttributes": {}, "groupConfiguration": group});
    let answer: Value = app.cognito("TokenGeneration_Authentication", &request).answer();
    assert!(answer["response"]["claimsOverrideDetails"].is_object(), "{answer}");
    // A later version of the trigger has other members.
    let mut later = events::cognito("TokenGeneration_Authentication", &request);
    later["version"] = "2".into();
    app.invoke(&later).assert_error("internal error");

    let wrong = TestApp::new(|_| App::new().cognito(PreSignUp, async || Raw(json!({"a": 1}))));
    wrong.cognito("PreSignUp_SignUp", &json!({})).assert_error("internal error");
}

#[test]
fn services_with_answers_of_their_own_get_them() {
    async fn transform(
        Raw(record): Raw<firehose::KinesisFirehoseEventRecord>,
    ) -> Raw<firehose::KinesisFirehoseResponseRecord> {
        let mut answer = firehose::KinesisFirehoseResponseRecord::default();
        let results = [(&b"keep"[..], "Ok"), (b"drop", "Dropped")];
        let result = results.iter().find(|(data, _)| *data == record.data.0.as_slice());
        answer.result = Some(result.map_or("ProcessingFailed", |(_, result)| result).to_owned());
        answer.record_id = record.record_id;
        if answer.result.as_deref() != Some("Dropped") {
            answer.data = record.data;
        }
        Raw(answer)
    }
    let app = TestApp::new(|_| App::new().firehose("clicks", transform));
    app.firehose("clicks", ["keep", "drop", "?"]).assert_answer(&json!({"records": [
        {"recordId": "record-1", "result": "Ok", "data": "a2VlcA=="},
        {"recordId": "record-2", "result": "Dropped"},
        {"recordId": "record-3", "result": "ProcessingFailed"},
    ]}));

    async fn filter(Raw(_): Raw<ses::SimpleEmailRecord>) -> Raw<ses::SimpleEmailDisposition> {
        let mut answer = ses::SimpleEmailDisposition::default();
        answer.disposition = "STOP_RULE".into();
        Raw(answer)
    }
    let app = TestApp::new(|_| App::new().ses(filter));
    let mail = MailEntry::new("ann@example.com", "shop@example.com");
    app.ses(mail).assert_answer(&json!({"disposition": "STOP_RULE"}));

    async fn copy(Raw(event): Raw<s3::batch_job::S3BatchJobEvent>) -> Raw<Value> {
        let task = event.tasks[0].task_id.clone();
        Raw(json!({"results": [{"taskId": task, "resultCode": "Succeeded", "resultString": "ok"}]}))
    }
    let app = TestApp::new(|_| App::new().s3_batch(copy));
    let task = json!({"invocationSchemaVersion": "1.0", "invocationId": "i", "job": {"id": "j"},
        "tasks": [{"taskId": "t", "s3Key": "k", "s3VersionId": "1", "s3BucketArn": "b"}]});
    app.invoke(&task).assert_answer(&json!({"invocationSchemaVersion": "1.0",
        "treatMissingKeysAs": "TemporaryFailure", "invocationId": "i",
        "results": [{"taskId": "t", "resultCode": "Succeeded", "resultString": "ok"}]}));
}

#[cfg(feature = "cloudformation")]
#[test]
fn custom_resources_answer_as_functions_spell_it() {
    use cloudformation::provider;

    async fn create(Raw(event): Raw<Value>) -> Raw<provider::CloudFormationCustomResourceResponse> {
        let mut answer = provider::CloudFormationCustomResourceResponse::default();
        answer.physical_resource_id =
            Some(format!("made-{}", event["RequestId"].as_str().unwrap()));
        answer.data = json!({"Port": 6379});
        Raw(answer)
    }
    let app = TestApp::new(|_| App::new().cloudformation(create));
    let change = ResourceChange::Create { properties: json!({}) };
    let reply = app.custom_resource("Custom::Cache", &change);
    let sent: Value = reply.answer();
    assert_eq!(
        (&sent["Status"], &sent["PhysicalResourceId"]),
        (&json!("SUCCESS"), &json!("made-cfn-1"))
    );
    assert_eq!(sent["Data"], json!({"Port": 6379}));

    let failed = async || Raw(json!({"Status": "FAILED", "Reason": "no room"}));
    let app = TestApp::new(|_| App::new().cloudformation(failed));
    let sent: Value = app.custom_resource("Custom::Cache", &change).answer();
    assert_eq!(sent["Status"], "FAILED");
    assert!(sent["Reason"].as_str().unwrap().starts_with("no room"), "{sent}");
}
