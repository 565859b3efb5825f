//! JSON compressed with gzip, and encoded in base64 inside text.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};

use super::reading::{Misread, expected, read};
use crate::base64_text;
use crate::gzip::{GunzipError, gunzip};

/// JSON that its sender compressed with gzip. Inside text, such as the body of a message, it must
/// be in base64; the data of a stream may be the bytes themselves, or base64. Can be nested in
/// other envelopes:
///
/// ```
/// use apptheory_core::events::{Gzip, Sns};
/// use apptheory_core::json;
///
/// #[derive(serde::Deserialize)]
/// struct Order { id: u32 }
///
/// let text = "H4sIAAAAAAACA6tWykxRsjKvBQBDXwcSCAAAAA==";
/// let Gzip(order) = json::read::<Gzip<Order>>(text.as_bytes())?;
/// assert_eq!(order.id, 7);
///
/// let body = format!(r#"{{"TopicArn":"arn:aws:sns:eu-west-1:1:orders","Message":"{text}"}}"#);
/// let notification: Sns<Gzip<Order>> = json::read(body.as_bytes())?;
/// assert_eq!(notification.message.0.id, 7);
/// # Ok::<(), json::Misread>(())
/// ```
///
/// Decompresses at most 6 MiB ([`MAX_GZIP_BYTES`]); longer JSON is refused before it takes more
/// memory.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub struct Gzip<T>(pub T);

/// The most decompressed bytes of a [`Gzip`]: the limit of a Lambda event (6 MiB).
pub const MAX_GZIP_BYTES: usize = 6 * 1024 * 1024;

/// Does not print the content, which may be secret.
impl<T> fmt::Debug for Gzip<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gzip").finish_non_exhaustive()
    }
}

/// The type name by which [`Packed`] recognizes that a [`Gzip`] requests its bytes. Other formats
/// see a newtype.
const NAME: &str = "$apptheory::Gzip";

impl<'de, T: DeserializeOwned> Deserialize<'de> for Gzip<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(NAME, Unpack(PhantomData))
    }
}

struct Unpack<T>(PhantomData<fn() -> T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for Unpack<T> {
    type Value = Gzip<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("gzip in base64")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, within: D) -> Result<Gzip<T>, D::Error> {
        self.visit_bytes(String::deserialize(within)?.as_bytes())
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Gzip<T>, E> {
        let unpacked = unpack(bytes, MAX_GZIP_BYTES).map_err(|error| match error {
            GunzipError::Invalid => E::custom("other bytes, expected gzip in base64"),
            GunzipError::TooLarge => {
                E::custom(format!("more, expected at most {} bytes in its gzip", MAX_GZIP_BYTES))
            }
        })?;
        read(&unpacked).map(Gzip).map_err(|misread| E::custom(misread.error_within("gzip")))
    }
}

fn unpack(bytes: &[u8], max_bytes: usize) -> Result<Vec<u8>, GunzipError> {
    if bytes.starts_with(&MAGIC) {
        return gunzip(bytes, max_bytes);
    }
    let decoded = base64_text::decode(bytes.trim_ascii(), None);
    gunzip(&decoded.map_err(|_| GunzipError::Invalid)?, max_bytes)
}

/// The first bytes of gzip, and of gzip in base64. JSON never begins with these.
const MAGIC: [u8; 2] = [0x1f, 0x8b];
const MAGIC_IN_BASE64: &[u8] = b"H4sI";

/// Bytes of gzip, as a value that only a [`Gzip`] can be deserialized from.
#[derive(Clone, Copy)]
pub(super) struct Packed<'a>(&'a [u8]);

impl<'a> Packed<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        let is_packed =
            bytes.starts_with(&MAGIC) || bytes.trim_ascii_start().starts_with(MAGIC_IN_BASE64);
        is_packed.then_some(Self(bytes))
    }
}

/// Says why [`Packed`] cannot be deserialized as a type.
#[derive(Debug)]
pub(super) enum NotUnpacked {
    /// The type is not a [`Gzip`], so the bytes are not JSON for it.
    OtherType,
    /// The error text, in the style of serde.
    Wrong(String),
}

impl NotUnpacked {
    /// Returns what was expected; the value is not quoted.
    pub(super) fn misread(&self) -> Option<Misread> {
        match self {
            Self::OtherType => None,
            Self::Wrong(said) => {
                let expected = expected(said).to_string();
                Some(Misread::OtherShape { path: String::new(), expected })
            }
        }
    }
}

impl fmt::Display for NotUnpacked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("gzip for a type that is not a `Gzip`")
    }
}

