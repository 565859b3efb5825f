//! Tests that WebSocket messages pass the same stages as requests.

use super::*;
use crate::http::QueryString;

/// Returns a message with a provider's id, as from its event.
fn message(body: &'static str) -> RawRequest<'static> {
    let (mut message, id) = (RawRequest::new("", "/"), "r1");
    message.body = body.as_bytes().into();
    message.provider_request_id = id.into();
    message
}

fn send(host: &mut Host, service: &Service, key: &str, message: RawRequest<'_>) -> Exchanged<u8> {
    host.carry_out(service.message_exchange(key, message, ARRIVAL))
}

fn service(settings: HttpSettings, access: Access) -> Service {
    let mut service = service_with(settings, Access::Public);
    service.message_route(" say ", access, "say").unwrap();
    service.message_route("$connect", Access::Public, "connect").unwrap();
    service
}

fn error(code: &str, message: &str) -> String {
    format!(r#"{{"error":{{"code":"{code}","message":"{message}","request_id":"r1"}}}}"#)
}

#[test]
fn a_message_passes_the_stages_of_a_request() {
    for (policy, asked) in [
        (PolicyStage::BeforeAuthentication, ["policy:", "auth"]),
        (PolicyStage::AfterAuthentication, ["auth", "policy:u"]),
    ] {
        let settings = HttpSettings {
            policy: Some(policy),
            authenticates: true,
            cors: Some(Cors::default()),
            ..HttpSettings::default()
        };
        let service = service(settings, Access::Authenticated);
        let principal = Some(Ok(Some(Principal::new("u"))));
        let mut host = Host { principal, ..Host::default() };
        let mut said = message("hi");
        said.headers.append("Origin", "https://a.example");
        said.headers.append("X-Request-Id", "clients");
        let done = send(&mut host, &service, "say\n", said);
        assert_eq!(host.asked[..2], asked);
        assert_eq!(host.asked[2..], ["say:request_id,recovery,logging,auth,handler"]);
        let Report { call, observation } = &done.report;
        assert_eq!(
            (&*call.request_id, call.route_key(), call.pattern()),
            ("r1", Some("say"), None)
        );
        assert!(observation.is_none());
        let fields: Vec<_> = done.response.headers.iter().map(|(name, _)| name).collect();
        assert_eq!((done.response.status, fields), (200, ["content-type"].into()));
    }
}

#[test]
fn messages_are_refused_as_requests_are() {
    let limits = Limits { max_request_bytes: NonZeroU64::new(4), max_response_bytes: None };
    let settings = HttpSettings {
        limits,
        policy: Some(PolicyStage::AfterAuthentication),
        authenticates: true,
        error_format: ErrorFormat::FlatLegacy,
        ..HttpSettings::default()
    };
    let scopes = Access::AllScopes(["chat".into()].into());
    let service = service(settings, scopes);
    let busy = || Ok(Some(PolicyDecision::overloaded(HeaderMap::new())));
    let chatter = || Ok(Some(Principal::new("u").with_scopes(["chat"])));
    let mut encoded = message("!!!!");
    encoded.is_base64 = true;
    for (key, message, principal, policy, status, body) in [
        ("say", message("hello"), chatter(), Ok(None), 413, ("too_large", "request too large")),
        ("none", encoded, chatter(), Ok(None), 400, ("bad_request", "invalid base64")),
        ("none", message("hi"), chatter(), Ok(None), 404, ("not_found", "not found")),
        (" ", message("hi"), chatter(), Ok(None), 404, ("not_found", "not found")),
        ("SAY", message("hi"), chatter(), Ok(None), 404, ("not_found", "not found")),
        ("say", message("hi"), Ok(None), Ok(None), 401, ("unauthorized", "unauthorized")),
        (
            "say",
            message("hi"),
            Ok(Some(Principal::new("u"))),
            Ok(None),
            403,
            ("forbidden", "forbidden"),
        ),
        ("say", message("hi"), chatter(), busy(), 503, ("overloaded", "overloaded")),
        (
            "say",
            message("hi"),
            chatter(),
            Err(AppError::forbidden()),
            500,
            ("internal", "internal error"),
        ),
    ] {
        let mut host = Host { principal: Some(principal), policy: Some(policy), ..Host::default() };
        let done = send(&mut host, &service, key, message);
        let (code, text) = body;
        assert_eq!(done.response.status, status, "{key} {text}");
        assert_eq!(super::body(&done.response), error(&format!("app.{code}"), text));
        assert!(host.asked.iter().all(|asked| !asked.starts_with("say:")), "{:?}", host.asked);
        assert_eq!(done.report.call.route_key(), Some(key.trim()));
    }
}

#[test]
fn a_message_has_an_id_in_every_pipeline_and_its_errors_no_trace() {
    for pipeline in [Pipeline::Bare, Pipeline::Identified, Pipeline::Observed] {
        let settings = HttpSettings { pipeline, ..HttpSettings::default() };
        let service = service(settings, Access::Public);
        let mut said = message("hi");
        said.provider_request_id = " ".into();
        said.headers.append("traceparent", format!("00-{}-x-y", "1".repeat(32)));
        let done = send(&mut Host::answering(Err(AppError::not_found())), &service, "say", said);
        assert_eq!(done.report.call.request_id, "ID", "{pipeline:?}");
        assert!(!done.report.call.request.trace_id.is_empty());
        let shown = if pipeline == Pipeline::Bare { "" } else { r#","request_id":"ID""# };
        let expected =
            format!(r#"{{"error":{{"code":"app.not_found","message":"not found"{shown}}}}}"#);
        assert_eq!(body(&done.response), expected);
    }
}

#[test]
fn what_looks_like_a_preflight_or_a_head_is_a_message() {
    let cors = Some(Cors { reflects: true, ..Cors::default() });
    let service = service(HttpSettings { cors, ..HttpSettings::default() }, Access::Public);
    for method in ["OPTIONS", "HEAD"] {
        let mut started = message("");
        started.method = method.into();
        started.headers.append("access-control-request-method", "PUT");
        let done = send(&mut Host::default(), &service, "$connect", started);
        assert_eq!((done.response.status, body(&done.response)), (200, "ok"), "{method}");
    }
}

#[test]
fn clients_name_the_tenant_of_a_message_where_they_may_name_that_of_a_request() {
    for (tenant, expected) in [(TenantSource::Principal, ""), (TenantSource::FieldOrQuery, "t")] {
        let service = service(HttpSettings { tenant, ..HttpSettings::default() }, Access::Public);
        let started = RawRequest { query: QueryString::parse("tenant=t"), ..message("") };
        let done = send(&mut Host::default(), &service, "$connect", started);
        assert_eq!(done.report.call.named_tenant_id, expected);
    }
}

#[test]
fn routes_of_messages_are_checked_as_those_of_requests() {
    let mut open = HttpService::new(HttpSettings::default()).unwrap();
    let mut bare =
        HttpService::new(HttpSettings { pipeline: Pipeline::Bare, ..HttpSettings::default() })
            .unwrap();
    open.message_route("a", Access::Public, 1).unwrap();
    let (method, pattern) = (|| "WEBSOCKET".into(), || "b".into());
    for (refused, expected) in [
        (
            open.message_route(" a", Access::Public, 2),
            SetupError::RouteKeyTaken { route_key: "a".into() },
        ),
        (open.message_route("\t", Access::Public, 2), SetupError::BlankRouteKey),
        (
            open.message_route("b", Access::Authenticated, 2),
            SetupError::Unauthenticated { method: method(), pattern: pattern() },
        ),
        (
            open.message_route("b", Access::AnyScope(Vec::new()), 2),
            SetupError::BlankScopes { method: method(), pattern: pattern() },
        ),
        (
            bare.message_route("b", Access::Authenticated, 2),
            SetupError::Unprotected { method: method(), pattern: pattern() },
        ),
    ] {
        assert_eq!(refused, Err(expected));
    }
    assert!(open.message_endpoint(" a ").is_some() && open.message_endpoint("b").is_none());
}
