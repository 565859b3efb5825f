//! Events with a single result: authorizers, Cognito and AppSync.

use apptheory_core::percent;
use serde::Serialize;
use serde_json::{Value, json};

use super::{ACCOUNT, REGION};
use crate::testkit::{TestAnswer, TestApp, TestRequest, Via, json_of};

/// Creates a request to a token authorizer of a REST API.
#[must_use]
pub fn authorizer_token(token: &str, method: &str, path: &str) -> Value {
    json!({"type": "TOKEN", "authorizationToken": token, "methodArn": method_arn(method, path)})
}

/// Creates the event of a Cognito trigger, such as `PreSignUp_SignUp`, for the user `user-1`.
/// `request` has the members of that trigger, such as `{"userAttributes": {"email": "…"}}`.
///
/// # Panics
///
/// If the request cannot be written as JSON.
#[must_use]
pub fn cognito<T: Serialize + ?Sized>(trigger_source: &str, request: &T) -> Value {
    json!({
        "version": "1",
        "triggerSource": trigger_source,
        "region": REGION,
        "userPoolId": format!("{REGION}_test"),
        "userName": "user-1",
        "callerContext": {"awsSdkVersion": "test", "clientId": "client-1"},
        "request": json_of(request),
        "response": {},
    })
}

/// Creates AppSync's request to a direct resolver for a field. A list of these is a batch.
///
/// # Panics
///
/// If the arguments cannot be written as JSON.
#[must_use]
pub fn appsync<T: Serialize + ?Sized>(parent_type: &str, field: &str, arguments: &T) -> Value {
    json!({
        "arguments": json_of(arguments),
        "identity": null,
        "source": null,
        "request": {"headers": {}, "domainName": null},
        "prev": null,
        "info": {
            "selectionSetList": [],
            "selectionSetGraphQL": "",
            "fieldName": field,
            "parentTypeName": parent_type,
            "variables": {},
        },
        "stash": {},
    })
}

/// Returns the ARN of a method in the stage `test`, for authorizers.
fn method_arn(method: &str, path: &str) -> String {
    let path = path.trim_start_matches('/');
    format!("arn:aws:execute-api:{REGION}:{ACCOUNT}:test/test/{method}/{path}")
}

impl<A> TestRequest<A> {
    /// Returns the event with which API Gateway asks a Lambda authorizer about the request.
    ///
    /// # Panics
    ///
    /// If the request is not [`via`](Self::via) API Gateway, because other services have no Lambda
    /// authorizers.
    #[must_use]
    #[track_caller]
    pub fn authorizer_event(&self) -> Value {
        let mut event = self.event();
        let (arn, path) = match self.via {
            Via::HttpApi => ("routeArn", &event["rawPath"]),
            Via::HttpApiV1 | Via::RestApi => ("methodArn", &event["path"]),
            Via::FunctionUrl | Via::LoadBalancer | Via::VpcLattice | Via::VpcLatticeV1 => panic!(
                "{:?} has no Lambda authorizers: send the request `.via` an API of API Gateway",
                self.via
            ),
        };
        let path = percent::decode(path.as_str().unwrap_or_default()).into_owned();
        event[arn] = method_arn(self.method(), &path).into();
        event["type"] = "REQUEST".into();
        event
    }
}

impl TestRequest<&TestApp> {
    /// Asks the application's authorizer about the request, as API Gateway does before it forwards
    /// the request.
    ///
    /// # Panics
    ///
    /// As [`authorizer_event`](Self::authorizer_event).
    #[track_caller]
    pub fn authorize(self) -> TestAnswer {
        self.app.invoke(&self.authorizer_event())
    }
}

impl TestApp {
    /// Asks a token authorizer of a REST API about a request.
    pub fn authorize_token(&self, token: &str, method: &str, path: &str) -> TestAnswer {
        self.invoke(&authorizer_token(token, method, path))
    }

    /// Sends the event of a Cognito trigger, such as `PreSignUp_SignUp`.
    ///
    /// # Panics
    ///
    /// If the request cannot be written as JSON.
    pub fn cognito<T: Serialize + ?Sized>(&self, trigger_source: &str, request: &T) -> TestAnswer {
        self.invoke(&cognito(trigger_source, request))
    }

    /// Resolves a field, as AppSync does.
    ///
    /// # Panics
    ///
    /// If the arguments cannot be written as JSON.
    pub fn appsync<T: Serialize + ?Sized>(
        &self,
        parent_type: &str,
        field: &str,
        arguments: &T,
    ) -> TestAnswer {
        self.invoke(&appsync(parent_type, field, arguments))
    }
}
