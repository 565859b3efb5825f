//! The trie of all patterns, and the search for the best match.

use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::num::NonZeroU32;
use core::{mem, slice};

use super::edges::{Edges, small};
use super::pattern::{Pattern, Segment};
use super::segment::FirstSegment;

/// Node 0 is the root. Patterns that differ in names only share a leaf.
#[derive(Clone, Debug)]
pub(super) struct Trie {
    nodes: Vec<Node>,
    statics: Edges,
    /// The methods of all routes, without duplicates. Leaves refer to them by index.
    methods: Vec<String>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    /// The child for a parameter. The root, node 0, is never a child.
    param: Option<NonZeroU32>,
    /// Whether there are children for static text.
    has_statics: bool,
    /// The routes whose patterns end here.
    leaf: Leaf,
    /// The routes whose patterns continue with a proxy.
    proxy: Leaf,
}

/// Routes in the order of registration. Most leaves have a single route, which needs no list.
#[derive(Clone, Debug, Default)]
enum Leaf {
    #[default]
    None,
    One(Entry),
    Many(Vec<Entry>),
}

/// A route by its index.
#[derive(Clone, Copy, Debug)]
struct Entry {
    method: MethodId,
    route: usize,
}

/// A method by its index in the trie.
pub(super) type MethodId = u32;

impl Leaf {
    const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    fn entries(&self) -> &[Entry] {
        match self {
            Self::None => &[],
            Self::One(entry) => slice::from_ref(entry),
            Self::Many(entries) => entries,
        }
    }

    fn push(&mut self, entry: Entry) {
        *self = match mem::take(self) {
            Self::None => Self::One(entry),
            Self::One(earlier) => Self::Many(Vec::from([earlier, entry])),
            Self::Many(mut entries) => {
                entries.push(entry);
                Self::Many(entries)
            }
        };
    }
}

impl Trie {
    pub(super) fn new() -> Self {
        let nodes = alloc::vec![Node::default()];
        Self { nodes, statics: Edges::default(), methods: Vec::new() }
    }

    /// Adds a route, whose index is higher than all before it.
    pub(super) fn insert(&mut self, method: &str, pattern: &Pattern, index: usize) {
        let mut at = ROOT;
        for segment in pattern.segments() {
            at = match segment {
                Segment::Static(text) => match self.by_text(at, text) {
                    Some(next) => next,
                    None => self.grow_static(at, text),
                },
                Segment::Param(_) => match self.by_param(at) {
                    Some(next) => next,
                    None => self.grow_param(at),
                },
                Segment::Proxy(_) => break,
            };
        }
        let method = self.method_id(method).unwrap_or_else(|| self.grow_method(method));
        if let Some(node) = self.node_mut(at) {
            let leaf = if pattern.has_proxy() { &mut node.proxy } else { &mut node.leaf };
            // Only in a permissive router a leaf can have a method twice; the first one is used.
            leaf.push(Entry { method, route: index });
        }
    }

    fn grow_static(&mut self, from: u32, text: &str) -> u32 {
        let next = self.grow();
        self.statics.insert(from, &FirstSegment::of(text.as_bytes()), next);
        if let Some(node) = self.node_mut(from) {
            node.has_statics = true;
        }
        next
    }

    fn grow_param(&mut self, from: u32) -> u32 {
        let next = self.grow();
        if let Some(node) = self.node_mut(from) {
            node.param = NonZeroU32::new(next);
        }
        next
    }

    fn grow(&mut self) -> u32 {
        self.nodes.push(Node::default());
        small(self.nodes.len().saturating_sub(1))
    }

    fn grow_method(&mut self, method: &str) -> MethodId {
        self.methods.push(method.into());
        small(self.methods.len().saturating_sub(1))
    }

    /// Returns the id of a method; `None` if no route has the method.
    pub(super) fn method_id(&self, method: &str) -> Option<MethodId> {
        // Methods are shorter than a call of `memcmp` takes.
        let is_known = |known: &String| {
            known.len() == method.len() && known.bytes().zip(method.bytes()).all(|(a, b)| a == b)
        };
        self.methods.iter().position(is_known).map(small)
    }

    fn node(&self, at: u32) -> Option<&Node> {
        self.nodes.get(at as usize)
    }

    fn node_mut(&mut self, at: u32) -> Option<&mut Node> {
        self.nodes.get_mut(at as usize)
    }

    fn by_text(&self, from: u32, text: &str) -> Option<u32> {
        self.statics.get(from, &FirstSegment::of(text.as_bytes()))
    }

    fn by_param(&self, from: u32) -> Option<u32> {
        self.node(from)?.param.map(NonZeroU32::get)
    }

    /// Returns the routes of all methods whose patterns differ from this one in names only.
    pub(super) fn same_shape(&self, pattern: &Pattern) -> Vec<usize> {
        let mut at = Some(ROOT);
        for segment in pattern.segments() {
            at = match (at, segment) {
                (Some(at), Segment::Static(text)) => self.by_text(at, text),
                (Some(at), Segment::Param(_)) => self.by_param(at),
                (at, Segment::Proxy(_)) => at,
                (None, _) => None,
            };
        }
        let Some(node) = at.and_then(|at| self.node(at)) else { return Vec::new() };
        let leaf = if pattern.has_proxy() { &node.proxy } else { &node.leaf };
        leaf.entries().iter().map(|entry| entry.route).collect()
    }

