//! Identifies work that must be done only once, and its input.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use sha2::{Digest, Sha256};

use super::error::{Error, Reason};
use crate::hex::push_hex;
use crate::key_part::{escape, shortened};
use crate::printing::Hidden;
use crate::store::{Key, Value};

/// Identifies work: a scope, such as a function or route, and a key that clients or records bring.
/// Cheap to clone.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct IdempotencyKey(Arc<str>);

/// Does not print keys: a client with the key may get the response stored under it.
impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IdempotencyKey").field(&Hidden(self.0.len())).finish()
    }
}

impl IdempotencyKey {
    /// Creates a key from two parts that are not blank. The parts are not trimmed.
    ///
    /// `%` and `#` are escaped. Then a scope above 512 bytes and a key above 1024 bytes are hashed,
    /// so that any text fits DynamoDB's key limit. Two keys collide only if one of them is written
    /// in the other's `sha256:` form. A client must not choose the scope. If clients do not trust
    /// each other, include the caller in the scope.
    ///
    /// # Errors
    ///
    /// [`Error`] for a blank part.
    pub fn new(scope: &str, key: &str) -> Result<Self, Error> {
        if scope.trim().is_empty() {
            return Err(Error(Reason::MissingScope));
        }
        if key.trim().is_empty() {
            return Err(Error(Reason::MissingKey));
        }
        let (scope, key) = (escape(scope), escape(key));
        let (scope, key) = (shortened(&scope, MAX_SCOPE_BYTES), shortened(&key, MAX_KEY_BYTES));
        Ok(Self(format!("idem#{scope}#{key}").into()))
    }

    /// Returns the partition key (`PK`): `idem#{scope}#{key}`.
    #[must_use]
    pub fn partition_key(&self) -> &str {
        &self.0
    }

    pub(super) fn to_store_key(&self) -> Key {
        Key::of(PARTITION_KEY, Value::from(&*self.0)).with_sort(SORT_KEY, Value::from(SORT))
    }
}

/// Returns the hash by which payloads are compared: SHA-256 in hexadecimal.
#[must_use]
pub fn payload_hash(payload: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    push_hex(&mut text, &Sha256::digest(payload));
    text
}

/// The attributes of the table's key, the same in every style.
pub(super) const PARTITION_KEY: &str = "PK";
pub(super) const SORT_KEY: &str = "SK";

/// The sort key of every item.
const SORT: &str = "idem";

// With `idem##`, both stay below the 2048 bytes of a partition key.
const MAX_SCOPE_BYTES: usize = 512;
const MAX_KEY_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::{Error, IdempotencyKey, Reason, payload_hash};
    use crate::store::MAX_PARTITION_KEY_BYTES;

    #[test]
    fn keys_are_distinct_and_of_bounded_length() {
        let key = |scope, key| IdempotencyKey::new(scope, key).unwrap();
        assert_eq!(key("a#b", "c%").partition_key(), "idem#a%23b#c%25");
        assert_ne!(key("a#b", "c"), key("a", "b#c"));
        let long = "#".repeat(2000);
        assert!(key(&long, &long).partition_key().len() < MAX_PARTITION_KEY_BYTES);
        assert_ne!(key("a", &long), key("a", &long[1..]));
        assert_eq!(IdempotencyKey::new(" ", ""), Err(Error(Reason::MissingScope)));
        assert_eq!(IdempotencyKey::new("a", "\t"), Err(Error(Reason::MissingKey)));
    }

    #[test]
    fn a_hash_is_the_known_one() {
        let of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(payload_hash(b""), of_nothing);
    }
}
