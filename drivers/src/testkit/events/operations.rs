//! Events of CodePipeline, AWS Config, Secrets Manager, CloudWatch alarms and S3 Batch Operations.

use apptheory_core::events::RotationStep;
use apptheory_core::percent;
use serde::Serialize;
use serde_json::{Value, json};

use super::{ACCOUNT, REGION, arn};
use crate::testkit::{TestAnswer, TestApp, json_of};

/// Creates the CodePipeline job `job-1`, whose action has these user parameters and no artifacts.
#[must_use]
pub fn codepipeline(user_parameters: &str) -> Value {
    json!({"CodePipeline.job": {"id": "job-1", "accountId": ACCOUNT, "data": {
        "actionConfiguration": {"configuration":
            {"FunctionName": "test", "UserParameters": user_parameters}},
        "inputArtifacts": [],
        "outputArtifacts": [],
        "artifactCredentials": {"accessKeyId": "", "secretAccessKey": "", "sessionToken": ""},
    }}})
}

/// Creates AWS Config's request for an evaluation by a custom rule, about an event such as
/// `{"messageType": "ScheduledNotification"}`. Its result token is `token-1`.
///
/// # Panics
///
/// If `invoking_event` cannot be written as JSON.
#[must_use]
pub fn config_rule<T: Serialize + ?Sized>(rule: &str, invoking_event: &T) -> Value {
    json!({
        "version": "1.0",
        "invokingEvent": json_of(invoking_event).to_string(),
        "ruleParameters": "{}",
        "resultToken": "token-1",
        "eventLeftScope": false,
        "executionRoleArn": "",
        "configRuleArn": arn("config", rule, |name| format!("config-rule/{name}")),
        "configRuleName": rule.trim(),
        "configRuleId": "config-rule-1",
        "accountId": ACCOUNT,
    })
}

/// Creates the event of a step of a secret rotation, whose new version is `token-1`.
#[must_use]
pub fn secrets_rotation(secret: &str, step: RotationStep) -> Value {
    let step = match step {
        RotationStep::Create => "createSecret",
        RotationStep::Set => "setSecret",
        RotationStep::Test => "testSecret",
        RotationStep::Finish => "finishSecret",
    };
    let secret = arn("secretsmanager", secret, |name| format!("secret:{name}-AbCdEf"));
    json!({"Step": step, "SecretId": secret, "ClientRequestToken": "token-1"})
}

/// Creates the event of a CloudWatch alarm that changes to a state: `OK`, `ALARM` or
/// `INSUFFICIENT_DATA`.
#[must_use]
pub fn cloudwatch_alarm(alarm: &str, state: &str) -> Value {
    let state_of = |value: &str| json!({"value": value, "reason": "", "timestamp": "1970-01-01T00:00:00.000+0000"});
    let before = if state == "OK" { "ALARM" } else { "OK" };
    json!({
        "source": "aws.cloudwatch",
        "alarmArn": arn("cloudwatch", alarm, |name| format!("alarm:{name}")),
        "accountId": ACCOUNT,
        "time": "1970-01-01T00:00:00.000+0000",
        "region": REGION,
        "alarmData": {
            "alarmName": alarm.trim(),
            "state": state_of(state),
            "previousState": state_of(before),
            "configuration": {"metrics": []},
        },
    })
}

/// Creates the task `task-1` of the S3 Batch Operations job `job-1`, for an object. Pass the key
/// unencoded.
#[must_use]
pub fn s3_batch(bucket: &str, key: &str) -> Value {
    json!({
        "invocationSchemaVersion": "1.0",
        "invocationId": "invocation-1",
        "job": {"id": "job-1"},
        "tasks": [{
            "taskId": "task-1",
            "s3BucketArn": format!("arn:aws:s3:::{}", bucket.trim()),
            "s3Key": percent::encode(key),
            "s3VersionId": null,
        }],
    })
}

impl TestApp {
    /// Sends the CodePipeline job `job-1`, whose action has these user parameters.
    pub fn codepipeline(&self, user_parameters: &str) -> TestAnswer {
        self.invoke(&codepipeline(user_parameters))
    }

    /// Sends AWS Config's request for an evaluation by a custom rule.
    ///
    /// # Panics
    ///
    /// If `invoking_event` cannot be written as JSON.
    pub fn config_rule<T: Serialize + ?Sized>(&self, rule: &str, invoking_event: &T) -> TestAnswer {
        self.invoke(&config_rule(rule, invoking_event))
    }

    /// Sends a step of a secret rotation.
    pub fn secrets_rotation(&self, secret: &str, step: RotationStep) -> TestAnswer {
        self.invoke(&secrets_rotation(secret, step))
    }

    /// Sends a state change of a CloudWatch alarm.
    pub fn cloudwatch_alarm(&self, alarm: &str, state: &str) -> TestAnswer {
        self.invoke(&cloudwatch_alarm(alarm, state))
    }

    /// Sends an S3 Batch Operations task for an object.
    pub fn s3_batch(&self, bucket: &str, key: &str) -> TestAnswer {
        self.invoke(&s3_batch(bucket, key))
    }
}
