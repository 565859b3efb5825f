//! Look-ups: finding the route of a path.

use core::hint::black_box;

use apptheory_core::http::UriPath;
use apptheory_core::http::router::{Lookup, RouteTable};

use crate::measure::{Contender, Effort};
use crate::table::{Group, Row, beside};

pub(crate) const GROUP: Group = Group {
    name: "look-ups",
    title: "Look-ups",
    how: "One look-up, and reading a parameter. A quarter of the routes each is static, ends with one \
          parameter, ends with two, and has one in the middle. Paths are drawn at random from all \
          routes, 4,096 of them before the clock runs, with values at random; ours are in normal form \
          then, as adapters hand them over.",
    run,
};

/// The numbers of routes.
pub(crate) const ROUTES: [usize; 5] = [10, 130, 1_000, 10_000, 100_000];

/// The number of random paths: more than branch predictors can learn.
const PATHS: usize = 4_096;

fn run(effort: Effort) -> Vec<Row> {
    ROUTES.into_iter().flat_map(|routes| among(effort, effort.at_most(routes))).collect()
}

fn among(effort: Effort, routes: usize) -> Vec<Row> {
    let mut ours = RouteTable::new();
    let mut peer = matchit::Router::new();
    for n in 0..routes {
        let pattern = path(n, "{a}", "{b}");
        ours.insert("GET", &pattern, n).expect("a route");
        peer.insert(pattern, n).expect("a route");
    }
    let mut draw = Draw(0x9e37_79b9_7f4a_7c15);
    let paths: Vec<String> =
        (0..PATHS).map(|_| path(draw.below(routes), &draw.value(), &draw.value())).collect();
    let normal: Vec<UriPath> = paths.iter().map(|path| UriPath::from_encoded(path)).collect();
    let (mut at, mut peers_at) = (0, 0);
    beside(
        effort,
        format!("among {routes} routes"),
        Contender::new("apptheory", || {
            at = (at + 1) % PATHS;
            let Lookup::Found(found) = ours.look_up("GET", black_box(&normal[at])) else {
                unreachable!("every path has a route");
            };
            black_box((found.handler(), found.param("a").map(str::len)));
        }),
        [Contender::new("matchit", || {
            peers_at = (peers_at + 1) % PATHS;
            let found = peer.at(black_box(&paths[peers_at])).expect("every path has a route");
            black_box((found.value, found.params.get("a").map(str::len)));
        })],
    )
}

fn path(n: usize, a: &str, b: &str) -> String {
    match n % 4 {
        0 => format!("/static/part{n}/leaf"),
        1 => format!("/one{n}/{a}"),
        2 => format!("/two{n}/{a}/{b}"),
        _ => format!("/mid{n}/{a}/items"),
    }
}

/// Pseudo-random numbers, the same in every run (xorshift64*, Vigna 2016).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("few");
        usize::try_from(self.next() % end).expect("below a usize")
    }

    fn value(&mut self) -> String {
        format!("{}", self.next() % 1_000_000)
    }
}
