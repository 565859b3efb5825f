//! Endpoints of the management API, as users configure them.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use super::authority::{self, Authority};
use super::error::{Error, ErrorKind};
use super::region_from_host;

/// Normalizes an endpoint as older clients do: trims it, replaces `wss` by `https` and `ws` by
/// `http`, and adds `https` if there is no scheme. Checks nothing else. Use the result for display,
/// and a [`RequestBase`] to send.
#[must_use]
pub fn normalize_endpoint(endpoint: &str) -> String {
    let endpoint = endpoint.trim();
    if let Some(rest) = endpoint.strip_prefix("wss://") {
        return format!("https://{rest}");
    }
    if let Some(rest) = endpoint.strip_prefix("ws://") {
        return format!("http://{rest}");
    }
    match endpoint {
        "" => String::new(),
        _ if endpoint.starts_with("https://") || endpoint.starts_with("http://") => {
            endpoint.to_string()
        }
        _ => format!("https://{endpoint}"),
    }
}

/// The prefix of every request URL to a connection: `{scheme}://{host}[:{port}][{path}]`, without a
/// slash at the end.
///
/// ```
/// use apptheory_core::gateway::{self, ErrorKind, RequestBase};
///
/// let base: RequestBase = " WSS://Example.com:443/Dev/@connections ".parse()?;
/// assert_eq!(base.as_str(), "https://example.com/Dev");
/// assert_eq!("wss://".parse::<RequestBase>(), Err(ErrorKind::MissingEndpoint.into()));
/// assert_eq!("ftp://example.com".parse::<RequestBase>(), Err(ErrorKind::InvalidEndpoint.into()));
/// # Ok::<(), gateway::Error>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RequestBase {
    text: String,
    /// Where in `text` the host ends; it starts after `://`.
    host_end: usize,
}

impl RequestBase {
    /// Parses an endpoint.
    ///
    /// The scheme is `https`, `http`, `wss` or `ws`; a missing scheme means `https`. Scheme and
    /// host become lower case. The scheme's default port, the query, the fragment, slashes at the
    /// end, and `@connections` with everything after it are removed. The rest of the path stays.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingEndpoint`] if there is only a scheme and slashes;
    /// [`ErrorKind::InvalidEndpoint`] for another scheme, user information, white space, a control
    /// character, a backslash, or an invalid host or port.
    pub fn parse(endpoint: &str) -> Result<Self, Error> {
        let endpoint = endpoint.trim();
        let (scheme, rest) = split_scheme(endpoint).ok_or(ErrorKind::InvalidEndpoint)?;
        if rest.bytes().all(|b| b == b'/') {
            return Err(ErrorKind::MissingEndpoint.into());
        }
        if rest.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
            return Err(ErrorKind::InvalidEndpoint.into());
        }
        let rest = before(rest, ['?', '#']);
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let Authority { host, port } =
            authority::read(authority).ok_or(ErrorKind::InvalidEndpoint)?;
        let mut text = format!("{}://{}", scheme.name, host.to_ascii_lowercase());
        let host_end = text.len();
        if let Some(port) = port.filter(|port| *port != scheme.port) {
            text.push_str(&format!(":{port}"));
        }
        text.push_str(without_connections(path).trim_end_matches('/'));
        Ok(Self { text, host_end })
    }

    /// Returns the base as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the host without the port.
    #[must_use]
    pub fn host(&self) -> &str {
        let upto_host = self.text.get(..self.host_end);
        upto_host.and_then(|text| text.split_once("://")).map_or("", |(_, host)| host)
    }

    /// Returns the path: empty, or beginning with `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        let behind_host = self.text.get(self.host_end..).unwrap_or_default();
        behind_host.find('/').and_then(|at| behind_host.get(at..)).unwrap_or_default()
    }

    /// Returns the region in the host name; `None` for custom domains.
    #[must_use]
    pub fn region(&self) -> Option<String> {
        region_from_host(self.host())
    }
}

impl core::str::FromStr for RequestBase {
    type Err = Error;

    fn from_str(endpoint: &str) -> Result<Self, Error> {
        Self::parse(endpoint)
    }
}

impl fmt::Display for RequestBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[derive(Clone, Copy)]
struct Scheme {
    name: &'static str,
    /// The scheme's default port (RFC 9110 §4.2).
    port: u16,
}

const HTTPS: Scheme = Scheme { name: "https", port: 443 };
const HTTP: Scheme = Scheme { name: "http", port: 80 };

