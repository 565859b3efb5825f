//! From a node of the trie and a segment's text to the next node.
//!
//! A hash table, because `no_std` has none and a sorted list would make each step slower with
//! every sibling. Its keys are the patterns of the application: nobody outside chooses them, so
//! the hash needs no secret.

use alloc::boxed::Box;
use alloc::vec::Vec;

/// Open addressing with linear probing, at most half full.
#[derive(Clone, Debug, Default)]
pub(super) struct Edges {
    edges: Vec<Edge>,
    /// The position in `edges` plus one; zero is a free slot. Their number is a power of two.
    slots: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Edge {
    from: usize,
    segment: Box<[u8]>,
    to: usize,
}

impl Edges {
    pub(super) fn get(&self, from: usize, segment: &[u8]) -> Option<usize> {
        let mut at = hash(from, segment);
        loop {
            // No slots, no edges; else a free slot ends the search, and half of them are free.
            let edge = self.edges.get(self.slot(at)?.checked_sub(1)?)?;
            if edge.from == from && *edge.segment == *segment {
                return Some(edge.to);
            }
            at = at.wrapping_add(1);
        }
    }

    /// Adds an edge that is not there yet.
    pub(super) fn insert(&mut self, from: usize, segment: &[u8], to: usize) {
        self.edges.push(Edge { from, segment: segment.into(), to });
        if self.slots.len() < self.edges.len().saturating_mul(2) {
            self.rehash();
        } else {
            self.place(self.edges.len());
        }
    }

    fn rehash(&mut self) {
        let slots = self.edges.len().saturating_mul(4).next_power_of_two();
        self.slots = alloc::vec![0; slots];
        for number in 1..=self.edges.len() {
            self.place(number);
        }
    }

    fn place(&mut self, number: usize) {
        let Some(edge) = number.checked_sub(1).and_then(|index| self.edges.get(index)) else {
            return;
        };
        let mut at = hash(edge.from, &edge.segment);
        while self.slot(at).is_some_and(|taken| taken != 0) {
            at = at.wrapping_add(1);
        }
        let mask = self.mask();
        if let Some(slot) = self.slots.get_mut(at & mask) {
            *slot = number;
        }
    }

    fn slot(&self, at: usize) -> Option<usize> {
        self.slots.get(at & self.mask()).copied()
    }

    fn mask(&self) -> usize {
        self.slots.len().wrapping_sub(1)
    }
}

/// Mixes eight bytes at a time, as the `FxHash` of the Rust compiler does; the high bits, which
/// it mixes best, become the low ones.
fn hash(from: usize, mut segment: &[u8]) -> usize {
    let mut hash = mix(0, from as u64);
    while let Some((word, rest)) = segment.split_first_chunk() {
        hash = mix(hash, u64::from_le_bytes(*word));
        segment = rest;
    }
    let rest = segment.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    mix(hash, rest).rotate_left(26) as usize
}

const fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(5) ^ word).wrapping_mul(MULTIPLIER)
}

/// 2^64 divided by π, made odd: the multiplier of `FxHash`.
const MULTIPLIER: u64 = 0x517c_c1b7_2722_0a95;

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::Edges;

    #[test]
    fn edges_are_found_from_their_node_only() {
        let mut edges = Edges::default();
        assert_eq!(edges.get(0, b"a"), None);
        for n in 0..2000 {
            edges.insert(n % 7, format!("segment-{n}").as_bytes(), n);
        }
        for n in 0..2000 {
            let segment = format!("segment-{n}");
            assert_eq!(edges.get(n % 7, segment.as_bytes()), Some(n));
            assert_eq!(edges.get((n + 1) % 7, segment.as_bytes()), None);
        }
    }
}
