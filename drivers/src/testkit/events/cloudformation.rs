//! CloudFormation's requests about custom resources.

use apptheory_core::events::ResourceChange;
use serde::Serialize;
use serde_json::{Value, json};

use super::arn;
use crate::testkit::json_of;

/// The response URL.
const URL: &str = "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/test";

/// Creates CloudFormation's request for a change of a custom resource, such as `Custom::Cache`.
/// Numbers and Booleans among its properties become texts, as in CloudFormation's requests.
///
/// # Panics
///
/// If the properties cannot be written as JSON.
#[must_use]
pub fn custom_resource<T: Serialize>(resource_type: &str, change: &ResourceChange<T>) -> Value {
    let properties = |properties: &T| texts(json_of(properties));
    let mut event = match change {
        ResourceChange::Create { properties: now } => {
            json!({"RequestType": "Create", "ResourceProperties": properties(now)})
        }
        ResourceChange::Update { physical_id, properties: now, old } => json!({
            "RequestType": "Update",
            "PhysicalResourceId": physical_id,
            "ResourceProperties": properties(now),
            "OldResourceProperties": old.as_ref().map(properties),
        }),
        ResourceChange::Delete { physical_id, properties: last } => json!({
            "RequestType": "Delete",
            "PhysicalResourceId": physical_id,
            "ResourceProperties": last.as_ref().map(properties),
        }),
    };
    event["ServiceToken"] = arn("lambda", "test", |name| format!("function:{name}")).into();
    event["ResponseURL"] = URL.into();
    event["StackId"] = arn("cloudformation", "test", |name| format!("stack/{name}/1")).into();
    event["RequestId"] = "cfn-1".into();
    event["LogicalResourceId"] = "Resource".into();
    event["ResourceType"] = resource_type.into();
    event
}

/// The same JSON with texts for numbers and Booleans.
fn texts(json: Value) -> Value {
    match json {
        Value::Bool(flag) => flag.to_string().into(),
        Value::Number(number) => number.to_string().into(),
        Value::Array(items) => items.into_iter().map(texts).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name, texts(value))).collect()
        }
        other @ (Value::Null | Value::String(_)) => other,
    }
}
