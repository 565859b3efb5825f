use alloc::format;
use alloc::string::ToString;

use super::*;

const API: &str = "arn:aws:execute-api:eu-west-1:111122223333:abc123";

fn token_event(path: &str) -> Json {
    json!({"type": "TOKEN", "authorizationToken": "bearer  s3cret",
        "methodArn": format!("{API}/prod/GET/{path}")})
}

fn answered(event: &Json, policy: AuthorizerPolicy) -> Result<Json, String> {
    let text = event.to_string();
    let event = RawEvent::read(&text).unwrap();
    answer(&event, json!(policy)).map_err(|error| {
        core::error::Error::source(&error).map(ToString::to_string).unwrap_or_default()
    })
}

#[test]
fn each_api_asks_about_its_request_in_its_own_way() {
    use AuthorizerSource::{HttpApiV1, HttpApiV2, RestRequest, RestToken, WebSocket};

    let arn = format!("{API}/prod/GET/orders/7");
    let rest = json!({"type": "REQUEST", "methodArn": arn, "path": "/orders/7",
        "resource": "/orders/{id}", "httpMethod": "GET", "headers": {"X-Key": "k"},
        "queryStringParameters": {"a": "1"}, "requestContext": {"stage": "prod"}});
    let mut v1 = rest.clone();
    v1["version"] = "1.0".into();
    v1["path"] = "/prod/orders/7".into();
    v1["identitySource"] = "first,second".into();
    let v2 = json!({"version": "2.0", "type": "REQUEST", "routeArn": arn,
        "identitySource": ["first", "second"], "rawPath": "/prod/orders/7",
        "rawQueryString": "a=1", "headers": {"x-key": "k"},
        "requestContext": {"stage": "prod", "http": {"method": "GET"}}});
    let mut socket = rest.clone();
    socket["methodArn"] = format!("{API}/prod/$connect").into();
    socket["requestContext"]["connectionId"] = "c=".into();
    for (event, source, token) in [
        (token_event("orders/7"), RestToken, "bearer  s3cret"),
        (rest, RestRequest, ""),
        (v1, HttpApiV1, "first,second"),
        (v2, HttpApiV2, "first"),
        (socket, WebSocket, ""),
    ] {
        let asked = AuthorizerRequest::read(&event.to_string()).unwrap();
        assert_eq!((asked.source, asked.token()), (source, token), "{event}");
        let request = &asked.request;
        assert_eq!((&*request.method, &*request.path), ("GET", "/orders/7"), "{event}");
        let has_all = source != RestToken;
        assert_eq!(request.header("x-key") == "k", has_all, "{event}");
        assert_eq!(request.query.get("a") == Some("1"), has_all, "{event}");
    }
    let asked = AuthorizerRequest::read(&token_event("").to_string()).unwrap();
    assert_eq!((asked.bearer_token(), &*asked.request.path), (Some("s3cret"), "/"));
    assert!(!format!("{asked:?}").contains("s3cret"), "{asked:?}");
}

#[test]
fn a_token_that_no_setting_names_is_the_authorization_field() {
    let event = json!({"type": "REQUEST", "methodArn": format!("{API}/prod/GET/"),
        "httpMethod": "GET", "headers": {"Authorization": "Bearer t"}, "requestContext": {}});
    let asked = AuthorizerRequest::read(&event.to_string()).unwrap();
    assert_eq!(asked.bearer_token(), Some("t"));
    for other in ["Basic t", "Bearer", "Bearer ", "t"] {
        let mut event = event.clone();
        event["headers"]["Authorization"] = other.into();
        let asked = AuthorizerRequest::read(&event.to_string()).unwrap();
        assert_eq!(asked.bearer_token(), None, "{other}");
    }
    let mut event = event;
    event["headers"] = 5.into();
    assert!(AuthorizerRequest::read(&event.to_string()).is_err());
}

#[test]
fn a_policy_is_written_in_the_format_of_the_requesting_api() {
    let policy = AuthorizerPolicy::allow("u").context("plan", "pro").context("level", 3);
    let document = |effect: &str, resource: &str| {
        json!({"Version": "2012-10-17", "Statement": [{"Action": "execute-api:Invoke",
            "Effect": effect, "Resource": [resource]}]})
    };
    let asked = format!("{API}/prod/GET/orders");
    let expected = json!({"principalId": "u", "policyDocument": document("Allow", &asked),
        "context": {"plan": "pro", "level": 3}});
    assert_eq!(answered(&token_event("orders"), policy.clone()), Ok(expected.clone()));
    // Only payload format 2.0 has the simple form.
    assert_eq!(answered(&token_event("orders"), policy.clone().simple()), Ok(expected.clone()));
    let v2 = json!({"version": "2.0", "type": "REQUEST", "routeArn": asked});
    assert_eq!(answered(&v2, policy.clone()), Ok(expected));
    let simple = json!({"isAuthorized": true, "context": {"plan": "pro", "level": 3}});
    assert_eq!(answered(&v2, policy.simple()), Ok(simple));
    let denied = json!({"isAuthorized": false, "context": {}});
    assert_eq!(answered(&v2, AuthorizerPolicy::deny().simple()), Ok(denied));

    let stage = answered(&v2, AuthorizerPolicy::deny().whole_stage()).unwrap();
    assert_eq!(stage["policyDocument"], document("Deny", &format!("{API}/prod/*")));
    let keyed = AuthorizerPolicy::allow("u").resources(["arn:a"]).usage_identifier_key("key");
    let keyed = answered(&token_event(""), keyed).unwrap();
    assert_eq!(keyed["policyDocument"], document("Allow", "arn:a"));
    assert_eq!(keyed["usageIdentifierKey"], "key");
}

