use alloc::format;
use alloc::string::ToString;

use serde_json::json;

use super::*;
use crate::events::{LambdaEvent, ResourceReply};

const API: &str = "arn:aws:execute-api:eu-west-1:111122223333:abc123";

fn token_event() -> Json {
    json!({"type": "TOKEN", "authorizationToken": "t", "methodArn": format!("{API}/prod/GET/")})
}

fn create() -> Json {
    json!({
        "RequestType": "Create",
        "ResponseURL": "https://bucket.s3.eu-west-1.amazonaws.com/a?s=1",
        "StackId": "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/1",
        "RequestId": "r1",
        "LogicalResourceId": "Cache",
    })
}

/// Returns the response to an event, or its error.
fn answered(event: &Json, output: &impl serde::Serialize) -> Result<Json, String> {
    let text = event.to_string();
    let LambdaEvent::Single(event) = LambdaEvent::read(&text).unwrap() else { panic!() };
    event.answer(json!(output)).map_err(|error| {
        core::error::Error::source(&error).map(ToString::to_string).unwrap_or_default()
    })
}

#[test]
fn an_answer_of_an_authors_own_is_handed_on_where_the_api_takes_it() {
    let document = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Action": "execute-api:Invoke", "Resource": "*", "Condition": {"Bool": {"a": "b"}}}]});
    let policy = json!({"principalId": "ann", "policyDocument": document,
        "context": {"plan": "pro"}, "usageIdentifierKey": null});
    let mut sent = policy.clone();
    sent.as_object_mut().unwrap().remove("usageIdentifierKey");
    let simple = json!({"isAuthorized": true, "context": null});
    let appsync = json!({"authorizationToken": "t", "requestContext":
        {"apiId": "a", "queryString": "q"}});
    let v2 = json!({"type": "REQUEST", "version": "2.0", "routeArn": format!("{API}/prod/GET/")});
    let ask = |event: &Json, own: &Json| {
        answered(event, &AuthorizerPolicy::read_answer(own.clone()).unwrap())
    };
    let fields = json!({"isAuthorized": true, "deniedFields": ["Mutation.remove"],
        "resolverContext": {"plan": "pro"}, "ttlOverride": 10});
    assert_eq!(ask(&appsync, &fields), Ok(fields.clone()));
    assert_eq!(ask(&token_event(), &policy), Ok(sent.clone()));
    assert_eq!(ask(&v2, &policy), Ok(sent));
    assert_eq!(ask(&v2, &simple), Ok(json!({"isAuthorized": true})));
    assert_eq!(ask(&appsync, &simple), Ok(json!({"isAuthorized": true})));

    for (event, wrong) in [
        (token_event(), simple),
        (appsync.clone(), policy.clone()),
        (v2.clone(), json!({"isAuthorized": "true"})),
        (v2.clone(), json!({})),
        // An ignored member may have been meant to deny access.
        (v2.clone(), fields),
        (v2, json!({"isAuthorized": true, "policyDocument": document})),
        (appsync.clone(), json!({"isAuthorized": true, "denied_fields": ["Mutation.remove"]})),
        (appsync.clone(), json!({"isAuthorized": true, "deniedFields": "Mutation.remove"})),
        (
            token_event(),
            json!({"principalId": "ann", "policyDocument": document, "deniedFields": ["A.b"]}),
        ),
        (token_event(), json!({"principalId": " ", "policyDocument": document})),
        (token_event(), json!({"principalId": "ann", "policyDocument": {"Statement": []}})),
        (token_event(), json!({"principalId": "ann", "policyDocument": document, "context": 1})),
        (
            token_event(),
            json!({"principalId": "a", "policyDocument": document, "context": {"a": {}}}),
        ),
        (appsync, json!({"isAuthorized": true, "resolverContext": {"a": []}})),
    ] {
        assert!(ask(&event, &wrong).is_err(), "{wrong}");
    }
    assert!(AuthorizerPolicy::read_answer(json!([policy])).is_err());
}

#[test]
fn a_response_as_functions_spell_it_is_the_same_answer() {
    let mut expected =
        answered(&create(), &Done::new("cache-8").data("Port", 6379).no_echo()).unwrap();
    let read = Done::read_answer(expected.clone()).unwrap();
    assert_eq!(answered(&create(), &read), Ok(expected.clone()));
    // The request, not the handler, determines the request id.
    expected["RequestId"] = "other".into();
    let read = Done::read_answer(expected).unwrap();
    assert_eq!(answered(&create(), &read).unwrap()["RequestId"], "r1");

    let failed = json!({"Status": "FAILED", "Reason": "no room", "PhysicalResourceId": "a"});
    let error = Done::read_answer(failed).unwrap_err();
    assert_eq!((error.status(), error.message()), (422, "no room"));
    let mut reply = ResourceReply::read(&create().to_string()).unwrap();
    reply.keep_left_behind(&error);
    let told: Json = serde_json::from_str(&reply.failed(error.message())).unwrap();
    assert_eq!((&told["PhysicalResourceId"], &told["Reason"]), (&json!("a"), &json!("no room")));
    for other in [json!({"Status": "DONE"}), json!("secret"), json!({"Data": "secret"})] {
        let error = Done::read_answer(other).unwrap_err();
        assert_eq!((error.status(), error.message().contains("secret")), (500, false));
    }
    // A response must have a resource id.
    assert!(answered(&create(), &Done::read_answer(json!({})).unwrap()).is_err());
}

#[test]
fn an_answer_as_functions_spell_it_holds_one_result() {
    let result = |code: &str| json!({"taskId": "t", "resultCode": code, "resultString": null});
    let read = |results: Json| S3BatchResult::read_answer(json!({"results": results})).ok();
    let failed = |text: &str| Some(S3BatchResult::PermanentFailure(text.into()));
    assert_eq!(read(json!([result("PermanentFailure")])), failed(""));
    let temporary = read(json!([result("TemporaryFailure")]));
    assert_eq!(temporary, Some(S3BatchResult::TemporaryFailure(String::new())));
    for results in [
        json!([]),
        json!([result("Succeeded"), result("Succeeded")]),
        json!([result("Done")]),
        json!("secret"),
    ] {
        assert_eq!(read(results), None);
    }
}

#[test]
fn claims_are_handed_on_to_the_version_of_the_trigger_that_reads_them() {
    let event = |version: &str| {
        json!({"version": version, "triggerSource": "TokenGeneration_Authentication",
            "userPoolId": "p", "userName": "ann", "request": {}, "response": {}})
    };
    let [first, second] = ["claimsOverrideDetails", "claimsAndScopeOverrideDetails"]
        .map(|details| json!({details: {"claimsToSuppress": ["email"]}}));
    for (version, response) in [("1", &first), ("2", &second), ("3", &second), ("2", &json!({}))] {
        let claims = TokenClaims::read_answer(response.clone()).unwrap();
        assert_eq!(&answered(&event(version), &claims).unwrap()["response"], response);
    }
    for (version, response) in [("1", &second), ("2", &first)] {
        let claims = TokenClaims::read_answer(response.clone()).unwrap();
        assert!(answered(&event(version), &claims).unwrap_err().contains("version 1"));
    }
    assert!(TokenClaims::read_answer(Json::Null).is_err());
}
