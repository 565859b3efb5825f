//! The invocation's data in headers of the Runtime API.

use apptheory::app::{App, AppService, Context, Function, Invocation, Json};
use apptheory::http::exchange::TenantSource;
use apptheory::http::platform::CognitoIdentity;
use apptheory::lambda::InvokeMode;
use serde_json::{Value, json};

use super::event;
use super::server::RuntimeApi;

/// Responds with what it knows about its invocation.
async fn invocation_data(context: Context) -> Json<Value> {
    let invocation = context.invocation();
    let client = invocation.client_context.as_ref();
    let cognito = invocation.cognito_identity.as_ref();
    Json(json!({
        "id": invocation.request_id,
        "deadline": invocation.deadline.map(|at| at.unix_seconds()),
        "trace": invocation.trace,
        "tenant": invocation.tenant_id,
        "arn": [json!(invocation.invoked_function_arn), json!(invocation.qualifier())],
        "client": client.map(|client| json!([client.custom, client.env, client.client])),
        "cognito": cognito.map(|CognitoIdentity { identity_id, identity_pool_id, .. }| {
            json!([identity_id, identity_pool_id])
        }),
        "cold": invocation.is_cold_start,
        "counts": context.tenant_id(),
    }))
}

fn app() -> AppService {
    App::new()
        .settings(|settings| settings.tenant = TenantSource::Field)
        .get("/", invocation_data)
        .build()
        .unwrap()
}

async fn reported(api: &mut RuntimeApi, fields: &[(&str, &str)]) -> Value {
    let mut request = event("/");
    request["headers"] = json!({"x-tenant-id": "mallory"});
    api.poll().await.hand_out("r1", fields, &request.to_string()).await;
    let mut response = api.request().await;
    let body = response.json().await["body"].as_str().unwrap().to_owned();
    response.answer(202, &[], b"").await;
    serde_json::from_str(&body).unwrap()
}

#[tokio::test]
async fn every_invocation_header_is_read() {
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app(), InvokeMode::Buffered);
    let fields = [
        ("Lambda-Runtime-Deadline-Ms", "33000000000000"),
        ("Lambda-Runtime-Trace-Id", "Root=1-a"),
        ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:r:1:function:f:live"),
        (
            "Lambda-Runtime-Client-Context",
            r#"{"custom":{"a":1},"env":null,"client":{"app_title":"é"}}"#,
        ),
        (
            "Lambda-Runtime-Cognito-Identity",
            r#"{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}"#,
        ),
        ("Lambda-Runtime-Aws-Tenant-Id", " acme "),
    ];
    let known = json!({
        "id": "r1", "deadline": 33_000_000_000_i64, "trace": "Root=1-a", "tenant": "acme",
        "arn": ["arn:aws:lambda:r:1:function:f:live", "live"], "client": [{"a": 1}, {}, {"app_title": "é"}],
        "cognito": ["i", "p"], "cold": true,
        // The platform's tenant counts, not the client's.
        "counts": "acme",
    });
    assert_eq!(reported(&mut api, &fields).await, known);
    let nothing = json!({
        "id": "r1", "deadline": null, "trace": "", "tenant": null, "arn": ["", null], "client": null,
        "cognito": null, "cold": false, "counts": "mallory",
    });
    assert_eq!(reported(&mut api, &[]).await, nothing);
}

#[tokio::test]
async fn the_function_is_what_the_environment_says() {
    async fn function_data(invocation: Invocation) -> String {
        let function = invocation.function.unwrap();
        let Function { name, version, memory_mb, log_group, log_stream } = &*function;
        format!("{name} {version} {memory_mb:?} {log_group} {log_stream}")
    }
    let known = [
        ("AWS_LAMBDA_FUNCTION_NAME", "orders"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "7"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/orders"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/29/[7]a"),
    ];
    let odd = [("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "much"), ("AWS_LAMBDA_FUNCTION_NAME", " ")];
    for (variables, expected) in [
        (&known[..], "orders 7 Some(1769) /aws/lambda/orders 2026/11/29/[7]a"),
        (&odd[..], "  None  "),
    ] {
        let app = App::new().get("/", function_data).build().unwrap();
        let mut api = RuntimeApi::listen().await;
        let _function = tokio::spawn(api.runtime(app, variables).run());
        assert_eq!(api.invoke(&event("/").to_string()).await.json().await["body"], expected);
    }
}

#[tokio::test]
async fn malformed_invocation_headers_count_as_missing() {
    let mut api = RuntimeApi::listen().await;
    let _function = api.start(app(), InvokeMode::Buffered);
    for fields in [
        [("Lambda-Runtime-Deadline-Ms", "soon"), ("Lambda-Runtime-Client-Context", "{")],
        [("Lambda-Runtime-Deadline-Ms", "-1"), ("Lambda-Runtime-Client-Context", "[]")],
        [("Lambda-Runtime-Cognito-Identity", "{}"), ("Lambda-Runtime-Client-Context", "7")],
        [("Lambda-Runtime-Cognito-Identity", "x"), ("Lambda-Runtime-Aws-Tenant-Id", " ")],
        [("Lambda-Runtime-Deadline-Ms", ""), ("Lambda-Runtime-Client-Context", r#"{"custom":1}"#)],
    ] {
        let reported = reported(&mut api, &fields).await;
        for name in ["deadline", "client", "cognito", "tenant"] {
            assert_eq!(reported[name], Value::Null, "{name} {fields:?}");
        }
    }
}
