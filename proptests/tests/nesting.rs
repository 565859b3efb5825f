//! Nested routers against a list of routes: the tree is walked here, never by the router.
#![allow(clippy::expect_used, reason = "helpers of tests")]

use apptheory::app::{
    Answer, App, AppService, Context, Handler as _, Invocation, Layered, Next, Router, kind,
};
use apptheory::http::RawRequest;
use apptheory_proptests::cases;
use futures_util::FutureExt as _;
use proptest::prelude::*;

/// The calls on a router, in this order. Layers are numbered as they are met.
#[derive(Clone, Debug)]
enum Said {
    Route { method: &'static str, path: Vec<&'static str>, layers: u8 },
    Fallback { layers: u8 },
    Nest { prefix: Vec<&'static str>, inside: Vec<Self> },
    Merge { inside: Vec<Self> },
    Layer,
}

fn segments(most: usize) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "{}"]), 0..most)
}

fn said() -> impl Strategy<Value = Vec<Said>> {
    let leaf = prop_oneof![
        4 => (prop::sample::select(vec!["GET", "PUT"]), segments(3), 0_u8..3)
            .prop_map(|(method, path, layers)| Said::Route { method, path, layers }),
        1 => (0_u8..2).prop_map(|layers| Said::Fallback { layers }),
        2 => Just(Said::Layer),
    ];
    let leaves = prop::collection::vec(leaf.clone(), 0..4);
    leaves.prop_recursive(3, 24, 4, move |inside| {
        let prefix = prop::collection::vec(prop::sample::select(vec!["a", "b"]), 1..3);
        let router = prop_oneof![
            3 => leaf.clone(),
            2 => (prefix, inside.clone()).prop_map(|(prefix, inside)| Said::Nest { prefix, inside }),
            1 => inside.prop_map(|inside| Said::Merge { inside }),
        ];
        prop::collection::vec(router, 0..5)
    })
}

/// A route in the list: the layers that a request passes on its way to the handler.
#[derive(Clone, Debug)]
struct Flat {
    method: Option<&'static str>,
    path: Vec<&'static str>,
    passes: String,
}

/// Numbers in the order in which layers and handlers are added, outer ones first.
#[derive(Default)]
struct Numbers(u32);

impl Numbers {
    fn next(&mut self) -> u32 {
        self.0 += 1;
        self.0
    }

    fn some(&mut self, many: u8) -> Vec<u32> {
        (0..many).map(|_| self.next()).collect()
    }
}

fn layer(number: u32) -> impl Fn(Context, Next) -> apptheory::app::BoxFuture<Answer> + Send + Sync {
    move |context: Context, next: Next| {
        let passed = context.get("passed").and_then(|text| text.as_str().map(String::from));
        context.set("passed", format!("{}{number} ", passed.unwrap_or_default()));
        Box::pin(async move { Ok(next.run(context).await) })
    }
}

fn handler(number: u32, layers: &[u32]) -> Layered<(), kind::Http> {
    async fn passes(context: Context, next: Next) -> Answer {
        Ok(next.run(context).await)
    }
    let answer = move |context: Context| async move {
        let passed = context.get("passed").and_then(|text| text.as_str().map(String::from));
        format!("{}={number}", passed.unwrap_or_default())
    };
    layers.iter().fold(answer.layer(passes), |handler, number| handler.layer(layer(*number)))
}

fn pattern(path: &[&str]) -> String {
    let named = path.iter().enumerate().map(|(at, segment)| match *segment {
        "{}" => format!("{{p{at}}}"),
        text => text.to_owned(),
    });
    format!("/{}", named.collect::<Vec<_>>().join("/"))
}

/// Returns the router of these calls.
fn router(said: &[Said], numbers: &mut Numbers) -> Router {
    said.iter().fold(Router::new(), |router, said| match said {
        Said::Route { method, path, layers } => {
            let layers = numbers.some(*layers);
            router.route(method, &pattern(path), handler(numbers.next(), &layers))
        }
        Said::Fallback { layers } => {
            let layers = numbers.some(*layers);
            router.fallback(handler(numbers.next(), &layers))
        }
        Said::Nest { prefix, inside } => {
            router.nest(&pattern(prefix), self::router(inside, numbers))
        }
        Said::Merge { inside } => router.merge(self::router(inside, numbers)),
        Said::Layer => router.layer(layer(numbers.next())),
    })
}

