//! The test kit: what its builders put into events is what applications read of them.

use core::net::{IpAddr, Ipv4Addr};

use apptheory::events::{HttpSource, LambdaEvent};
use apptheory::http::{Request, UriPath};
use apptheory::percent;
use apptheory::testkit::{TestRequest, Via, requests};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::FileFailurePersistence;

/// A request, as somebody wrote it.
#[derive(Clone, Debug)]
struct Written {
    via: Via,
    method: String,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    cookies: Vec<(String, String)>,
    body: Vec<u8>,
    is_base64: bool,
    address: Ipv4Addr,
}

impl Written {
    fn build(&self) -> TestRequest {
        let pairs = |pairs: &[(String, String)]| pairs.to_vec().into_iter();
        let request = requests::request(&self.method, &self.path).via(self.via);
        let request =
            pairs(&self.query).fold(request, |request, (name, value)| request.query(&name, &value));
        let request = pairs(&self.headers)
            .fold(request, |request, (name, value)| request.header(&name, &value));
        let request = pairs(&self.cookies)
            .fold(request, |request, (name, value)| request.cookie(&name, &value));
        let request = request.body(self.body.clone()).from_address(self.address);
        if self.is_base64 { request.base64() } else { request }
    }

    fn path(&self) -> UriPath {
        let slash = if self.path.starts_with('/') { "" } else { "/" };
        let path = format!("{slash}{}", self.path);
        match self.via {
            // These decode a path before they hand it over.
            Via::HttpApi | Via::HttpApiV1 => UriPath::from_decoded(&percent::decode(&path)),
            Via::FunctionUrl | Via::RestApi | Via::LoadBalancer => UriPath::from_encoded(&path),
        }
    }

    fn values<'w>(all: &'w [(String, String)], name: &str) -> Vec<&'w str> {
        let named = all.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }
}

fn source(via: Via) -> HttpSource {
    match via {
        Via::FunctionUrl => HttpSource::FunctionUrl,
        Via::HttpApi => HttpSource::ApiGatewayV2,
        Via::HttpApiV1 | Via::RestApi => HttpSource::ApiGatewayV1,
        Via::LoadBalancer => HttpSource::Alb,
    }
}

fn written() -> impl Strategy<Value = Written> {
    let pairs = |names: &'static [&'static str], value: &'static str| {
        prop::collection::vec((select(names).prop_map(str::to_owned), value), 0..5)
    };
    (
        select(&Via::ALL),
        select(vec!["GET", "post", "PURGE"]).prop_map(str::to_owned),
        "/?([a-zé.~]|%20|%2F|%c3%a9|%zz|//){0,8}",
        pairs(&["a", "b&c", "é=", " ", "+"], "[ -~é]{0,6}"),
        pairs(&["x-one", "X-Two", "x-two", "accept"], "[!-~]{1,6}"),
        prop::collection::vec(("[a-c]", "[a-z0-9]{0,4}"), 0..4),
        prop_oneof![any::<Vec<u8>>(), "\\PC{0,9}".prop_map(String::into_bytes)],
        any::<bool>(),
        any::<[u8; 4]>(),
    )
        .prop_map(|(via, method, path, query, headers, cookies, body, is_base64, address)| {
            let address = Ipv4Addr::from(address);
            Written { via, method, path, query, headers, cookies, body, is_base64, address }
        })
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource(
            "proptest-regressions",
        ))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn requests_are_read_as_they_were_written(written in written()) {
        let event = written.build().event().to_string();
        let LambdaEvent::Http(read) = LambdaEvent::read(&event).expect("an event") else {
            panic!("no request: {event}")
        };
        prop_assert_eq!(read.source, source(written.via));
        let request: Request = read.request.normalize(None).expect("a request");

        prop_assert_eq!(&request.method, &written.method.to_ascii_uppercase());
        prop_assert_eq!(&request.path, &written.path());
        let names = |all: &[(String, String)]| {
            let mut names: Vec<_> = all.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
            names.sort();
            names.dedup();
            names
        };
        for name in names(&written.query) {
            let values = Written::values(&written.query, &name);
            prop_assert_eq!(request.query.get_all(&name), &values, "{}", name);
        }
        prop_assert_eq!(request.query.len(), names(&written.query).len());

        for name in names(&written.headers) {
            let values = Written::values(&written.headers, &name);
            let read = request.headers.get_all(&name).join(",");
            prop_assert_eq!(read, values.join(","), "{}", name);
        }
        for (name, _) in &written.cookies {
            let last = Written::values(&written.cookies, name).last().copied();
            prop_assert_eq!(request.cookies.get(name), last, "{}", name);
        }
        prop_assert_eq!(request.cookies.len(), names(&written.cookies).len());

        prop_assert_eq!(&request.body, &written.body);
        let vouched = match written.via {
            Via::LoadBalancer => String::new(),
            Via::FunctionUrl | Via::HttpApi | Via::HttpApiV1 | Via::RestApi => {
                IpAddr::V4(written.address).to_string()
            }
        };
        prop_assert_eq!(request.source_provenance.source_ip(), vouched);
    }
}
