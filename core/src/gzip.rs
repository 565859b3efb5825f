//! Decompresses gzip (RFC 1952), up to a size.

use alloc::boxed::Box;
use alloc::vec::Vec;

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

/// Says why bytes were not decompressed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum GunzipError {
    /// The bytes are not gzip, are truncated, or fail their checksum.
    Invalid,
    /// The bytes decompress to more than allowed.
    TooLarge,
}

/// Decompresses one member or several consecutive ones. Never holds more than `max_bytes` of
/// output.
pub(crate) fn gunzip(bytes: &[u8], max_bytes: usize) -> Result<Vec<u8>, GunzipError> {
    let mut out = Vec::new();
    let mut rest = bytes;
    loop {
        let start = out.len();
        rest = inflate(after_header(rest).ok_or(GunzipError::Invalid)?, &mut out, max_bytes)?;
        let (crc, size, after) = read_trailer(rest).ok_or(GunzipError::Invalid)?;
        let member = out.get(start..).unwrap_or_default();
        // RFC 1952 stores sizes modulo 2^32.
        let length = u32::try_from(member.len() & 0xffff_ffff).unwrap_or(u32::MAX);
        if crc != crc32fast::hash(member) || size != length {
            return Err(GunzipError::Invalid);
        }
        if after.is_empty() {
            return Ok(out);
        }
        rest = after;
    }
}

/// Returns what follows a member's header.
fn after_header(bytes: &[u8]) -> Option<&[u8]> {
    let (header, mut rest) = bytes.split_first_chunk::<10>()?;
    let [0x1f, 0x8b, DEFLATE, flags, ..] = *header else { return None };
    if flags & RESERVED != 0 {
        return None;
    }
    if flags & EXTRA != 0 {
        let (length, after) = rest.split_first_chunk::<2>()?;
        rest = after.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|b| *b == 0)?;
            rest = rest.get(end.checked_add(1)?..)?;
        }
    }
    if flags & HEADER_CRC != 0 {
        let (sum, after) = rest.split_first_chunk::<2>()?;
        let header = bytes.get(..bytes.len().checked_sub(rest.len())?)?;
        let [low, high, ..] = crc32fast::hash(header).to_le_bytes();
        if *sum != [low, high] {
            return None;
        }
        rest = after;
    }
    Some(rest)
}

fn read_trailer(bytes: &[u8]) -> Option<(u32, u32, &[u8])> {
    let (crc, rest) = bytes.split_first_chunk::<4>()?;
    let (size, rest) = rest.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*crc), u32::from_le_bytes(*size), rest))
}

/// Appends the decompressed data of a deflate stream to `out`, which may grow to `max_bytes`.
/// Returns what follows the stream.
fn inflate<'b>(
    bytes: &'b [u8],
    out: &mut Vec<u8>,
    max_bytes: usize,
) -> Result<&'b [u8], GunzipError> {
    let mut state = Box::<DecompressorOxide>::default();
    let start = out.len();
    let (mut rest, mut filled) = (bytes, 0_usize);
    loop {
        // Doubles the room by the size of this member only, so that an empty member after a large
        // one costs little. At the limit no room is left, and a stream that ends there still ends
        // correctly.
        let room = filled.max(FIRST_ROOM).saturating_mul(2);
        let wanted = start.saturating_add(room).min(max_bytes);
        out.resize(wanted.max(out.len()), 0);
        let room = out.get_mut(start..).unwrap_or_default();
        let flags = TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let (status, read, written) = decompress(&mut state, rest, room, filled, flags);
        rest = rest.get(read..).unwrap_or_default();
        filled = filled.saturating_add(written);
        if status == TINFLStatus::Done {
            out.truncate(start.saturating_add(filled));
            return Ok(rest);
        }
        if status != TINFLStatus::HasMoreOutput {
            return Err(GunzipError::Invalid);
        }
        if out.len() >= max_bytes {
            return Err(GunzipError::TooLarge);
        }
    }
}

const DEFLATE: u8 = 8;

// Header flags (RFC 1952 §2.3.1).
const HEADER_CRC: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const RESERVED: u8 = 0xe0;

/// Half of the initial room, in bytes.
const FIRST_ROOM: usize = 2048;

#[cfg(test)]
pub(crate) mod tests {
    use alloc::vec::Vec;

    use super::{GunzipError, gunzip, inflate};

    /// Returns a member whose data is stored, not compressed. `data` must be short.
    pub(crate) fn stored(data: &[u8], flags: u8, fields: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len()).unwrap();
        let mut bytes = [&[0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255], fields].concat();
        bytes.push(1);
        bytes.extend(length.to_le_bytes());
        bytes.extend((!length).to_le_bytes());
        bytes.extend(data);
        bytes.extend(crc32fast::hash(data).to_le_bytes());
        bytes.extend(u32::from(length).to_le_bytes());
        bytes
    }

    #[test]
    fn members_in_a_row_are_one_text() {
        let both = [stored(b"ab", 0, &[]), stored(b"cd", 8 | 4, b"\x01\0xname\0")].concat();
        assert_eq!(gunzip(&both, 9).as_deref(), Ok(&b"abcd"[..]));
        assert_eq!(gunzip(&both, 4).as_deref(), Ok(&b"abcd"[..]));
        assert_eq!(gunzip(&both, 3), Err(GunzipError::TooLarge));
        assert_eq!(gunzip(&stored(b"", 0, &[]), 0).as_deref(), Ok(&b""[..]));
    }

    #[test]
    fn the_limit_is_exact() {
        let data = [7; 60_000];
        let member = stored(&data, 0, &[]);
        assert_eq!(gunzip(&member, data.len()).map(|out| out.len()), Ok(data.len()));
        assert_eq!(gunzip(&member, data.len() - 1), Err(GunzipError::TooLarge));
    }

    #[test]
    fn an_empty_member_makes_no_room_for_what_came_before_it() {
        let mut out = Vec::with_capacity(70_000);
        out.resize(60_000, 7);
        let capacity = out.capacity();
        // The block that `stored` writes, without header and trailer.
        let rest = inflate(&[1, 0, 0, 255, 255], &mut out, 6 << 20).unwrap();
        assert_eq!((rest.len(), out.len()), (0, 60_000));
        assert_eq!(out.capacity(), capacity);
    }

    #[test]
    fn anything_else_is_invalid() {
        let good = stored(b"ab", 0, &[]);
        for end in 0..good.len() {
            assert_eq!(gunzip(&good[..end], 9), Err(GunzipError::Invalid), "{end}");
        }
        // Every byte matters except the time, the extra flags and the operating system.
        for at in (0..4).chain(10..good.len()) {
            let mut bad = good.clone();
            bad[at] ^= 0xff;
            assert!(gunzip(&bad, 9).is_err(), "{at}");
        }
        for after in [&b"\0"[..], b"x"] {
            assert_eq!(gunzip(&[&good, after].concat(), 9), Err(GunzipError::Invalid));
        }
        assert_eq!(gunzip(&stored(b"ab", 2, &[0, 0]), 9), Err(GunzipError::Invalid));
    }
}