/// Returns the same routes as a list. `outer` has all outer layers, also those that are added
/// later.
fn flatten(said: &[Said], numbers: &mut Numbers, flat: &mut Vec<Flat>) {
    let start = flat.len();
    let mut own = String::new();
    for said in said {
        match said {
            Said::Route { method, path, layers } => {
                let passes: String =
                    numbers.some(*layers).iter().map(|number| format!("{number} ")).collect();
                let passes = format!("{passes}={}", numbers.next());
                flat.push(Flat { method: Some(method), path: path.clone(), passes });
            }
            Said::Fallback { layers } => {
                let passes: String =
                    numbers.some(*layers).iter().map(|number| format!("{number} ")).collect();
                let passes = format!("{passes}={}", numbers.next());
                flat.push(Flat { method: None, path: Vec::new(), passes });
            }
            Said::Nest { prefix, inside } => {
                let from = flat.len();
                flatten(inside, numbers, flat);
                for route in &mut flat[from..] {
                    route.path.splice(..0, prefix.iter().copied());
                }
            }
            Said::Merge { inside } => flatten(inside, numbers, flat),
            Said::Layer => own.push_str(&format!("{} ", numbers.next())),
        }
    }
    for route in &mut flat[start..] {
        route.passes.insert_str(0, &own);
    }
}

fn is_below(prefix: &[&str], path: &[&str]) -> bool {
    prefix.len() <= path.len() && prefix.iter().zip(path).all(|(a, b)| a == b)
}

fn matches(route: &Flat, path: &[&str]) -> bool {
    route.path.len() == path.len()
        && route.path.iter().zip(path).all(|(own, segment)| *own == "{}" || own == segment)
}

/// Returns the response by the list: 200 with the passed layers, or only a status.
fn expected(flat: &[Flat], method: &str, path: &[&str]) -> (u16, String) {
    let matching: Vec<&Flat> =
        flat.iter().filter(|route| route.method.is_some() && matches(route, path)).collect();
    let statics = |route: &Flat| route.path.iter().filter(|segment| **segment != "{}").count();
    let mine = matching.iter().filter(|route| route.method == Some(method));
    // With equally many static segments, the first one wins.
    if let Some(route) = mine.rev().max_by_key(|route| statics(route)) {
        return (200, route.passes.clone());
    }
    if !matching.is_empty() {
        return (405, String::new());
    }
    let below = flat.iter().filter(|route| route.method.is_none() && is_below(&route.path, path));
    below
        .max_by_key(|route| route.path.len())
        .map_or((404, String::new()), |route| (200, route.passes.clone()))
}

/// Returns whether two routes serve the same requests, so that the application does not build.
fn has_duplicates(flat: &[Flat]) -> bool {
    flat.iter().enumerate().any(|(at, route)| {
        flat[..at].iter().any(|other| (other.method, &other.path) == (route.method, &route.path))
    })
}

fn ask(app: &AppService, method: &str, path: &[&str]) -> (u16, String) {
    let path = format!("/{}", path.join("/"));
    let request = RawRequest::new(method, path.as_str());
    let response = app.serve(request, Invocation::default()).now_or_never();
    let response = response.expect("nothing to wait for");
    let body = if response.status == 200 { response.body } else { Vec::new() };
    (response.status, String::from_utf8(body).expect("a text"))
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn a_tree_of_routers_answers_as_the_list_of_its_routes(
        said in said(),
        requests in prop::collection::vec(
            (
                prop::sample::select(vec!["GET", "PUT"]),
                prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 0..6),
            ),
            1..24,
        ),
    ) {
        let app = App::new().merge(router(&said, &mut Numbers::default())).build();
        let mut flat = Vec::new();
        flatten(&said, &mut Numbers::default(), &mut flat);
        prop_assert_eq!(app.is_err(), has_duplicates(&flat), "{:?}", app.err());
        if let Ok(app) = app {
            for (method, path) in requests {
                let answer = ask(&app, method, &path);
                prop_assert_eq!(answer, expected(&flat, method, &path), "{} {:?}", method, path);
            }
        }
    }
}
