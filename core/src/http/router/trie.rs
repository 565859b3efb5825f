//! The trie of all patterns, and the search for the best of those that match.

use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::edges::Edges;
use super::pattern::{Pattern, Segment};

/// Node 0 is the root. Patterns of one shape (they differ in names only) share a leaf.
#[derive(Clone, Debug)]
pub(super) struct Trie {
    nodes: Vec<Node>,
    statics: Edges,
}

#[derive(Clone, Debug, Default)]
struct Node {
    param: Option<usize>,
    /// The routes whose patterns end here.
    leaf: Leaf,
    /// The routes whose patterns go on with a proxy.
    proxy: Leaf,
    /// Whether any edge leads on from here by text.
    has_statics: bool,
}

/// Methods and route indices, in the order of registration.
#[derive(Clone, Debug, Default)]
struct Leaf(Vec<(String, usize)>);

impl Trie {
    pub(super) fn new() -> Self {
        Self { nodes: alloc::vec![Node::default()], statics: Edges::default() }
    }

    /// Adds a route, which has a higher index than those before it.
    pub(super) fn insert(&mut self, method: &str, pattern: &Pattern, index: usize) {
        let mut at = ROOT;
        for segment in pattern.segments() {
            at = match segment {
                Segment::Static(text) => match self.statics.get(at, text.as_bytes()) {
                    Some(next) => next,
                    None => self.grow_static(at, text),
                },
                Segment::Param(_) => match self.node(at).and_then(|node| node.param) {
                    Some(next) => next,
                    None => self.grow_param(at),
                },
                Segment::Proxy(_) => break,
            };
        }
        if let Some(node) = self.nodes.get_mut(at) {
            let leaf = if pattern.has_proxy() { &mut node.proxy } else { &mut node.leaf };
            // Only a permissive router has a method here twice; the one that came first is found.
            leaf.0.push((method.into(), index));
        }
    }

    fn grow_static(&mut self, from: usize, text: &str) -> usize {
        let next = self.grow();
        self.statics.insert(from, text.as_bytes(), next);
        if let Some(node) = self.nodes.get_mut(from) {
            node.has_statics = true;
        }
        next
    }

    fn grow_param(&mut self, from: usize) -> usize {
        let next = self.grow();
        if let Some(node) = self.nodes.get_mut(from) {
            node.param = Some(next);
        }
        next
    }

    fn grow(&mut self) -> usize {
        self.nodes.push(Node::default());
        self.nodes.len().saturating_sub(1)
    }

    fn node(&self, at: usize) -> Option<&Node> {
        self.nodes.get(at)
    }

    /// The routes, of any method, whose patterns differ from this one in names at most.
    pub(super) fn same_shape(&self, pattern: &Pattern) -> Vec<usize> {
        let mut at = Some(ROOT);
        for segment in pattern.segments() {
            at = match (at, segment) {
                (Some(at), Segment::Static(text)) => self.statics.get(at, text.as_bytes()),
                (Some(at), Segment::Param(_)) => self.node(at).and_then(|node| node.param),
                (at, Segment::Proxy(_)) => at,
                (None, _) => None,
            };
        }
        let Some(node) = at.and_then(|at| self.node(at)) else { return Vec::new() };
        let leaf = if pattern.has_proxy() { &node.proxy } else { &node.leaf };
        leaf.0.iter().map(|(_, index)| *index).collect()
    }

    /// Looks for the best route for a method and a path. Where the method has none, those of the
    /// method `or_else` take part.
    pub(super) fn find(&self, method: &str, or_else: Option<&str>, path: Option<&str>) -> Search {
        let path = path.map(str::as_bytes);
        let (len, own, other, is_known) = (None, None, None, false);
        let mut best = Best { method, or_else, path, len, own, other, is_known };
        self.walk(ROOT, path, Shape::default(), &mut best);
        match best.own.or(best.other) {
            Some((_, index)) => Search::Found(index),
            None if best.is_known => Search::OtherMethods,
            None => Search::Nothing,
        }
    }

    /// The methods of all routes whose patterns match a path, with repetitions.
    pub(super) fn methods(&self, path: Option<&str>) -> Vec<&str> {
        let mut methods = Methods(Vec::new());
        self.walk(ROOT, path.map(str::as_bytes), Shape::default(), &mut methods);
        methods.0
    }

