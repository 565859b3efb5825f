use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Lookup, Pattern, PatternError, RegistrationError, RouteTable};
use crate::http::UriPath;

/// Returns the result of a look-up on one line.
fn look_up(router: &RouteTable<usize>, method: &str, path: &str) -> String {
    match router.look_up(method, &UriPath::from_encoded(path)) {
        Lookup::NotFound => "404".to_string(),
        Lookup::MethodNotAllowed { allow } => format!("405 {allow}"),
        Lookup::Found(found) => {
            let mut text = format!("#{} {}", found.handler(), found.pattern());
            for param in found.params() {
                text.push_str(&format!(" {}={:?}", param.name, param.raw));
                assert_eq!(found.param(param.name), Some(param.raw));
            }
            text
        }
    }
}

fn router(routes: &[&str]) -> RouteTable<usize> {
    with_routes(RouteTable::new(), routes)
}

fn with_routes(mut router: RouteTable<usize>, routes: &[&str]) -> RouteTable<usize> {
    for (index, route) in routes.iter().enumerate() {
        let (method, pattern) = route.split_once(' ').unwrap();
        router.insert(method, pattern, index).unwrap();
    }
    router
}

#[test]
fn a_route_matches_as_many_segments_as_it_has() {
    let routes = router(&["GET /", "GET /shops", "GET /shops/{shop}/orders"]);
    for (path, expected) in [
        ("", "#0 /"),
        ("//", "404"),
        ("shops", "#1 /shops"),
        ("/shops/", "404"),
        ("/Shops", "404"),
        ("/shop%73", "#1 /shops"),
        ("/shops#top", "404"),
        ("/shops/7/orders", "#2 /shops/{shop}/orders shop=\"7\""),
        ("/shops/ /orders", "#2 /shops/{shop}/orders shop=\"%20\""),
        ("/shops//orders", "404"),
        ("/shops/7/orders/", "404"),
        ("/shops/7", "404"),
    ] {
        assert_eq!(look_up(&routes, "GET", path), expected, "{path:?}");
    }
}

/// Some readers treat each of these paths as `/admin`. A rule in front of the application may not,
/// and may have let them through.
#[test]
fn look_alikes_of_a_path_are_other_paths() {
    let routes = router(&["GET /", "GET /admin", "GET /public/{file}"]);
    for path in [
        "/admin%20",
        "/admin ",
        " /admin",
        "/admin\u{a0}",
        "/admin%C2%A0",
        "/admin\u{3000}",
        "/admin%E3%80%80",
        "/admin\n",
        "/admin%0A",
        "/admin%00",
        "/admin?x",
        "/admin%3Fx",
        "/admin;x",
        "/admin/",
        "//admin",
        "/./admin",
        "/%2e/admin",
        "/public/../admin",
        "/public/%2e%2e/admin",
        "/public%2F..%2Fadmin",
        "/%2Fadmin",
        "%2Fadmin",
        "/admin%2F",
        "/%25%36%31dmin",
        "/Admin",
        "\\admin",
        " ",
        "?",
    ] {
        assert_eq!(look_up(&routes, "GET", path), "404", "{path:?}");
    }
    assert_eq!(look_up(&routes, "GET", "/%61%64min"), "#1 /admin");
    let dots = look_up(&routes, "GET", "/public/%2e%2E");
    assert_eq!(dots, "#2 /public/{file} file=\"..\"");
}

#[test]
fn patterns_and_paths_are_spelled_alike() {
    let routes = router(&["GET /caf\u{e9}/a b", "GET /50%", "GET /%7euser", "GET /a%2fb"]);
    for (path, expected) in [
        ("/caf%c3%a9/a%20b", "#0 /caf%C3%A9/a%20b"),
        ("/caf\u{e9}/a b", "#0 /caf%C3%A9/a%20b"),
        ("/50%25", "#1 /50%25"),
        ("/50%", "#1 /50%25"),
        ("/~user", "#2 /~user"),
        ("/%7Euser", "#2 /~user"),
        ("/a%2Fb", "#3 /a%2Fb"),
        ("/a/b", "404"),
    ] {
        assert_eq!(look_up(&routes, "GET", path), expected, "{path:?}");
    }
    let mut routes = routes;
    assert!(routes.insert("GET", "/caf%C3%A9/a%20b", 4).is_err());
}

