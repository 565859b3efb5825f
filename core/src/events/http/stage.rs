//! The stage that API Gateway adds to paths.

use crate::gateway::region_from_host;
use crate::http::UriPath;

/// Returns the path without its stage. Only API Gateway's own hosts add the stage; behind a custom
/// domain, the same text is part of the application's route.
///
/// Names of stages consist of letters, digits, `-` and `_`, which paths do not escape.
pub(super) fn without_stage(path: UriPath, stage: &str, domain: &str) -> UriPath {
    let stage = stage.trim().trim_matches('/');
    if stage.is_empty() || stage == "$default" || !may_have_stage(domain.trim()) {
        return path;
    }
    path.without_first(stage)
}

fn may_have_stage(domain: &str) -> bool {
    domain.is_empty() || region_from_host(domain).is_some() || is_emulated(domain)
}

/// Returns whether a domain is that of an emulated API below `localhost`: LocalStack serves APIs as
/// `{id}.execute-api.localhost.localstack.cloud:4566`, with stages as on AWS.
///
/// The hosts `localhost` and `127.0.0.1` themselves are used by SAM and cargo-lambda, which add no
/// stage to paths.
fn is_emulated(domain: &str) -> bool {
    let domain = domain.to_ascii_lowercase();
    let host = domain.split_once(':').map_or(&*domain, |(host, _port)| host);
    let mut labels = host.split('.').skip_while(|label| *label != "execute-api").skip(1);
    !host.starts_with("execute-api.") && labels.next() == Some("localhost")
}

#[cfg(test)]
mod tests {
    use super::{UriPath, without_stage};

    #[test]
    fn the_stage_goes_once_and_as_a_whole_segment() {
        for (path, stage, expected) in [
            ("/test/echo", "test", "/echo"),
            ("/test/echo", " /test/ ", "/echo"),
            ("/testing/echo", "test", "/testing/echo"),
            ("/test", "test", "/"),
            ("/test/", "test", "/"),
            ("/test/test/echo", "test", "/test/echo"),
            ("/$default/x", "$default", "/$default/x"),
            ("/x", " ", "/x"),
        ] {
            let path = UriPath::from_encoded(path);
            assert_eq!(without_stage(path.clone(), stage, ""), expected, "{path} {stage}");
        }
    }

    #[test]
    fn only_hosts_of_api_gateway_and_its_emulators_have_stages() {
        let is_stripped = |domain: &str| {
            let path = without_stage(UriPath::from_encoded("/v1/users"), "v1", domain);
            path == "/users"
        };
        for domain in [
            "",
            " ",
            "a.execute-api.us-east-1.amazonaws.com",
            "a.execute-api.us-gov-west-1.amazonaws.com",
            "a.execute-api.cn-northwest-1.amazonaws.com.cn",
            "a.execute-api-fips.us-east-2.amazonaws.com",
            "a.execute-api.eu-west-1.api.aws",
            "vpce-1-b.execute-api.eu-west-1.vpce.amazonaws.com",
            "a-vpce-1.execute-api.ap-southeast-2.amazonaws.com",
            "a.execute-api.localhost.localstack.cloud:4566",
            "A.Execute-API.localhost.localstack.cloud",
            "a.execute-api.localhost:4510",
        ] {
            assert!(is_stripped(domain), "{domain}");
        }
        for domain in [
            "api.example.com",
            "localhost",
            "localhost:3000",
            "127.0.0.1:9000",
            "execute-api.localhost.localstack.cloud",
            "execute-api.example.com",
            "my.execute-api.example.com",
            "a.execute-api.us-east-1.amazonaws.com.example.com",
        ] {
            assert!(!is_stripped(domain), "{domain}");
        }
    }
}
