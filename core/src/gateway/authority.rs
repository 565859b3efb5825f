//! Parses the host and port of an endpoint.

use core::net::Ipv6Addr;

/// A host and an optional port.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Authority<'a> {
    /// The host as written; an IPv6 address is in brackets.
    pub(super) host: &'a str,
    pub(super) port: Option<u16>,
}

/// Parses `host` or `host:port`. User information is refused. The port is 1 to 65535 in decimal
/// digits; leading zeros are ignored.
pub(super) fn read(text: &str) -> Option<Authority<'_>> {
    let host_len = match text.find(']') {
        Some(bracket) => bracket.saturating_add(1),
        None => text.find(':').unwrap_or(text.len()),
    };
    let (host, port) = text.split_at_checked(host_len)?;
    let port = match port {
        "" => None,
        port => Some(read_port(port.strip_prefix(':')?)?),
    };
    is_host(host).then_some(Authority { host, port })
}

fn read_port(digits: &str) -> Option<u16> {
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Without the leading zeros, port 0 and an empty port have no digits left.
    digits.trim_start_matches('0').parse().ok()
}

/// Returns whether a text is a host by RFC 3986 §3.2.2: a name, or an IPv6 address in brackets.
fn is_host(text: &str) -> bool {
    if let Some(address) = text.strip_prefix('[') {
        let address = address.strip_suffix(']').map(str::parse::<Ipv6Addr>);
        return matches!(address, Some(Ok(_)));
    }
    let in_name = |b: u8| b.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&b);
    !text.is_empty() && text.bytes().all(in_name)
}
