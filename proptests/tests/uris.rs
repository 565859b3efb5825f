//! Paths and queries against independent models: the crates `percent-encoding` and
//! `form_urlencoded`, which implement the browsers' rules.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::BTreeMap;

use apptheory::events::HttpSource;
use apptheory::http::router::{Lookup, RouteTable};
use apptheory::http::{MultiMap, QueryString, UriPath};
use apptheory_proptests::cases;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// The characters that a path cannot contain unescaped: RFC 3986 §3.3 without `%`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'/');

/// Generates texts with valid and malformed escapes, and with characters that readers trim, cut or
/// resolve.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "%[0-9a-fA-F]{2}",
        "%(2[fF]|2[eE]|41|7[eE]|25|00|20|[cC]3%[aA]9|[fF]0)",
        "[%/?#&=+;.~ a-z\\\\\u{a0}\u{3000}é\n-]{1,3}",
        "\\PC{1,3}",
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// Generates a spelling of a text in which any character may be escaped, in either case.
fn spelled(text: &'static str) -> impl Strategy<Value = String> {
    prop::collection::vec(0_u8..4, text.len()).prop_map(move |how| {
        let spell = |(byte, how): (u8, u8)| match how {
            0 => format!("%{byte:02X}"),
            1 => format!("%{byte:02x}"),
            _ => char::from(byte).to_string(),
        };
        text.bytes().zip(how).map(spell).collect()
    })
}

fn bytes(text: &str) -> Vec<u8> {
    percent_decode_str(text).collect()
}

/// Returns the text of a path, with its leading slash.
fn rooted(text: &str) -> String {
    if text.starts_with('/') { text.to_owned() } else { format!("/{text}") }
}

fn grouped<'a>(
    pairs: impl Iterator<Item = (impl Into<String>, impl Into<String>)> + 'a,
) -> MultiMap {
    let mut map: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in pairs {
        map.entry(name.into()).or_default().push(value.into());
    }
    map.into_iter().collect()
}

