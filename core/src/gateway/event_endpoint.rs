//! Endpoints from WebSocket events.

use alloc::format;
use alloc::string::String;

use super::endpoint::before;
use super::{authority, region_from_host};

/// Returns the endpoint for the connection of a WebSocket event, from the event's domain, stage and
/// path; `None` if the domain is invalid or the stage is missing.
///
/// On API Gateway's own hosts the stage is part of the endpoint, on custom domains the path is.
/// WebSocket events contain no path: behind a custom domain with an API mapping, configure the
/// endpoint instead. The case of letters is kept.
#[must_use]
pub fn event_endpoint(domain: &str, stage: &str, path: &str) -> Option<String> {
    let domain = without_scheme(domain.trim()).trim_end_matches('/');
    let host = authority::read(domain)?.host;
    let below = match region_from_host(host) {
        Some(_) => Some(stage.trim().trim_matches('/')).filter(|stage| !stage.is_empty())?,
        None => before(path.trim(), ['?', '#']).trim_matches('/'),
    };
    Some(match below {
        "" => format!("https://{domain}"),
        below => format!("https://{domain}/{below}"),
    })
}

/// Returns a domain without its scheme, if it has one.
fn without_scheme(domain: &str) -> &str {
    let Some((scheme, rest)) = domain.split_once("://") else { return domain };
    let known = ["https", "http", "wss", "ws"];
    if known.iter().any(|known| scheme.eq_ignore_ascii_case(known)) { rest } else { domain }
}

#[cfg(test)]
mod tests {
    use super::event_endpoint;

    const X: &str = "a.execute-api.us-east-1.amazonaws.com";

    #[test]
    fn the_stage_leads_to_an_api_and_the_path_to_a_custom_domain() {
        let https = |rest: &str| alloc::format!("https://{rest}");
        for (domain, stage, path, expected) in [
            (X, "//dev//", "/x", Some(https("a.execute-api.us-east-1.amazonaws.com/dev"))),
            (X, "/", "/x", None),
            ("A.execute-api.us-east-1.amazonaws.com", " Dev ", "", {
                Some(https("A.execute-api.us-east-1.amazonaws.com/Dev"))
            }),
            ("my.execute-api.example.com", "p", "/x", Some(https("my.execute-api.example.com/x"))),
            ("ws.example.com//", "p", " /socket?x=/1 ", Some(https("ws.example.com/socket"))),
            ("WSS://ws.example.com:8443/", "p", "//a/b/#c", Some(https("ws.example.com:8443/a/b"))),
            ("ws.example.com", "p", "", Some(https("ws.example.com"))),
            ("https://http://x.com", "p", "", None),
            ("x.com/y", "p", "", None),
            ("u@x.com", "p", "", None),
            ("ftp://x.com", "p", "", None),
            ("https://", "p", "/x", None),
            ("/", "p", "/x", None),
            (" ", "p", "/x", None),
        ] {
            assert_eq!(event_endpoint(domain, stage, path), expected, "{domain} {stage} {path}");
        }
    }
}
