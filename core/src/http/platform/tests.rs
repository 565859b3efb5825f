use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{EventJson, PlatformContext};
use crate::error::AppError;
use crate::events::{HttpSource, LambdaEvent, WebSocketEvent};
use crate::http::RawRequest;

/// Returns an event of each API, with additional members in its context.
fn event(api: &str, context: &Json) -> String {
    let (mut event, own) = match api {
        "http" => (
            json!({"version": "2.0", "routeKey": "$default", "rawPath": "/"}),
            json!({"http": {"method": "GET", "path": "/", "sourceIp": "192.0.2.1"}}),
        ),
        "url" => (
            json!({"version": "2.0", "rawPath": "/"}),
            json!({"http": {"method": "GET", "path": "/"}, "domainName": "a.lambda-url.eu-west-1.on.aws"}),
        ),
        "http 1.0" => (json!({"version": "1.0", "path": "/", "httpMethod": "GET"}), json!({})),
        "rest" => (json!({"path": "/", "httpMethod": "GET"}), json!({"resourcePath": "/"})),
        "alb" => (
            json!({"path": "/", "httpMethod": "GET",
                "headers": {"x-amzn-oidc-identity": "ann", "x-amzn-oidc-data": "e30.e30.e30"}}),
            json!({"elb": {"targetGroupArn": "arn"}}),
        ),
        _ => (json!({"body": "hi"}), json!({"connectionId": "c=", "routeKey": "$default"})),
    };
    let context = [own, context.clone()].map(|part| part.as_object().cloned().unwrap());
    event["requestContext"] = context.into_iter().flatten().collect();
    event.to_string()
}

fn platform(api: &str, context: &Json) -> PlatformContext {
    let event = event(api, context);
    if api == "websocket" {
        return WebSocketEvent::read(&event).unwrap().into_request(None).unwrap().platform;
    }
    let LambdaEvent::Http(event) = LambdaEvent::read(&event).unwrap() else { panic!("{event}") };
    event.request.normalize(None).unwrap().platform
}

#[derive(Debug, Deserialize, PartialEq)]
struct Me {
    sub: String,
    #[serde(default)]
    exp: u64,
    #[serde(default)]
    email_verified: bool,
}

#[test]
fn claims_are_where_each_api_keeps_them() {
    let claims =
        json!({"sub": "ann", "exp": "1790000000", "email_verified": "true", "scope": "a b"});
    for (api, authorizer, expected, scopes) in [
        ("http", json!({"jwt": {"claims": claims, "scopes": ["a"]}}), true, Some(&["a"][..])),
        ("http", json!({"jwt": {"claims": claims, "scopes": null}}), true, Some(&["a", "b"])),
        ("http 1.0", json!({"claims": claims, "scopes": ["a"]}), true, Some(&["a"])),
        ("rest", json!({"claims": claims}), true, Some(&["a", "b"])),
        ("rest", json!({"jwt": {"claims": claims}}), false, None),
        ("http", json!({"claims": claims}), false, None),
        ("http", json!({"lambda": {"jwt": {"claims": claims}}}), false, None),
        ("websocket", json!({"principalId": "ann"}), false, None),
        ("url", json!({"iam": {}}), false, None),
        ("alb", Json::Null, false, None),
        ("rest", Json::Null, false, None),
    ] {
        let platform = platform(api, &json!({"authorizer": authorizer}));
        let me = Me { sub: "ann".to_owned(), exp: 1_790_000_000, email_verified: true };
        assert_eq!(platform.claims::<Me>().unwrap(), expected.then_some(me), "{api} {authorizer}");
        let found = platform.scopes().unwrap();
        assert_eq!(found, scopes.map(|all| all.iter().map(ToString::to_string).collect()));
    }
}

#[test]
fn what_a_lambda_authorizer_answered_is_its_context() {
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Plan {
        plan: String,
        seats: u8,
        trial: bool,
    }
    let flat = json!({"principalId": " ann ", "integrationLatency": 85,
        "plan": "gold", "seats": "3", "trial": "false"});
    let typed = json!({"lambda": {"plan": "gold", "seats": 3, "trial": false}});
    for (api, authorizer, id) in [
        ("http", &typed, None),
        ("http 1.0", &flat, Some("ann")),
        ("rest", &flat, Some("ann")),
        ("websocket", &flat, Some("ann")),
    ] {
        let platform = platform(api, &json!({"authorizer": authorizer}));
        let plan = Plan { plan: "gold".to_owned(), seats: 3, trial: false };
        assert_eq!(platform.authorizer().unwrap(), Some(plan), "{api}");
        assert_eq!(platform.principal_id().unwrap().as_deref(), id, "{api}");
    }
    for (api, authorizer) in [
        ("http", json!({"jwt": {"claims": {}}})),
        ("http", flat),
        ("rest", json!({"claims": {"plan": "gold", "seats": 3, "trial": false}})),
        ("rest", Json::Null),
        ("alb", Json::Null),
    ] {
        let platform = platform(api, &json!({"authorizer": authorizer}));
        assert_eq!(platform.authorizer::<Plan>().unwrap(), None, "{api} {authorizer}");
    }
}