#[test]
fn a_proxy_takes_at_least_one_segment_and_keeps_slashes() {
    let routes = router(&["GET /files/{path+}", "GET /{rest+}"]);
    for (path, expected) in [
        ("/", "404"),
        ("//", "#1 /{rest+} rest=\"/\""),
        ("//a", "#1 /{rest+} rest=\"/a\""),
        ("/files", "#1 /{rest+} rest=\"files\""),
        ("/files/", "#0 /files/{path+} path=\"\""),
        ("/files//", "#0 /files/{path+} path=\"/\""),
        ("/files/a/b/", "#0 /files/{path+} path=\"a/b/\""),
        ("/files/a%2Fb", "#0 /files/{path+} path=\"a%2Fb\""),
    ] {
        assert_eq!(look_up(&routes, "GET", path), expected, "{path:?}");
    }
}

#[test]
fn the_most_specific_route_wins() {
    for (routes, path, winner) in [
        // More static segments win, at any position.
        (&["GET /{a}/open", "GET /orders/{b}/x", "GET /orders/open"][..], "/orders/open", 2),
        (&["GET /{a}/b/c", "GET /a/{b}/{c}"], "/a/b/c", 0),
        (&["GET /a/{b}/{c}", "GET /{a}/b/c"], "/a/b/c", 1),
        (&["GET /{x}/{y}/{z+}", "GET /a/{z+}"], "/a/b/c", 1),
        // Then more parameters win.
        (&["GET /{rest+}", "GET /{a}/{rest+}"], "/a/b", 1),
        // Then a route without a proxy wins.
        (&["GET /a/{rest+}", "GET /a/{b}"], "/a/b", 1),
        // Then the earlier route wins.
        (&["GET /{a}/x", "GET /y/{b}"], "/y/x", 0),
        (&["GET /y/{b}", "GET /{a}/x"], "/y/x", 0),
    ] {
        let found = look_up(&router(routes), "GET", path);
        assert!(found.starts_with(&format!("#{winner} ")), "{routes:?} {path}: {found}");
    }
}

#[test]
fn a_better_route_of_another_method_is_no_rival() {
    let routes = router(&["POST /orders/open", "GET /orders/{order}", "GET /{rest+}"]);
    assert_eq!(look_up(&routes, "get", "/orders/open"), "#1 /orders/{order} order=\"open\"");
    assert_eq!(look_up(&routes, "PUT", "/orders/open"), "405 GET, POST");
}

#[test]
fn methods_are_any_token_and_allow_lists_each_once() {
    let routes = with_routes(RouteTable::permissive(), &["get /x", "ANY /x", "get /{a}", " /x"]);
    assert_eq!(look_up(&routes, "PUT", "/x"), "405 ANY, GET");
    assert_eq!(look_up(&routes, " any ", "/x"), "#1 /x");
    assert_eq!(look_up(&routes, "", "/x"), "#3 /x");
    let unnamed = with_routes(RouteTable::permissive(), &[" /x"]);
    assert_eq!(look_up(&unnamed, "GET", "/x"), "405 ");
}

#[test]
fn head_and_options_are_methods_like_others_unless_enabled() {
    let routes = ["GET /a", "POST /b", "GET /{x}/{y}", "HEAD /{x}/y"];
    let plain = router(&routes);
    assert_eq!(look_up(&plain, "HEAD", "/a"), "405 GET");
    assert_eq!(look_up(&plain, "OPTIONS", "/a"), "405 GET");
    let heads = router(&routes).with_head_as_get();
    assert_eq!(look_up(&heads, "HEAD", "/a"), "#0 /a");
    assert_eq!(look_up(&heads, "head", "/1/y"), "#3 /{x}/y x=\"1\"");
    assert_eq!(look_up(&heads, "HEAD", "/b"), "405 POST");
    assert_eq!(look_up(&heads, "PUT", "/a"), "405 GET, HEAD");
}

