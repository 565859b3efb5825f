//! Fingerprints of credentials, so that no key or log ever holds the credential itself.
//!
//! This module decides how a credential becomes an identifier. It refuses to know where the
//! credential came from, and whether it is valid.
//!
//! ```
//! use apptheory_core::identity::fingerprint;
//!
//! let text = fingerprint("api_key", "k_secret");
//! assert!(text.starts_with("api_key:hmac-sha256:a48af556"));
//! assert!(!text.contains("k_secret"));
//! ```

use alloc::format;
use alloc::string::String;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::hex::push_hex;

/// The fingerprint of a credential under the published default key: stable everywhere, so a weak
/// credential can be guessed offline by whoever reads the table. Prefer
/// [`fingerprint_with`] where a secret is at hand.
///
/// The form is `{kind}:hmac-sha256:{64 hex digits}` (`limited.md` §10); `kind` is trimmed, and
/// `credential` when blank. An empty value has an empty fingerprint.
#[must_use]
pub fn fingerprint(kind: &str, value: &str) -> String {
    fingerprint_with(DEFAULT_KEY, kind, value)
}

/// The fingerprint of a credential under a secret of the deployment. Another secret gives another
/// fingerprint: rotating it starts every counter afresh.
#[must_use]
pub fn fingerprint_with(secret: &[u8], kind: &str, value: &str) -> String {
    if value.is_empty() {
        return String::new();
    }
    let kind = match kind.trim() {
        "" => "credential",
        kind => kind,
    };
    let mut text = format!("{kind}:hmac-sha256:");
    // HMAC takes keys of any length; the error type is never constructed.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) {
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(value.as_bytes());
        push_hex(&mut text, &mac.finalize().into_bytes());
    }
    text
}

/// The key of [`fingerprint`] (`limited.md` §10).
const DEFAULT_KEY: &[u8] = b"apptheory/rate-limit/identifier-fingerprint/v1";