    /// Shows every leaf that matches `rest` to `visit`, the static side of each fork first.
    ///
    /// Work is bounded by the trie and by the path, and depth by
    /// [`MAX_SEGMENTS`](Pattern::MAX_SEGMENTS).
    fn walk<'t>(
        &'t self,
        at: usize,
        rest: Option<&[u8]>,
        shape: Shape,
        visit: &mut impl Visit<'t>,
    ) {
        let Some(node) = self.node(at) else { return };
        let Some(rest) = rest else { return visit.leaf(&node.leaf, shape) };
        let (segment, rest) = split_first(rest);
        if !segment.is_empty() {
            // The first match need not be the best: `/a/{x}/{y}` is met before `/{x}/b/c`, which has
            // more static segments. So both sides of a fork are walked, the static one first: what
            // it finds lets `wants` skip most of the others.
            if node.has_statics
                && let Some(next) = self.statics.get(at, segment)
            {
                self.walk(next, rest, shape.with_static(), visit);
            }
            if let Some(next) = node.param
                && visit.wants(shape.with_param())
            {
                self.walk(next, rest, shape.with_param(), visit);
            }
        }
        if !node.proxy.0.is_empty() {
            visit.leaf(&node.proxy, shape);
        }
    }
}

/// How many segments of each kind were passed. Of two leaves that match one path, the one of the
/// greater shape wins.
///
/// That alone prefers a pattern without a proxy, and then the one with more segments: patterns
/// without a proxy name every segment of the path, those with one at least one segment fewer, so
/// that shapes are equal only where both have a proxy or neither has.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
struct Shape {
    statics: usize,
    params: usize,
}

impl Shape {
    const fn with_static(self) -> Self {
        Self { statics: self.statics.saturating_add(1), ..self }
    }

    const fn with_param(self) -> Self {
        Self { params: self.params.saturating_add(1), ..self }
    }
}

/// What a search came to.
pub(super) enum Search {
    /// The index of the best route.
    Found(usize),
    /// Only routes of other methods match.
    OtherMethods,
    /// No route matches.
    Nothing,
}

trait Visit<'t> {
    fn leaf(&mut self, leaf: &'t Leaf, shape: Shape);

    /// Whether leaves below a node of this shape can matter.
    fn wants(&mut self, shape: Shape) -> bool;
}

struct Best<'m> {
    method: &'m str,
    or_else: Option<&'m str>,
    path: Option<&'m [u8]>,
    /// How many segments the path has, once it is asked for.
    len: Option<usize>,
    own: Option<Candidate>,
    other: Option<Candidate>,
    /// Whether the path is known with any method.
    is_known: bool,
}

/// A route by its index, and the shape of its pattern.
type Candidate = (Shape, usize);

impl Visit<'_> for Best<'_> {
    fn leaf(&mut self, leaf: &Leaf, shape: Shape) {
        self.is_known |= !leaf.0.is_empty();
        better(&mut self.own, leaf, self.method, shape);
        if let Some(method) = self.or_else {
            better(&mut self.other, leaf, method, shape);
        }
    }

    /// Each segment passed as a parameter is one static segment fewer. Equal counts may still win, by
    /// their parameters or by having been registered earlier.
    fn wants(&mut self, shape: Shape) -> bool {
        let Some((best, _)) = self.own else { return true };
        let len = *self.len.get_or_insert_with(|| segments(self.path));
        len.saturating_sub(shape.params) >= best.statics
    }
}

/// Takes the leaf's route of a method if it wins over the one found before.
fn better(found: &mut Option<Candidate>, leaf: &Leaf, method: &str, shape: Shape) {
    let Some((_, index)) = leaf.0.iter().find(|(known, _)| known == method) else { return };
    let wins = |(best, earliest)| (shape, Reverse(*index)) > (best, Reverse(earliest));
    if found.is_none_or(wins) {
        *found = Some((shape, *index));
    }
}

struct Methods<'t>(Vec<&'t str>);

impl<'t> Visit<'t> for Methods<'t> {
    fn leaf(&mut self, leaf: &'t Leaf, _: Shape) {
        self.0.extend(leaf.0.iter().map(|(method, _)| method.as_str()));
    }

    fn wants(&mut self, _: Shape) -> bool {
        true
    }
}

fn segments(path: Option<&[u8]>) -> usize {
    path.map_or(0, |path| path.iter().filter(|b| **b == b'/').count().saturating_add(1))
}

/// The first segment, and what follows the slash behind it. Segments are short: a plain loop finds
/// their ends sooner than a search that has to be set up.
fn split_first(path: &[u8]) -> (&[u8], Option<&[u8]>) {
    let end = path.iter().position(|b| *b == b'/');
    match end.and_then(|end| path.split_at_checked(end)) {
        Some((segment, rest)) => (segment, rest.get(1..)),
        None => (path, None),
    }
}

const ROOT: usize = 0;