impl core::error::Error for NotUnpacked {}

impl serde::de::Error for NotUnpacked {
    fn custom<M: fmt::Display>(said: M) -> Self {
        Self::Wrong(said.to_string())
    }
}

impl<'de> Deserializer<'de> for Packed<'_> {
    type Error = NotUnpacked;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NotUnpacked> {
        Err(NotUnpacked::OtherType)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, NotUnpacked> {
        if name == NAME { visitor.visit_bytes(self.0) } else { visitor.visit_newtype_struct(self) }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotUnpacked> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;

    use super::*;
    use crate::events::{EventBridge, Sns, Sqs};
    use crate::gzip::tests::stored;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Order {
        id: u8,
    }

    fn gzip(data: &[u8]) -> Vec<u8> {
        stored(data, 0, &[])
    }

    fn base64(data: &[u8]) -> String {
        STANDARD.encode(gzip(data))
    }

    fn error_text<T: DeserializeOwned>(bytes: &[u8]) -> String {
        read::<T>(bytes).err().unwrap().to_string()
    }

    #[test]
    fn bytes_texts_and_members_are_unpacked() {
        let (bytes, text) = (gzip(br#"{"id":7}"#), base64(br#"{"id":7}"#));
        assert!(text.as_bytes().starts_with(MAGIC_IN_BASE64));
        let quoted = json!(text).to_string();
        let spaced = format!(" \n{text}\r\n");
        for packed in [&bytes, text.as_bytes(), quoted.as_bytes(), spaced.as_bytes()] {
            assert_eq!(read::<Gzip<Order>>(packed).unwrap().0, Order { id: 7 });
            assert_eq!(read::<Option<Gzip<Order>>>(packed).unwrap().unwrap().0.id, 7);
        }
        let twice = gzip(&bytes);
        assert_eq!(read::<Gzip<Gzip<Order>>>(&twice).unwrap().0.0.id, 7);
    }

    #[test]
    fn envelopes_go_around_it_and_into_it() {
        let event = json!({"source": "shop", "detail": {"id": 7}}).to_string();
        let body = json!({"Message": base64(event.as_bytes())}).to_string();
        let message = json!({"messageId": "m", "body": body}).to_string();
        let read = read::<Sqs<Sns<Gzip<EventBridge<Order>>>>>(message.as_bytes()).unwrap();
        assert_eq!(read.body.message.0.detail.id, 7);
    }

    #[test]
    fn errors_give_the_path_and_quote_no_value() {
        let wrong = gzip(br#"{"id":"secret"}"#);
        assert_eq!(
            error_text::<Gzip<Order>>(&wrong),
            "invalid json: expected u8 at id of its gzip"
        );
        let no_json = gzip(b"secret");
        let expected = "invalid json: expected json text (line 1, column 1 of it)";
        assert_eq!(error_text::<Gzip<Order>>(&no_json), expected);
        for other in ["H4sIsecret", "H4sI", "\"secret\""] {
            let expected = "invalid json: expected gzip in base64";
            assert_eq!(error_text::<Gzip<Order>>(other.as_bytes()), expected);
        }
        let mut cut = gzip(b"{}");
        cut.pop();
        assert_eq!(error_text::<Gzip<Order>>(&cut), "invalid json: expected gzip in base64");
        assert_eq!(error_text::<Gzip<Order>>(b"7"), "invalid json: expected a string");
        let body = json!({"Message": STANDARD.encode(&wrong)}).to_string();
        assert_eq!(
            error_text::<Sns<Gzip<Order>>>(body.as_bytes()),
            "invalid json of Message: expected u8 at id of its gzip in its text",
        );
    }

    #[test]
    fn for_any_other_type_it_is_no_json() {
        let (bytes, text) = (gzip(b"{}"), base64(b"{}"));
        for packed in [&bytes, text.as_bytes()] {
            let expected = "invalid json at line 1, column 1";
            assert_eq!(error_text::<serde_json::Value>(packed), expected);
            assert_eq!(error_text::<String>(packed), expected);
            assert_eq!(error_text::<Order>(packed), expected);
        }
    }

    #[test]
    fn more_than_the_bound_is_refused() {
        let (member, most) = (gzip(&[b' '; 60_000]), MAX_GZIP_BYTES);
        let many = member.repeat(most / 60_000 + 1);
        let expected = "invalid json: expected at most 6291456 bytes in its gzip";
        assert_eq!(error_text::<Gzip<u8>>(&many), expected);
        let fits = [member, gzip(b"7")].concat();
        assert_eq!(read::<Gzip<u8>>(&fits).unwrap().0, 7);
    }
}
