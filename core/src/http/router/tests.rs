use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Lookup, PatternError, RegistrationError, Router};

/// What a look-up says, on one line.
fn look_up(router: &Router<usize>, method: &str, path: &str) -> String {
    match router.look_up(method, path) {
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

fn router(routes: &[&str]) -> Router<usize> {
    let mut router = Router::new();
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
        (" /?page=2", "#0 /"),
        ("//", "404"),
        ("shops", "#1 /shops"),
        ("/shops ", "#1 /shops"),
        ("/shops/", "404"),
        ("/Shops", "404"),
        ("/shop%73", "404"),
        ("/shops#top", "404"),
        ("/shops/7/orders", "#2 /shops/{shop}/orders shop=\"7\""),
        ("/shops/ /orders", "#2 /shops/{shop}/orders shop=\" \""),
        ("/shops//orders", "404"),
        ("/shops/7/orders/", "404"),
        ("/shops/7", "404"),
    ] {
        assert_eq!(look_up(&routes, "GET", path), expected, "{path:?}");
    }
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
        // More static segments, wherever they stand.
        (&["GET /{a}/open", "GET /orders/{b}/x", "GET /orders/open"][..], "/orders/open", 2),
        (&["GET /{a}/b/c", "GET /a/{b}/{c}"], "/a/b/c", 0),
        (&["GET /a/{b}/{c}", "GET /{a}/b/c"], "/a/b/c", 1),
        (&["GET /{x}/{y}/{z+}", "GET /a/{z+}"], "/a/b/c", 1),
        // Then more parameters.
        (&["GET /{rest+}", "GET /{a}/{rest+}"], "/a/b", 1),
        // Then no proxy.
        (&["GET /a/{rest+}", "GET /a/{b}"], "/a/b", 1),
        // Then the earlier one.
        (&["GET /{a}/x", "GET /y/{b}"], "/y/x", 0),
        (&["GET /y/{b}", "GET /{a}/x"], "/y/x", 0),
        (&["GET /{a}", "GET /{b}"], "/1", 0),
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
    let routes = router(&["get /x", "ANY /x", "get /{a}", " /x"]);
    assert_eq!(look_up(&routes, "PUT", "/x"), "405 ANY, GET");
    assert_eq!(look_up(&routes, " any ", "/x"), "#1 /x");
    assert_eq!(look_up(&routes, "", "/x"), "#3 /x");
    assert_eq!(look_up(&router(&[" /x"]), "GET", "/x"), "405 ");
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
    let missing = routes.register("get", "/shops/", None).unwrap_err();
    assert_eq!(missing.to_string(), "route handler is nil");

    let invalid = routes.insert("get", "/shops/", 9).unwrap_err();
    assert_eq!(invalid.to_string(), "invalid route pattern");
    let RegistrationError::InvalidPattern { method, pattern, reason } = invalid else { panic!() };
    assert_eq!((&*method, &*pattern), ("GET", "/shops/"));
    assert_eq!(reason, PatternError::EmptySegment);

    let duplicate = routes.insert("get", "/shops/:shop", 9).unwrap_err();
    assert_eq!(duplicate.to_string(), "duplicate route");
    let RegistrationError::Duplicate { method, pattern, existing } = duplicate else { panic!() };
    assert_eq!((&*method, &*pattern, &*existing), ("GET", "/shops/:shop", "/shops/{shop}"));
    assert!(routes.insert("GET", "?x", 9).is_err());

    routes.insert("GET", "/shops/{name}", 2).unwrap();
    routes.insert("POST", "/shops/{shop}", 3).unwrap();
    routes.insert("GET", "/shops/{shop+}", 4).unwrap();
    let patterns: Vec<_> = routes.routes().iter().map(|route| route.pattern().as_str()).collect();
    assert_eq!(patterns[2..], ["/shops/{name}", "/shops/{shop}", "/shops/{shop+}"]);
    assert_eq!(patterns.len(), 5);
}

#[test]
fn parameters_decode_on_request() {
    let routes = router(&["GET /{name}/{rest+}"]);
    let Lookup::Found(found) = routes.look_up("GET", "/caf%C3%A9/50%") else { panic!("a route") };
    let params: Vec<_> = found.params().collect();
    assert_eq!(params[0].decoded().unwrap(), "café");
    assert!(params[1].decoded().is_err());
    assert_eq!(found.param("other"), None);
}
