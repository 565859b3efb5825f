//! The edges of the trie: from a node and a segment to the next node.
//!
//! A hash table, because `no_std` has none, and a sorted list would make each step slower with
//! every sibling. Its keys are the application's patterns, which nobody else chooses, so the hash
//! needs no secret.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::segment::{FirstSegment, mix};

/// Open addressing with linear probing, at most half full.
#[derive(Clone, Debug, Default)]
pub(super) struct Edges {
    edges: Vec<Edge>,
    /// Their number is a power of two.
    slots: Vec<Slot>,
}

#[derive(Clone, Debug)]
struct Edge {
    from: u32,
    to: u32,
    len: usize,
    /// From a [`FirstSegment`]. Most segments have no tail, which would need another memory access.
    head: u64,
    tail: Box<[u8]>,
    hash: u64,
}

/// The position of an edge in `edges` plus one, or zero for an empty slot. Most unsuccessful
/// look-ups end by comparing the hash, without reading the edge.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    hash: u32,
    number: u32,
}

impl Edges {
    #[inline(always)]
    pub(super) fn get(&self, from: u32, segment: &FirstSegment<'_>) -> Option<u32> {
        let hash = hash(from, segment.hash);
        let mut at = hash as usize;
        loop {
            // Without slots there are no edges. Otherwise an empty slot ends the search; half of
            // them are empty.
            let slot = self.slots.get(at & self.mask())?;
            let place = slot.number.checked_sub(1)?;
            if slot.hash == hash {
                let edge = self.edges.get(place as usize)?;
                let is_alike =
                    (edge.from, edge.len, edge.head) == (from, segment.len, segment.head);
                if is_alike && (segment.tail.is_empty() || *edge.tail == *segment.tail) {
                    return Some(edge.to);
                }
            }
            at = at.wrapping_add(1);
        }
    }

    /// Adds an edge that does not exist yet.
    pub(super) fn insert(&mut self, from: u32, segment: &FirstSegment<'_>, to: u32) {
        let FirstSegment { len, head, tail, hash, .. } = *segment;
        self.edges.push(Edge { from, to, len, head, tail: tail.into(), hash });
        if self.slots.len() < self.edges.len().saturating_mul(2) {
            self.rehash();
        } else {
            self.place(self.edges.len());
        }
    }

    fn rehash(&mut self) {
        let slots = self.edges.len().saturating_mul(4).next_power_of_two();
        self.slots = alloc::vec![Slot::default(); slots];
        for number in 1..=self.edges.len() {
            self.place(number);
        }
    }

    fn place(&mut self, number: usize) {
        let Some(edge) = number.checked_sub(1).and_then(|index| self.edges.get(index)) else {
            return;
        };
        let hash = hash(edge.from, edge.hash);
        let mask = self.mask();
        let mut at = hash as usize;
        while self.slots.get(at & mask).is_some_and(|taken| taken.number != 0) {
            at = at.wrapping_add(1);
        }
        if let Some(slot) = self.slots.get_mut(at & mask) {
            *slot = Slot { hash, number: small(number) };
        }
    }

    const fn mask(&self) -> usize {
        self.slots.len().wrapping_sub(1)
    }
}

const fn hash(from: u32, segment: u64) -> u32 {
    mix(segment, from as u64) as u32
}

/// A number of nodes or edges. Each takes more than a byte of memory, so there are fewer than 2^32.
pub(super) fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::{Edges, FirstSegment};

    #[test]
    fn edges_are_found_from_their_node_only() {
        let get =
            |edges: &Edges, from, text: &str| edges.get(from, &FirstSegment::of(text.as_bytes()));
        let mut edges = Edges::default();
        assert_eq!(get(&edges, 0, "a"), None);
        for n in 0..2000 {
            let segment = format!("segment-{n}");
            edges.insert(n % 7, &FirstSegment::of(segment.as_bytes()), n);
        }
        for n in 0..2000 {
            let segment = format!("segment-{n}");
            assert_eq!(get(&edges, n % 7, &segment), Some(n));
            assert_eq!(get(&edges, (n + 1) % 7, &segment), None);
        }
    }
}