fn path_of(source: HttpSource, event: &Json) -> UriPath {
    source.read_request(&event.to_string()).unwrap().normalize(None).unwrap().path
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn a_path_has_one_normal_form_and_means_what_was_sent(text in text()) {
        let path = UriPath::from_encoded(&text);
        prop_assert_eq!(&UriPath::from_encoded(&path), &path);
        // Exactly the characters that need an escape have one.
        let mut again = String::new();
        let mut rest = path.as_str();
        while let Some((before, escape)) = rest.split_once('%') {
            let (digits, after) = escape.split_at(2);
            prop_assert!(digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F')));
            let byte = u8::from_str_radix(digits, 16).unwrap();
            prop_assert!(!byte.is_ascii_alphanumeric() && !b"-._~".contains(&byte));
            again.push_str(before);
            rest = after;
        }
        again.push_str(rest);
        prop_assert_eq!(utf8_percent_encode(&again, ESCAPED).to_string(), again);
        // Nothing is lost, and separators still separate.
        let sent = rooted(&text);
        prop_assert_eq!(bytes(&path), bytes(&sent));
        for reserved in "/!$&'()*+,;=:@".chars() {
            prop_assert_eq!(path.matches(reserved).count(), sent.matches(reserved).count());
        }
    }

    #[test]
    fn spellings_of_a_path_are_one_path(spelled in spelled("aZ9-._~")) {
        let path = UriPath::from_encoded(&spelled);
        prop_assert_eq!(path.as_str(), "/aZ9-._~");
    }

    #[test]
    fn a_decoded_path_is_encoded_once(text in text()) {
        let path = UriPath::from_decoded(&text);
        let model = utf8_percent_encode(&rooted(&text), ESCAPED).to_string();
        prop_assert_eq!(path.as_str(), &model);
        prop_assert_eq!(&UriPath::from_encoded(&path), &path);
        prop_assert_eq!(percent_decode_str(&path).decode_utf8().unwrap(), rooted(&text));
    }

    #[test]
    fn every_provider_hands_over_the_same_segment(segment in "[^/]{1,12}") {
        let sent = format!("/p/{}", utf8_percent_encode(&segment, NON_ALPHANUMERIC));
        let decoded = format!("/p/{segment}");
        let mut router = RouteTable::new();
        router.insert("GET", "/p/{segment}", ()).unwrap();
        for (source, event) in [
            (HttpSource::ApiGatewayV2, json!({"rawPath": decoded})),
            (HttpSource::ApiGatewayV1, json!({"version": "1.0", "path": decoded})),
            (HttpSource::ApiGatewayV1, json!({"path": sent})),
            (HttpSource::FunctionUrl, json!({"rawPath": sent})),
            (HttpSource::Alb, json!({"path": sent})),
            (HttpSource::VpcLatticeV1, json!({"raw_path": sent})),
            (HttpSource::VpcLatticeV2, json!({"path": sent})),
        ] {
            let path = path_of(source, &event);
            let Lookup::Found(found) = router.look_up("GET", &path) else { panic!("{path}") };
            prop_assert_eq!(found.params().next().unwrap().decoded(), &*segment);
        }
    }

    #[test]
    fn a_guarded_path_is_reached_by_its_spellings_alone(
        path in prop_oneof![
            spelled("/admin"),
            ("[ /.%\u{a0}\u{3000}\n]?", spelled("/admin"), "[ /?;#.%\u{a0}\u{3000}\n]?")
                .prop_map(|(before, path, after)| format!("{before}{path}{after}")),
            text().prop_map(|text| format!("/public/{text}/admin")),
            text().prop_map(|text| format!("/admin{text}")),
        ],
    ) {
        let mut router = RouteTable::new();
        router.insert("GET", "/admin", ()).unwrap();
        let found = matches!(
            router.look_up("GET", &UriPath::from_encoded(&path)),
            Lookup::Found(_)
        );
        let path = rooted(&path);
        prop_assert_eq!(found, bytes(&path) == b"/admin" && path.starts_with('/')
            && path.matches('/').count() == 1 && !path.to_ascii_uppercase().contains("%2F"));
    }

    #[test]
    fn queries_are_read_and_written_as_browsers_do(raw in text()) {
        let query = QueryString::parse(&*raw);
        let model = grouped(form_urlencoded::parse(raw.as_bytes()));
        prop_assert_eq!(query.parameters(), &model);
        prop_assert_eq!(query.raw(), &raw);

        let mut written = form_urlencoded::Serializer::new(String::new());
        for (name, values) in model.iter() {
            written.extend_pairs(values.iter().map(|value| (name, value)));
        }
        let query = QueryString::from(model.clone());
        prop_assert_eq!(query.raw(), written.finish());
        let again = QueryString::parse(query.raw());
        prop_assert_eq!(again.parameters(), &model);
    }

    #[test]
    fn a_load_balancers_query_reads_as_one_that_was_not_split(
        names in prop::collection::vec(text(), 0..4),
        values in prop::collection::vec(text(), 4),
    ) {
        let names = names.iter().map(|name| name.replace(['&', '='], "-"));
        let values = values.iter().map(|value| value.replace('&', "-"));
        let pairs: Vec<_> = names.zip(values).collect();
        let raw: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let event = json!({"multiValueQueryStringParameters": grouped(pairs.into_iter())});
        let event = event.to_string();
        let request = HttpSource::Alb.read_request(&event).unwrap().normalize(None).unwrap();
        // For a name in two spellings, the provider loses the order of the values.
        let sorted = |parameters: &MultiMap| {
            let mut pairs: Vec<_> = parameters
                .iter()
                .flat_map(|(name, values)| values.iter().map(move |v| (name.to_owned(), v.to_owned())))
                .collect();
            pairs.sort();
            pairs
        };
        let expected = sorted(QueryString::parse(raw.join("&")).parameters());
        prop_assert_eq!(sorted(&request.query), expected.clone());
        prop_assert_eq!(sorted(QueryString::parse(&*request.raw_query).parameters()), expected);
    }
}
