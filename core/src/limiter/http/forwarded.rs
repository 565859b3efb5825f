//! Client addresses behind proxies.

use alloc::string::String;
use core::net::{IpAddr, SocketAddr};
use core::num::NonZeroUsize;

/// Returns the client's address from the values of `x-forwarded-for`, whose last `hops` entries
/// were written by the application's own proxies.
///
/// Each proxy appends the address of its client and keeps everything before it, which clients can
/// forge. So only the last entries are trustworthy, one per proxy; the first of these is the
/// client's address. Returns `None` if there are fewer entries, or if this entry is not an address
/// (a port is dropped): the request then did not come through these proxies.
pub(super) fn forwarded_address(values: &[String], hops: NonZeroUsize) -> Option<IpAddr> {
    let entries = values.iter().rev().flat_map(|value| value.rsplit(','));
    entries.map(str::trim).nth(hops.get().saturating_sub(1)).and_then(address)
}

/// Reads `203.0.113.7`, `203.0.113.7:443`, `2001:db8::7`, `[2001:db8::7]` or `[2001:db8::7]:443`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse().ok().map(|peer: SocketAddr| peer.ip()))
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;
    use core::num::NonZeroUsize;

    use super::forwarded_address;

    fn client(lines: &[&str], hops: usize) -> Option<String> {
        let values: Vec<_> = lines.iter().map(|line| (*line).to_string()).collect();
        let hops = NonZeroUsize::new(hops).expect("at least one");
        forwarded_address(&values, hops).map(|address| address.to_string())
    }

    #[test]
    fn only_the_last_hops_count() {
        let lines = ["1.1.1.1, 2.2.2.2", "3.3.3.3 ,4.4.4.4"];
        let expected = ["4.4.4.4", "3.3.3.3", "2.2.2.2", "1.1.1.1"];
        for (hops, address) in (1..).zip(expected) {
            assert_eq!(client(&lines, hops).as_deref(), Some(address));
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
    fn entries_without_an_address_are_not_skipped() {
        assert_eq!(client(&["1.1.1.1,"], 1), None);
        assert_eq!(client(&["1.1.1.1, unknown"], 1), None);
        assert_eq!(client(&["1.1.1.1, _hidden, 2.2.2.2"], 2), None);
        // Entries that a client wrote before the proxies' own are ignored.
        assert_eq!(client(&["\u{fffd}, 2.2.2.2"], 1).as_deref(), Some("2.2.2.2"));
    }
}
