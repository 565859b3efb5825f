//! Values that are never printed.

use core::fmt;

use serde::{Deserialize, Serialize, Serializer};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::REDACTED;

/// A private value: `Debug`, `Display` and `Serialize` show `[REDACTED]`. Use it for fields of
/// types that are logged. [`Secret`] also erases its memory.
///
/// ```
/// use apptheory_core::sanitize::Redacted;
///
/// let address = Redacted::new("ada@example.com");
/// assert_eq!(format!("{address} {address:?}"), "[REDACTED] [REDACTED]");
/// assert_eq!(address.expose().len(), 15);
/// ```
#[derive(Clone, Copy, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[serde(transparent)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Returns the value. Keep it out of messages and logs.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Unwraps the value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> From<T> for Redacted<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

/// A key, password or other secret: hidden as in [`Redacted`], and overwritten in memory when
/// dropped. Two secrets cannot be compared, because the time of a comparison reveals where they
/// differ.
///
/// ```
/// use apptheory_core::sanitize::Secret;
///
/// let key = Secret::new(vec![7_u8; 32]);
/// assert_eq!(format!("{key:?}"), "[REDACTED]");
/// assert_eq!(key.expose().len(), 32);
/// ```
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Returns the value. Keep it out of messages and logs; a copy is not erased.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> ZeroizeOnDrop for Secret<T> {}

/// Implements the printing traits of both types.
macro_rules! shows_nothing {
    ($name:ident $(: $bound:ident)?) => {
        impl<T $(: $bound)?> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(REDACTED)
            }
        }

        impl<T $(: $bound)?> fmt::Display for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(REDACTED)
            }
        }

        impl<T $(: $bound)?> Serialize for $name<T> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(REDACTED)
            }
        }
    };
}

shows_nothing!(Redacted);
shows_nothing!(Secret: Zeroize);

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::rc::Rc;
    use alloc::string::{String, ToString as _};
    use core::cell::Cell;

    use serde_json::json;
    use zeroize::Zeroize;

    use super::{REDACTED, Redacted, Secret};

    #[test]
    fn formatting_and_serialization_hide_secrets() {
        let (redacted, secret) = (Redacted::new("hush"), Secret::new(String::from("hush")));
        for shown in [
            format!("{redacted}"),
            format!("{redacted:#?}"),
            format!("{secret:>20}"),
            format!("{:?}", Some(&secret)),
            json!({"a": redacted, "b": secret}).to_string(),
        ] {
            assert!(shown.contains(REDACTED) && !shown.contains("hush"), "{shown}");
        }
        let read: Secret<String> = serde_json::from_value(json!("hush")).unwrap();
        assert_eq!((read.expose().as_str(), redacted.into_inner()), ("hush", "hush"));
    }

    #[test]
    fn a_secret_is_erased_when_dropped() {
        struct Witness(Rc<Cell<bool>>);

        impl Zeroize for Witness {
            fn zeroize(&mut self) {
                self.0.set(true);
            }
        }

        let is_erased = Rc::new(Cell::new(false));
        drop(Secret::new(Witness(Rc::clone(&is_erased))));
        assert!(is_erased.get());
    }
}
