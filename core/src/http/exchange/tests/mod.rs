//! Tests of the order of the pipeline, and of each stage's response.

mod fallbacks;
mod messages;
mod settings;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::num::NonZeroU64;
use core::time::Duration;

use serde_json::json;

use super::*;
use crate::error::{AppError, ErrorFormat, code};
use crate::http::{HeaderMap, HttpResponse, RawRequest};
use crate::machine::{Machine, Step};
use crate::time::Timestamp;

type Service = HttpService<&'static str>;
type Answer = Result<HttpResponse<u8>, AppError>;

const ARRIVAL: Arrival = Arrival { now: Timestamp::UNIX_EPOCH, remaining: None };

/// A host with scripted outcomes, which records the requested effects.
#[derive(Default)]
struct Host {
    policy: Option<Result<Option<PolicyDecision>, AppError>>,
    principal: Option<Result<Option<Principal>, AppError>>,
    answer: Option<Answer>,
    asked: Vec<String>,
}

impl Host {
    fn answering(answer: Answer) -> Self {
        Self { answer: Some(answer), ..Self::default() }
    }

    fn serve(&mut self, service: &Service, request: RawRequest<'_>) -> Exchanged<u8> {
        self.carry_out(service.exchange(request, ARRIVAL))
    }

    fn carry_out(&mut self, exchange: HttpExchange<'_, &'static str, u8>) -> Exchanged<u8> {
        let mut step = exchange.start();
        loop {
            step = match step {
                Step::Done(concluded) => return concluded,
                Step::Ask(ExchangeRequest::NewRequestId(ask)) => {
                    self.asked.push("id".into());
                    ask.answer("ID".into())
                }
                Step::Ask(ExchangeRequest::DecidePolicy(ask)) => {
                    let caller = ask.effect().principal.as_ref().map(|p| p.identity.clone());
                    self.asked.push(format!("policy:{}", caller.unwrap_or_default()));
                    ask.answer(self.policy.clone().unwrap_or(Ok(None)))
                }
                Step::Ask(ExchangeRequest::Authenticate(ask)) => {
                    self.asked.push("auth".into());
                    ask.answer(self.principal.clone().unwrap_or(Ok(None)))
                }
                Step::Ask(ExchangeRequest::CallHandler(ask)) => {
                    let stages: Vec<_> = ask.effect().stages.names().collect();
                    self.asked.push(format!("{}:{}", ask.effect().handler, stages.join(",")));
                    ask.answer(
                        self.answer.clone().unwrap_or_else(|| Ok(HttpResponse::text(200, "ok"))),
                    )
                }
            };
        }
    }
}

/// Returns the contract's settings, without those that the lowest pipeline does not enforce.
fn settings(pipeline: Pipeline) -> HttpSettings {
    let contract = crate::contract::profile().http;
    let cors = contract.cors.clone().filter(|_| pipeline > Pipeline::Bare);
    HttpSettings { pipeline, cors, ..contract }
}

fn service_with(settings: HttpSettings, access: Access) -> Service {
    let mut service = HttpService::new(settings).unwrap();
    service.route("GET", "/users/{id}", access, "show").unwrap();
    service.route("POST", "/users/{id}", Access::Public, "change").unwrap();
    service
}

fn get(fields: &[(&str, &str)]) -> RawRequest<'static> {
    request("GET", "/users/7", fields)
}

fn request(method: &str, path: &str, fields: &[(&str, &str)]) -> RawRequest<'static> {
    let mut request = RawRequest::new(method, path);
    for (name, value) in fields {
        request.headers.append(*name, *value);
    }
    request
}

fn body(response: &HttpResponse<u8>) -> &str {
    core::str::from_utf8(&response.body).unwrap()
}

