//! The stage that API Gateway puts in front of paths.

use alloc::borrow::Cow;

use crate::gateway::region_from_host;

/// The path without its stage. Only API Gateway's own hosts put it there: behind a custom domain,
/// the same text is part of the application's route.
pub(super) fn without_stage<'p>(path: Cow<'p, str>, stage: &str, domain: &str) -> Cow<'p, str> {
    let stage = stage.trim().trim_matches('/');
    if stage.is_empty() || stage == "$default" || !may_have_stage(domain) {
        return path;
    }
    let after = path.strip_prefix('/').and_then(|path| path.strip_prefix(stage));
    match after {
        Some("") => Cow::Borrowed("/"),
        Some(rest) if rest.starts_with('/') => Cow::Owned(rest.into()),
        _ => path,
    }
}

fn may_have_stage(domain: &str) -> bool {
    let domain = domain.trim();
    domain.is_empty() || region_from_host(domain).is_some()
}

#[cfg(test)]
mod tests {
    use super::without_stage;

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
            assert_eq!(without_stage(path.into(), stage, ""), expected, "{path} {stage}");
        }
    }

    #[test]
    fn custom_domains_have_no_stage_in_their_paths() {
        let at = |domain| without_stage("/v1/users".into(), "v1", domain).into_owned();
        assert_eq!(at("api.example.com"), "/v1/users");
        assert_eq!(at("a.execute-api.us-east-1.amazonaws.com"), "/users");
        assert_eq!(at(" "), "/users");
    }
}