#[test]
fn policies_that_allow_too_much_or_are_malformed_are_refused() {
    for path in ["*", "orders/*", "a?b", "${aws:username}"] {
        let why = answered(&token_event(path), AuthorizerPolicy::allow("u")).unwrap_err();
        assert!(why.contains("would allow other paths"), "{path}: {why}");
        assert!(answered(&token_event(path), AuthorizerPolicy::deny()).is_ok(), "{path}");
        assert!(answered(&token_event(path), AuthorizerPolicy::allow("u").whole_stage()).is_ok());
    }
    let test = json!({"type": "TOKEN", "methodArn": format!("{API}/*/GET/")});
    assert!(answered(&test, AuthorizerPolicy::allow("u")).is_ok(), "a test in the console");
    for (policy, expected) in [
        (AuthorizerPolicy::allow(" "), "not be blank"),
        (AuthorizerPolicy::allow("u").context("list", json!([1])), "strings, numbers and booleans"),
        (AuthorizerPolicy::allow("u").context("none", Json::Null), "strings, numbers and booleans"),
        (AuthorizerPolicy::allow("u").resources(Vec::<String>::new()), "at least one resource"),
    ] {
        let why = answered(&token_event(""), policy).unwrap_err();
        assert!(why.contains(expected), "{why}");
    }
    let text = token_event("").to_string();
    let event = RawEvent::read(&text).unwrap();
    for other in [Json::Null, json!(true), json!({"isAuthorized": true})] {
        assert!(answer(&event, other).is_err());
    }
    // If an ARN has no stage, a policy covers nothing but the ARN.
    let odd = json!({"type": "TOKEN", "methodArn": "odd"});
    let odd = answered(&odd, AuthorizerPolicy::allow("u").whole_stage()).unwrap();
    assert_eq!(odd["policyDocument"]["Statement"][0]["Resource"], json!(["odd"]));
}

#[test]
fn appsync_asks_about_a_query() {
    let event = json!({"authorizationToken": "t", "requestHeaders": {"X-Key": "k"},
        "requestContext": {"apiId": "a", "queryString": "{ orders { id } }"}});
    let asked = AuthorizerRequest::read(&event.to_string()).unwrap();
    assert_eq!((asked.source, asked.token()), (AuthorizerSource::AppSync, "t"));
    assert_eq!((&*asked.resource, asked.request.header("x-key")), ("", "k"));
    let policy = AuthorizerPolicy::allow("u").context("plan", "pro").deny_fields(["Query.costs"]);
    let expected = json!({"isAuthorized": true, "resolverContext": {"plan": "pro"},
        "deniedFields": ["Query.costs"]});
    assert_eq!(answered(&event, policy.clone()), Ok(expected));
    assert_eq!(answered(&event, AuthorizerPolicy::deny()).unwrap()["isAuthorized"], false);
    let why = answered(&token_event(""), policy).unwrap_err();
    assert!(why.contains("only AppSync can deny fields"), "{why}");
}

#[test]
fn an_answer_without_a_document_allows_no_resources() {
    let appsync = json!({"authorizationToken": "t",
        "requestContext": {"apiId": "a", "queryString": "{ orders { id } }"}});
    let v2 = json!({"version": "2.0", "type": "REQUEST",
        "routeArn": format!("{API}/prod/GET/orders")});
    for event in [&appsync, &v2] {
        let allowed = AuthorizerPolicy::allow("u").resources(["arn:a"]).simple();
        let why = answered(event, allowed).unwrap_err();
        assert!(why.contains("cannot have resources"), "{why}");
        let denied =
            answered(event, AuthorizerPolicy::deny().resources(["arn:a"]).simple()).unwrap();
        assert_eq!(denied["isAuthorized"], false);
    }
    let written = answered(&v2, AuthorizerPolicy::allow("u").resources(["arn:a"])).unwrap();
    assert_eq!(written["policyDocument"]["Statement"][0]["Resource"], json!(["arn:a"]));
}

#[test]
fn only_an_unknown_caller_is_unauthorized() {
    let unauthorized = failed(AppError::unauthorized());
    assert_eq!((unauthorized.status(), unauthorized.message()), (401, "Unauthorized"));
    for error in [AppError::forbidden(), AppError::internal(), AppError::conflict("c")] {
        assert_ne!(failed(error).message(), "Unauthorized");
    }
}
