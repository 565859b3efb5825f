//! Accepts requests only for the server's own names, and from its own pages.
//!
//! A foreign page in a developer's browser can send requests to this machine. Two headers that no
//! page can forge distinguish them: `host`, the server that the browser addresses, and `origin`,
//! the page that sends the request. This module decides by these headers only.

use core::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::fields::sole;
use crate::error::{AppError, code};
use crate::http::exchange::Cors;
use crate::http::{MultiMap, RawRequest};

/// Decides which requests a local server accepts.
#[derive(Clone, Copy, Debug)]
pub struct Origins {
    /// The address on which the server listens.
    pub listening: SocketAddr,
    /// Whether all names and pages are accepted.
    pub is_open: bool,
}

/// The host of a request, and the port if there is one.
#[derive(Debug, Eq, PartialEq)]
struct Authority<'a> {
    host: Host<'a>,
    port: Option<u16>,
}

#[derive(Debug, Eq, PartialEq)]
enum Host<'a> {
    Address(IpAddr),
    /// In any case, without a trailing dot.
    Name(&'a str),
}

impl Origins {
    /// Refuses a request for another server, and a request with an effect (`acts`) from a page of
    /// another origin. Header names must be in lower case. `authority` is that of the request
    /// target, if the target is an absolute URL. `reached` is the address at which the connection
    /// arrived, and `cors` lists the allowed pages of other origins.
    ///
    /// # Errors
    ///
    /// 400 unless there is exactly one `host` header with a valid host; 421 for another host; 403
    /// for a page of another origin.
    pub fn admit(
        &self,
        request: &RawRequest<'_>,
        authority: Option<&str>,
        reached: IpAddr,
        acts: bool,
        cors: Option<&Cors>,
    ) -> Result<(), AppError> {
        let (field, target) =
            hosts(request, authority).ok_or_else(|| AppError::bad_request(NO_HOST))?;
        if self.is_open {
            return Ok(());
        }
        if ![&field].into_iter().chain(&target).all(|named| self.owns(&named.host, reached)) {
            return Err(AppError::bad_request(FOREIGN_HOST).with_status(421));
        }
        let port = target.unwrap_or(field).port();
        let is_own = |origin: &str| self.is_own_page(origin, port, reached);
        let is_friend = |origin: &str| is_own(origin) || cors.is_some_and(|it| it.lists(origin));
        if acts && !is_asked_by(&request.headers, is_friend) {
            return Err(AppError::new(code::FORBIDDEN, FOREIGN_ORIGIN).with_status(403));
        }
        Ok(())
    }

    /// Returns whether a host is this machine, by a name that nobody else controls. DNS does not
    /// resolve addresses, and should not resolve `localhost` (RFC 6761 §6.3).
    fn owns(&self, host: &Host<'_>, reached: IpAddr) -> bool {
        match host {
            Host::Name(name) => name.eq_ignore_ascii_case("localhost"),
            Host::Address(address) => {
                let own = [reached.to_canonical(), self.listening.ip().to_canonical()];
                address.is_loopback() || own.contains(address)
            }
        }
    }

    /// Returns whether an origin is a page of this server: at the port in the request, or the port
    /// on which the server listens. They differ behind a forwarded port.
    fn is_own_page(&self, origin: &str, port: u16, reached: IpAddr) -> bool {
        let page = origin.strip_prefix("http://").and_then(read);
        page.is_some_and(|page| {
            let is_here = [port, self.listening.port()].contains(&page.port());
            is_here && self.owns(&page.host, reached)
        })
    }
}

impl Authority<'_> {
    /// Returns the port, or the default port of HTTP.
    fn port(&self) -> u16 {
        self.port.unwrap_or(HTTP)
    }
}

/// Returns the host of the header, and that of an absolute target, as for a proxy, which then
/// decides (RFC 9112 §3.2.2).
fn hosts<'r>(
    request: &'r RawRequest<'_>,
    authority: Option<&'r str>,
) -> Option<(Authority<'r>, Option<Authority<'r>>)> {
    let field = read(sole(&request.headers, "host")?)?;
    let target = authority.map_or(Some(None), |authority| read(authority).map(Some))?;
    Some((field, target))
}

