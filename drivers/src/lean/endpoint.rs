//! Where requests go.

use http::uri::PathAndQuery;
use http::{HeaderValue, Uri};

/// The server of requests.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// Scheme, host and port, as signatures contain them.
    pub(super) origin: String,
    /// The host without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) is_https: bool,
    /// The value of the field `host`.
    pub(super) authority: HeaderValue,
    /// The path of the URL; `/` if it has none.
    pub(super) path: PathAndQuery,
}

impl Endpoint {
    /// Parses a URL with the scheme `https` or `http`. Drops user, query and fragment.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let url: Uri = url.parse().ok()?;
        let is_https = match url.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = url.host().filter(|host| !host.is_empty())?;
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Some(Self {
            origin: format!("{}://{authority}", if is_https { "https" } else { "http" }),
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port_u16().unwrap_or(if is_https { 443 } else { 80 }),
            is_https,
            authority: HeaderValue::try_from(authority).ok()?,
            path: PathAndQuery::try_from(url.path()).ok()?,
        })
    }

    /// Returns the URL.
    #[cfg(test)]
    pub(crate) fn url(&self) -> String {
        format!("{}{}", self.origin, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn a_url_says_where_to_connect_and_what_to_send() {
        for (url, host, port, origin, path) in [
            ("https://e.com", "e.com", 443, "https://e.com", "/"),
            ("http://db", "db", 80, "http://db", "/"),
            ("https://user@[::1]:4566/db?x#y", "::1", 4566, "https://[::1]:4566", "/db"),
        ] {
            let endpoint = Endpoint::parse(url).unwrap();
            assert_eq!((&*endpoint.host, endpoint.port), (host, port), "{url}");
            assert_eq!((&*endpoint.origin, endpoint.path.as_str()), (origin, path), "{url}");
            assert!(origin.ends_with(endpoint.authority.to_str().unwrap()), "{url}");
        }
    }

    #[test]
    fn anything_else_is_no_endpoint() {
        for url in ["localhost:8000", "ftp://db", "/db", "http://", "https://\u{e4}.com", ""] {
            assert!(Endpoint::parse(url).is_none(), "{url}");
        }
    }
}
