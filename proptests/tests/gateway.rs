//! Endpoints have at most one normal form, hosts outside AWS have no region, and replies preserve
//! the outcome that they were made from.

use apptheory::gateway::{
    self, BroadcastReport, ConnectionOperation, ConnectionReply, ErrorKind, MAX_DATA_BYTES,
    RegionSource, RegionSources, RequestBase, event_endpoint, normalize_endpoint, region_from_host,
};
use apptheory_proptests::cases;
use proptest::prelude::*;
use proptest::sample::select;

/// Generates texts that are almost endpoints.
fn endpoint() -> impl Strategy<Value = String> {
    let scheme = select(vec!["", "https://", "HTTP://", "wss://", "Ws://", "ftp://", "//", "wss:"]);
    let host = prop_oneof![
        select(vec![
            "e.com",
            "A.B",
            "[::1]",
            "[x]",
            "::1",
            "",
            "u:p@e.com",
            "a.execute-api.eu-west-1.amazonaws.com"
        ])
        .prop_map(str::to_owned),
        "\\PC{0,4}",
    ];
    let port = select(vec!["", ":", ":443", ":0443", ":80", ":8443", ":0", ":65536", ":x"]);
    let rest = "[/a@?# \\\\]{0,5}(/@connections)?(/[a-c/]{0,4})?[?#]?";
    let made = (scheme, host, port, rest)
        .prop_map(|(scheme, host, port, rest)| format!("{scheme}{host}{port}{rest}"));
    prop_oneof![4 => made, 1 => "\\PC{0,12}", 1 => "[a:/.@ \t\u{feff}\u{a0}]{0,8}"]
}

fn label() -> impl Strategy<Value = String> {
    let known = ["execute-api", "execute-api-fips", "us-east-1", "cn-north-1", "amazonaws", "com"];
    let more = ["api", "aws", "vpce", "a", "", "cn", "c2s", "ic", "gov", "evil"];
    select([&known[..], &more[..]].concat()).prop_map(str::to_owned)
}

/// The domains of API Gateway's hosts.
const AWS: [&str; 14] = [
    "amazonaws.com",
    "api.aws",
    "amazonaws.com.cn",
    "api.amazonwebservices.com.cn",
    "amazonaws.eu",
    "api.amazonwebservices.eu",
    "c2s.ic.gov",
    "api.aws.ic.gov",
    "sc2s.sgov.gov",
    "api.aws.scloud",
    "cloud.adc-e.uk",
    "api.cloud-aws.adc-e.uk",
    "csp.hci.ic.gov",
    "api.aws.hci.ic.gov",
];

fn kind() -> impl Strategy<Value = ErrorKind> {
    let service = (select(vec![400_u16, 404, 409, 500, 503]), "[A-Z][a-z]{0,8}Exception")
        .prop_map(|(status, code)| ErrorKind::Service { status, code });
    let known = select(vec![
        ErrorKind::Gone,
        ErrorKind::Forbidden,
        ErrorKind::LimitExceeded,
        ErrorKind::PayloadTooLarge,
    ]);
    prop_oneof![known, service]
}

