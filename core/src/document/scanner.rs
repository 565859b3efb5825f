//! Finds the values of a text.

use alloc::vec::Vec;

use super::{Document, Kind, Node};

/// How many nodes there is room for at once: as many as the events of requests have, and batches of ten
/// records.
const TYPICAL: usize = 512;

/// The values of a text, told apart up to a depth; where it is no JSON text, the place of the first
/// wrong byte.
pub(super) fn scan(text: &str, depth: usize) -> Result<Document<'_>, usize> {
    if u32::try_from(text.len()).is_err() {
        return Err(0);
    }
    let room = text.len().div_euclid(8).saturating_add(4).min(TYPICAL);
    let mut scanner = Scanner {
        len: text.len(),
        rest: text.as_bytes(),
        nodes: Vec::with_capacity(room),
        line_ends: Vec::new(),
        open: None,
        depth: 0,
        most: depth,
    };
    match scanner.scan() {
        Some(()) => Ok(Document { text, nodes: scanner.nodes, line_ends: scanner.line_ends }),
        None => Err(scanner.at()),
    }
}

struct Scanner<'a> {
    len: usize,
    rest: &'a [u8],
    nodes: Vec<Node>,
    /// Strings have no lines: all of them end between values.
    line_ends: Vec<u32>,
    /// The innermost list or object that has not ended. While a node is open, its `next` is the one
    /// around it, or itself at the outermost.
    open: Option<usize>,
    depth: usize,
    /// The depth whose values are one piece each.
    most: usize,
}

