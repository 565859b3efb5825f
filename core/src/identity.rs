//! Identifies callers for counting: fingerprints of credentials, and networks of addresses.
//!
//! A fingerprint identifies a credential without revealing it in keys or logs. A network is the
//! range of addresses that counts as one client. This module does not know where a credential or an
//! address came from, or whether it is valid.
//!
//! ```
//! use apptheory_core::identity::{client_network, fingerprint};
//!
//! let text = fingerprint("api_key", "k_secret");
//! assert!(text.starts_with("api_key:hmac-sha256:a48af556"));
//! assert!(!text.contains("k_secret"));
//!
//! assert_eq!(client_network("203.0.113.7".parse()?), "ip:203.0.113.7");
//! assert_eq!(client_network("2001:db8:0:12ff::7".parse()?), "ip:2001:db8:0:1200::/56");
//! # Ok::<(), core::net::AddrParseError>(())
//! ```

use alloc::format;
use alloc::string::String;
use core::net::{IpAddr, Ipv6Addr};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::hex::push_hex;

/// Returns the fingerprint of a credential under the published default key.
///
/// The fingerprint is the same everywhere, so anybody who can read the table can guess a weak
/// credential offline. Use [`fingerprint_with`] if the deployment has a secret.
///
/// The form is `{kind}:hmac-sha256:{64 hex digits}`. `kind` is trimmed; a blank one becomes
/// `credential`. The fingerprint of an empty value is empty.
#[must_use]
pub fn fingerprint(kind: &str, value: &str) -> String {
    fingerprint_with(DEFAULT_KEY, kind, value)
}

/// Returns the fingerprint of a credential under a secret of the deployment. A new secret gives new
/// fingerprints, so rotating it resets every counter.
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
    // HMAC accepts keys of any length, so the error never occurs.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) {
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(value.as_bytes());
        push_hex(&mut text, &mac.finalize().into_bytes());
    }
    text
}

/// A secret is empty or blank, so anybody could compute what is derived from it. Use random bytes;
/// 32 are a good length.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a secret must not be empty or blank")]
pub struct EmptySecret;

impl EmptySecret {
    /// Refuses a blank secret.
    pub(crate) fn check(secret: &[u8]) -> Result<&[u8], Self> {
        // An unset variable often arrives as blanks alone.
        if secret.trim_ascii().is_empty() { Err(Self) } else { Ok(secret) }
    }
}

/// Returns the network that an address counts as: the address itself for IPv4, its /56 for IPv6.
///
/// An IPv6 client usually owns a whole /56 (RFC 6177 §2) and could use another of its addresses for
/// every request. An IPv4-mapped IPv6 address counts as its IPv4 address, so that a dual-stack
/// socket counts a client once. The prefix `ip:` keeps networks apart from user names.
#[must_use]
pub fn client_network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!("ip:{address}"),
        IpAddr::V6(address) => {
            let network = Ipv6Addr::from_bits(address.to_bits() & CLIENT_NETWORK_MASK);
            format!("ip:{network}/56")
        }
    }
}

/// The first 56 of 128 bits.
const CLIENT_NETWORK_MASK: u128 = u128::MAX << (128 - 56);

/// Returns the value of an `authorization` header with its scheme in lower case. Schemes are
/// case-insensitive (RFC 9110 §11.1), credentials are not.
pub(crate) fn with_lower_case_scheme(value: &str) -> String {
    match value.split_once(' ') {
        Some((scheme, rest)) => format!("{} {}", scheme.to_ascii_lowercase(), rest.trim()),
        // No scheme: the whole value is the credential.
        None => value.into(),
    }
}

/// The published key of [`fingerprint`]. All implementations of the contract use the same one.
pub(crate) const DEFAULT_KEY: &[u8] = b"apptheory/rate-limit/identifier-fingerprint/v1";

#[cfg(test)]
mod tests {
    use super::client_network;

    #[test]
    fn a_56_is_one_client_and_its_neighbour_another() {
        let network = |text: &str| client_network(text.parse().expect("an address"));
        let first = "2001:db8:0:1200::";
        let last = "2001:db8:0:12ff:ffff:ffff:ffff:ffff";
        assert_eq!(network(first), network(last));
        assert_ne!(network(last), network("2001:db8:0:1300::"));
        assert_ne!(network(first), network("2001:db8:0:11ff:ffff:ffff:ffff:ffff"));
        assert_eq!(network("::1"), "ip:::/56");
    }

    #[test]
    fn a_mapped_address_is_the_address_it_stands_for() {
        let network = |text: &str| client_network(text.parse().expect("an address"));
        assert_eq!(network("::ffff:203.0.113.7"), network("203.0.113.7"));
        assert_ne!(network("203.0.113.7"), network("203.0.113.8"));
    }
}