proptest! {
    #![proptest_config(cases(1024))]

    #[test]
    fn an_endpoint_normalizes_to_one_base_url_or_is_refused(endpoint in endpoint()) {
        let _ = normalize_endpoint(&endpoint);
        match RequestBase::parse(&endpoint) {
            Ok(base) => {
                let text = base.as_str();
                prop_assert!(text.starts_with("https://") || text.starts_with("http://"));
                prop_assert!(!text.ends_with('/') && !text.contains(['?', '#', '\\']));
                prop_assert!(!text.contains(char::is_whitespace));
                prop_assert!(!base.host().is_empty() && !base.host().contains(['@', '/']));
                prop_assert!(base.path().split('/').all(|segment| segment != "@connections"));
                prop_assert_eq!(RequestBase::parse(text), Ok(base.clone()));
            }
            Err(error) => prop_assert!(
                matches!(error.kind(), ErrorKind::MissingEndpoint | ErrorKind::InvalidEndpoint)
            ),
        }
    }

    #[test]
    fn the_spelling_of_scheme_and_host_does_not_matter(
        host in "[a-z]{1,5}\\.[a-z]{2,3}",
        path in "(/[A-Za-z]{1,3}){0,2}",
        slashes in "/{0,3}",
    ) {
        let plain = RequestBase::parse(&format!("https://{host}{path}"));
        let upper = host.to_uppercase();
        for other in [
            format!("{host}{path}{slashes}"),
            format!(" WSS://{upper}:443{path}{slashes}?x=1 "),
            format!("//{upper}{path}{slashes}@connections/a"),
        ] {
            let is_inner = other.contains("@connections") && slashes.is_empty();
            prop_assert!(is_inner || RequestBase::parse(&other) == plain, "{}", other);
        }
    }

    #[test]
    fn an_events_endpoint_leads_to_its_domain(
        domain in endpoint(),
        stage in "[/a ]{0,3}",
        path in "[/a?# ]{0,4}",
    ) {
        if let Some(endpoint) = event_endpoint(&domain, &stage, &path) {
            prop_assert!(endpoint.starts_with("https://") && !endpoint.contains(['?', '#']));
            let host = endpoint.trim_start_matches("https://").split('/').next();
            prop_assert!(domain.contains(host.unwrap_or_default()));
        }
    }

    #[test]
    fn no_host_outside_aws_has_a_region(
        labels in prop::collection::vec(label(), 0..8),
        domain in select(AWS.to_vec()),
        evil in "\\.[a-z]{1,4}",
    ) {
        let host = labels.join(".");
        let within = |host: &str| AWS.iter().any(|aws| host.ends_with(&format!(".{aws}")));
        prop_assert!(region_from_host(&host).is_none() || within(&host));
        let outside = format!("{host}.{domain}{evil}");
        prop_assert!(region_from_host(&outside).is_none() || within(&outside));
        let own = format!("a.execute-api.eu-west-1.{domain}:8443");
        let region = region_from_host(&own);
        prop_assert!(region.is_none() || region.as_deref() == Some("eu-west-1"));
    }

    #[test]
    fn the_first_source_that_is_set_decides_the_region(
        said in prop::array::uniform4(prop::option::of("[ a-z]{0,3}")),
        has_host in any::<bool>(),
    ) {
        let host = if has_host { "a.execute-api.eu-west-1.amazonaws.com" } else { "e.com" };
        let endpoint = RequestBase::parse(host).unwrap();
        let [explicit, aws_region, aws_default_region, profile] = &said;
        let sources = RegionSources {
            explicit: explicit.as_deref(),
            aws_region: aws_region.as_deref(),
            aws_default_region: aws_default_region.as_deref(),
            profile: profile.as_deref(),
            endpoint: Some(&endpoint),
            prefer_endpoint: false,
        };
        let names = said.iter().map(|name| name.as_deref().unwrap_or_default().trim());
        let names: Vec<_> = names.chain(has_host.then_some("eu-west-1")).collect();
        let first = names.iter().position(|name| !name.is_empty());
        match sources.resolve() {
            Ok(region) => {
                let at = first.expect("somebody says it");
                prop_assert_eq!(&region.name, names[at]);
                let sources = [
                    RegionSource::Explicit,
                    RegionSource::Env,
                    RegionSource::Env,
                    RegionSource::Profile,
                    RegionSource::Endpoint,
                ];
                prop_assert_eq!(region.source, sources[at]);
            }
            Err(error) if *error.kind() == ErrorKind::MissingRegion => {
                prop_assert_eq!(first, None);
            }
            Err(error) => {
                prop_assert_eq!(error.kind(), &ErrorKind::InvalidRegion);
                prop_assert!(names[first.expect("somebody says it")].contains(' '));
            }
        }
    }

    #[test]
    fn an_error_reads_back_from_its_reply(kind in kind(), message in "\\PC{0,8}") {
        let operation = ConnectionOperation::DeleteConnection;
        let error = gateway::Error::new(operation, kind.clone()).with_message(&*message);
        let read = ConnectionReply::of_error(&error).read(operation).unwrap_err();
        prop_assert_eq!(&read, &error);
        prop_assert_eq!(read.to_string(), error.to_string());
        prop_assert_eq!(read.is_gone(), kind == ErrorKind::Gone);
        prop_assert!(!(read.is_gone() && read.is_retryable()));
    }

    #[test]
    fn a_report_accounts_for_everybody(
        connections in prop::collection::vec(0..3_u8, 0..8),
    ) {
        let id = |(at, _): (usize, &u8)| at.to_string();
        let mut report = BroadcastReport::default();
        for connection in connections.iter().enumerate() {
            let failed = |kind| Err(gateway::Error::new(ConnectionOperation::PostToConnection, kind));
            report.note(id(connection), match connection.1 {
                0 => Ok(()),
                1 => failed(ErrorKind::Gone),
                _ => failed(ErrorKind::LimitExceeded),
            });
        }
        let in_state = |wanted: u8| {
            let all = connections.iter().enumerate().filter(move |(_, state)| **state == wanted);
            all.map(id).collect::<Vec<_>>()
        };
        prop_assert_eq!(report.delivered, in_state(0).len());
        prop_assert_eq!(report.gone, in_state(1));
        let failed: Vec<_> = report.failed.into_iter().map(|(id, _)| id).collect();
        prop_assert_eq!(failed, in_state(2));
    }
}

#[test]
fn data_is_sent_up_to_the_limit() {
    for (length, fits) in [(0, true), (MAX_DATA_BYTES, true), (MAX_DATA_BYTES + 1, false)] {
        let post = ConnectionOperation::PostToConnection;
        assert_eq!(post.check("a", &vec![0; length]).is_ok(), fits);
    }
}
