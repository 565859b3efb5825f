//! Aggregates of the Kinesis Producer Library: many records of a program in one Kinesis record.
//!
//! An aggregate is `F3 89 9A C2`, a Protocol Buffers message, and the MD5 digest of the message:
//!
//! ```text
//! AggregatedRecord { repeated string partition_key_table = 1; repeated Record records = 3; … }
//! Record { uint64 partition_key_index = 1; bytes data = 3; … }
//! ```

use alloc::string::String;
use alloc::vec::Vec;

use md5::{Digest as _, Md5};
use prost::DecodeError;
use prost::encoding::{DecodeContext, WireType, bytes, decode_key, skip_field, string, uint64};

/// The first bytes of an aggregate.
const MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];

/// The length of the digest at the end.
const DIGEST_LEN: usize = 16;

/// The most characters of a Kinesis partition key ("PutRecord", API reference). Many records may
/// share a key, and each gets a copy, so a longer key could exhaust the memory.
const MAX_KEY_CHARS: usize = 256;

/// A record in an aggregate.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct UserRecord {
    pub(super) partition_key: String,
    pub(super) data: Vec<u8>,
}

/// Yields the records in an aggregate; `None` for other data. Data that only begins like an
/// aggregate, or is damaged, counts as an ordinary record, as in the Kinesis Client Library.
pub(super) fn user_records(data: &[u8]) -> Option<impl Iterator<Item = UserRecord> + use<>> {
    let framed = data.strip_prefix(&MAGIC)?;
    let (message, digest) = framed.split_at_checked(framed.len().checked_sub(DIGEST_LEN)?)?;
    if Md5::digest(message).as_slice() != digest {
        return None;
    }
    let Aggregate { keys, records } = aggregate(message).ok()?;
    let is_whole = keys.iter().all(|key| key.chars().count() <= MAX_KEY_CHARS)
        && records.iter().all(|(key, _)| usize::try_from(*key).is_ok_and(|key| key < keys.len()));
    is_whole.then(|| {
        records.into_iter().filter_map(move |(key, data)| {
            let partition_key = keys.get(usize::try_from(key).ok()?)?.clone();
            Some(UserRecord { partition_key, data })
        })
    })
}

/// A decoded message.
#[derive(Default)]
struct Aggregate {
    /// The table of partition keys.
    keys: Vec<String>,
    /// The index of each record's key in the table, and its data.
    records: Vec<(u64, Vec<u8>)>,
}

fn aggregate(mut message: &[u8]) -> Result<Aggregate, DecodeError> {
    let Aggregate { mut keys, mut records } = Aggregate::default();
    while !message.is_empty() {
        match decode_key(&mut message)? {
            (1, wire) => {
                let mut key = String::new();
                string::merge(wire, &mut key, &mut message, DecodeContext::default())?;
                keys.push(key);
            }
            (3, wire) => {
                let mut record = Vec::new();
                bytes::merge(wire, &mut record, &mut message, DecodeContext::default())?;
                records.push(user_record(&record)?);
            }
            (tag, wire) => skip(wire, tag, &mut message)?,
        }
    }
    Ok(Aggregate { keys, records })
}

fn user_record(mut record: &[u8]) -> Result<(u64, Vec<u8>), DecodeError> {
    let (mut key, mut data) = (0, Vec::new());
    while !record.is_empty() {
        match decode_key(&mut record)? {
            (1, wire) => uint64::merge(wire, &mut key, &mut record, DecodeContext::default())?,
            (3, wire) => bytes::merge(wire, &mut data, &mut record, DecodeContext::default())?,
            (tag, wire) => skip(wire, tag, &mut record)?,
        }
    }
    Ok((key, data))
}

/// Skips an unknown or unused field: an explicit hash key, a tag, or a newer field.
fn skip(wire: WireType, tag: u32, message: &mut &[u8]) -> Result<(), DecodeError> {
    skip_field(wire, tag, message, DecodeContext::default())
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use md5::{Digest as _, Md5};

    use super::UserRecord;

    fn user_records(data: &[u8]) -> Option<Vec<UserRecord>> {
        super::user_records(data).map(Iterator::collect)
    }

    /// Returns a field of bytes in Protocol Buffers encoding; all lengths here fit fourteen bits.
    fn field(tag: u8, bytes: &[u8]) -> Vec<u8> {
        let len = bytes.len();
        let (low, high) = (u8::try_from(len & 0x7f).unwrap(), u8::try_from(len >> 7).unwrap());
        [&[tag << 3 | 2, low | 0x80, high][..], bytes].concat()
    }

    fn framed(message: &[u8]) -> Vec<u8> {
        let digest = Md5::digest(message);
        [&[0xf3, 0x89, 0x9a, 0xc2][..], message, digest.as_slice()].concat()
    }

    fn message() -> Vec<u8> {
        let record = |key: u8, data: &[u8]| field(3, &[&[8, key][..], &field(3, data)].concat());
        // An explicit hash key, its index in a record, and a tag, which are ignored.
        let odd = [&[8, 1, 16, 0][..], &field(3, b""), &field(4, b"t")].concat();
        [
            field(1, b"k1"),
            field(1, "schl\u{fc}ssel".as_bytes()),
            field(2, b"123"),
            record(0, b"hi"),
            record(1, &[0xff, 0]),
            field(3, &odd),
        ]
        .concat()
    }

    #[test]
    fn every_record_of_an_aggregate_comes_out() {
        let record = |partition_key: &str, data: &[u8]| UserRecord {
            partition_key: partition_key.into(),
            data: data.into(),
        };
        let expected = [
            record("k1", b"hi"),
            record("schl\u{fc}ssel", &[0xff, 0]),
            record("schl\u{fc}ssel", b""),
        ];
        assert_eq!(user_records(&framed(&message())).unwrap(), expected);
        assert_eq!(user_records(&framed(b"")).unwrap(), []);
    }

    #[test]
    fn truncated_or_damaged_aggregates_are_not_unpacked() {
        let whole = framed(&message());
        for len in 0..whole.len() {
            assert_eq!(user_records(&whole[..len]), None, "{len}");
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            assert_eq!(user_records(&damaged), None, "{at}");
        }
        for message in [
            // A key that is not in the table, half a field, invalid UTF-8, another type.
            field(3, &[8, 0]),
            [3 << 3 | 2, 9].into(),
            field(1, &[0xff]),
            [1 << 3, 1].into(),
        ] {
            assert_eq!(user_records(&framed(&message)), None, "{message:x?}");
        }
    }

    #[test]
    fn keys_are_no_longer_than_those_of_kinesis() {
        let keyed = |chars| {
            let key = "\u{fc}".repeat(chars);
            framed(&[field(1, key.as_bytes()), field(3, &[8, 0])].concat())
        };
        assert_eq!(user_records(&keyed(256)).unwrap().len(), 1);
        assert_eq!(user_records(&keyed(257)), None);
    }
}