#[test]
fn a_request_passes_the_stages_in_order() {
    let settings = HttpSettings {
        policy: Some(PolicyStage::BeforeAuthentication),
        authenticates: true,
        ..settings(Pipeline::Observed)
    };
    let service = service_with(settings.clone(), Access::Authenticated);
    let principal = Some(Ok(Some(Principal::new(" u "))));
    let mut host = Host { principal: principal.clone(), ..Host::default() };
    let done = host.serve(&service, get(&[("origin", "https://a")]));
    let handler = "show:request_id,recovery,logging,cors,auth,handler";
    assert_eq!(host.asked, ["id", "policy:", "auth", handler]);
    assert_eq!(done.response.headers.first("x-request-id"), "ID");
    assert_eq!(done.report.call.param("id"), Some("7"));

    let after = HttpSettings { policy: Some(PolicyStage::AfterAuthentication), ..settings };
    let service = service_with(after, Access::Authenticated);
    let mut host = Host { principal, ..Host::default() };
    let _ = host.serve(&service, get(&[("x-request-id", " r1 ")]));
    assert_eq!(host.asked[..2], ["auth", "policy:u"]);
}

#[test]
fn the_bare_pipeline_only_routes() {
    let service = service_with(settings(Pipeline::Bare), Access::Public);
    let mut host = Host::default();
    let done = host.serve(&service, get(&[("origin", "https://a"), ("x-request-id", "r1")]));
    assert_eq!(host.asked, ["show:"]);
    assert_eq!(done.response.headers.len(), 1, "only its own content type");
    assert!(done.report.observation.is_none() && done.report.call.request_id.is_empty());

    let preflight = [("access-control-request-method", "GET")];
    let done = host.serve(&service, request("OPTIONS", "/users/7", &preflight));
    assert_eq!(done.response.status, 405);
    assert_eq!(
        body(&done.response),
        r#"{"error":{"code":"app.method_not_allowed","message":"method not allowed"}}"#
    );
    assert_eq!(done.response.headers.first("allow"), "GET, POST");
}

#[test]
fn ids_are_the_clients_the_providers_or_new() {
    let service = service_with(settings(Pipeline::Identified), Access::Public);
    let long = "x".repeat(129);
    for (client, provider, expected) in [
        (" r1 ", "p1", "r1"),
        ("", "p1", "p1"),
        ("  ", "", "ID"),
        (&long, "p1", "p1"),
        ("r\u{7f}", &long, "ID"),
        ("é", "", "ID"),
    ] {
        let mut request = get(&[("x-request-id", client)]);
        request.provider_request_id = provider.into();
        let done = Host::default().serve(&service, request);
        assert_eq!(done.response.headers.first("x-request-id"), expected, "{client:?}");
    }
}

#[test]
fn preflights_are_answered_before_anything_is_looked_at() {
    let limits = Limits { max_request_bytes: NonZeroU64::new(1), max_response_bytes: None };
    let service =
        service_with(HttpSettings { limits, ..settings(Pipeline::Identified) }, Access::Public);
    let mut preflight =
        request("options", "/nowhere", &[("Access-Control-Request-Method", "X<>Y")]);
    preflight.body = b"too large".into();
    let mut host = Host::default();
    let done = host.serve(&service, preflight);
    assert_eq!((done.response.status, host.asked.len()), (204, 1));
    assert_eq!(done.response.headers.first("access-control-allow-methods"), "X<>Y");
    assert_eq!(done.response.headers.first("x-request-id"), "ID");

    let forged = [("access-control-request-method", "GET\r\nx: y")];
    let done = Host::default().serve(&service, request("OPTIONS", "/users/7", &forged));
    assert_eq!(done.response.status, 400);
}