/// Splits off the scheme; `None` for a scheme that is not supported.
fn split_scheme(endpoint: &str) -> Option<(Scheme, &str)> {
    if let Some(rest) = endpoint.strip_prefix("//") {
        return Some((HTTPS, rest));
    }
    let Some((scheme, rest)) = endpoint.split_once("://") else { return Some((HTTPS, endpoint)) };
    match scheme.to_ascii_lowercase().as_str() {
        "https" | "wss" => Some((HTTPS, rest)),
        "http" | "ws" => Some((HTTP, rest)),
        // A `/` comes before the colon, so the colon is part of the path.
        other => other.contains('/').then_some((HTTPS, endpoint)),
    }
}

/// Returns a path up to a segment `@connections`, which requests add themselves.
fn without_connections(path: &str) -> &str {
    let mut at = 0_usize;
    for segment in path.split('/') {
        if segment == "@connections" {
            return path.get(..at).unwrap_or_default();
        }
        at = at.saturating_add(segment.len()).saturating_add(1);
    }
    path
}

/// Returns a text up to the first of two characters.
pub(super) fn before(text: &str, ends: [char; 2]) -> &str {
    text.split(ends).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};

    use super::{Error, ErrorKind, RequestBase, normalize_endpoint};

    fn base(endpoint: &str) -> Result<String, Error> {
        RequestBase::parse(endpoint).map(|base| base.to_string())
    }

    #[test]
    fn equivalent_endpoints_normalize_to_one_base_url() {
        for (endpoint, expected) in [
            ("example.com", "https://example.com"),
            (" wss://example.com/dev\u{a0}\n", "https://example.com/dev"),
            ("WS://Example.com:080", "http://example.com"),
            ("http://example.com:443/", "http://example.com:443"),
            ("wss://example.com:00443/Dev//", "https://example.com/Dev"),
            ("//example.com/dev", "https://example.com/dev"),
            ("localhost:3001", "https://localhost:3001"),
            ("[::1]:3001/dev", "https://[::1]:3001/dev"),
            ("https://e.com/dev/@connections/abc", "https://e.com/dev"),
            ("https://e.com/dev//@connections", "https://e.com/dev"),
            (
                "https://e.com/@connections2/@Connections",
                "https://e.com/@connections2/@Connections",
            ),
            ("https://e.com/dev?x=1#f", "https://e.com/dev"),
            ("e.com#/x", "https://e.com"),
            ("e.com/a://b", "https://e.com/a://b"),
        ] {
            assert_eq!(base(endpoint).as_deref(), Ok(expected), "{endpoint}");
        }
    }

    #[test]
    fn missing_and_invalid_endpoints_are_different_errors() {
        for endpoint in ["", " ", "wss://", "HTTPS:///", "//", "/"] {
            assert_eq!(base(endpoint), Err(ErrorKind::MissingEndpoint.into()), "{endpoint}");
        }
        for endpoint in [
            "ftp://e.com",
            "wss:e.com",
            "wss://ws://x",
            "wss://u:p@e.com",
            "https:///dev",
            "https://?x",
            "https:// e.com",
            "https://e.com/a b",
            "https://e.com?a b",
            "https://e.com\\a",
            "e.com:",
            "e.com:0",
            "e.com:65536",
            "e.com:+1",
            "[::1",
            "[::x]",
            "::1",
            "[::1]x",
            "\u{feff}wss://e.com",
            "\u{feff}e.com",
            "e.com/\0",
        ] {
            assert_eq!(base(endpoint), Err(ErrorKind::InvalidEndpoint.into()), "{endpoint:?}");
        }
    }

    #[test]
    fn a_base_url_gives_its_host_path_and_region() {
        let base = RequestBase::parse("http://[::1]:81/a/b").unwrap();
        assert_eq!((base.host(), base.path()), ("[::1]", "/a/b"));
        let base = RequestBase::parse("a.execute-api.eu-west-1.amazonaws.com:8443").unwrap();
        assert_eq!((base.path(), base.region().as_deref()), ("", Some("eu-west-1")));
    }

    #[test]
    fn the_older_spelling_checks_nothing() {
        for (endpoint, expected) in [
            (" ", ""),
            ("e.com/", "https://e.com/"),
            (" wss://e.com/dev ", "https://e.com/dev"),
            ("ws://e.com", "http://e.com"),
            ("http://", "http://"),
            ("WSS://e.com", "https://WSS://e.com"),
        ] {
            assert_eq!(normalize_endpoint(endpoint), expected, "{endpoint}");
        }
    }
}