/// Returns whether the request is from an allowed page, or from a program that is not a browser:
/// browsers name the page of every request except plain GETs (Fetch standard,
/// *HTTP-network-or-cache fetch*).
fn is_asked_by(headers: &MultiMap, is_friend: impl Fn(&str) -> bool) -> bool {
    // Fetch Metadata (W3C). Pages cannot set this header, but older browsers do not send it.
    let site = headers.get("sec-fetch-site");
    if !headers.contains("origin") {
        return matches!(site, None | Some("same-origin" | "none"));
    }
    match sole(headers, "origin") {
        // A page may hide its origin, also from its own server: `referrer-policy: no-referrer`.
        Some("null") => site == Some("same-origin"),
        Some(origin) => is_friend(origin),
        None => false,
    }
}

/// Parses a host and its port (RFC 3986 §3.2). User information before an `@` is refused.
fn read(authority: &str) -> Option<Authority<'_>> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            let address: Ipv6Addr = address.parse().ok()?;
            let port = if port.is_empty() { None } else { Some(port.strip_prefix(':')?) };
            (Host::Address(IpAddr::from(address).to_canonical()), port)
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (read_name(host)?, Some(port)),
            None => (read_name(authority)?, None),
        },
    };
    Some(Authority { host, port: port.map_or(Some(None), read_port)? })
}

fn read_name(name: &str) -> Option<Host<'_>> {
    if let Ok(address) = name.parse() {
        return Some(Host::Address(IpAddr::V4(address)));
    }
    let is_of_names =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&byte);
    let is_name = !name.is_empty() && name.bytes().all(is_of_names);
    let name = name.strip_suffix('.').unwrap_or(name);
    is_name.then_some(Host::Name(name))
}

/// Parses a port, which may be empty.
fn read_port(port: &str) -> Option<Option<u16>> {
    match port.parse() {
        Ok(number) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(Some(number)),
        Err(_) if port.is_empty() => Some(None),
        // Numbers may have a sign, ports may not.
        Ok(_) | Err(_) => None,
    }
}

/// The default port of HTTP.
const HTTP: u16 = 80;

const NO_HOST: &str = "a request must have one host header, with host or host:port";
const FOREIGN_HOST: &str =
    "this local server only accepts requests for localhost and the address on which it listens";
