//! Cross-origin rules (CORS).

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use serde::Deserialize;

use super::setup_error::SetupError;
use crate::duration;
use crate::http::HeaderMap;
use crate::http::cache::vary;
use crate::http::sending::{is_field_value, is_token};

/// Cross-origin rules (the Fetch standard's CORS protocol). Without rules, only pages of the
/// application's own origin can read responses.
///
/// An allowed origin is returned in `access-control-allow-origin`, and `vary` informs caches. For
/// any other origin no header is added, so its browser hides the response, unless the handler set
/// such headers itself. Preflight requests are answered for all paths with routes, with the methods
/// of these routes.
///
/// The origin `null`, which any sandboxed page has, is never allowed by name.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Cors {
    /// The origins that may read responses, such as `https://shop.example`. `None`, or a list with
    /// `*`, allows all origins: the response is `*`, and credentials are not allowed. An empty list
    /// or a blank origin is an error.
    pub allowed_origins: Option<Vec<String>>,
    /// Whether pages may send cookies and credentials. Requires a list of origins, because
    /// otherwise any page could act as its visitor.
    pub allow_credentials: bool,
    /// The request headers that pages may send. `None` allows `Content-Type, Authorization` if
    /// credentials are allowed, otherwise no headers.
    pub allow_headers: Option<Vec<String>>,
    /// The response headers that pages may read, besides the safelisted ones.
    pub expose_headers: Vec<String>,
    /// How long browsers may cache a preflight response, in whole seconds.
    #[serde(deserialize_with = "duration::deserialize_option")]
    pub max_age: Option<Duration>,
    /// Answers as the contract requires, which is less safe: if all are allowed, every origin is
    /// returned by name; an empty list is valid and allows no origin; preflight requests for any
    /// path are told that their method is allowed; and `vary` is only sent to allowed origins, so
    /// that a shared cache may serve them a response without these headers.
    pub reflects: bool,
}

impl Cors {
    /// Creates rules for these origins, without credentials.
    #[must_use]
    pub fn for_origins<T: Into<String>>(origins: impl IntoIterator<Item = T>) -> Self {
        let allowed_origins = Some(origins.into_iter().map(T::into).collect());
        Self { allowed_origins, ..Self::default() }
    }

    /// Normalizes the rules: trims texts, and sets `None` if all origins are allowed.
    pub(super) fn normalized(self) -> Result<Self, SetupError> {
        let origins = self.allowed_origins.as_deref().map(trimmed);
        let lists_all = origins.iter().flatten().any(|origin| origin == ANY);
        if self.allow_credentials && (lists_all || (origins.is_none() && !self.reflects)) {
            return Err(SetupError::CredentialsToAll);
        }
        let allowed_origins = match origins {
            _ if lists_all => None,
            Some(origins) if self.reflects => {
                Some(origins.into_iter().filter(|origin| !origin.is_empty()).collect())
            }
            Some(origins) => Some(checked_origins(origins)?),
            None => None,
        };
        let names = |names: &[String], setting| {
            let names: Vec<String> =
                trimmed(names).into_iter().filter(|name| !name.is_empty()).collect();
            match names.iter().all(|name| is_token(name)) {
                true => Ok(names),
                false => Err(SetupError::InvalidFieldName { setting }),
            }
        };
        let allow_headers = self.allow_headers.as_deref();
        Ok(Self {
            allowed_origins,
            allow_headers: allow_headers.map(|all| names(all, "allow_headers")).transpose()?,
            expose_headers: names(&self.expose_headers, "expose_headers")?,
            ..self
        })
    }

    /// Returns whether the rules list an origin by name; `*` and `null` are not names. Use it to
    /// distinguish known pages from all others.
    #[must_use]
    pub fn lists(&self, origin: &str) -> bool {
        let mut listed = self.allowed_origins.iter().flatten();
        !matches!(origin, ANY | NULL) && listed.any(|listed| listed == origin)
    }

    /// Returns the value of `access-control-allow-origin` for an origin, if it is allowed.
    fn allow_origin<'o>(&self, origin: &'o str) -> Option<&'o str> {
        let trimmed = origin.trim();
        match &self.allowed_origins {
            None if !self.reflects => Some(ANY),
            _ if trimmed.is_empty() || trimmed == NULL || !is_field_value(origin) => None,
            None => (!self.allow_credentials).then_some(origin),
            Some(origins) => origins.iter().any(|allowed| allowed == trimmed).then_some(origin),
        }
    }

    /// Sets the headers for an origin on a response, in place of the handler's.
    pub(super) fn apply(&self, origin: &str, is_preflight: bool, headers: &mut HeaderMap) {
        let told = self.allow_origin(origin);
        let depends = if self.reflects { told.is_some() } else { self.allowed_origins.is_some() };
        if depends {
            headers.set_all("vary", vary(&headers.get_all("vary").to_vec(), &["origin"]));
        }
        let Some(told) = told else { return };
        headers.set("access-control-allow-origin", told);
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

fn checked_origins(origins: Vec<String>) -> Result<Vec<String>, SetupError> {
    if origins.is_empty() || origins.iter().any(String::is_empty) {
        return Err(SetupError::BlankOrigins);
    }
    match origins.iter().find(|origin| *origin == NULL || !is_field_value(origin)) {
        Some(origin) => Err(SetupError::InvalidOrigin { origin: origin.clone() }),
        None => Ok(origins),
    }
}

fn trimmed(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| text.trim().to_string()).collect()
}