#[test]
fn preflights_are_for_known_routes() {
    let cors = Some(Cors::default());
    let mut service =
        service_with(HttpSettings { cors, ..settings(Pipeline::Identified) }, Access::Public);
    service.route("OPTIONS", "/own", Access::Public, "own").unwrap();
    let serve = |path| {
        let asked = [("access-control-request-method", "PUT"), ("origin", "https://a")];
        Host::default().serve(&service, request("OPTIONS", path, &asked)).response
    };
    let known = serve("/users/7");
    assert_eq!(known.headers.first("access-control-allow-methods"), "GET, POST");
    assert_eq!(serve("/own").status, 200);
    assert_eq!(serve("/nowhere").status, 404);
}

#[test]
fn malformed_requests_are_answered_with_ids_and_cors() {
    let limits = Limits { max_request_bytes: NonZeroU64::new(4), max_response_bytes: None };
    let service =
        service_with(HttpSettings { limits, ..settings(Pipeline::Identified) }, Access::Public);
    let origin = [("origin", "https://a")];
    let mut encoded = request("GET", "/nowhere", &origin);
    encoded.is_base64 = true;
    encoded.body = b"aGk".into();
    let mut large = request("GET", "/nowhere", &origin);
    large.body = b"12345".into();
    let dirty = request("GET", "/nowhere", &[("origin", "https://a\r\nx: y")]);
    for (request, status, message) in [
        (encoded, 400, "invalid base64"),
        (large, 413, "request too large"),
        (dirty, 400, "invalid header"),
    ] {
        let mut host = Host::default();
        let done = host.serve(&service, request);
        assert_eq!(done.response.status, status);
        let expected = json!({"error": {
            "code": if status == 413 { code::TOO_LARGE } else { code::BAD_REQUEST },
            "message": message,
            "request_id": "ID",
        }});
        assert_eq!(body(&done.response), expected.to_string());
        let echoed = done.response.headers.first("access-control-allow-origin");
        assert_eq!(echoed, if message == "invalid header" { "" } else { "https://a" });
        assert_eq!(host.asked, ["id"], "no handler, no policy");
    }
}

#[test]
fn protected_routes_need_a_caller() {
    let authenticated = HttpSettings { authenticates: true, ..settings(Pipeline::Identified) };
    let own = AppError::forbidden().with_status(499);
    for (settings, access, principal, status, identity) in [
        (authenticated.clone(), Access::Authenticated, Some(Ok(None)), 401, None),
        (authenticated.clone(), Access::Optional, Some(Ok(None)), 200, None),
        (authenticated.clone(), Access::Optional, Some(Err(own.clone())), 499, None),
        (authenticated.clone(), Access::Authenticated, Some(Err(own)), 499, None),
        (
            authenticated.clone(),
            Access::Authenticated,
            Some(Ok(Some(Principal::new("u")))),
            200,
            Some("show:request_id,recovery,logging,auth,handler"),
        ),
    ] {
        let service = service_with(settings, access);
        let mut host = Host { principal, ..Host::default() };
        let done = host.serve(&service, get(&[]));
        assert_eq!(done.response.status, status);
        if let Some(identity) = identity {
            assert_eq!(host.asked.last().map(String::as_str), Some(identity));
        }
    }
}

#[test]
fn policies_refuse_with_their_own_fields_but_json() {
    let before = HttpSettings {
        policy: Some(PolicyStage::BeforeAuthentication),
        ..settings(Pipeline::Observed)
    };
    let service = service_with(before, Access::Public);
    let fields = [("Retry-After", "1"), ("Content-Type", "text/plain"), ("set-cookie", "a=1")];
    let decision = PolicyDecision::rate_limited(fields.into_iter().collect());
    let mut host = Host { policy: Some(Ok(Some(decision))), ..Host::default() };
    let done = host.serve(&service, get(&[]));
    assert_eq!((done.response.status, host.asked.len()), (429, 2));
    let headers = &done.response.headers;
    assert_eq!(headers.first("retry-after"), "1");
    assert_eq!(headers.first("content-type"), "application/json; charset=utf-8");
    assert_eq!(done.response.cookies, ["a=1"]);
    let now = Timestamp::UNIX_EPOCH;
    assert_eq!(done.report.observation.unwrap().log(now).error_code, "app.rate_limited");

    let mut host = Host { policy: Some(Err(AppError::forbidden())), ..Host::default() };
    let done = host.serve(&service, get(&[]));
    assert_eq!(done.response.status, 500);
    assert!(body(&done.response).contains("internal error"));
}