#[test]
fn signatures_and_pools_name_callers() {
    let iam = json!({"accessKey": "AK", "accountId": "1", "callerId": "AROA:me", "userId": "AROA:me",
        "principalOrgId": "o", "userArn": "arn:me",
        "cognitoIdentity": {"amr": ["authenticated"], "identityId": "i", "identityPoolId": "p"}});
    let identity = json!({"accessKey": "AK", "accountId": "1", "caller": "AROA:me", "user": "AROA:me",
        "principalOrgId": "o", "userArn": "arn:me", "sourceIp": "192.0.2.1",
        "cognitoAuthenticationType": "authenticated", "cognitoIdentityId": "i",
        "cognitoIdentityPoolId": "p", "cognitoAuthenticationProvider": null});
    for (api, context) in [
        ("http", json!({"authorizer": {"iam": iam}})),
        ("url", json!({"authorizer": {"iam": iam}})),
        ("rest", json!({"identity": identity})),
        ("websocket", json!({"identity": identity})),
    ] {
        let platform = platform(api, &context);
        let caller = platform.iam_identity().unwrap().unwrap();
        assert_eq!(caller.user_arn.as_deref(), Some("arn:me"), "{api}");
        assert_eq!(caller.caller_id.as_deref(), Some("AROA:me"), "{api}");
        assert!(!format!("{caller:?}").contains("AK"));
        let cognito = platform.cognito_identity().unwrap().unwrap();
        assert_eq!((&*cognito.identity_id, &*cognito.identity_pool_id), ("i", "p"), "{api}");
        assert_eq!(cognito.amr, ["authenticated"], "{api}");
    }
    let unpooled = json!({"amr": null, "identityId": null, "identityPoolId": null});
    let unpooled = json!({"authorizer": {"iam": {"userArn": "a", "cognitoIdentity": unpooled}}});
    assert_eq!(platform("url", &unpooled).cognito_identity().unwrap(), None);
    let nobody =
        json!({"accessKey": null, "userArn": null, "cognitoIdentityId": null, "apiKey": "k"});
    for (api, context) in [
        ("rest", json!({"identity": nobody})),
        // A Lambda authorizer's context is its own, whatever its member names are.
        ("rest", json!({"authorizer": {"iam": "x", "userArn": "arn:admin"}})),
        ("http", json!({"identity": identity})),
        ("http", json!({"authorizer": {"iam": null}})),
        ("url", json!({"authorizer": {"iam": null, "jwt": {}}})),
        ("alb", json!({})),
    ] {
        let platform = platform(api, &context);
        assert_eq!(platform.iam_identity().unwrap(), None, "{api} {context}");
        assert_eq!(platform.cognito_identity().unwrap(), None, "{api} {context}");
    }
}

#[test]
fn certificates_of_clients_are_read() {
    let certificate = json!({"clientCertPem": "-----BEGIN", "subjectDN": "CN=a", "issuerDN": "CN=ca",
        "serialNumber": "1", "validity": {"notBefore": "May 28", "notAfter": "Aug 5"}});
    for (api, context) in [
        ("http", json!({"authentication": {"clientCert": certificate}})),
        ("rest", json!({"identity": {"sourceIp": "192.0.2.1", "clientCert": certificate}})),
    ] {
        let found = platform(api, &context).client_certificate().unwrap().unwrap();
        assert_eq!(found.subject_dn.as_deref(), Some("CN=a"), "{api}");
        assert_eq!(found.validity.unwrap().not_after.as_deref(), Some("Aug 5"), "{api}");
    }
    let without = platform("http", &json!({"authentication": null}));
    assert_eq!(without.client_certificate().unwrap(), None);
}

