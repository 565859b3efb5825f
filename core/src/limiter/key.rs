//! Keys of counters.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use core::cmp::Ordering;
use core::ops::Range;

use super::error::{Error, InvalidKey};
use super::name::LimiterName;
use crate::decimal::DecimalText;
use crate::key_part::{escape, shortened};
use crate::store::{Key, Value};

/// Identifies a counter: an identifier (a user, tenant or address), the resource it uses, and the
/// operation on that resource.
///
/// Cheap to clone. Two keys are equal if they name the same counter.
#[derive(Clone, Debug)]
pub struct RateLimitKey(Arc<Parts>);

/// All parts as they appear in stored keys, in one text, so that a key costs two allocations.
#[derive(Debug)]
struct Parts {
    /// `{identifier}{resource}#{operation}`, followed by `#{name}` for a named limiter. Parts that
    /// are too long are hashed; the operation is escaped.
    text: Box<str>,
    resource: Range<usize>,
    operation: Range<usize>,
    /// The original operation, if escaping has changed it.
    unescaped: Option<Box<str>>,
}

impl Parts {
    fn part(&self, range: Range<usize>) -> &str {
        // The ranges are the ends of the parts of `text`.
        self.text.get(range).unwrap_or_default()
    }
}

impl RateLimitKey {
    /// Creates a key from three parts that are not blank. The parts are not trimmed.
    ///
    /// To fit DynamoDB's key limits without collisions, an identifier above 1024 bytes, a resource
    /// above 640 bytes and an operation above 256 bytes are replaced by `sha256:{hex digest}`. `%`
    /// and `#` are escaped in the operation. For a limiter that [allows
    /// separators](super::LimiterBuilder::allow_separator_in_keys), use
    /// [`Limiter::key`](super::Limiter::key).
    ///
    /// # Errors
    ///
    /// [`Error`] for a blank part, or for a `#` in the resource.
    pub fn new(identifier: &str, resource: &str, operation: &str) -> Result<Self, Error> {
        if resource.contains('#') && !is_blank(identifier) {
            return Err(InvalidKey::SeparatorInResource.into());
        }
        Self::allowing_separators(identifier, resource, operation)
    }

    /// Creates a key like [`new`](Self::new), but allows `#` in the resource.
    pub(super) fn allowing_separators(
        identifier: &str,
        resource: &str,
        operation: &str,
    ) -> Result<Self, Error> {
        if is_blank(identifier) {
            return Err(InvalidKey::MissingIdentifier.into());
        }
        if is_blank(resource) {
            return Err(InvalidKey::MissingResource.into());
        }
        if is_blank(operation) {
            return Err(InvalidKey::MissingOperation.into());
        }
        let (identifier, resource) = (stored_identifier(identifier), stored_resource(resource));
        let escaped = escape(operation);
        let in_key = shortened(&escaped, MAX_OPERATION_BYTES);
        // The attribute holds the original operation, unless it was hashed.
        let is_hashed = matches!(in_key, Cow::Owned(_));
        let unescaped = (!is_hashed && *escaped != *operation).then(|| operation.into());
        let text = [&*identifier, &*resource, "#", &*in_key].concat().into_boxed_str();
        let resource = identifier.len()..identifier.len().saturating_add(resource.len());
        let operation = resource.end.saturating_add(1)..text.len();
        Ok(Self(Arc::new(Parts { text, resource, operation, unescaped })))
    }

    /// Returns the identifier as it appears in stored keys.
    #[must_use]
    pub fn identifier(&self) -> &str {
        self.0.part(0..self.0.resource.start)
    }

    /// Returns the resource as it appears in stored keys.
    #[must_use]
    pub fn resource(&self) -> &str {
        self.0.part(self.0.resource.clone())
    }

    /// Returns the operation, not escaped, but hashed if it is too long.
    #[must_use]
    pub fn operation(&self) -> &str {
        match &self.0.unescaped {
            Some(operation) => operation,
            None => self.0.part(self.0.operation.clone()),
        }
    }

    /// Returns this key among the counters of a named limiter. Memory, transaction tokens and items
    /// all use the result, so the name separates limiters everywhere.
    pub(super) fn among(&self, name: &LimiterName) -> Self {
        let Parts { text, resource, operation, unescaped } = &*self.0;
        Self(Arc::new(Parts {
            text: [&**text, "#", name.as_str()].concat().into_boxed_str(),
            resource: resource.clone(),
            operation: operation.clone(),
            unescaped: unescaped.clone(),
        }))
    }

    /// Returns the sort key (`SK`) of this key's counters: `{resource}#{operation}`, with exactly
    /// one `#`. A named limiter appends `#{name}`.
    #[must_use]
    pub fn sort_key(&self) -> &str {
        self.0.part(self.0.resource.start..self.0.text.len())
    }