#[test]
fn what_was_not_done_in_time_has_the_chosen_status() {
    let late = || AppError::new(code::TIMEOUT, "of the policy's own");
    let settings = HttpSettings {
        policy: Some(PolicyStage::BeforeAuthentication),
        ..settings(Pipeline::Observed)
    };
    assert_eq!(HttpSettings::default().timeout_status, 504);
    for timeout_status in [504, 408] {
        let service =
            service_with(HttpSettings { timeout_status, ..settings.clone() }, Access::Public);
        let policy = Host { policy: Some(Err(late())), ..Host::default() };
        let handler = Host { answer: Some(Err(AppError::of(code::TIMEOUT))), ..Host::default() };
        for mut host in [policy, handler] {
            let done = host.serve(&service, get(&[]));
            assert_eq!(done.response.status, timeout_status);
            let shown =
                r#"{"error":{"code":"app.timeout","message":"request timeout","request_id":"ID"}}"#;
            assert_eq!(body(&done.response), shown);
        }
    }
}

#[test]
fn a_handlers_answer_is_checked() {
    let limits = Limits { max_request_bytes: None, max_response_bytes: NonZeroU64::new(4) };
    let service =
        service_with(HttpSettings { limits, ..settings(Pipeline::Identified) }, Access::Public);
    let conflict = AppError::conflict("taken");
    let wrong_error = AppError::new("x", "m").with_status(9).with_header("a", "b\r\nc");
    for (answer, status, text) in [
        (Ok(HttpResponse::text(0, "1234")), 200, "1234"),
        (Ok(HttpResponse::text(200, "12345").with_header("a", "b")), 413, "response too large"),
        (Ok(HttpResponse::new(700)), 500, "internal error"),
        (Ok(HttpResponse::new(200).with_header("a", "b\nc")), 500, "internal error"),
        (Ok(HttpResponse::binary(200, "x", "").with_stream(1)), 500, "internal error"),
        (Ok(HttpResponse::html_stream(204, 1)), 204, ""),
        (Err(conflict), 409, "taken"),
        (Err(wrong_error), 500, "internal error"),
    ] {
        let done = Host::answering(answer).serve(&service, get(&[]));
        assert_eq!(done.response.status, status);
        assert!(body(&done.response).contains(text), "{}", body(&done.response));
        assert!(!done.response.headers.contains("a"));
    }
}

#[test]
fn the_pipelines_fields_win() {
    let service = service_with(settings(Pipeline::Identified), Access::Public);
    let answer = HttpResponse::new(200)
        .with_header("X-Request-Id", "mine")
        .with_header("vary", "B")
        .with_header("access-control-allow-origin", "zzz");
    let mut host = Host::answering(Ok(answer));
    let done = host.serve(&service, get(&[("origin", "https://a")]));
    let headers = &done.response.headers;
    assert_eq!(headers.first("x-request-id"), "ID");
    assert_eq!(headers.first("access-control-allow-origin"), "https://a");
    assert_eq!(headers.get_all("vary"), ["b", "origin"]);
}

