//! Finds the values of a JSON text.

use alloc::vec::Vec;

use super::{Document, Kind, Node};
use crate::json::next_special;

/// The initial capacity for nodes: enough for the events of requests, and for batches of ten
/// records.
const TYPICAL: usize = 512;

/// The error is the position of the first wrong byte, if a text is not JSON.
type Scanned<T> = Result<T, usize>;

/// Returns the values of a text, down to a depth; if it is not JSON, the position of the first
/// wrong byte.
pub(super) fn scan(text: &str, depth: usize) -> Scanned<Document<'_>> {
    // So positions fit 32 bits, and so do the numbers of nodes, of which there are fewer.
    if u32::try_from(text.len()).is_err() {
        return Err(0);
    }
    let room = text.len().div_euclid(8).saturating_add(4).min(TYPICAL);
    let mut scanner = Scanner {
        text: text.as_bytes(),
        nodes: Vec::with_capacity(room),
        line_ends: Vec::new(),
        open: None,
        is_in_object: false,
        depth: 0,
        most: depth,
    };
    scanner.scan()?;
    Ok(Document { text, nodes: scanner.nodes, line_ends: scanner.line_ends })
}

struct Scanner<'a> {
    text: &'a [u8],
    nodes: Vec<Node>,
    /// The ends of lines. Strings contain no line ends, so all of them are between values.
    line_ends: Vec<u32>,
    /// The innermost open list or object. While a node is open, its `next` is the enclosing node,
    /// or itself for the outermost.
    open: Option<usize>,
    is_in_object: bool,
    depth: usize,
    /// The depth at which values are not split further.
    most: usize,
}

/// Each step takes the position to read from, and returns the one after what it has read. A field
/// for the position would be written to memory at every step.
impl Scanner<'_> {
    /// Does not recurse, because the text determines the depth.
    fn scan(&mut self) -> Scanned<()> {
        let (text, mut at) = (self.text, 0);
        loop {
            if self.is_in_object {
                at = self.name(at)?;
            }
            let (start, first) = self.next(at)?;
            let (scalar, end) = match first {
                b'"' => {
                    let (kind, end) = string(text, after(start))?;
                    (Some(kind), end)
                }
                b'{' | b'[' => {
                    self.enter(start, if first == b'{' { Kind::Object } else { Kind::List });
                    let (next, byte) = self.next(after(start))?;
                    if byte != self.closing() {
                        at = next;
                        continue;
                    }
                    (None, next)
                }
                b'n' => (Some(Kind::Null), literal(text, after(start), b"ull")?),
                b't' => (Some(Kind::True), literal(text, after(start), b"rue")?),
                b'f' => (Some(Kind::False), literal(text, after(start), b"alse")?),
                b'-' => (Some(Kind::Number), number(text, after(start))?),
                _ => (Some(Kind::Number), number(text, start)?),
            };
            if let Some(kind) = scalar {
                self.push(kind, start, end);
            }
            match self.go_on(end)? {
                Some(next) => at = next,
                None => return Ok(()),
            }
        }
    }

    /// Continues after a value; returns where the next one begins, if there is one.
    #[inline(always)]
    fn go_on(&mut self, mut at: usize) -> Scanned<Option<usize>> {
        while self.open.is_some() {
            let (place, byte) = self.next(at)?;
            at = after(place);
            if byte == b',' {
                return Ok(Some(at));
            }
            if byte != self.closing() {
                return Err(place);
            }
            self.leave(at);
        }
        let end = self.skip_space(at);
        if end == self.text.len() { Ok(None) } else { Err(end) }
    }

    const fn closing(&self) -> u8 {
        if self.is_in_object { b'}' } else { b']' }
    }

    /// Reads a member's name and its colon.
    fn name(&mut self, at: usize) -> Scanned<usize> {
        let (start, quote) = self.next(at)?;
        if quote != b'"' {
            return Err(start);
        }
        let (kind, end) = string(self.text, after(start))?;
        self.push(kind, start, end);
        match self.next(end)? {
            (colon, b':') => Ok(after(colon)),
            (other, _) => Err(other),
        }
    }

    fn enter(&mut self, start: usize, kind: Kind) {
        let at = self.nodes.len();
        let next = self.open.unwrap_or(at) as u32;
        self.nodes.push(Node { kind, start: start as u32, end: after(start) as u32, next });
        self.open = Some(at);
        self.is_in_object = kind == Kind::Object;
        self.depth = self.depth.saturating_add(1);
    }

    /// Closes the innermost list or object, which ends at `end`.
    fn leave(&mut self, end: usize) {
        let Some(at) = self.open else { return };
        if self.depth >= self.most {
            self.nodes.truncate(after(at));
        }
        self.depth = self.depth.saturating_sub(1);
        let next = self.nodes.len() as u32;
        let Some(node) = self.nodes.get_mut(at) else { return };
        let around = node.next as usize;
        (node.end, node.next) = (end as u32, next);
        self.open = (around != at).then_some(around);
        let around = self.open.and_then(|around| self.nodes.get(around));
        self.is_in_object = around.is_some_and(|around| around.kind == Kind::Object);
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize) {
        let next = after(self.nodes.len()) as u32;
        self.nodes.push(Node { kind, start: start as u32, end: end as u32, next });
    }

    /// Returns the position of the next byte that is not white space, and the byte. Services send
    /// compact JSON, so there is hardly any space.
    #[inline(always)]
    fn next(&mut self, at: usize) -> Scanned<(usize, u8)> {
        if let Some(byte @ b'!'..) = self.text.get(at) {
            return Ok((at, *byte));
        }
        let at = self.skip_space(at);
        byte(self.text, at).map(|byte| (at, byte))
    }

    /// Returns the position after white space.
    #[cold]
    fn skip_space(&mut self, mut at: usize) -> usize {
        while let Some(space @ (b' ' | b'\t' | b'\n' | b'\r')) = self.text.get(at) {
            if *space == b'\n' {
                self.line_ends.push(at as u32);
            }
            at = after(at);
        }
        at
    }
}

