//! Reads responses in the services' own forms as our types.
//!
//! The event determines the ids in a response, so the ids in the original response are ignored.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::{
    AuthorizerPolicy, AuthorizerSource, Done, LeftBehind, NotAccepted, S3BatchResult, TokenClaims,
    authorizer, cloudformation, cognito, s3_batch,
};
use crate::error::AppError;
use crate::events::envelopes::or_empty;

impl AuthorizerPolicy {
    /// Reads a response in the form of API Gateway or AppSync: a policy document (for example with
    /// conditions), or `isAuthorized`. It is passed on unchanged. If the calling API would not
    /// accept it, or would ignore one of its members, the invocation fails, and access is denied.
    ///
    /// ```
    /// use apptheory_core::events::AuthorizerPolicy;
    /// use serde_json::json;
    ///
    /// let answer = json!({"isAuthorized": true, "context": {"plan": "pro"}});
    /// let policy = AuthorizerPolicy::read_answer(answer)?;
    /// # Ok::<(), apptheory_core::error::AppError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`AppError`], a masked 500, for JSON that is not an object.
    pub fn read_answer(answer: Json) -> Result<Self, AppError> {
        match answer {
            Json::Object(written) => Ok(Self::of_written(written)),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
                Err(authorizer::not_accepted("it is not an object").into())
            }
        }
    }
}

/// Returns the original response, if the calling API reads all of it: an ignored member may have
/// been meant to deny access. Null members are left out.
pub(super) fn check(
    mut answer: Map<String, Json>,
    source: AuthorizerSource,
) -> Result<Json, NotAccepted> {
    answer.retain(|_, value| !value.is_null());
    let is_of_appsync = source == AuthorizerSource::AppSync;
    let context = answer.get(if is_of_appsync { "resolverContext" } else { "context" });
    match context.map(Json::as_object) {
        None => {}
        Some(Some(context)) => check_context(context)?,
        Some(None) => return Err(authorizer::not_accepted("a context must be an object")),
    }
    let members = match answer.get("isAuthorized") {
        Some(is_authorized) => {
            let takes_it = is_of_appsync || source == AuthorizerSource::HttpApiV2;
            if !takes_it || !is_authorized.is_boolean() {
                return Err(authorizer::not_accepted(
                    "`isAuthorized` is a Boolean, for AppSync and for HTTP APIs with payload format 2.0",
                ));
            }
            if is_of_appsync { OF_APPSYNC } else { OF_SIMPLE_FORM }
        }
        None if is_of_appsync || !is_policy(&answer) => {
            return Err(authorizer::not_accepted(
                "it has `isAuthorized`, or a `principalId` and a `policyDocument` with statements",
            ));
        }
        None => OF_POLICIES,
    };
    if !answer.keys().all(|name| members.contains(&&**name)) {
        return Err(authorizer::not_accepted("it has a member that the API would ignore"));
    }
    match answer.get("deniedFields").map(Json::as_array) {
        Some(fields) if !fields.is_some_and(|fields| fields.iter().all(Json::is_string)) => {
            Err(authorizer::not_accepted("`deniedFields` must be a list of strings"))
        }
        Some(_) | None => Ok(answer.into()),
    }
}

/// The members that AppSync reads (*AWS AppSync Developer Guide*, "AWS_LAMBDA authorization").
const OF_APPSYNC: &[&str] = &["isAuthorized", "resolverContext", "deniedFields", "ttlOverride"];

/// The members that HTTP APIs read of simple responses, and other APIs of policies (*API Gateway
/// Developer Guide*).
const OF_SIMPLE_FORM: &[&str] = &["isAuthorized", "context"];
const OF_POLICIES: &[&str] = &["principalId", "policyDocument", "context", "usageIdentifierKey"];

fn is_policy(answer: &Map<String, Json>) -> bool {
    let principal = answer.get("principalId").and_then(Json::as_str).unwrap_or_default();
    let document = answer.get("policyDocument").and_then(|document| document.get("Statement"));
    let has_statements = match document {
        Some(Json::Array(statements)) => !statements.is_empty(),
        other => other.is_some_and(Json::is_object),
    };
    !principal.trim().is_empty() && has_statements
}

pub(super) fn check_context(context: &Map<String, Json>) -> Result<(), NotAccepted> {
    let is_flat = |value: &Json| value.is_string() || value.is_number() || value.is_boolean();
    match context.values().all(is_flat) {
        true => Ok(()),
        false => Err(authorizer::not_accepted(
            "a context may only contain strings, numbers and booleans",
        )),
    }
}