#[test]
fn records_say_what_was_answered() {
    let patterns = HttpSettings { records_patterns: true, ..settings(Pipeline::Observed) };
    let trace = "1".repeat(32);
    let traceparent = format!("00-{trace}-x-y");
    let fields = [("traceparent", &*traceparent), ("x-tenant-id", "t")];
    for (settings, path, route) in [
        (settings(Pipeline::Observed), "/users/7", "/users/7"),
        (patterns.clone(), "/users/7", "/users/{id}"),
        (patterns, "/nowhere", "unmatched"),
    ] {
        let service = service_with(settings, Access::Public);
        let done = Host::default().serve(&service, request("GET", path, &fields));
        let status = done.response.status;
        let error = if status == 404 { "app.not_found" } else { "" };
        let observation = done.report.observation.unwrap();
        let ended_at = Timestamp::UNIX_EPOCH.saturating_add(Duration::from_micros(25_999));
        let log = serde_json::to_value(observation.log(ended_at)).unwrap();
        let level = if status == 404 { "warn" } else { "info" };
        let expected = json!({"level": level, "event": "request.completed", "request_id": "ID",
            "trace_id": trace, "tenant_id": "t", "method": "GET", "path": path, "status": status,
            "error_code": error, "duration_ms": 25});
        assert_eq!(log, expected);
        let metric = serde_json::to_value(observation.metric(ended_at)).unwrap();
        let expected = json!({"name": "apptheory.request", "value": 1, "duration_ms": 25, "tags":
            {"method": "GET", "path": route, "status": status.to_string(), "error_code": error,
             "tenant_id": "t"}});
        assert_eq!(metric, expected);
        let span = serde_json::to_value(observation.span()).unwrap();
        let expected = json!({"name": format!("http GET {route}"), "attributes":
            {"http.method": "GET", "http.route": route, "http.status_code": status.to_string(),
             "request.id": "ID", "tenant.id": "t", "error.code": error, "trace.id": trace}});
        assert_eq!(span, expected);
    }
}

#[test]
fn tenants_are_verified_for_unless_clients_may_name_them() {
    let recorded = |tenant,
                    fields: &[(&str, &str)],
                    tenant_id: Option<&str>,
                    platform: Option<&str>| {
        let settings = HttpSettings { authenticates: true, tenant, ..settings(Pipeline::Observed) };
        let service = service_with(settings, Access::Optional);
        let principal = Principal { tenant_id: tenant_id.map(String::from), ..Principal::new("u") };
        let mut request = get(fields);
        request.query = crate::http::QueryString::parse("tenant=spoofed");
        request.platform.tenant_id = platform.map(String::from);
        let mut host = Host { principal: Some(Ok(Some(principal))), ..Host::default() };
        let done = host.serve(&service, request);
        done.report.observation.unwrap().log(Timestamp::UNIX_EPOCH).tenant_id.to_string()
    };
    let named =
        |tenant, fields: &[(&str, &str)], tenant_id| recorded(tenant, fields, tenant_id, None);
    let field = [("x-tenant-id", " t ")];
    for (source, with_field, without) in [
        (TenantSource::Principal, "", ""),
        (TenantSource::Field, "t", ""),
        (TenantSource::FieldOrQuery, " t ", "spoofed"),
    ] {
        assert_eq!(named(source, &field, None), with_field);
        assert_eq!(named(source, &[], None), without);
        assert_eq!(named(source, &field, Some("verified")), "verified");
        for verified in [None, Some("verified")] {
            assert_eq!(recorded(source, &field, verified, Some("isolated")), "isolated");
        }
    }
}

#[test]
fn an_error_with_an_invalid_header_or_status_becomes_a_500() {
    let service = service_with(HttpSettings::default(), Access::Public);
    for error in [
        AppError::conflict("c").with_header("x-a", "1\r\nx-b: 2"),
        AppError::conflict("c").with_status(20),
    ] {
        let done = Host::answering(Err(error)).serve(&service, get(&[]));
        let recorded =
            done.report.observation.as_ref().unwrap().log(Timestamp::UNIX_EPOCH).error_code;
        assert_eq!((done.response.status, &*recorded), (500, "app.internal"));
        let error = done.response.error.as_ref().expect("what was answered");
        assert!(error.status() == 500 && core::error::Error::source(error).is_some());
    }
}

