//! Who a caller is, as far as counting goes: fingerprints of credentials, and networks of
//! addresses.
//!
//! This module decides how a credential becomes an identifier without being told by any key or log,
//! and which addresses count as one client. It refuses to know where either came from, and whether
//! it is valid.
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

/// Returns the fingerprint of a credential under the published default key: stable everywhere, so a
/// weak credential can be guessed offline by anybody who reads the table. Prefer
/// [`fingerprint_with`] where a secret is at hand.
///
/// The form is `{kind}:hmac-sha256:{64 hex digits}`; `kind` is trimmed, and
/// `credential` when blank. An empty value has an empty fingerprint.
#[must_use]
pub fn fingerprint(kind: &str, value: &str) -> String {
    fingerprint_with(DEFAULT_KEY, kind, value)
}

/// Returns the fingerprint of a credential under a secret of the deployment. Another secret gives
/// another fingerprint: rotating it starts every counter afresh.
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

/// A secret has no bytes, or nothing but blanks: what is made under it, anybody can make. Give
/// random ones, 32 are best.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a secret must not be empty or blank")]
pub struct EmptySecret;

impl EmptySecret {
    /// Refuses a blank secret.
    pub(crate) fn check(secret: &[u8]) -> Result<&[u8], Self> {
        // Blanks alone are what a variable that is not set comes to.
        if secret.trim_ascii().is_empty() { Err(Self) } else { Ok(secret) }
    }
}

/// Returns the network that an address counts as: the address itself for IPv4, its /56 for IPv6.
///
/// A client that has one IPv6 address usually has the whole /56 (RFC 6177 §2), and could take a new
/// one for every request. An IPv4-mapped IPv6 address is the IPv4 address that it stands for, so
/// that a socket listening on both counts a client once. The prefix `ip:` keeps networks apart from
/// names of users.
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

/// Returns the value of an `authorization` field with its scheme in lower case: schemes are
/// compared without regard to case (RFC 9110 §11.1), credentials are not.
pub(crate) fn with_lower_case_scheme(value: &str) -> String {
    match value.split_once(' ') {
        Some((scheme, rest)) => format!("{} {}", scheme.to_ascii_lowercase(), rest.trim()),
        // No scheme: all of it is the credential.
        None => value.into(),
    }
}

/// The published key of [`fingerprint`]; every host of the contract has the same.
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
