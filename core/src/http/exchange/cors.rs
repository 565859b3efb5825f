//! Which pages of other origins may read answers.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use crate::http::Headers;
use crate::http::cache::vary;

/// Cross-origin rules (the Fetch standard's CORS protocol).
///
/// An origin that is allowed is named in `access-control-allow-origin`, and `vary` says so to
/// caches. For an origin that is not, nothing is added: its browser then hides the answer, unless the
/// handler set such fields itself, which stay.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Cors {
    /// The origins that may read answers, `*` for all of them. `None` allows all, or none when
    /// [`allow_credentials`](Self::allow_credentials) is on; an empty list allows none.
    pub allowed_origins: Option<Vec<String>>,
    /// Whether pages may send cookies and credentials along. It takes a list of origins: any page
    /// could act as its visitor otherwise.
    pub allow_credentials: bool,
    /// The request fields that pages may send. `None` is `Content-Type, Authorization` with
    /// credentials, and no field without.
    pub allow_headers: Option<Vec<String>>,
    /// The response fields that pages may read beside the safelisted ones.
    pub expose_headers: Vec<String>,
    /// How long browsers may remember a preflight, in whole seconds.
    pub max_age: Option<Duration>,
    /// Answers preflights for known routes only, with the methods that the path has, and says
    /// `vary: origin` to everyone where there is a list of origins. Without it a preflight for any
    /// path is told that its method is allowed, which the request itself may then find untrue, and
    /// a shared cache may serve an answer without these fields to an origin that is allowed.
    pub strict: bool,
}

impl Cors {
    /// The rules without blanks; a `*` stands for the whole list.
    pub(super) fn normalized(self) -> Self {
        let origins = self.allowed_origins.map(|origins| match filled(&origins) {
            origins if origins.iter().any(|origin| origin == ANY) => Vec::from([ANY.to_string()]),
            origins => origins,
        });
        Self {
            allowed_origins: origins,
            allow_headers: self.allow_headers.map(|names| filled(&names)),
            expose_headers: filled(&self.expose_headers),
            ..self
        }
    }

    /// Whether the rules allow every page to act as its visitor.
    pub(super) fn gives_credentials_to_all(&self) -> bool {
        let lists_all = |origins: &Vec<String>| origins.iter().any(|origin| origin == ANY);
        self.allow_credentials && self.allowed_origins.as_ref().is_some_and(lists_all)
    }

    /// Returns whether the rules list an origin by its name: `*` and `null` name nobody. Use it to
    /// tell pages that the application knows from all others.
    #[must_use]
    pub fn lists(&self, origin: &str) -> bool {
        let mut listed = self.allowed_origins.iter().flatten();
        !matches!(origin, ANY | "null") && listed.any(|listed| listed == origin)
    }

    fn allows(&self, origin: &str) -> bool {
        let origin = origin.trim();
        match &self.allowed_origins {
            _ if origin.is_empty() => false,
            None => !self.allow_credentials,
            Some(origins) => origins.iter().any(|allowed| allowed == ANY || allowed == origin),
        }
    }

    /// Adds the fields for an origin to an answer, in place of what the handler set.
    pub(super) fn apply(&self, origin: &str, is_preflight: bool, headers: &mut Headers) {
        let allowed = self.allows(origin);
        if allowed || (self.strict && self.allowed_origins.is_some()) {
            headers.set_all("vary", vary(headers.get_all("vary"), &["origin"]));
        }
        if !allowed {
            return;
        }
        headers.set("access-control-allow-origin", origin);
        if self.allow_credentials {
            headers.set("access-control-allow-credentials", "true");
        }
        if let Some(names) = self.request_fields() {
            headers.set("access-control-allow-headers", names);
        }
        if !self.expose_headers.is_empty() {
            headers.set("access-control-expose-headers", self.expose_headers.join(", "));
        }
        if let Some(age) = self.max_age.filter(|_| is_preflight) {
            headers.set("access-control-max-age", age.as_secs().to_string());
        }
    }

