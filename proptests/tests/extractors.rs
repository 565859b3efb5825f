//! Extractors read or refuse any client input and any event: none panics, and a malformed body is a
//! client error.
#![allow(clippy::expect_used, reason = "helpers of tests")]

use std::collections::BTreeMap;

use apptheory::app::{
    App, AppService, Authorizer, Claims, ClientIp, Form, Invocation, Multipart, PrincipalId,
    RequestContext, Scopes, StageVariables,
};
use apptheory::error::AppError;
use apptheory::http::platform::{ClientCertificate, CognitoIdentity, EventJson, IamIdentity};
use apptheory::http::{Cookies, RawRequest};
use apptheory_proptests::cases;
use futures_util::FutureExt as _;
use proptest::prelude::*;
use serde_json::{Value, json};

type Texts = BTreeMap<String, String>;
type Caller = (
    Result<Claims<Texts>, AppError>,
    Result<Scopes, AppError>,
    Result<Authorizer<Texts>, AppError>,
    Result<PrincipalId, AppError>,
    Result<IamIdentity, AppError>,
    Result<CognitoIdentity, AppError>,
    Result<ClientCertificate, AppError>,
    Result<ClientIp, AppError>,
);
type Rest = (Result<RequestContext, AppError>, Result<StageVariables, AppError>);

fn app() -> AppService {
    let app = App::new()
        .post("/form", async |Form(_): Form<Vec<(String, String)>>| "read")
        .post("/map", async |Form(_): Form<Texts>| "read")
        .post("/multipart", async |parts: Multipart| format!("{}", parts.0.len()))
        .post("/cookies", async |cookies: Cookies| format!("{}", cookies.iter().count()))
        .post("/platform", async |_: Caller, _: Rest| "read");
    app.build().expect("an application")
}

fn status(app: &AppService, request: RawRequest<'_>) -> u16 {
    let response = app.serve(request, Invocation::default()).now_or_never();
    response.expect("an answer that waits for nothing").status
}

/// Generates JSON that is almost what a platform sends.
fn context() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z \"\\\\]{0,6}".prop_map(Value::from),
    ];
    let name = prop::sample::select(
        &[
            "http",
            "authorizer",
            "jwt",
            "claims",
            "scopes",
            "scope",
            "lambda",
            "iam",
            "principalId",
            "identity",
            "userArn",
            "cognitoIdentity",
            "identityId",
            "cognitoIdentityId",
            "amr",
            "authentication",
            "clientCert",
            "validity",
            "sub",
        ][..],
    );
    let value = scalar.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(name.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|members| json!(members)),
        ]
    });
    prop_oneof![8 => value.prop_map(|value| value.to_string()), 1 => ".{0,20}"]
}

fn post(path: &str, content_type: &str, body: Vec<u8>) -> RawRequest<'static> {
    let mut request = RawRequest::new("POST", path);
    request.headers.append("content-type", content_type);
    request.body = body.into();
    request
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn bodies_are_read_or_refused(
        body in prop::collection::vec(any::<u8>(), 0..200),
        pieces in prop::collection::vec(prop::sample::select(&[
            "--X", "--X--", "\r\n", "\r\n\r\n", "Content-Disposition: form-data; name=\"a\"", "; filename=\"",
            "Content-Type: a/b", "hi", "a=1&b=%ff+", "\0",
        ][..]), 0..20),
        content_type in prop::sample::select(&[
            "application/x-www-form-urlencoded", "multipart/form-data; boundary=X",
            "multipart/form-data; boundary=\"\"", "multipart/form-data; boundary=", "multipart/form-data", "a/b",
        ][..]),
    ) {
        let app = app();
        for body in [body, pieces.concat().into_bytes()] {
            for path in ["/form", "/map", "/multipart"] {
                let status = status(&app, post(path, content_type, body.clone()));
                prop_assert!(matches!(status, 200 | 400 | 413 | 415 | 422), "{path}: {status}");
            }
        }
    }

    #[test]
    fn cookies_are_read(fields in prop::collection::vec("[ -~\u{e9}]{0,30}", 0..3)) {
        let mut request = RawRequest::new("POST", "/cookies");
        fields.iter().for_each(|field| request.headers.append("cookie", field.as_str()));
        prop_assert_eq!(status(&app(), request), 200);
    }

    #[test]
    fn what_the_platform_says_is_read_or_refused(context in context(), variables in context()) {
        let mut request = RawRequest::new("POST", "/platform");
        request.platform.request_context = EventJson::new(&context);
        request.platform.stage_variables = EventJson::new(&variables);
        prop_assert_eq!(status(&app(), request), 200);
    }
}
