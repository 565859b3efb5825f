//! Addresses behind proxies.

use core::net::{IpAddr, SocketAddr};
use core::num::NonZeroUsize;

use http::HeaderMap;

/// The client's address according to `x-forwarded-for`, where the last `trusted_proxies` hops are
/// the host's own.
///
/// Each proxy appends the address that it was called from, and passes on whatever a client wrote
/// before it. So only the last entries can be believed, one per trusted proxy; the client is the
/// first of these. `None` when there are fewer, or it is no address (a port behind it is dropped):
/// then the request did not come through those proxies.
///
/// ```
/// use core::num::NonZeroUsize;
/// use apptheory::tower::{RequestKey, forwarded_for};
///
/// const LOAD_BALANCER: NonZeroUsize = NonZeroUsize::MIN;
/// let key = RequestKey::new().with_client_ip(|parts| forwarded_for(&parts.headers, LOAD_BALANCER));
/// # let mut headers = http::HeaderMap::new();
/// # headers.append("x-forwarded-for", "10.0.0.1, 203.0.113.7".parse()?);
/// # assert_eq!(forwarded_for(&headers, LOAD_BALANCER), "203.0.113.7".parse().ok());
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[must_use]
pub fn forwarded_for(headers: &HeaderMap, trusted_proxies: NonZeroUsize) -> Option<IpAddr> {
    let mut skip = trusted_proxies.get().saturating_sub(1);
    for value in headers.get_all("x-forwarded-for").iter().rev() {
        // Only what proxies wrote is looked at, and they write ASCII.
        for hop in value.as_bytes().rsplit(|byte| *byte == b',') {
            if skip == 0 {
                return address(core::str::from_utf8(hop).ok()?.trim());
            }
            skip = skip.saturating_sub(1);
        }
    }
    None
}

/// `203.0.113.7`, `203.0.113.7:443`, `2001:db8::7`, `[2001:db8::7]` or `[2001:db8::7]:443`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse().ok().map(|peer: SocketAddr| peer.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(lines: &[&str], proxies: usize) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().expect("a header value"));
        }
        let proxies = NonZeroUsize::new(proxies).expect("at least one");
        forwarded_for(&headers, proxies).map(|address| address.to_string())
    }

    #[test]
    fn only_the_last_hops_count() {
        let lines = ["1.1.1.1, 2.2.2.2", "3.3.3.3 ,4.4.4.4"];
        let expected = ["4.4.4.4", "3.3.3.3", "2.2.2.2", "1.1.1.1"];
        for (proxies, address) in (1..).zip(expected) {
            assert_eq!(client(&lines, proxies).as_deref(), Some(address));
        }
        assert_eq!(client(&lines, 5), None);
        assert_eq!(client(&[], 1), None);
    }

    #[test]
    fn ports_and_brackets_are_dropped() {
        for text in ["2001:db8::7", "[2001:db8::7]", "[2001:db8::7]:443"] {
            assert_eq!(client(&[text], 1).as_deref(), Some("2001:db8::7"));
        }
        assert_eq!(client(&["203.0.113.7:443"], 1).as_deref(), Some("203.0.113.7"));
    }

    #[test]
    fn what_is_no_address_is_none_and_not_skipped() {
        assert_eq!(client(&["1.1.1.1,"], 1), None);
        assert_eq!(client(&["1.1.1.1, unknown"], 1), None);
        assert_eq!(client(&["1.1.1.1, _hidden, 2.2.2.2"], 2), None);
    }
}
