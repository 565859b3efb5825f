//! The test kit: applications read what its builders put into events, time passes in the order of
//! the sleepers, and recordings are replayed.

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use std::sync::Arc;

use apptheory::clock::Clock as _;
use apptheory::events::LambdaEvent;
use apptheory::http::{Request, UriPath};
use apptheory::layer::{FaultPlan, Faulty, Recording, Replay};
use apptheory::percent;
use apptheory::store::transcript::Transcript;
use apptheory::store::{self, Store};
use apptheory::testkit::{TestApp, TestEnv, TestRequest, Via, requests};
use apptheory::time::Timestamp;
use apptheory::{App, RateLimit};
use apptheory_proptests::cases;
use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::sample::select;

/// A request.
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
        let request = requests::request(&self.method, &self.path).via(self.via);
        let queried =
            |request: TestRequest, (name, value): &(String, String)| request.query(name, value);
        let request = self.query.iter().fold(request, queried);
        let headed =
            |request: TestRequest, (name, value): &(String, String)| request.header(name, value);
        let request = self.headers.iter().fold(request, headed);
        let given =
            |request: TestRequest, (name, value): &(String, String)| request.cookie(name, value);
        let request = self.cookies.iter().fold(request, given);
        let request = request.body(self.body.clone()).from_address(self.address);
        if self.is_base64 { request.base64() } else { request }
    }

    fn path(&self) -> UriPath {
        let slash = if self.path.starts_with('/') { "" } else { "/" };
        let path = format!("{slash}{}", self.path);
        match self.via {
            // These decode a path before they send it.
            Via::HttpApi | Via::HttpApiV1 => UriPath::from_decoded(&percent::decode(&path)),
            Via::FunctionUrl
            | Via::RestApi
            | Via::LoadBalancer
            | Via::VpcLattice
            | Via::VpcLatticeV1 => UriPath::from_encoded(&path),
        }
    }

    fn values<'w>(all: &'w [(String, String)], name: &str) -> Vec<&'w str> {
        let named = all.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
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
    #![proptest_config(cases(256))]

    #[test]
    fn requests_are_read_as_they_were_written(written in written()) {
        let event = written.build().event().to_string();
        let LambdaEvent::Http(read) = LambdaEvent::read(&event).expect("an event") else {
            panic!("no request: {event}")
        };
        prop_assert_eq!(read.source, written.via.source());
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
            let mut values = Written::values(&written.query, &name);
            if written.via == Via::VpcLatticeV1 {
                // It has one value for each name.
                values.drain(..values.len().saturating_sub(1));
            }
            prop_assert_eq!(request.query.get_all(&name), values, "{}", name);
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
        let verified = match written.via {
            Via::LoadBalancer | Via::VpcLattice | Via::VpcLatticeV1 => String::new(),
            Via::FunctionUrl | Via::HttpApi | Via::HttpApiV1 | Via::RestApi => {
                IpAddr::V4(written.address).to_string()
            }
        };
        prop_assert_eq!(request.source_provenance.source_ip(), verified);
    }

    #[test]
    fn everybody_wakes_at_an_instant_of_their_own(
        sleeps in prop::collection::vec(0_u64..10_000_000_000_000, 1..20),
    ) {
        let app = TestApp::within(TestEnv::at(Timestamp::UNIX_EPOCH), |_| App::new());
        let clock = app.clock();
        let woken = app.run(join_all(sleeps.iter().map(|nanos| {
            let clock = clock.clone();
            let nanos = Duration::from_nanos(*nanos);
            async move { tokio::spawn(async move { clock.sleep(nanos).await }).await.expect("no panic") }
        })));
        let woken: Vec<_> = woken.iter().map(|at| at.unix_nanos()).collect();
        let expected: Vec<_> = sleeps.iter().map(|nanos| i128::from(*nanos)).collect();
        prop_assert_eq!(woken, expected);
        prop_assert_eq!(clock.now().unix_nanos(), i128::from(*sleeps.iter().max().expect("one")));
    }

    #[test]
    fn a_recording_is_answered_again(
        requests in prop::collection::vec((0_u8..3, 0_u64..40), 1..12),
        faults in prop::collection::btree_set(1_u64..12, 0..4),
    ) {
        let asked = |app: &TestApp| -> Vec<_> {
            let ask = |(caller, seconds): &(u8, u64)| {
                app.advance(Duration::from_secs(*seconds));
                let answer = app.get("/").from_address([192, 0, 2, *caller]).send();
                (answer.status(), answer.text().to_owned(), answer.header("retry-after").to_owned())
            };
            requests.iter().map(ask).collect()
        };
        let plan = faults.iter().fold(FaultPlan::default(), |plan, nth| {
            plan.fail(*nth, store::Error::Throttled)
        });
        let env = TestEnv::new().layer(|store| Faulty::new(store, plan));
        let recording = Arc::new(Recording::new(env.store().clone()));
        let production = TestApp::within(env.layer(|_| Arc::clone(&recording)), limited);
        let answers = asked(&production);

        let file = recording.transcript().to_json().to_string();
        let file = serde_json::from_str(&file).expect("JSON");
        let replay = Arc::new(Replay::new(Transcript::from_json(&file).expect("a transcript")));
        let test = TestApp::within(TestEnv::new().layer(|_| Arc::clone(&replay)), limited);
        prop_assert_eq!(asked(&test), answers);
        prop_assert_eq!(replay.finish(), Ok(()));
    }
}

fn limited(store: &Store) -> App {
    let limit = RateLimit::per_minute(3).fail_closed().on(store);
    App::new().get("/", async || "hello").layer(limit)
}
