//! The caller, and other parts of an event and an invocation, as arguments of handlers.

use std::collections::BTreeMap;

use apptheory_core::error::AppError;
use apptheory_core::http::platform::{ClientCertificate, CognitoIdentity, IamIdentity};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::*;
use crate::testkit::{TestApp, Via, events, requests};

/// Returns an event of `GET /` with this `requestContext`, and with a load balancer's headers,
/// which any client can send.
fn event(via: Via, context: &Value) -> Value {
    let request = requests::get("/").from_address([192, 0, 2, 1]);
    let request = request.header("x-amzn-oidc-identity", "mallory");
    let request = request.header("x-amzn-oidc-data", "e30.e30.e30");
    let mut event = request.via(via).event();
    for (name, value) in context.as_object().unwrap() {
        event["requestContext"][name] = value.clone();
    }
    event
}

#[derive(Deserialize)]
pub(super) struct Me {
    pub(super) sub: String,
    #[serde(default)]
    admin: bool,
}

#[derive(Deserialize)]
pub(super) struct Plan {
    pub(super) plan: String,
    seats: u8,
}

/// Returns the caller as seen by every extractor.
#[expect(clippy::too_many_arguments, reason = "as many as handlers take")]
async fn who(
    claims: Option<Claims<Me>>,
    scopes: Option<Scopes>,
    plan: Option<Authorizer<Plan>>,
    id: Option<PrincipalId>,
    iam: Option<IamIdentity>,
    cognito: Option<CognitoIdentity>,
    certificate: Option<ClientCertificate>,
    ip: Option<ClientIp>,
) -> Json<Value> {
    Json(json!([
        claims.map(|Claims(me)| json!([me.sub, me.admin])),
        scopes.map(|Scopes(scopes)| scopes),
        plan.map(|Authorizer(plan)| json!([plan.plan, plan.seats])),
        id.map(|PrincipalId(id)| id),
        iam.and_then(|iam| iam.user_arn),
        cognito.map(|cognito| cognito.identity_id),
        certificate.and_then(|certificate| certificate.subject_dn),
        ip.map(|ClientIp(ip)| ip.to_string()),
    ]))
}

#[test]
fn callers_are_read_from_the_context_of_each_provider() {
    let app = TestApp::new(|_| App::new().get("/", who));
    let claims = json!({"sub": "ann", "admin": "true", "scope": "read write"});
    let certificate = json!({"subjectDN": "CN=ann"});
    for (via, context, expected) in [
        (
            Via::HttpApi,
            json!({"authorizer": {"jwt": {"claims": claims, "scopes": ["read"]}}}),
            json!([["ann", true], ["read"], null, null, null, null, null, "192.0.2.1"]),
        ),
        (
            Via::HttpApi,
            json!({"authorizer": {"lambda": {"plan": "gold", "seats": 3}},
                "authentication": {"clientCert": certificate}}),
            json!([null, null, ["gold", 3], null, null, null, "CN=ann", "192.0.2.1"]),
        ),
        (
            Via::FunctionUrl,
            json!({"authorizer": {"iam": {"userArn": "arn:ann",
                "cognitoIdentity": {"identityId": "i", "identityPoolId": "p", "amr": null}}}}),
            json!([null, null, null, null, "arn:ann", "i", null, "192.0.2.1"]),
        ),
        (
            Via::HttpApiV1,
            json!({"authorizer": {"claims": claims, "scopes": null}}),
            json!([["ann", true], ["read", "write"], null, null, null, null, null, "192.0.2.1"]),
        ),
        (
            Via::RestApi,
            json!({"authorizer": {"principalId": "ann", "plan": "gold", "seats": "3"}}),
            json!([null, null, ["gold", 3], "ann", null, null, null, "192.0.2.1"]),
        ),
        (
            Via::RestApi,
            json!({"identity": {"userArn": "arn:ann", "clientCert": certificate}}),
            json!([null, null, null, null, "arn:ann", null, "CN=ann", null]),
        ),
        (Via::LoadBalancer, json!({}), json!([null, null, null, null, null, null, null, null])),
    ] {
        let answered: Value = app.invoke(&event(via, &context)).answer();
        let body = answered["body"].as_str().unwrap();
        assert_eq!(body, expected.to_string(), "{via:?} {context}");
    }
}

#[test]
fn the_rest_of_the_event_and_the_invocation_are_arguments() {
    #[derive(Deserialize)]
    struct Stage {
        table: String,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Api {
        api_id: String,
    }
    let rest = async |RequestContext(api): RequestContext<Api>,
                      StageVariables(stage): StageVariables<Stage>,
                      invocation: Invocation| {
        format!("{} {} {:?}", api.api_id, stage.table, invocation.tenant_id)
    };
    let variables = async |StageVariables(all): StageVariables| format!("{}", all.len());
    let app = TestApp::new(|_| App::new().get("/", rest).get("/all", variables));
    let mut event = event(Via::RestApi, &json!({"apiId": "a1"}));
    event["stageVariables"] = json!({"table": "orders"});
    let invocation = Invocation { tenant_id: Some("acme".into()), ..Invocation::default() };
    let answered = app.run(app.service().invoke(&event.to_string(), invocation)).unwrap();
    assert!(answered.contains(r#""body":"a1 orders Some(\"acme\")""#), "{answered}");
    app.get("/all").send().assert_text("0");
    let none: BTreeMap<String, String> = BTreeMap::new();
    assert_eq!(StageVariables(none), StageVariables::default());
}

#[test]
fn messages_know_what_the_authorizer_of_their_connection_answered() {
    let who = async |Authorizer(plan): Authorizer<Plan>,
                     PrincipalId(id): PrincipalId,
                     claims: Option<Claims<Me>>,
                     StageVariables(stage): StageVariables| {
        format!("{} {} {id} {} {}", plan.plan, plan.seats, claims.is_some(), stage["table"])
    };
    let app = TestApp::new(|_| App::new().websocket("$connect", who).websocket("$default", who));
    for route_key in ["$connect", "$default"] {
        let mut event = events::websocket(route_key, "c=", "hi");
        event["requestContext"]["authorizer"] =
            json!({"principalId": "ann", "plan": "gold", "seats": "3"});
        event["stageVariables"] = json!({"table": "orders"});
        let answered: Value = app.invoke(&event).answer();
        assert_eq!(answered["body"], "gold 3 ann false orders", "{route_key}");
    }
}

#[test]
fn records_have_texts_tenants_and_invocations_too() {
    let record =
        async |text: String, bytes: Bytes, tenant: Option<Tenant>, invocation: Invocation| {
            let said = (&*text, bytes.len(), tenant.map(|Tenant(id)| id), &*invocation.request_id);
            match said == ("tea", 3, Some("acme".to_owned()), "r1") {
                true => Ok(()),
                false => Err(AppError::conflict(format!("{said:?}"))),
            }
        };
    let app = TestApp::new(|_| App::new().sqs("orders", record));
    let event = events::sqs("orders", ["tea", "x"]).to_string();
    let invocation = Invocation {
        request_id: "r1".into(),
        tenant_id: Some("acme".into()),
        ..Invocation::default()
    };
    let answered = app.run(app.service().invoke(&event, invocation)).unwrap();
    assert_eq!(answered, r#"{"batchItemFailures":[{"itemIdentifier":"msg-2"}]}"#);
}