const FOREIGN_ORIGIN: &str = "this local server only accepts this request from its own pages: add the origin of the page to the CORS origins";

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;
    use core::net::Ipv4Addr;

    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn origins() -> Origins {
        Origins { listening: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)), is_open: false }
    }

    fn request(fields: &[(&str, &str)]) -> RawRequest<'static> {
        let mut request = RawRequest::new("GET", "/");
        for (name, value) in fields {
            request.headers.append(*name, *value);
        }
        request
    }

    /// Returns the status with which a request is refused, or 200.
    fn status(target: &str, fields: &[(&str, &str)], acts: bool) -> u16 {
        let request = request(fields);
        let authority = target.strip_prefix("http://").and_then(|rest| rest.strip_suffix('/'));
        let listed = vec!["https://front.example".into(), "*".into(), "null".into()];
        let cors = Cors { allowed_origins: Some(listed), ..Cors::default() };
        let admitted = origins().admit(&request, authority, LOOPBACK, acts, Some(&cors));
        admitted.map_or_else(|error| error.status(), |()| 200)
    }

    #[test]
    fn own_names_are_those_that_nobody_else_can_give() {
        for own in [
            "localhost",
            "LOCALHOST:8080",
            "localhost.",
            "localhost.:8080",
            "localhost:",
            "127.0.0.1",
            "127.0.0.1:8080",
            "127.0.0.1:9",
            "127.8.9.1",
            "[::1]",
            "[::1]:8080",
            "[::ffff:127.0.0.1]:8080",
            "[0:0:0:0:0:0:0:1]",
        ] {
            assert_eq!(status("/", &[("host", own)], true), 200, "{own}");
        }
        for foreign in [
            "x",
            "evil.example",
            "evil.example:8080",
            "evil.example.",
            "localhost.evil.example",
            "evil.localhost",
            "127.0.0.1.evil.example",
            "127.0.0.1.nip.io:8080",
            "10.0.0.1",
            "0.0.0.0:8080",
            "[::]",
            "[::2]:8080",
            "127.1",
            "2130706433",
            "0x7f.0.0.1",
            "127.000.000.001",
            "localhost,evil.example",
            "%6cocalhost",
            "localhost..",
        ] {
            assert_eq!(status("/", &[("host", foreign)], false), 421, "{foreign}");
        }
        for none in [
            "",
            ":8080",
            "localhost:x",
            "localhost:99999",
            "localhost:+80",
            "localhost:80:80",
            "::1",
            "[::1",
            "[::1]8080",
            "[localhost]",
            "user@localhost",
            "localhost@evil.example",
            "localhost/",
            "local host",
            "http://localhost",
            "localhost#",
            "localhost\\",
            "[fe80::1%1]",
        ] {
            assert_eq!(status("/", &[("host", none)], false), 400, "{none}");
        }
    }

    #[test]
    fn a_host_is_named_once() {
        assert_eq!(status("/", &[], false), 400);
        assert_eq!(status("/", &[("host", "localhost"), ("host", "localhost")], false), 400);
        assert_eq!(status("/", &[("host", "localhost"), ("host", "evil.example")], false), 400);
    }

    #[test]
    fn the_target_names_a_host_too() {
        let host = [("host", "localhost:8080")];
        assert_eq!(status("http://localhost:8080/", &host, true), 200);
        assert_eq!(status("http://evil.example/", &host, false), 421);
        assert_eq!(status("http://localhost:8080/", &[("host", "evil.example")], false), 421);
        assert_eq!(status("http://localhost@evil.example/", &host, false), 400);
        assert_eq!(status("http://localhost/", &[], false), 400);
    }

    #[test]
    fn the_address_that_was_reached_is_own() {
        let lan = IpAddr::from([192, 168, 1, 5]);
        let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8080));
        let origins = Origins { listening: everywhere, is_open: false };
        for (host, own) in [
            ("192.168.1.5:8080", true),
            ("localhost:8080", true),
            ("0.0.0.0:8080", true),
            ("192.168.1.6:8080", false),
            ("my-machine:8080", false),
        ] {
            let request = request(&[("host", host)]);
            let admitted = origins.admit(&request, None, lan, false, None);
            assert_eq!(admitted.is_ok(), own, "{host}");
        }
    }

    #[test]
    fn only_own_pages_act() {
        let host = ("host", "localhost:8080");
        for own in [
            "http://localhost:8080",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "https://front.example",
        ] {
            assert_eq!(status("/", &[host, ("origin", own)], true), 200, "{own}");
        }
        for foreign in [
            "null",
            "",
            "*",
            "http://evil.example",
            "http://localhost",
            "http://localhost:5173",
            "https://localhost:8080",
            "http://localhost:8080.evil.example",
            "localhost:8080",
            "http://localhost:8080/",
            "http://evil.example:8080",
            "file://",
            "http://user@localhost:8080",
            "http://front.example",
            "chrome-extension://abc",
        ] {
            assert_eq!(status("/", &[host, ("origin", foreign)], true), 403, "{foreign}");
            // The request only reads, and its browser hides the response from the page.
            assert_eq!(status("/", &[host, ("origin", foreign)], false), 200, "{foreign}");
        }
        let own = ("origin", "http://localhost:8080");
        assert_eq!(status("/", &[host, own, own], true), 403);
        // Behind a forwarded port, the page has the port in the request.
        let forwarded = [("host", "localhost:9000"), ("origin", "http://localhost:9000")];
        assert_eq!(status("/", &forwarded, true), 200);
        // A missing port is the default port of HTTP.
        assert_eq!(
            status("/", &[("host", "localhost"), ("origin", "http://localhost")], true),
            200
        );
    }

    #[test]
    fn browsers_say_whether_a_page_is_of_the_same_site() {
        for (site, origin, expected) in [
            ("same-origin", None, 200),
            ("none", None, 200),
            ("same-site", None, 403),
            ("cross-site", None, 403),
            ("same-origin", Some("null"), 200),
            ("cross-site", Some("null"), 403),
            ("none", Some("null"), 403),
            ("same-origin", Some("http://evil.example"), 403),
            ("cross-site", Some("https://front.example"), 200),
        ] {
            let fields = [("host", "localhost"), ("sec-fetch-site", site)];
            let origin = origin.map(|origin| ("origin", origin));
            let fields: Vec<_> = fields.into_iter().chain(origin).collect();
            assert_eq!(status("/", &fields, true), expected, "{fields:?}");
        }
    }

    #[test]
    fn an_open_server_still_wants_one_host() {
        let open = Origins { is_open: true, ..origins() };
        for (fields, is_ok) in [
            (&[("host", "evil.example"), ("origin", "null")][..], true),
            (&[], false),
            (&[("host", "a"), ("host", "a")], false),
        ] {
            let request = request(fields);
            assert_eq!(open.admit(&request, None, LOOPBACK, true, None).is_ok(), is_ok);
        }
    }
}
