//! The client's address and the original URL, as headers from proxies report them.
//!
//! Nothing here is verified: unless every proxy overwrites these headers, clients can forge them.
//! [`SourceProvenance`](super::SourceProvenance) has the address that the provider verifies.
//!
//! ```
//! use apptheory_core::http::{HeaderMap, client};
//!
//! let headers: HeaderMap = [
//!     ("cloudfront-viewer-address", "203.0.113.9:46532"),
//!     ("cloudfront-forwarded-proto", "https"),
//!     ("x-forwarded-host", "shop.example.com"),
//! ].into_iter().collect();
//! assert_eq!(client::unverified_client_ip(&headers), "203.0.113.9");
//! assert_eq!(client::origin_url(&headers), "https://shop.example.com");
//! ```

use alloc::format;
use alloc::string::String;

use super::headers::HeaderMap;

/// Returns the client's address from the headers: `cloudfront-viewer-address`, or else the first
/// entry of `x-forwarded-for`, or else an empty text. Use it for display only.
///
/// Clients can forge both headers unless a proxy overwrites them. Do not use the address for access
/// control, limits or audits; use [`Request::source_provenance`](super::Request::source_provenance)
/// instead.
#[must_use]
pub fn unverified_client_ip(headers: &HeaderMap) -> &str {
    match viewer_address(headers) {
        "" => before_comma(headers.first("x-forwarded-for")),
        address => without_port(address),
    }
}

/// Returns the host that the client called: the first host in the headers
/// `x-apptheory-original-host`, `x-facetheory-original-host`, `x-forwarded-host`, `forwarded` and
/// `host`, including its port.
#[must_use]
pub fn original_host(headers: &HeaderMap) -> &str {
    let named = |name: &'static str| headers.first(name);
    let hosts = [
        named("x-apptheory-original-host"),
        named("x-facetheory-original-host"),
        named("x-forwarded-host"),
        forwarded(headers, "host"),
        named("host"),
    ];
    before_comma(first_filled(hosts))
}

/// Returns the path and query that the client called, if a proxy rewrote them and reports the
/// original in `x-apptheory-original-uri` or `x-facetheory-original-uri`; otherwise an empty text.
#[must_use]
pub fn original_uri(headers: &HeaderMap) -> &str {
    let uris = ["x-apptheory-original-uri", "x-facetheory-original-uri"];
    first_filled(uris.map(|name| headers.first(name))).trim()
}

/// Returns the scheme and host that the client called. The scheme is `https` unless a proxy reports
/// another one. Empty if no header has the host.
#[must_use]
pub fn origin_url(headers: &HeaderMap) -> String {
    let host = original_host(headers);
    if host.is_empty() {
        return String::new();
    }
    let schemes = [
        headers.first("cloudfront-forwarded-proto"),
        headers.first("x-forwarded-proto"),
        forwarded(headers, "proto"),
    ];
    match before_comma(first_filled(schemes)).to_lowercase().as_str() {
        "" => format!("https://{host}"),
        scheme => format!("{scheme}://{host}"),
    }
}

fn viewer_address(headers: &HeaderMap) -> &str {
    headers.first("cloudfront-viewer-address").trim().trim_matches('"')
}

/// Returns an address without a port.
fn without_port(address: &str) -> &str {
    if let Some((inner, _)) = address.strip_prefix('[').and_then(|rest| rest.split_once(']'))
        && !inner.is_empty()
    {
        return inner.trim();
    }
    match address.rsplit_once(':') {
        Some((ip, port)) if !ip.trim().is_empty() && is_port(port) => ip.trim(),
        _ => address,
    }
}

fn is_port(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.chars().all(char::is_numeric)
}

/// Returns a parameter of the first element of a `forwarded` header (RFC 7239).
fn forwarded<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    let element = headers.first("forwarded");
    let element = element.split_once(',').map_or(element, |(first, _)| first);
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let values = pairs.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name));
    let mut values = values.map(|(_, value)| value.trim().trim_matches('"'));
    values.find(|value| !value.is_empty()).unwrap_or_default()
}

fn first_filled<const N: usize>(values: [&str; N]) -> &str {
    values.into_iter().find(|value| !value.is_empty()).unwrap_or_default()
}

fn before_comma(value: &str) -> &str {
    value.split_once(',').map_or(value, |(first, _)| first).trim()
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs.iter().copied().collect()
    }

    #[test]
    fn the_viewers_address_loses_its_port() {
        for (address, expected) in [
            ("203.0.113.9:80", "203.0.113.9"),
            ("\"203.0.113.9:80\"", "203.0.113.9"),
            ("[::1]:80", "::1"),
            ("[ ::1 ]", "::1"),
            ("2001:db8::1:443", "2001:db8::1"),
            ("2001:db8::1", "2001:db8:"),
            (":80", ":80"),
            ("a:", "a:"),
            ("a:8x", "a:8x"),
            ("[]:80", "[]"),
        ] {
            assert_eq!(
                unverified_client_ip(&headers(&[("CloudFront-Viewer-Address", address)])),
                expected
            );
        }
    }

    #[test]
    fn forwarded_addresses_come_second() {
        let ip = |viewer, list| {
            unverified_client_ip(&headers(&[
                ("cloudfront-viewer-address", viewer),
                ("x-forwarded-for", list),
            ]))
            .to_string()
        };
        assert_eq!(ip("203.0.113.9:1", "198.51.100.7"), "203.0.113.9");
        assert_eq!(ip(" ", "198.51.100.7 , 10.0.0.1"), "198.51.100.7");
        assert_eq!(ip("", " ,198.51.100.7"), "");
        assert_eq!(ip("", "junk"), "junk");
        assert_eq!(unverified_client_ip(&headers(&[("forwarded", "for=198.51.100.7")])), "");
    }

    #[test]
    fn forwarded_is_read_up_to_its_first_comma() {
        for (value, host, scheme) in [
            ("for=1;host=;host=b", "b", ""),
            ("host=a, host=b;proto=http", "a", ""),
            ("Proto = \"https\" ; Host = \"\"x\"\"", "x", "https"),
            ("host==x", "=x", ""),
            ("host", "", ""),
        ] {
            let headers = headers(&[("Forwarded", value)]);
            let read = (forwarded(&headers, "host"), forwarded(&headers, "proto"));
            assert_eq!(read, (host, scheme), "{value}");
        }
    }

    #[test]
    fn the_origin_url_comes_from_the_first_header_that_is_set() {
        for (pairs, expected) in [
            (&[("x-forwarded-host", " ,b"), ("host", "h")][..], ""),
            (&[("x-forwarded-host", ""), ("x-forwarded-host", "b"), ("host", "h")], "https://h"),
            (&[("host", "a"), ("x-forwarded-proto", "HTTP, https")], "http://a"),
            (&[("host", "a"), ("x-forwarded-proto", " , https")], "https://a"),
            (&[("host", "a:8080"), ("cloudfront-forwarded-proto", "wss")], "wss://a:8080"),
            (&[("forwarded", "host=f;proto=http"), ("host", "h")], "http://f"),
            (&[("x-facetheory-original-host", "o, p"), ("x-forwarded-host", "h")], "https://o"),
            (&[], ""),
        ] {
            assert_eq!(origin_url(&headers(pairs)), expected, "{pairs:?}");
        }
        let uri =
            headers(&[("x-facetheory-original-uri", " /a?b "), ("x-apptheory-original-uri", "")]);
        assert_eq!(original_uri(&uri), "/a?b");
    }
}
