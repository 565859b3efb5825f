//! What caches are told, and what they ask.
//!
//! This module decides the texts of `cache-control`, `etag` and `vary`, and whether a client's copy
//! is still good. It refuses to know what is cached.
//!
//! ```
//! use apptheory_core::http::{HeaderMap, cache};
//!
//! let tag = cache::etag(b"hello");
//! let headers: HeaderMap = [("if-none-match", format!("W/{tag}, \"other\""))].into_iter().collect();
//! assert!(cache::matches_if_none_match(&headers, &tag));
//! assert_eq!(cache::vary(&["Origin".into()], &["accept-encoding"]), ["accept-encoding", "origin"]);
//! ```

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use sha2::{Digest, Sha256};

use super::headers::HeaderMap;
use crate::hex::push_hex;

/// `cache-control` of pages rendered for one client.
pub const CACHE_CONTROL_SSR: &str = "private, no-store";

/// `cache-control` of pages that change with deployments only: shared caches, which deployments
/// clear, keep them for a year (31,536,000 seconds).
pub const CACHE_CONTROL_SSG: &str = "public, max-age=0, s-maxage=31536000";

/// `cache-control` of pages that shared caches render again after `revalidate`, and may serve stale
/// for `stale` after that. Whole seconds; the rest is cut off.
#[must_use]
pub fn cache_control_isr(revalidate: Duration, stale: Duration) -> String {
    let mut text = format!("public, max-age=0, s-maxage={}", revalidate.as_secs());
    if stale.as_secs() > 0 {
        text.push_str(&format!(", stale-while-revalidate={}", stale.as_secs()));
    }
    text
}

/// The strong entity tag of a body: its SHA-256 in quotes.
#[must_use]
pub fn etag(body: &[u8]) -> String {
    let mut tag = String::from("\"");
    push_hex(&mut tag, &Sha256::digest(body));
    tag.push('"');
    tag
}

/// Whether a client's `if-none-match` names a tag, so that 304 is the answer. A `W/` before the
/// client's tags does not matter; the tag's own does, and so does the case of that `W`. Tags with
/// commas inside never match: [`etag`] makes none.
#[must_use]
pub fn matches_if_none_match(headers: &HeaderMap, tag: &str) -> bool {
    let tag = tag.trim();
    let lists = headers.get_all("if-none-match").iter();
    let mut candidates = lists.flat_map(|list| list.split(',')).map(str::trim);
    !tag.is_empty()
        && candidates.any(|candidate| {
            candidate == "*" || candidate.strip_prefix("W/").unwrap_or(candidate).trim() == tag
        })
}

/// As [`matches_if_none_match`], by the weak comparison of RFC 9110 §8.8.3.2: no `W/` matters, on
/// neither side, and commas inside of quotes belong to the tag.
#[must_use]
pub fn matches_if_none_match_weakly(headers: &HeaderMap, tag: &str) -> bool {
    let tag = opaque(tag.trim());
    let lists = headers.get_all("if-none-match").iter();
    let mut candidates = lists.flat_map(entity_tags);
    !tag.is_empty() && candidates.any(|candidate| candidate == "*" || opaque(candidate) == tag)
}

/// The names of a `vary` field with those of `add`: in lower case, each once, sorted.
#[must_use]
pub fn vary(existing: &[String], add: &[&str]) -> Vec<String> {
    let lists = existing.iter().map(String::as_str).chain(add.iter().copied());
    let names = lists.flat_map(|list| list.split(',')).map(|name| name.trim().to_ascii_lowercase());
    let mut names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// A tag without the mark of a weak one.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").or_else(|| tag.strip_prefix("w/")).unwrap_or(tag)
}

/// The members of a list of entity tags.
fn entity_tags(list: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let members = list.split(move |c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    members.map(str::trim).filter(|member| !member.is_empty())
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn asked(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| ("If-None-Match", value.to_string())).collect()
    }

    #[test]
    fn caches_are_told_seconds() {
        let isr = |revalidate, stale| {
            cache_control_isr(Duration::from_millis(revalidate), Duration::from_secs(stale))
        };
        assert_eq!(isr(60_999, 0), "public, max-age=0, s-maxage=60");
        assert_eq!(isr(0, 10), "public, max-age=0, s-maxage=0, stale-while-revalidate=10");
    }

    #[test]
    fn a_tag_is_the_bodys_digest() {
        let empty = "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"";
        assert_eq!(etag(b""), empty);
    }

    #[test]
    fn tags_match_exactly_but_for_the_clients_weak_mark() {
        for hit in ["*", "\"v1\"", "W/\"v1\"", "W/ \"v1\"", "\"v0\" , \"v1\"", ",,\"v1\""] {
            assert!(matches_if_none_match(&asked(&["x", hit]), " \"v1\" "), "{hit}");
        }
        for miss in ["", "w/\"v1\"", "v1", "\"V1\"", "W/W/\"v1\"", "\"v\",1"] {
            assert!(!matches_if_none_match(&asked(&[miss]), "\"v1\""), "{miss}");
        }
        assert!(!matches_if_none_match(&asked(&["*"]), " "));
        assert!(!matches_if_none_match(&asked(&["W/\"v1\""]), "W/\"v1\""));
        assert!(!matches_if_none_match(&asked(&["\"a,b\""]), "\"a,b\""));
    }

    #[test]
    fn weak_comparison_reads_tags_as_such() {
        for (list, tag) in [
            ("W/\"v1\"", "W/\"v1\""),
            ("\"x\", w/\"v1\"", "\"v1\""),
            ("\"a,b\"", "\"a,b\""),
            ("*", "\"v1\""),
        ] {
            assert!(matches_if_none_match_weakly(&asked(&[list]), tag), "{list} {tag}");
        }
        assert!(!matches_if_none_match_weakly(&asked(&["\"a,b\""]), "b\""));
        assert!(!matches_if_none_match_weakly(&asked(&["*"]), ""));
    }

    #[test]
    fn varied_names_are_merged() {
        let existing = ["B".to_string(), "a".to_string()];
        assert_eq!(vary(&existing, &["A", " c , ,"]), ["a", "b", "c"]);
        assert_eq!(vary(&["*".into()], &["b"]), ["*", "b"]);
    }
}