    /// Returns the partition key (`PK`) of a counter: `{identifier}#{suffix}`. The suffix is the
    /// window's start in Unix seconds, in some layouts followed by `#` and the window's key.
    #[must_use]
    pub fn partition_key(&self, window_start: i64, window_key: Option<&str>) -> String {
        let (identifier, window_key) = (self.identifier(), window_key.unwrap_or_default().trim());
        let longest = identifier.len().saturating_add(window_key.len());
        let mut partition = String::with_capacity(longest.saturating_add(SEPARATORS_AND_START));
        partition.push_str(identifier);
        partition.push('#');
        partition.push_str(DecimalText::from(window_start).as_str());
        if !window_key.is_empty() {
            partition.push('#');
            partition.push_str(window_key);
        }
        partition
    }

    /// Returns the store's key for a partition key of this rate-limit key.
    pub(super) fn store_key(&self, partition: String) -> Key {
        Key::of("PK", Value::S(partition)).with_sort("SK", Value::from(self.sort_key()))
    }

    /// Returns the text of all parts, and where its identifier ends. Comparing one text is faster
    /// than comparing two parts of it.
    fn identity(&self) -> (&str, usize) {
        (&self.0.text, self.0.resource.start)
    }
}

impl PartialEq for RateLimitKey {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for RateLimitKey {}

impl PartialOrd for RateLimitKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RateLimitKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.identity().cmp(&other.identity())
    }
}

/// Returns an identifier as it appears in stored keys.
pub(super) fn stored_identifier(identifier: &str) -> Cow<'_, str> {
    shortened(identifier, MAX_IDENTIFIER_BYTES)
}

/// Returns a resource as it appears in stored keys.
pub(super) fn stored_resource(resource: &str) -> Cow<'_, str> {
    shortened(resource, MAX_RESOURCE_BYTES)
}

fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

/// The longest identifier that is not hashed. With the window's part, the partition key stays below
/// DynamoDB's 2048 bytes.
const MAX_IDENTIFIER_BYTES: usize = 1024;

/// The longest resource that is not hashed. With the operation, and 65 bytes for a limiter's name,
/// the sort key stays below DynamoDB's 1024 bytes.
const MAX_RESOURCE_BYTES: usize = 640;

/// The longest escaped operation that is not hashed.
const MAX_OPERATION_BYTES: usize = 256;

/// Two `#`, and a signed 64-bit start in decimal digits.
const SEPARATORS_AND_START: usize = 22;

#[cfg(test)]
mod tests {
    use super::{InvalidKey, LimiterName, RateLimitKey};

    #[test]
    fn parts_are_required_in_order() {
        let error = |id, resource, operation| RateLimitKey::new(id, resource, operation).err();
        assert_eq!(error("", "", ""), Some(InvalidKey::MissingIdentifier.into()));
        assert_eq!(error("", "a#b", ""), Some(InvalidKey::MissingIdentifier.into()));
        assert_eq!(error("i", "\t", ""), Some(InvalidKey::MissingResource.into()));
        assert_eq!(error("i", "/r", " "), Some(InvalidKey::MissingOperation.into()));
        assert_eq!(error("i", "/r#x", "GET"), Some(InvalidKey::SeparatorInResource.into()));
    }

    #[test]
    fn parts_stand_in_keys_as_given_or_escaped() {
        let key = RateLimitKey::new("i#1", "/r", "a#%b").expect("a key");
        let named = key.among(&LimiterName::new("n").expect("a name"));
        for (key, sort) in [(&key, "/r#a%23%25b"), (&named, "/r#a%23%25b#n")] {
            let parts = (key.identifier(), key.resource(), key.operation(), key.sort_key());
            assert_eq!(parts, ("i#1", "/r", "a#%b", sort));
        }
        assert!(key != named && key < named && key == key.clone());
        assert_eq!(key.partition_key(i64::MIN, Some(" w ")), "i#1#-9223372036854775808#w");
        assert_eq!(key.partition_key(60, Some(" ")), "i#1#60");
        let plain = RateLimitKey::new("i", "/r", "GET").expect("a key");
        assert_eq!((plain.operation(), plain.sort_key()), ("GET", "/r#GET"));
    }

    #[test]
    fn the_longest_parts_fit_and_longer_ones_are_hashed() {
        let at = |n: usize| "x".repeat(n);
        let fits = RateLimitKey::new(&at(1024), &at(640), &at(256)).expect("a key");
        assert_eq!(fits.sort_key().len(), 640 + 1 + 256);
        let long = RateLimitKey::new(&at(1025), &at(641), &at(257)).expect("a key");
        for part in [long.identifier(), long.resource(), long.operation()] {
            assert_eq!(part.len(), "sha256:".len() + 64);
        }
        // 86 escaped `#` are 258 bytes: the length of the escaped form decides.
        let escaped = RateLimitKey::new("i", "/r", &"#".repeat(86)).expect("a key");
        assert!(escaped.operation().starts_with("sha256:"));
        assert_eq!(escaped.sort_key(), ["/r#", escaped.operation()].concat());
    }
}
