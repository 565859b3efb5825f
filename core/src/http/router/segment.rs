//! Splits paths into segments, eight bytes at a time.
//!
//! Segments are short and of different lengths, so a processor cannot predict the end of a loop
//! over their bytes; and there would be two such loops, to find the slash and to hash the segment.
//! Here both are computed from words of eight bytes, and most segments fit into a single word.

/// The first segment of a path.
#[derive(Clone, Copy, Debug)]
pub(super) struct FirstSegment<'p> {
    pub(super) len: usize,
    /// The first eight bytes, or all if there are fewer.
    pub(super) head: u64,
    /// The remaining bytes of the segment.
    pub(super) tail: &'p [u8],
    /// The hash of the segment, independent of what follows.
    pub(super) hash: u64,
    /// The path after the slash, if there is one.
    pub(super) rest: Option<&'p [u8]>,
}

impl<'p> FirstSegment<'p> {
    /// Inlined, because a short segment takes no longer than a call.
    #[inline(always)]
    pub(super) fn of(path: &'p [u8]) -> Self {
        let Word { bytes: head, len } = Word::of(path);
        let (after, hash) = (path.get(len..).unwrap_or_default(), mix(MULTIPLIER, head));
        if len < WORD {
            return Self { len, head, tail: &[], hash, rest: after.get(1..) };
        }
        Self::of_long(head, hash, after)
    }

    /// Returns a segment of eight bytes or more, given its first eight bytes, their hash, and what
    /// follows them.
    #[inline(never)]
    fn of_long(head: u64, hash: u64, after: &'p [u8]) -> Self {
        let (mut rest, mut hash) = (after, hash);
        loop {
            let Word { bytes, len } = Word::of(rest);
            hash = mix(hash, bytes);
            rest = rest.get(len..).unwrap_or_default();
            if len < WORD {
                break;
            }
        }
        let tail = after.get(..after.len().saturating_sub(rest.len())).unwrap_or_default();
        Self { len: WORD.saturating_add(tail.len()), head, tail, hash, rest: rest.get(1..) }
    }
}

/// Returns the length of a path's first segment.
#[inline]
pub(super) fn first_len(path: &[u8]) -> usize {
    FirstSegment::of(path).len
}

/// Up to eight bytes of a segment. After eight bytes, more may follow.
struct Word {
    /// The bytes, the first one lowest, and zeros.
    bytes: u64,
    len: usize,
}

impl Word {
    #[inline]
    fn of(path: &[u8]) -> Self {
        let bytes = match path.first_chunk() {
            Some(next) => u64::from_le_bytes(*next),
            None => last_bytes(path),
        };
        // The high bit of a byte is set if the byte is a slash; bytes after the slash may have it,
        // too.
        let other = bytes ^ EACH.wrapping_mul(b'/'.into());
        let slashes = other.wrapping_sub(EACH) & !other & EACH.wrapping_mul(0x80);
        let len = (slashes.trailing_zeros() as usize).div_euclid(8).min(path.len());
        let others = u64::MAX.checked_shl(bits(len)).unwrap_or_default();
        Self { bytes: bytes & !others, len }
    }
}

/// Returns up to seven bytes, the first one lowest; overlapping reads set some of them twice.
fn last_bytes(path: &[u8]) -> u64 {
    let place = |bytes: u64, at: usize| bytes.checked_shl(bits(at)).unwrap_or_default();
    if let (Some(first), Some(last)) = (path.first_chunk(), path.last_chunk()) {
        let [first, last] = [first, last].map(|four| u32::from_le_bytes(*four).into());
        return first | place(last, path.len().saturating_sub(4));
    }
    let middle = path.len().div_euclid(2);
    let byte = |at: usize| path.get(at).map_or(0, |byte| place((*byte).into(), at));
    byte(0) | byte(middle) | byte(path.len().saturating_sub(1))
}

/// Mixes a word into a hash. Combines both halves of the product, because each bit of a factor only
/// affects higher bits.
pub(super) const fn mix(hash: u64, word: u64) -> u64 {
    let product = ((hash ^ word) as u128).wrapping_mul(MULTIPLIER as u128);
    (product as u64) ^ (product >> 64) as u64
}

const fn bits(bytes: usize) -> u32 {
    (bytes as u32).wrapping_mul(8)
}

/// 2^64 divided by the golden ratio, made odd.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// A one in each byte.
const EACH: u64 = u64::MAX / 255;

const WORD: usize = size_of::<u64>();

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use super::FirstSegment;

    #[test]
    fn segments_end_at_the_first_slash_and_their_hash_is_their_own() {
        let texts = (0..20_usize).map(|len| "abcdefghijklmnopqrst".get(..len).unwrap());
        let odd = ["\u{e9}\u{f6}", "0000000/", ".........", "\0\0", "\u{7f}-\u{80}-\u{af}"];
        for text in texts.chain(odd.iter().map(|text| text.trim_end_matches('/'))) {
            let alone = FirstSegment::of(text.as_bytes());
            assert_eq!((alone.len, alone.rest), (text.len(), None));
            assert_eq!(alone.tail, text.as_bytes().get(8..).unwrap_or_default());
            for after in ["", "a", "/", "aaaaaaaaaaaa", "aaaaa/bbbbbbbbbbbbbbb"] {
                let path = format!("{text}/{after}");
                let first = FirstSegment::of(path.as_bytes());
                assert_eq!((first.len, first.rest), (text.len(), Some(after.as_bytes())));
                let texts =
                    |it: FirstSegment<'_>| (it.head.to_le_bytes(), it.tail.to_vec(), it.hash);
                assert_eq!(texts(first), texts(alone));
            }
        }
    }

    #[test]
    fn other_texts_have_other_hashes() {
        let hash = |text: &str| FirstSegment::of(text.as_bytes()).hash;
        let mut hashes: alloc::vec::Vec<u64> =
            (0..100_000).map(|n| hash(&format!("part{n}"))).collect();
        hashes.extend((1..50).map(|len| hash(&String::from("a").repeat(len))));
        hashes.sort_unstable();
        assert!(hashes.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