    fn request_fields(&self) -> Option<String> {
        match &self.allow_headers {
            Some(names) if !names.is_empty() => Some(names.join(", ")),
            _ => self.allow_credentials.then(|| "Content-Type, Authorization".to_string()),
        }
    }
}

fn filled(texts: &[String]) -> Vec<String> {
    let texts = texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty());
    texts.map(String::from).collect()
}

const ANY: &str = "*";

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(origins: Option<&[&str]>, allow_credentials: bool) -> Cors {
        let allowed_origins = origins.map(|list| list.iter().copied().map(String::from).collect());
        Cors { allowed_origins, allow_credentials, ..Cors::default() }.normalized()
    }

    fn applied(cors: &Cors, origin: &str, before: &[(&str, &str)]) -> Vec<(String, Vec<String>)> {
        let mut headers: Headers = before.iter().copied().collect();
        cors.apply(origin, false, &mut headers);
        headers.iter().map(|(name, values)| (name.to_string(), values.to_vec())).collect()
    }

    #[test]
    fn origins_are_listed_exactly() {
        for (origins, credentials, origin, allowed) in [
            (None, false, "https://a", true),
            (None, true, "https://a", false),
            (Some(&[][..]), false, "https://a", false),
            (Some(&[" https://a ", ""]), true, "https://a", true),
            (Some(&["https://a"]), false, " https://a ", true),
            (Some(&["https://a"]), false, "https://A", false),
            (Some(&["https://b", "*"]), false, "https://a", true),
            (None, false, "  ", false),
        ] {
            let cors = rules(origins, credentials);
            assert_eq!(cors.allows(origin), allowed, "{origins:?} {origin:?}");
        }
        assert!(rules(Some(&["x", " * "]), true).gives_credentials_to_all());
        assert!(!rules(None, true).gives_credentials_to_all());
    }

    #[test]
    fn an_allowed_origin_is_told_and_caches_too() {
        let cors = Cors {
            allow_headers: Some(Vec::from([" X-A ".into(), "".into(), "b".into()])),
            ..rules(Some(&["https://a"]), true)
        };
        let before = [
            ("vary", "Accept-Encoding, ORIGIN"),
            ("vary", "x-b"),
            ("access-control-allow-origin", "zzz"),
        ];
        let texts = |values: &[&str]| values.iter().copied().map(String::from).collect();
        let expected: Vec<(String, Vec<String>)> = Vec::from([
            ("access-control-allow-credentials".into(), texts(&["true"])),
            ("access-control-allow-headers".into(), texts(&["X-A, b"])),
            ("access-control-allow-origin".into(), texts(&[" https://a "])),
            ("vary".into(), texts(&["accept-encoding", "origin", "x-b"])),
        ]);
        assert_eq!(applied(&cors.normalized(), " https://a ", &before), expected);
    }

    #[test]
    fn another_origin_is_told_nothing_but_strict_rules_tell_caches() {
        let cors = rules(Some(&["https://a"]), false);
        assert_eq!(applied(&cors, "https://b", &[]), []);
        let strict = applied(&Cors { strict: true, ..cors }, "https://b", &[]);
        assert_eq!(strict, [("vary".into(), Vec::from(["origin".into()]))]);
    }

    #[test]
    fn only_preflights_are_remembered() {
        let max_age = Some(Duration::from_secs(600));
        let cors =
            Cors { max_age, expose_headers: Vec::from(["etag".into()]), ..rules(None, false) };
        for (is_preflight, age) in [(true, "600"), (false, "")] {
            let mut headers = Headers::new();
            cors.apply("https://a", is_preflight, &mut headers);
            assert_eq!(headers.first("access-control-max-age"), age);
            assert_eq!(headers.first("access-control-expose-headers"), "etag");
        }
    }
}