impl TokenClaims {
    /// Reads the `response` of a Pre Token Generation trigger in Cognito's form. It is passed on
    /// unchanged. If its form does not match the trigger's version, the invocation fails.
    ///
    /// ```
    /// use apptheory_core::events::TokenClaims;
    /// use serde_json::json;
    ///
    /// let details = json!({"claimsToSuppress": ["email"]});
    /// let claims = TokenClaims::read_answer(json!({"claimsOverrideDetails": details}))?;
    /// # Ok::<(), apptheory_core::error::AppError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`AppError`], a masked 500, for JSON that is not an object.
    pub fn read_answer(response: Json) -> Result<Self, AppError> {
        match response {
            Json::Object(written) => Ok(Self::of_written(written)),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
                Err(cognito::not_accepted("it is not an object").into())
            }
        }
    }
}

impl Done {
    /// Reads a response about a custom resource, as functions return it that respond to
    /// CloudFormation themselves or through the provider framework of the CDK. Members that
    /// identify the request are ignored.
    ///
    /// ```
    /// use apptheory_core::events::Done;
    /// use serde_json::json;
    ///
    /// let answer = json!({"PhysicalResourceId": "cache-7", "Data": {"Port": 6379}});
    /// let done = Done::read_answer(answer)?;
    /// # Ok::<(), apptheory_core::error::AppError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`AppError`]: a 422 with the `Reason` if the `Status` is `FAILED`; CloudFormation then gets
    /// the `PhysicalResourceId` as that of a resource that was [left behind](LeftBehind). A masked
    /// 500 for JSON of another form.
    pub fn read_answer(answer: Json) -> Result<Self, AppError> {
        let Response { status, reason, physical_resource_id, data, no_echo } =
            serde_json::from_value(answer)
                .map_err(|_| cloudformation::not_accepted("it is not a response"))?;
        match status {
            Status::Success => {
                let data = data.into_iter();
                let done = data.fold(Self::new(physical_resource_id), |done, (name, value)| {
                    done.data(&name, value)
                });
                Ok(if no_echo { done.no_echo() } else { done })
            }
            Status::Failed => {
                let failed = AppError::unprocessable(reason);
                let is_named = !physical_resource_id.trim().is_empty();
                Err(if is_named {
                    LeftBehind::new(physical_resource_id, failed).into()
                } else {
                    failed
                })
            }
        }
    }
}

/// A response about a custom resource (*AWS CloudFormation User Guide*, "Custom resource response
/// objects").
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Response {
    #[serde(default)]
    status: Status,
    #[serde(default, deserialize_with = "or_empty")]
    reason: String,
    #[serde(default, deserialize_with = "or_empty")]
    physical_resource_id: String,
    #[serde(default, deserialize_with = "or_empty")]
    data: Map<String, Json>,
    #[serde(default, deserialize_with = "or_empty")]
    no_echo: bool,
}

/// Unknown to the provider framework, whose functions throw an error instead.
#[derive(Default, Deserialize)]
enum Status {
    #[default]
    #[serde(rename = "SUCCESS")]
    Success,
    #[serde(rename = "FAILED")]
    Failed,
}

impl S3BatchResult {
    /// Reads a response to S3 Batch Operations with the result of one task. Members that identify
    /// the invocation and the task are ignored.
    ///
    /// ```
    /// use apptheory_core::events::S3BatchResult;
    /// use serde_json::json;
    ///
    /// let answer = json!({"results": [{"resultCode": "Succeeded", "resultString": "copied"}]});
    /// assert_eq!(S3BatchResult::read_answer(answer)?, S3BatchResult::Succeeded("copied".into()));
    /// # Ok::<(), apptheory_core::error::AppError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`AppError`], a masked 500, for JSON of another form, or if there is not exactly one result.
    pub fn read_answer(answer: Json) -> Result<Self, AppError> {
        let Answer { mut results } = serde_json::from_value(answer)
            .map_err(|_| s3_batch::not_accepted("it has no results"))?;
        let (Some(TaskResult { result_code, result_string }), true) =
            (results.pop(), results.is_empty())
        else {
            return Err(s3_batch::not_accepted("it must have exactly one result").into());
        };
        Ok(match result_code {
            ResultCode::Succeeded => Self::Succeeded(result_string),
            ResultCode::TemporaryFailure => Self::TemporaryFailure(result_string),
            ResultCode::PermanentFailure => Self::PermanentFailure(result_string),
        })
    }
}

/// A response to S3 Batch Operations.
#[derive(Deserialize)]
struct Answer {
    results: Vec<TaskResult>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TaskResult {
    result_code: ResultCode,
    #[serde(default, deserialize_with = "or_empty")]
    result_string: String,
}

#[derive(Deserialize)]
enum ResultCode {
    Succeeded,
    TemporaryFailure,
    PermanentFailure,
}

#[cfg(test)]
mod tests;