#[test]
fn a_blank_request_id_of_the_provider_is_replaced() {
    let service = service_with(HttpSettings::default(), Access::Public);
    for (given, expected) in [(" ", "ID"), (" p ", "p")] {
        let request = RawRequest { provider_request_id: given.into(), ..get(&[]) };
        let done = Host::default().serve(&service, request);
        assert_eq!(done.report.call.request_id, expected);
    }
}

#[test]
fn answers_to_head_requests_have_no_body() {
    let mut service = service_with(settings(Pipeline::Identified), Access::Public);
    service.route("HEAD", "/own", Access::Public, "own").unwrap();
    let by_get = service_with(
        HttpSettings { head_as_get: true, ..settings(Pipeline::Identified) },
        Access::Public,
    );
    for (service, path, answer, status) in [
        (&by_get, "/users/7", Ok(HttpResponse::text(200, "hello")), 200),
        (&by_get, "/users/7", Ok(HttpResponse::html_stream(200, 1)), 200),
        (&by_get, "/users/7", Err(AppError::not_found()), 404),
        (&service, "/own", Ok(HttpResponse::text(200, "hello")), 200),
        (&service, "/own", Ok(HttpResponse::binary(200, [0], "x")), 200),
        (&service, "/users/7", Ok(HttpResponse::new(200)), 405),
    ] {
        let done = Host::answering(answer).serve(service, request("HEAD", path, &[]));
        assert_eq!((done.response.status, done.response.body.len()), (status, 0));
        assert!(done.response.stream.is_none() && done.response.headers.contains("content-type"));
        assert!(!done.response.is_base64);
    }
}

#[test]
fn requests_are_printed_without_what_their_clients_sent() {
    let mut secret = get(&[("authorization", "Bearer tok")]);
    secret.body = b"payload".into();
    let raw = format!("{secret:?}");
    let whole = format!("{:?} {:?}", secret.normalize(None), Principal::new("u"));
    for text in [raw, whole] {
        assert!(!text.contains("tok") && !text.contains("payload"), "{text}");
        assert!(text.contains("body_len: 7"), "{text}");
    }
}

#[test]
fn clients_choose_no_dimension_and_nothing_hidden_reaches_records() {
    let settings = HttpSettings { authenticates: true, ..settings(Pipeline::Observed) };
    let service = service_with(settings, Access::Authenticated);
    let observed = |method: &str, path: &str, tenant_id: Option<&str>| {
        let principal = Principal { tenant_id: tenant_id.map(String::from), ..Principal::new("u") };
        let request = request(method, path, &[("x-tenant-id", "spoof\u{202e}ed\u{200b}")]);
        let mut host = Host {
            principal: Some(Ok(Some(principal))),
            ..Host::answering(Ok(HttpResponse::text(200, "")))
        };
        host.serve(&service, request).report.observation.unwrap()
    };
    let dimensions = |observation: &Observation| {
        let metric = observation.metric(Timestamp::UNIX_EPOCH);
        let shown = metric.dimensions.iter().map(|(name, value)| format!("{name}={value}"));
        shown.collect::<Vec<_>>().join(" ")
    };
    let unmatched = observed("X-MADE-UP", "/made/up", None);
    assert_eq!(
        dimensions(&unmatched),
        "method=_OTHER path=unmatched status=404 error_code=app.not_found"
    );
    let metric = unmatched.metric(Timestamp::UNIX_EPOCH);
    assert_eq!((metric.tag("method"), metric.tag("tenant_id")), ("X-MADE-UP", "spoofed"));
    assert_eq!(&*unmatched.log(Timestamp::UNIX_EPOCH).tenant_id, "spoofed");
    let known = observed("PATCH", "/made/up", None);
    assert!(dimensions(&known).starts_with("method=PATCH path=unmatched"));
    let verified = observed("GET", "/users/7", Some("t1"));
    assert_eq!(
        dimensions(&verified),
        "method=GET path=/users/{id} status=200 error_code= tenant_id=t1"
    );
}
