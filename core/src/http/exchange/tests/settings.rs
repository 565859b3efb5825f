//! Tests of the effect of settings, and of refused ones.

use super::*;

#[test]
fn default_settings_allow_no_origin_and_ignore_the_tenant_of_a_client() {
    let defaults = HttpSettings::default();
    assert!(defaults.cors.is_none() && !defaults.shows_stack_traces);
    let service = service_with(defaults, Access::Public);
    let asked = [("access-control-request-method", "GET"), ("origin", "https://evil.example")];
    let preflight = Host::default().serve(&service, request("OPTIONS", "/users/7", &asked));
    assert_eq!(preflight.response.status, 405);
    for origin in ["https://evil.example", "null"] {
        let done = Host::default().serve(&service, get(&[("origin", origin)]));
        let headers = done.response.headers;
        assert!(headers.iter().all(|(name, _)| !name.starts_with("access-control-")));
    }
    let mut named = get(&[("x-tenant-id", "t")]);
    named.query = crate::http::QueryString::parse("tenant=t");
    assert_eq!(Host::default().serve(&service, named).report.call.named_tenant_id, "");
    let head = Host::default().serve(&service, request("HEAD", "/users/7", &[]));
    assert_eq!(head.response.status, 200);
    let put = Host::default().serve(&service, request("PUT", "/users/7", &[]));
    assert_eq!(
        (put.response.status, put.response.headers.first("allow")),
        (405, "GET, HEAD, POST")
    );
}

#[test]
fn any_origin_is_not_named_but_starred() {
    let cors = Some(Cors::default());
    let service = service_with(HttpSettings { cors, ..HttpSettings::default() }, Access::Public);
    let asked = [("access-control-request-method", "DELETE"), ("origin", "null")];
    let done = Host::default().serve(&service, request("OPTIONS", "/users/7", &asked));
    let headers = done.response.headers;
    assert_eq!(headers.first("access-control-allow-origin"), "*");
    assert_eq!(headers.first("access-control-allow-methods"), "GET, HEAD, POST");
    assert!(!headers.contains("access-control-allow-credentials"));
}

#[test]
fn too_large_answers_can_be_masked() {
    let limits = Limits { max_response_bytes: NonZeroU64::new(1), ..Limits::default() };
    for (masks_too_large_responses, status) in [(false, 413), (true, 500)] {
        let settings =
            HttpSettings { limits, masks_too_large_responses, ..settings(Pipeline::Identified) };
        let service = service_with(settings, Access::Public);
        let done = Host::default().serve(&service, get(&[]));
        assert_eq!(done.response.status, status);
        assert_eq!(done.response.error.unwrap().status(), status);
    }
}

#[test]
fn stack_traces_are_shown_where_that_is_switched_on() {
    assert!(!HttpSettings::default().shows_stack_traces);
    for (shows_stack_traces, shown) in [(false, false), (true, true)] {
        let settings = HttpSettings { shows_stack_traces, ..settings(Pipeline::Identified) };
        let error = AppError::internal().with_stack_trace("main:1");
        let mut host = Host::answering(Err(error));
        let done = host.serve(&service_with(settings, Access::Public), get(&[]));
        assert_eq!(body(&done.response).contains("main:1"), shown);
    }
}

#[test]
fn contradictory_settings_are_refused_at_build() {
    let limits = Limits { max_request_bytes: NonZeroU64::new(1), ..Limits::default() };
    let cors = Some(Cors::default());
    let to_all = Some(Cors { allow_credentials: true, ..Cors::for_origins(["*"]) });
    for (settings, text) in [
        (
            HttpSettings { limits, ..settings(Pipeline::Bare) },
            "the pipeline Bare does not enforce limits",
        ),
        (
            HttpSettings { cors, ..settings(Pipeline::Bare) },
            "does not enforce CORS: choose Identified",
        ),
        (HttpSettings { authenticates: true, ..settings(Pipeline::Bare) }, "authentication"),
        (
            HttpSettings {
                policy: Some(PolicyStage::BeforeAuthentication),
                ..settings(Pipeline::Identified)
            },
            "the pipeline Identified does not enforce policies: choose Observed",
        ),
        (
            HttpSettings { cors: to_all, ..settings(Pipeline::Identified) },
            "list origins instead of `*`",
        ),
        (
            HttpSettings { cors: Some(Cors::for_origins([""])), ..settings(Pipeline::Identified) },
            "the list of CORS origins is empty",
        ),
    ] {
        let error = Service::new(settings).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
    let mut service = Service::new(settings(Pipeline::Bare)).unwrap();
    let blank = Access::AllScopes(Vec::from(["admin".into(), " ".into()]));
    let error = service.route("GET", "/a", blank, "x").unwrap_err();
    assert!(error.to_string().contains("scopes of the route GET /a"), "{error}");
    let error = service.route("GET", "/a", Access::Authenticated, "x").unwrap_err();
    assert!(error.to_string().contains("GET /a would be open"), "{error}");
    let mut service = Service::new(settings(Pipeline::Identified)).unwrap();
    let scopes = || Vec::from(["admin".into()]);
    for access in [
        Access::Optional,
        Access::Authenticated,
        Access::AllScopes(scopes()),
        Access::AnyScope(scopes()),
    ] {
        let error = service.route("GET", "/a", access, "x").unwrap_err();
        assert!(error.to_string().contains("the protected route GET /a: set an"), "{error}");
    }
    assert_eq!(service.router().routes().len(), 0);
}

#[test]
fn flat_bodies_stay_flat() {
    let settings =
        HttpSettings { error_format: ErrorFormat::FlatLegacy, ..settings(Pipeline::Identified) };
    let done =
        Host::default().serve(&service_with(settings, Access::Public), request("GET", "/x", &[]));
    assert_eq!(body(&done.response), r#"{"code":"app.not_found","message":"not found"}"#);
    let headers: &HeaderMap = &done.response.headers;
    assert_eq!(headers.first("x-request-id"), "ID");
}