const ANY: &str = "*";

/// The origin of sandboxed pages, of files and of some redirects: anybody can have it.
const NULL: &str = "null";

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(origins: Option<&[&str]>, allow_credentials: bool) -> Cors {
        let allowed_origins = origins.map(|list| list.iter().copied().map(String::from).collect());
        Cors { allowed_origins, allow_credentials, ..Cors::default() }
    }

    fn reflecting(origins: Option<&[&str]>, allow_credentials: bool) -> Cors {
        Cors { reflects: true, ..rules(origins, allow_credentials) }
    }

    fn applied(cors: &Cors, origin: &str, before: &[(&str, &str)]) -> Vec<(String, Vec<String>)> {
        let mut headers: HeaderMap = before.iter().copied().collect();
        cors.apply(origin, false, &mut headers);
        headers.iter().map(|(name, values)| (name.to_string(), values.to_vec())).collect()
    }

    #[test]
    fn origins_are_listed_exactly() {
        for (cors, origin, told) in [
            (rules(None, false), "https://a", Some("*")),
            (rules(None, false), "null", Some("*")),
            (rules(Some(&["https://b", "*"]), false), "https://a", Some("*")),
            (rules(Some(&[" https://a "]), true), "https://a", Some("https://a")),
            (rules(Some(&["https://a"]), false), " https://a ", Some(" https://a ")),
            (rules(Some(&["https://a"]), false), "https://A", None),
            (rules(Some(&["https://a"]), false), "https://a.evil", None),
            (rules(Some(&["https://a"]), false), "null", None),
            (rules(Some(&["https://a"]), false), " ", None),
            (reflecting(None, false), "https://a", Some("https://a")),
            (reflecting(None, false), "null", None),
            (reflecting(None, false), "a\u{e9}", None),
            (reflecting(None, false), "  ", None),
            (reflecting(None, true), "https://a", None),
            (reflecting(Some(&[]), false), "https://a", None),
            (reflecting(Some(&["null", ""]), false), "null", None),
            (reflecting(Some(&["https://a"]), true), "https://a", Some("https://a")),
        ] {
            let cors = cors.normalized().unwrap();
            assert_eq!(cors.allow_origin(origin), told, "{cors:?} {origin:?}");
        }
    }

    #[test]
    fn ambiguous_and_unsafe_cors_rules_are_refused_at_build() {
        let blank = || Err(SetupError::BlankOrigins);
        for (cors, expected) in [
            (rules(Some(&[]), false), blank()),
            (rules(Some(&["https://a", " "]), false), blank()),
            (rules(Some(&["x", " * "]), true), Err(SetupError::CredentialsToAll)),
            (rules(None, true), Err(SetupError::CredentialsToAll)),
            (reflecting(Some(&["*"]), true), Err(SetupError::CredentialsToAll)),
            (
                rules(Some(&["null"]), false),
                Err(SetupError::InvalidOrigin { origin: "null".into() }),
            ),
            (
                Cors { expose_headers: Vec::from(["x bad".into()]), ..rules(None, false) },
                Err(SetupError::InvalidFieldName { setting: "expose_headers" }),
            ),
        ] {
            assert_eq!(cors.normalized().map(|_| ()), expected);
        }
    }

    #[test]
    fn an_allowed_origin_is_returned_with_vary_origin() {
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
        assert_eq!(applied(&cors.normalized().unwrap(), " https://a ", &before), expected);
    }

    #[test]
    fn refused_origins_get_vary_origin_from_a_list_that_does_not_reflect() {
        let cors = rules(Some(&["https://a"]), false).normalized().unwrap();
        for origin in ["https://b", ""] {
            let vary = [("vary".into(), Vec::from(["origin".into()]))];
            assert_eq!(applied(&cors, origin, &[]), vary);
        }
        let all = applied(&rules(None, false).normalized().unwrap(), "", &[]);
        assert_eq!(all, [("access-control-allow-origin".into(), Vec::from(["*".into()]))]);
        let cors = reflecting(Some(&["https://a"]), false).normalized().unwrap();
        assert_eq!(applied(&cors, "https://b", &[]), []);
    }

    #[test]
    fn only_preflights_are_remembered() {
        let max_age = Some(Duration::from_secs(600));
        let cors =
            Cors { max_age, expose_headers: Vec::from(["etag".into()]), ..rules(None, false) };
        for (is_preflight, age) in [(true, "600"), (false, "")] {
            let mut headers = HeaderMap::new();
            cors.apply("https://a", is_preflight, &mut headers);
            assert_eq!(headers.first("access-control-max-age"), age);
            assert_eq!(headers.first("access-control-expose-headers"), "etag");
        }
    }
}
