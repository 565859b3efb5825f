//! The address of the Runtime API.

use http::Uri;
use http::uri::Scheme;

/// The address of the Runtime API: `host:port` on Lambda; emulators may use a URL with a path in
/// front of the API's own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Address {
    /// The host and the port to connect to.
    pub(super) host: String,
    /// A prefix of the API's paths: empty, or a path without a slash at its end.
    prefix: String,
}

/// The port of `http` URLs without a port.
const HTTP_PORT: u16 = 80;

impl Address {
    /// Parses an address; `None` if it is malformed or not plain HTTP.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let url = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = Uri::try_from(url).ok()?;
        if url.scheme() != Some(&Scheme::HTTP) || url.query().is_some() {
            return None;
        }
        let host = url.host().filter(|host| !host.is_empty())?;
        let port = match url.authority()?.as_str().strip_prefix(host)? {
            "" => HTTP_PORT,
            port => port.strip_prefix(':')?.parse().ok()?,
        };
        let prefix = url.path().trim_end_matches('/').to_owned();
        Some(Self { host: format!("{host}:{port}"), prefix })
    }

    /// Returns the path of a resource such as `/2018-06-01/runtime/invocation/next`.
    pub(super) fn path(&self, resource: &str) -> String {
        format!("{}{resource}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn hosts_and_urls_are_addresses() {
        for (text, host, path) in [
            ("127.0.0.1:9001", "127.0.0.1:9001", "/next"),
            ("http://127.0.0.1:9137/.rt", "127.0.0.1:9137", "/.rt/next"),
            ("HTTP://localhost/a/b//", "localhost:80", "/a/b/next"),
            ("http://[::1]:9001/", "[::1]:9001", "/next"),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!((&*address.host, &*address.path("/next")), (host, path), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "https://localhost",
            "http://",
            "a b",
            "http://h/?q",
            "host:port",
            "h:",
            "u@h",
            "//h",
        ] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
    }
}