impl Scanner<'_> {
    /// Without recursion: the text says how deep it nests.
    fn scan(&mut self) -> Option<()> {
        loop {
            self.skip_space();
            let start = self.at();
            let kind = match self.take()? {
                b'"' => self.string()?,
                opening @ (b'{' | b'[') => {
                    let is_list = opening == b'[';
                    self.enter(start, if is_list { Kind::List } else { Kind::Object });
                    self.skip_space();
                    if !self.eat(if is_list { b']' } else { b'}' }) {
                        if !is_list {
                            self.name()?;
                        }
                        continue;
                    }
                    self.leave();
                    if self.go_on()? { continue } else { return Some(()) }
                }
                b'n' => self.literal(b"ull", Kind::Null)?,
                b't' => self.literal(b"rue", Kind::True)?,
                b'f' => self.literal(b"alse", Kind::False)?,
                b'-' => self.take().and_then(|digit| self.number(digit))?,
                digit => self.number(digit)?,
            };
            self.push(kind, start);
            if !self.go_on()? {
                return Some(());
            }
        }
    }

    /// Goes on behind a value: true if another one follows.
    fn go_on(&mut self) -> Option<bool> {
        loop {
            self.skip_space();
            let Some(open) = self.open else { return self.rest.is_empty().then_some(false) };
            let is_list = self.nodes.get(open)?.kind == Kind::List;
            match self.rest.first()? {
                b',' => {
                    self.take();
                    if !is_list {
                        self.skip_space();
                        self.name()?;
                    }
                    return Some(true);
                }
                b']' if is_list => {}
                b'}' if !is_list => {}
                _ => return None,
            }
            self.take();
            self.leave();
        }
    }

    /// A member's name and its colon.
    fn name(&mut self) -> Option<()> {
        let start = self.at();
        if !self.eat(b'"') {
            return None;
        }
        let kind = self.string()?;
        self.push(kind, start);
        self.skip_space();
        self.eat(b':').then_some(())
    }

    /// A string behind its opening quote.
    fn string(&mut self) -> Option<Kind> {
        let mut kind = Kind::Plain;
        loop {
            self.rest = from_special(self.rest);
            match self.rest.first()? {
                b'"' => {
                    self.take();
                    return Some(kind);
                }
                b'\\' => self.take(),
                // Control characters have to be escaped.
                _ => return None,
            };
            kind = Kind::Escaped;
            match self.rest.first()? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.take(),
                b'u' => {
                    let digits = self.rest.get(1..5)?;
                    if !digits.iter().all(u8::is_ascii_hexdigit) {
                        return None;
                    }
                    self.rest = self.rest.get(5..)?;
                    None
                }
                _ => return None,
            };
        }
    }

    /// A number behind its first digit.
    fn number(&mut self, first: u8) -> Option<Kind> {
        match first {
            b'0' => {}
            b'1'..=b'9' => self.skip_digits(),
            _ => return None,
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Some(Kind::Number)
    }

    /// At least one digit.
    fn digits(&mut self) -> Option<()> {
        self.take().filter(u8::is_ascii_digit)?;
        self.skip_digits();
        Some(())
    }

    fn skip_digits(&mut self) {
        while let [b'0'..=b'9', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    fn literal(&mut self, tail: &[u8], kind: Kind) -> Option<Kind> {
        self.rest = self.rest.strip_prefix(tail)?;
        Some(kind)
    }

    fn enter(&mut self, start: usize, kind: Kind) {
        let at = self.nodes.len();
        self.push(kind, start);
        if let Some(node) = self.nodes.get_mut(at) {
            node.next = small(self.open.unwrap_or(at));
        }
        self.open = Some(at);
        self.depth = self.depth.saturating_add(1);
    }

    /// Ends the innermost list or object.
    fn leave(&mut self) {
        let Some(at) = self.open else { return };
        if self.depth >= self.most {
            self.nodes.truncate(at.saturating_add(1));
        }
        self.depth = self.depth.saturating_sub(1);
        let (end, next) = (small(self.at()), small(self.nodes.len()));
        if let Some(node) = self.nodes.get_mut(at) {
            let around = usize::try_from(node.next).unwrap_or(at);
            self.open = (around != at).then_some(around);
            (node.end, node.next) = (end, next);
        }
    }

    fn push(&mut self, kind: Kind, start: usize) {
        let (start, end) = (small(start), small(self.at()));
        let next = small(self.nodes.len().saturating_add(1));
        self.nodes.push(Node { kind, start, end, next });
    }

    fn at(&self) -> usize {
        self.len.saturating_sub(self.rest.len())
    }

    fn take(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn eat(&mut self, expected: u8) -> bool {
        let is_there = self.rest.first() == Some(&expected);
        if is_there {
            self.take();
        }
        is_there
    }

    fn skip_space(&mut self) {
        while let [space @ (b' ' | b'\t' | b'\n' | b'\r'), rest @ ..] = self.rest {
            if *space == b'\n' {
                self.line_ends.push(small(self.at()));
            }
            self.rest = rest;
        }
    }
}

/// A text from its first quote, backslash or control character on; empty if it has none. Strings are
/// most of an event, so eight bytes are looked at at once.
fn from_special(mut text: &[u8]) -> &[u8] {
    const EACH: u64 = u64::MAX / 255;
    while let Some((eight, rest)) = text.split_first_chunk::<8>() {
        // The high bit of a byte is set where the byte is special, and of bytes after that at most.
        let bytes = u64::from_le_bytes(*eight);
        let below =
            |most: u8, bytes: u64| bytes.wrapping_sub(EACH.wrapping_mul(most.into())) & !bytes;
        let equal = |other: u8| below(1, bytes ^ EACH.wrapping_mul(other.into()));
        let special = below(b' ', bytes) | equal(b'"') | equal(b'\\');
        let special = special & EACH.wrapping_mul(0x80);
        if special != 0 {
            let at = usize::try_from(special.trailing_zeros().div_euclid(8)).unwrap_or_default();
            return text.get(at..).unwrap_or_default();
        }
        text = rest;
    }
    let special = text.iter().position(|b| matches!(b, b'"' | b'\\' | ..b' '));
    special.and_then(|at| text.get(at..)).unwrap_or_default()
}

/// A place in the text, or the number of a node, of which there are no more: all fit.
fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
