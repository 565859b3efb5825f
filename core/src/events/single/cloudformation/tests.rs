use alloc::format;

use super::*;
use crate::events::{LambdaEvent, SingleSource};

const URL: &str = "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/a?s=1";

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Cache {
    replicas: u8,
}

fn event(request_type: &str, physical_id: &str) -> Json {
    let mut event = json!({
        "RequestType": request_type,
        "ServiceToken": "arn:aws:lambda:eu-west-1:111122223333:function:f",
        "ResponseURL": URL,
        "StackId": "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/1",
        "RequestId": "r1",
        "LogicalResourceId": "Cache",
        "ResourceType": "Custom::Cache",
        "ResourceProperties": {"ServiceToken": "arn", "ServiceTimeout": "60", "replicas": "3"},
    });
    if !physical_id.is_empty() {
        event["PhysicalResourceId"] = physical_id.into();
    }
    event
}

fn read(event: &Json) -> Result<ResourceChange<Cache>, String> {
    let read = CustomResource::<Cache>::read(&event.to_string());
    read.map(|resource| resource.change).map_err(|error| error.to_string())
}

fn reply(event: &Json) -> ResourceReply {
    ResourceReply::read(&event.to_string()).unwrap()
}

fn json_of(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

#[test]
fn custom_resource_events_are_recognised_by_their_required_members() {
    let text = event("Create", "").to_string();
    let Ok(LambdaEvent::Single(read)) = LambdaEvent::read(&text) else { panic!("{text}") };
    assert_eq!(
        (read.source(), read.source().name()),
        (SingleSource::CloudFormation, "cloudformation")
    );
    for member in ["RequestType", "ResponseURL", "StackId"] {
        let mut event = event("Create", "");
        event[member] = json!(null);
        let text = event.to_string();
        assert!(matches!(LambdaEvent::read(&text), Ok(LambdaEvent::Other(_))), "{member}");
    }
}

#[test]
fn each_change_has_its_properties() {
    let properties = Cache { replicas: 3 };
    assert_eq!(read(&event("Create", "")), Ok(ResourceChange::Create { properties }));

    let mut update = event("Update", "cache-7");
    update["OldResourceProperties"] = json!({"replicas": "2"});
    let [properties, old] = [3, 2].map(|replicas| Cache { replicas });
    let physical_id = "cache-7".to_string();
    let expected = ResourceChange::Update { physical_id, properties, old: Some(old) };
    assert_eq!(read(&update), Ok(expected));
    update["OldResourceProperties"] = json!({"copies": "2"});
    assert!(matches!(read(&update), Ok(ResourceChange::Update { old: None, .. })));

    let mut delete = event("Delete", "cache-7");
    delete["ResourceProperties"]["replicas"] = "many".into();
    let physical_id = "cache-7".to_string();
    assert_eq!(read(&delete), Ok(ResourceChange::Delete { physical_id, properties: None }));
}

#[test]
fn errors_give_the_path_of_the_invalid_property_and_quote_no_value() {
    let mut odd = event("Create", "");
    odd["ResourceProperties"]["replicas"] = "s3cret".into();
    let told = read(&odd).unwrap_err();
    assert!(told.contains("ResourceProperties.replicas: expected u8"), "{told}");
    assert!(!told.contains("s3cret"), "{told}");
    odd["ResourceProperties"] = json!(null);
    assert!(read(&odd).unwrap_err().contains("ResourceProperties.replicas"));
    assert!(read(&event("Rename", "")).unwrap_err().contains("`RequestType`"));
}

fn answered(event: &Json, done: Done) -> Result<Json, String> {
    let text = event.to_string();
    let raw = RawEvent::read(&text).unwrap();
    answer(&raw, json!(done)).map_err(|error| {
        core::error::Error::source(&error).map(ToString::to_string).unwrap_or_default()
    })
}

#[test]
fn a_success_names_the_resource_and_its_data() {
    let done = Done::new("cache-8").data("Port", 6379).no_echo();
    let mut expected = json!({
        "Status": "SUCCESS",
        "PhysicalResourceId": "cache-8",
        "StackId": "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/1",
        "RequestId": "r1",
        "LogicalResourceId": "Cache",
        "Data": {"Port": 6379},
        "NoEcho": true,
    });
    for request in [event("Create", ""), event("Update", "cache-7")] {
        assert_eq!(answered(&request, done.clone()), Ok(expected.clone()));
    }
    // For a deletion CloudFormation only accepts the request's id.
    expected["PhysicalResourceId"] = "cache-7".into();
    assert_eq!(answered(&event("Delete", "cache-7"), done), Ok(expected));
}

#[test]
fn what_cloudformation_does_not_take_is_refused() {
    let create = event("Create", "");
    for (done, why) in [
        (Done::new(" "), "1 to 1024 bytes"),
        (Done::new("x".repeat(1025)), "1 to 1024 bytes"),
        (Done::new("x").data("a", "b".repeat(4096)), "4096 bytes"),
    ] {
        let told = answered(&create, done).unwrap_err();
        assert!(told.contains(why), "{told}");
    }
    assert!(answered(&create, Done::new("x".repeat(1024))).is_ok());
    let raw = create.to_string();
    answer(&RawEvent::read(&raw).unwrap(), json!({"physical_id": "x"})).unwrap_err();
}

#[test]
fn a_failure_keeps_the_physical_id_and_cuts_a_long_reason() {
    let update = reply(&event("Update", "cache-7"));
    let failed = json_of(&update.failed("sold out"));
    assert_eq!((&failed["Status"], &failed["Reason"]), (&json!("FAILED"), &json!("sold out")));
    assert_eq!(failed["PhysicalResourceId"], "cache-7");
    for reason in ["é".repeat(3000), "\u{1}".repeat(9000)] {
        let text = update.failed(&reason);
        assert!(text.len() <= MAX_REPLY_BYTES);
        let kept = json_of(&text)["Reason"].as_str().unwrap().len();
        assert!(kept > 100 && reason.starts_with(json_of(&text)["Reason"].as_str().unwrap()));
    }
}

#[test]
fn a_failure_names_what_was_created() {
    let id_after = |request: &Json, output: &Json| {
        let mut reply = reply(request);
        reply.keep_id(output);
        json_of(&reply.failed("too large"))["PhysicalResourceId"].clone()
    };
    let create = event("Create", "");
    assert_eq!(id_after(&create, &json!(Done::new("cache-8"))), "cache-8");
    for none in [json!(Done::new(" ")), json!(Done::new("x".repeat(1025))), json!(null)] {
        assert_eq!(id_after(&create, &none), NOT_CREATED, "{none}");
    }
    let update = event("Update", "cache-7");
    assert_eq!(id_after(&update, &json!(Done::new("cache-8"))), "cache-8");
    assert_eq!(id_after(&update, &json!(Done::new(" "))), "cache-7");
    assert_eq!(id_after(&event("Delete", "cache-7"), &json!(Done::new("cache-8"))), "cache-7");
}

#[test]
fn a_failed_handler_may_name_what_it_made() {
    let id_after = |request: &Json, error: AppError| {
        let mut reply = reply(request);
        reply.keep_left_behind(&error);
        json_of(&reply.failed(error.message()))["PhysicalResourceId"].clone()
    };
    let left = |id: &str| AppError::from(LeftBehind::new(id, AppError::conflict("no quota")));
    assert_eq!((left("a").status(), left("a").message()), (409, "no quota"));
    let deeper = AppError::internal().with_cause(left("cache-8"));
    let update = event("Update", "cache-7");
    for (request, error, id) in [
        (&update, left("cache-8"), "cache-8"),
        (&update, deeper, "cache-8"),
        (&update, left(&"x".repeat(1025)), "cache-7"),
        (&update, AppError::conflict("no quota"), "cache-7"),
        (&event("Create", ""), left("cache-8"), "cache-8"),
        (&event("Create", ""), left(" "), NOT_CREATED),
        (&event("Delete", "cache-7"), left("cache-8"), "cache-7"),
    ] {
        assert_eq!(id_after(request, error), id);
    }
}

#[test]
fn deleting_a_resource_whose_creation_failed_succeeds_without_work() {
    let create = reply(&event("Create", ""));
    assert_eq!(create.for_nothing(), None);
    let failed = json_of(&create.failed("no"));
    let id = failed["PhysicalResourceId"].as_str().unwrap();
    let answer = json_of(&reply(&event("Delete", id)).for_nothing().unwrap());
    assert_eq!((&answer["Status"], &answer["PhysicalResourceId"]), (&json!("SUCCESS"), &json!(id)));
    assert_eq!(reply(&event("Delete", "cache-7")).for_nothing(), None);
}

#[test]
fn answers_go_to_s3_alone() {
    let is_to_s3 = |url: &str| {
        let mut event = event("Create", "");
        event["ResponseURL"] = url.into();
        reply(&event).is_to_s3()
    };
    for host in [
        "cloudformation-custom-resource-response-useast1.s3.amazonaws.com",
        "bucket.s3.eu-central-1.amazonaws.com",
        "bucket.s3-eu-west-1.amazonaws.com",
        "s3.eu-west-1.amazonaws.com",
        "bucket.S3.dualstack.eu-west-1.amazonaws.com",
        "bucket.s3.cn-north-1.amazonaws.com.cn",
        "bucket.s3.eusc-de-east-1.amazonaws.eu",
        "bucket.s3.us-east-1.amazonaws.com:443",
    ] {
        assert!(is_to_s3(&format!("https://{host}/key?signature=1")), "{host}");
        assert!(!is_to_s3(&format!("http://{host}/key")), "{host}");
    }
    for host in [
        "example.com",
        "amazonaws.com",
        "s3.amazonaws.com.example.com",
        "example.com/s3.amazonaws.com",
        "example.com?.s3.amazonaws.com",
        "example.com\\.s3.amazonaws.com",
        "s3.amazonaws.com@example.com",
        "user@bucket.s3.amazonaws.com",
        "bucket.s3.amazonaws.com:8443",
        "s3.execute-api.eu-west-1.amazonaws.com",
        "s3-1.eu-west-1.elb.amazonaws.com",
        "s3.evil.eu-west-1.amazonaws.com",
        "169.254.169.254",
    ] {
        assert!(!is_to_s3(&format!("https://{host}/")), "{host}");
    }
    assert!(!is_to_s3(""));
}

#[test]
fn neither_the_url_nor_properties_are_printed() {
    let text = event("Create", "").to_string();
    let resource = CustomResource::<Cache>::read(&text).unwrap();
    let done = Done::new("cache-8").data("Password", "s3cret");
    let shown = format!("{:?} {resource:?} {done:?}", ResourceReply::read(&text).unwrap());
    assert!(shown.contains("Cache") && shown.contains("cache-8"), "{shown}");
    assert!(!shown.contains("amazonaws.com/") && !shown.contains("s3cret"), "{shown}");
}
