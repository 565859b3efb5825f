//! HTTP caching: the headers `cache-control`, `etag` and `vary`, and conditional requests.
//!
//! ```
//! use apptheory_core::http::{HeaderMap, cache};
//!
//! let tag = cache::etag(b"hello");
//! let tags = format!("W/{tag}, \"other\"");
//! let headers: HeaderMap = [("if-none-match", tags)].into_iter().collect();
//! assert!(cache::matches_if_none_match(&headers, &tag));
//! let vary = cache::vary(&["Origin".into()], &["accept-encoding"]);
//! assert_eq!(vary, ["accept-encoding", "origin"]);
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

/// `cache-control` of pages that only change with deployments: shared caches keep them for a year
/// (31,536,000 seconds), and deployments purge those caches.
pub const CACHE_CONTROL_SSG: &str = "public, max-age=0, s-maxage=31536000";

/// Returns the `cache-control` of pages that shared caches revalidate after `revalidate`, and may
/// serve stale for `stale` after that. In whole seconds, rounded down.
#[must_use]
pub fn cache_control_isr(revalidate: Duration, stale: Duration) -> String {
    let mut text = format!("public, max-age=0, s-maxage={}", revalidate.as_secs());
    if stale.as_secs() > 0 {
        text.push_str(&format!(", stale-while-revalidate={}", stale.as_secs()));
    }
    text
}

/// Returns the strong entity tag of a body: its SHA-256 in quotes.
#[must_use]
pub fn etag(body: &[u8]) -> String {
    let mut tag = String::from("\"");
    push_hex(&mut tag, &Sha256::digest(body));
    tag.push('"');
    tag
}

/// Returns whether a client's `if-none-match` contains a tag, so that the response is 304. Ignores
/// an upper-case `W/` before the client's tags, but not before `tag`. Tags that contain commas
/// never match; [`etag`] creates none.
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

/// Returns whether `if-none-match` contains a tag, by the weak comparison of RFC 9110 §8.8.3.2:
/// `W/` is ignored on both sides, and commas inside quotes belong to the tag.
#[must_use]
pub fn matches_if_none_match_weakly(headers: &HeaderMap, tag: &str) -> bool {
    let tag = opaque(tag.trim());
    let lists = headers.get_all("if-none-match").iter();
    let mut candidates = lists.flat_map(entity_tags);
    !tag.is_empty() && candidates.any(|candidate| candidate == "*" || opaque(candidate) == tag)
}

/// Returns the names of a `vary` header with those of `add`: in lower case, sorted, without
/// duplicates.
#[must_use]
pub fn vary(existing: &[String], add: &[&str]) -> Vec<String> {
    let lists = existing.iter().map(String::as_str).chain(add.iter().copied());
    let names = lists.flat_map(|list| list.split(',')).map(|name| name.trim().to_ascii_lowercase());
    let mut names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Returns a tag without the mark of a weak tag.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").or_else(|| tag.strip_prefix("w/")).unwrap_or(tag)
}

/// Yields the tags of a list of entity tags.
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
    fn cache_control_is_written_in_whole_seconds() {
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