#[test]
fn errors_give_the_path_of_unexpected_claims_and_are_masked() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "it is never read")]
    struct Claims {
        sub: String,
        exp: u8,
        groups: Option<Vec<u8>>,
    }
    for (authorizer, place, expected) in [
        (json!({"jwt": {"claims": {"exp": 1}}}), ".jwt.claims.sub", "a value"),
        (json!({"jwt": {"claims": {"sub": 7}}}), ".jwt.claims.sub", "a string"),
        (json!({"jwt": {"claims": {"sub": "s", "exp": "soon"}}}), ".jwt.claims.exp", "an integer"),
        (json!({"jwt": {"claims": {"sub": "s", "exp": 300}}}), ".jwt.claims.exp", "u8"),
        (json!({"jwt": {"claims": {"sub": "s", "exp": 1.5}}}), ".jwt.claims.exp", "u8"),
        (
            json!({"jwt": {"claims": {"sub": "s", "exp": 1, "groups": ["x"]}}}),
            ".jwt.claims.groups[0]",
            "an integer",
        ),
        (json!({"jwt": {"claims": "x"}}), ".jwt.claims", "struct Claims"),
        (json!({"jwt": "secret"}), ".jwt", "an object"),
        (json!("secret"), "", "an object"),
    ] {
        let platform = platform("http", &json!({"authorizer": authorizer}));
        let error = platform.claims::<Claims>().unwrap_err();
        assert_eq!(error.place, format!("requestContext.authorizer{place}"), "{authorizer}");
        assert_eq!(error.expected, expected, "{authorizer}");
        let shown = AppError::from(error);
        assert_eq!((shown.status(), shown.message()), (500, "internal error"));
    }
    let by_hand = PlatformContext {
        request_context: EventJson::new("{"),
        stage_variables: EventJson::new("[]"),
        tenant_id: None,
    };
    assert_eq!(by_hand.claims::<Json>().unwrap_err().to_string(), "requestContext: expected JSON");
    assert!(by_hand.request_context::<Json>().is_err());
    let error = by_hand.stage_variables::<BTreeMap<String, String>>().unwrap_err();
    assert_eq!(error.to_string(), "stageVariables: expected a map");
}

#[test]
fn the_context_and_stage_variables_are_there_as_they_came_and_not_printed() {
    let event = r#"{"httpMethod":"GET","path":"/","stageVariables":{"table":"orders","limit":"7"},
        "requestContext":{"stage":"prod","apiId":"hush"}}"#;
    let request = HttpSource::ApiGatewayV1.read_request(event).unwrap().normalize(None).unwrap();
    let platform = &request.platform;
    assert_eq!(platform.request_context.as_str(), r#"{"stage":"prod","apiId":"hush"}"#);
    let context: Option<Json> = platform.request_context().unwrap();
    assert_eq!(context.unwrap()["stage"], "prod");
    #[derive(Deserialize)]
    struct Stage {
        table: String,
        limit: u16,
    }
    let stage: Stage = platform.stage_variables().unwrap();
    assert_eq!((&*stage.table, stage.limit), ("orders", 7));
    assert!(!format!("{platform:?} {request:?}").contains("hush"));

    let none = RawRequest::new("GET", "/").normalize(None).unwrap().platform;
    assert_eq!(none.request_context::<Json>().unwrap(), None);
    assert_eq!(none.stage_variables::<BTreeMap<String, String>>().unwrap(), BTreeMap::new());
    assert!(none.stage_variables::<Stage>().is_err());
    assert_eq!(none, PlatformContext::default());
}

#[test]
fn values_are_read_as_types_ask_for_them() {
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Plan {
        Gold,
        Trial { days: u8 },
    }
    #[derive(Debug, Deserialize, PartialEq)]
    struct Id(i64);
    let read =
        |json: &str| EventJson::new(json).read::<BTreeMap<String, Plan>>("x").unwrap().unwrap();
    assert_eq!(read(r#"{"a":"gold"}"#)["a"], Plan::Gold);
    assert_eq!(read(r#"{"a":{"trial":{"days":"9"}}}"#)["a"], Plan::Trial { days: 9 });
    let ids = EventJson::new(r#"["-9007199254740993", 5]"#).read::<Vec<Id>>("x");
    assert_eq!(ids.unwrap().unwrap(), [Id(-9_007_199_254_740_993), Id(5)]);
    let floats = EventJson::new(r#"["1.5", 2, 2.5]"#).read::<Vec<f64>>("x");
    assert_eq!(floats.unwrap().unwrap(), [1.5, 2.0, 2.5]);
    let tuple = EventJson::new(r#"[1, 2, 3]"#).read::<(u8, u8)>("x").unwrap_err();
    assert!(tuple.expected.contains("2 elements"), "{tuple}");
    for wrong in [r#"["yes"]"#, r#"["1"]"#, "[1]"] {
        assert!(EventJson::new(wrong).read::<Vec<bool>>("x").is_err(), "{wrong}");
    }
}
