//! Writes gzip (RFC 1952) without compression.

/// Without name, time or system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// Writes data, which must not be empty.
pub(super) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut out = HEADER.to_vec();
    // Stored blocks (RFC 1951 §3.2.4) have at most 65,535 bytes, and the last one is marked.
    let mut blocks = data.chunks(usize::from(u16::MAX)).peekable();
    while let Some(block) = blocks.next() {
        let len = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(len.to_le_bytes());
        out.extend((!len).to_le_bytes());
        out.extend(block);
    }
    out.extend(crc32fast::hash(data).to_le_bytes());
    // The size is modulo 2^32.
    out.extend(u32::try_from(data.len() & 0xffff_ffff).unwrap_or(u32::MAX).to_le_bytes());
    out
}