#[test]
fn registration_reports_the_first_mistake_and_changes_nothing() {
    let mut routes = router(&["GET /shops/{shop}", "GET /"]);
    let invalid = routes.insert("get", "/shops/", 9).unwrap_err();
    assert_eq!(
        invalid.to_string(),
        "invalid route pattern: GET /shops/: a segment is empty: remove a slash"
    );
    let RegistrationError::InvalidPattern { method, pattern, reason } = invalid else { panic!() };
    assert_eq!((&*method, &*pattern), ("GET", "/shops/"));
    assert_eq!(reason, PatternError::EmptySegment);

    for pattern in ["/shops/:shop", "/shops/{name}"] {
        let duplicate = routes.insert("get", pattern, 9).unwrap_err();
        assert_eq!(duplicate.kind(), "duplicate route");
        assert_eq!(
            duplicate.to_string(),
            format!(
                "duplicate route: GET {pattern} matches the same paths as GET /shops/{{shop}}, which \
                 was registered first: remove one of the two, or change its pattern"
            )
        );
    }
    for method in ["", " ", "GE T", "GET,POST", "G\u{cb}T", "GET\0"] {
        let unsendable = routes.insert(method, "/x", 9).unwrap_err();
        assert_eq!(unsendable.kind(), "invalid route method", "{method:?}");
        assert!(unsendable.to_string().contains(" of /x is not a token "), "{unsendable}");
    }

    routes.insert("POST", "/shops/{shop}", 2).unwrap();
    routes.insert("GET", "/shops/{shop+}", 3).unwrap();
    routes.insert("m-search", "/x", 4).unwrap();
    let patterns: Vec<_> = routes.routes().iter().map(|route| route.pattern().as_str()).collect();
    assert_eq!(patterns, ["/shops/{shop}", "/", "/shops/{shop}", "/shops/{shop+}", "/x"]);
}

#[test]
fn patterns_of_other_routers_are_no_names_and_no_text() {
    let refuse = |pattern: &str| match RouteTable::new().insert("GET", pattern, ()) {
        Err(RegistrationError::InvalidPattern { reason, .. }) => Some(reason),
        Err(_) | Ok(()) => None,
    };
    for pattern in [
        "/{*rest}",
        "/*",
        "/**",
        "/*rest",
        "/a/{rest...}",
        "/{id:int}",
        "/{id:[0-9]+}",
        "/:id(\\d+)",
        "/{rest*}",
        "/{a}{b}",
        "/{{a}}",
        "/{a b}",
    ] {
        assert_eq!(refuse(pattern), Some(PatternError::ForeignSyntax), "{pattern}");
        assert!(RouteTable::permissive().insert("GET", pattern, ()).is_ok(), "{pattern}");
    }
    for pattern in ["/:id?", "/search?q={q}", "/a#b"] {
        assert_eq!(refuse(pattern), Some(PatternError::Query), "{pattern}");
    }
    for pattern in
        ["/{id}", "/:id", "/{path+}", "/{user-id}/{year_1}", "/{stra\u{df}e}", "/a*b", "/:"]
    {
        assert_eq!(refuse(pattern), None, "{pattern}");
    }
}

#[test]
fn the_deepest_pattern_is_found_in_the_longest_path() {
    let deepest = "/{a}".to_string() + &"/b".repeat(Pattern::MAX_SEGMENTS - 2) + "/{rest+}";
    let routes = router(&[&format!("GET {deepest}"), "PUT /{rest+}"]);
    let path = "/b".repeat(300_000);
    assert!(
        look_up(&routes, "GET", &path).starts_with(&format!("#0 {deepest} a=\"b\" rest=\"b/b"))
    );
    assert_eq!(look_up(&routes, "POST", &path), "405 GET, PUT");
    assert_eq!(look_up(&routes, "GET", "/b"), "405 PUT");
}

#[test]
fn parameters_decode_on_request() {
    let routes = router(&["GET /{name}/{rest+}"]);
    let path = UriPath::from_encoded("/caf%C3%A9/50%/%2541");
    let Lookup::Found(found) = routes.look_up("GET", &path) else { panic!("a route") };
    let params: Vec<_> = found.params().map(|param| param.decoded()).collect();
    assert_eq!(params, ["café", "50%/%41"]);
    assert_eq!(found.param("other"), None);
}