    /// Finds the best route for a method and a path. If the method has no match, the routes of the
    /// method `or_else` are used.
    pub(super) fn find(
        &self,
        method: Option<MethodId>,
        or_else: Option<MethodId>,
        path: Option<&str>,
    ) -> Search {
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

    /// Returns the methods of all routes whose patterns match a path, with duplicates.
    pub(super) fn methods(&self, path: Option<&str>) -> Vec<&str> {
        let mut found = Methods(Vec::new());
        self.walk(ROOT, path.map(str::as_bytes), Shape::default(), &mut found);
        let names = found.0.into_iter().filter_map(|method| self.methods.get(method as usize));
        names.map(String::as_str).collect()
    }

    /// Passes every leaf that matches `rest` to `visit`, the static side of each fork first.
    ///
    /// The work is bounded by the trie and the path, and the depth by
    /// [`MAX_SEGMENTS`](Pattern::MAX_SEGMENTS).
    fn walk(&self, mut at: u32, mut rest: Option<&[u8]>, mut shape: Shape, visit: &mut impl Visit) {
        while let Some(node) = self.node(at) {
            let Some(path) = rest else { return visit.leaf(node.leaf.entries(), shape) };
            if !node.proxy.is_none() {
                visit.leaf(node.proxy.entries(), shape);
            }
            let first = FirstSegment::of(path);
            if first.len == 0 {
                return;
            }
            let by_text = node.has_statics.then(|| self.statics.get(at, &first)).flatten();
            // The first match may not be the best: `/a/{x}/{y}` is found before `/{x}/b/c`, which
            // has more static segments. So both sides of a fork are walked, the static one first:
            // its matches let `wants` skip most of the others.
            (at, shape) = match (by_text, node.param) {
                (None, None) => return,
                (Some(next), None) => (next, shape.with_static()),
                (by_text, Some(param)) => {
                    if let Some(next) = by_text {
                        self.walk(next, first.rest, shape.with_static(), visit);
                    }
                    if !visit.wants(shape.with_param()) {
                        return;
                    }
                    (param.get(), shape.with_param())
                }
            };
            rest = first.rest;
        }
    }
}

/// The number of segments of each kind on the way to a leaf. Of two leaves that match a path, the
/// one with the greater shape wins.
///
/// This order also prefers patterns without a proxy, and then those with more segments: a pattern
/// without a proxy has a segment for every segment of the path, one with a proxy has at least one
/// less. So shapes are only equal if both or neither have a proxy.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
struct Shape {
    statics: u16,
    params: u16,
}

impl Shape {
    const fn with_static(self) -> Self {
        Self { statics: self.statics.saturating_add(1), ..self }
    }

    const fn with_param(self) -> Self {
        Self { params: self.params.saturating_add(1), ..self }
    }
}

/// The result of a search.
pub(super) enum Search {
    /// The index of the best route.
    Found(usize),
    /// Only routes of other methods match.
    OtherMethods,
    /// No route matches.
    Nothing,
}

trait Visit {
    fn leaf(&mut self, leaf: &[Entry], shape: Shape);

    /// Returns whether leaves below a node of this shape can matter.
    fn wants(&mut self, shape: Shape) -> bool;
}

struct Best<'m> {
    /// `None` if no route has the method.
    method: Option<MethodId>,
    or_else: Option<MethodId>,
    path: Option<&'m [u8]>,
    /// The number of segments in the path, computed on demand.
    len: Option<usize>,
    own: Option<Candidate>,
    other: Option<Candidate>,
    /// Whether the path matches with any method.
    is_known: bool,
}

/// A route by its index, and the shape of its pattern.
type Candidate = (Shape, usize);

impl Visit for Best<'_> {
    fn leaf(&mut self, leaf: &[Entry], shape: Shape) {
        self.is_known |= !leaf.is_empty();
        better(&mut self.own, leaf, self.method, shape);
        if self.or_else.is_some() {
            better(&mut self.other, leaf, self.or_else, shape);
        }
    }

    /// Each segment matched by a parameter is one static segment less. Equal counts may still win
    /// by their parameters or by an earlier registration.
    fn wants(&mut self, shape: Shape) -> bool {
        let Some((best, _)) = self.own else { return true };
        let path = self.path;
        let mut most = || *self.len.get_or_insert_with(|| segments(path));
        let (params, statics) = (usize::from(shape.params), usize::from(best.statics));
        statics == 0 || most().saturating_sub(params) >= statics
    }
}

/// Replaces the best route by the leaf's route of a method, if that is better.
fn better(found: &mut Option<Candidate>, leaf: &[Entry], method: Option<MethodId>, shape: Shape) {
    let Some(entry) = leaf.iter().find(|entry| Some(entry.method) == method) else { return };
    let wins = |(best, earliest)| (shape, Reverse(entry.route)) > (best, Reverse(earliest));
    if found.is_none_or(wins) {
        *found = Some((shape, entry.route));
    }
}

struct Methods(Vec<MethodId>);

impl Visit for Methods {
    fn leaf(&mut self, leaf: &[Entry], _: Shape) {
        self.0.extend(leaf.iter().map(|entry| entry.method));
    }

    fn wants(&mut self, _: Shape) -> bool {
        true
    }
}

fn segments(path: Option<&[u8]>) -> usize {
    path.map_or(0, |path| path.iter().filter(|b| **b == b'/').count().saturating_add(1))
}

const ROOT: u32 = 0;
