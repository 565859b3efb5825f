//! Tests of handlers for paths that no route matches.

use super::*;

#[test]
fn a_fallback_checks_access_like_a_route_and_has_no_route_pattern() {
    let settings = HttpSettings { authenticates: true, ..settings(Pipeline::Observed) };
    let mut service = service_with(settings, Access::Public);
    service.fallback("/users", Access::Authenticated, "nobody").unwrap();
    let ask = |method: &str, path: &str, caller: Option<&str>| {
        let principal = Some(Ok(caller.map(Principal::new)));
        let mut host = Host { principal, ..Host::default() };
        let done = host.serve(&service, request(method, path, &[("x-request-id", "r")]));
        let is_routed = done.report.call.pattern().is_some();
        let handler = host.asked.last().and_then(|asked| asked.split(':').next());
        (done.response.status, handler.unwrap_or_default().to_string(), is_routed)
    };
    assert_eq!(ask("GET", "/users/7/x", Some("ann")), (200, "nobody".into(), false));
    assert_eq!(ask("PURGE", "/users", Some("ann")), (200, "nobody".into(), false));
    assert_eq!(ask("GET", "/users/7/x", None), (401, "auth".into(), false));
    assert_eq!(ask("GET", "/users/7", None), (200, "show".into(), true));
    assert_eq!(ask("DELETE", "/users/7", Some("ann")), (405, "".into(), false));
    assert_eq!(ask("GET", "/usersx", Some("ann")), (404, "".into(), false));
}

#[test]
fn a_second_fallback_of_a_prefix_is_refused() {
    let mut service = service_with(settings(Pipeline::Bare), Access::Public);
    service.fallback("/", Access::Public, "all").unwrap();
    service.fallback("/users/{id}", Access::Public, "one").unwrap();
    for (prefix, said) in [
        ("", "duplicate route: FALLBACK "),
        ("/users/{user}", "duplicate route: FALLBACK /users/{user} matches the same paths"),
        ("/a//", "invalid route pattern: FALLBACK /a//: a segment is empty: remove a slash"),
    ] {
        let error = service.fallback(prefix, Access::Public, "again").unwrap_err().to_string();
        assert!(error.starts_with(said), "{error}");
    }
    let error = service.fallback("/x", Access::Authenticated, "never").unwrap_err();
    assert!(matches!(error, SetupError::Unprotected { .. }));
}