/// Returns the next position. The position is inside a text, so this does not overflow.
const fn after(place: usize) -> usize {
    place.wrapping_add(1)
}

fn byte(text: &[u8], at: usize) -> Scanned<u8> {
    text.get(at).copied().ok_or(at)
}

/// Reads a string after its opening quote; returns its kind, and the position after its closing
/// quote. Inlined, because most strings are shorter than a call.
#[inline(always)]
fn string(text: &[u8], start: usize) -> Scanned<(Kind, usize)> {
    let (mut kind, mut at) = (Kind::Plain, start);
    loop {
        // Strings are most of an event, so this compares eight bytes at once.
        at = next_special(text, at);
        match byte(text, at)? {
            b'"' => return Ok((kind, after(at))),
            b'\\' => at = after(at),
            // Control characters must be escaped.
            _ => return Err(at),
        }
        kind = Kind::Escaped;
        at = match byte(text, at)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => after(at),
            b'u' => {
                let rest = text.get(after(at)..).unwrap_or_default();
                let digits: &[u8; 4] = rest.first_chunk().ok_or(at)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(at);
                }
                at.wrapping_add(5)
            }
            _ => return Err(at),
        };
    }
}

/// Returns the position after a number whose first digit is at `first`.
fn number(text: &[u8], first: usize) -> Scanned<usize> {
    let mut at = match byte(text, first)? {
        b'0' => after(first),
        b'1'..=b'9' => skip_digits(text, after(first)),
        _ => return Err(after(first)),
    };
    if text.get(at) == Some(&b'.') {
        at = digits(text, after(at))?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        at = after(at);
        if let Some(b'+' | b'-') = text.get(at) {
            at = after(at);
        }
        at = digits(text, at)?;
    }
    Ok(at)
}

/// Returns the position after at least one digit.
fn digits(text: &[u8], at: usize) -> Scanned<usize> {
    let is_digit = byte(text, at)?.is_ascii_digit();
    if is_digit { Ok(skip_digits(text, after(at))) } else { Err(after(at)) }
}

fn skip_digits(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(u8::is_ascii_digit) {
        at = after(at);
    }
    at
}

/// Returns the position after the rest of a literal.
fn literal(text: &[u8], at: usize, tail: &[u8]) -> Scanned<usize> {
    let is_there = text.get(at..).is_some_and(|rest| rest.starts_with(tail));
    if is_there { Ok(at.wrapping_add(tail.len())) } else { Err(at) }
}
