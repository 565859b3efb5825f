//! The router against a linear scan over all routes.

use apptheory::http::UriPath;
use apptheory::http::router::{Lookup, Pattern, RouteTable};
use apptheory_proptests::cases;
use proptest::prelude::*;

/// A segment of a generated pattern; the scan reads this, never the router's parser.
#[derive(Clone, Debug)]
enum Segment {
    Static(&'static str),
    Param,
    Proxy,
}

type Shape = Vec<Segment>;

fn shape() -> impl Strategy<Value = Shape> {
    let segment = prop_oneof![
        3 => prop::sample::select(vec!["a", "b", "c"]).prop_map(Segment::Static),
        2 => Just(Segment::Param),
    ];
    (prop::collection::vec(segment, 0..5), prop::bool::weighted(0.3)).prop_map(
        |(mut all, proxy)| {
            all.extend(proxy.then_some(Segment::Proxy));
            all
        },
    )
}

fn method() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["GET", "PUT", "HEAD"])
}

fn path() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec!["a", "b", "c", "d", "a", "b", "", "%2F"]);
    prop::collection::vec(segment, 0..6).prop_map(|segments| format!("/{}", segments.join("/")))
}

fn text(shape: &Shape) -> String {
    let segments = shape.iter().enumerate().map(|(at, segment)| match segment {
        Segment::Static(text) => (*text).to_owned(),
        Segment::Param => format!("{{p{at}}}"),
        Segment::Proxy => "{rest+}".to_owned(),
    });
    format!("/{}", segments.collect::<Vec<_>>().join("/"))
}

/// Returns what a pattern captures from a path, if it matches.
fn captures(shape: &Shape, path: &str) -> Option<Vec<(String, String)>> {
    let path = &path[1..];
    let mut segments: Vec<&str> = if path.is_empty() { vec![] } else { path.split('/').collect() };
    let mut captured = Vec::new();
    for (at, segment) in shape.iter().enumerate() {
        if matches!(segment, Segment::Proxy) {
            captured.push(("rest".to_owned(), segments.join("/")));
            return (!segments.is_empty()).then_some(captured);
        }
        if segments.is_empty() {
            return None;
        }
        let first = segments.remove(0);
        match segment {
            Segment::Static(text) if first == *text => {}
            Segment::Param if !first.is_empty() => captured.push((format!("p{at}"), first.into())),
            Segment::Static(_) | Segment::Param | Segment::Proxy => return None,
        }
    }
    segments.is_empty().then_some(captured)
}

/// Returns a rank; the greater one wins.
fn rank(shape: &Shape) -> (usize, usize, bool, usize) {
    let statics = shape.iter().filter(|segment| matches!(segment, Segment::Static(_))).count();
    let params = shape.iter().filter(|segment| matches!(segment, Segment::Param)).count();
    let proxy = shape.iter().any(|segment| matches!(segment, Segment::Proxy));
    (statics, params, !proxy, shape.len())
}

#[derive(Debug, PartialEq)]
enum Answer {
    Found(usize, Vec<(String, String)>),
    Allow(String),
    NotFound,
}

fn scan(routes: &[(&str, Shape)], method: &str, path: &str) -> Answer {
    let matching: Vec<usize> =
        (0..routes.len()).filter(|index| captures(&routes[*index].1, path).is_some()).collect();
    let mine = matching.iter().filter(|index| routes[**index].0 == method);
    // `max_by_key` takes the last of equals.
    if let Some(best) = mine.rev().max_by_key(|index| rank(&routes[**index].1)) {
        return Answer::Found(*best, captures(&routes[*best].1, path).unwrap_or_default());
    }
    let mut allowed: Vec<&str> = matching.iter().map(|index| routes[*index].0).collect();
    allowed.sort_unstable();
    allowed.dedup();
    if allowed.is_empty() { Answer::NotFound } else { Answer::Allow(allowed.join(", ")) }
}

fn ask(router: &RouteTable<usize>, method: &str, path: &str) -> Answer {
    match router.look_up(method, &UriPath::from_encoded(path)) {
        Lookup::NotFound => Answer::NotFound,
        Lookup::MethodNotAllowed { allow } => Answer::Allow(allow),
        Lookup::Found(found) => {
            let params = found.params().map(|param| (param.name.into(), param.raw.into()));
            Answer::Found(*found.handler(), params.collect())
        }
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn the_router_answers_as_a_linear_scan(
        routes in prop::collection::vec((method(), shape()), 0..24),
        requests in prop::collection::vec((method(), path()), 1..24),
    ) {
        let mut router = RouteTable::new();
        let mut accepted: Vec<(&str, Shape)> = Vec::new();
        for (method, shape) in routes {
            let is_new = !accepted.iter().any(|(m, s)| *m == method && text(s) == text(&shape));
            prop_assert_eq!(router.insert(method, &text(&shape), accepted.len()).is_ok(), is_new);
            if is_new {
                accepted.push((method, shape));
            }
        }
        for (method, path) in requests {
            prop_assert_eq!(ask(&router, method, &path), scan(&accepted, method, &path));
        }
    }

    #[test]
    fn any_text_is_a_pattern_or_an_error_and_any_path_has_an_answer(
        pattern in "[ /:{}+?a*é]{0,12}|\\PC{0,12}",
        path in "[ /:?a%é]{0,12}|\\PC{0,12}",
    ) {
        let mut router = RouteTable::permissive();
        if let Ok(parsed) = Pattern::parse(&pattern) {
            let again = Pattern::parse(parsed.as_str());
            prop_assert_eq!(again.as_ref(), Ok(&parsed));
            prop_assert!(router.insert("GET", &pattern, 0).is_ok());
        } else {
            prop_assert!(router.insert("GET", &pattern, 0).is_err());
        }
        let _ = ask(&router, "GET", &path);
    }
}
