//! Rate limits around handlers: what they count, for whom, and their responses.

use core::num::NonZeroU32;
use core::time::Duration;
use std::sync::{Arc, Mutex};

use apptheory_core::error::AppError;
use apptheory_core::http::exchange::{Access, Principal, TenantSource};
use apptheory_core::http::{Provider, RawRequest, SourceProvenance};
use apptheory_core::limiter::{Decision, FixedWindow, Limiter, TokenBucket};
use serde_json::json;

use super::{builder, clock, get, serve, text};
use crate::app::*;
use crate::clock::VirtualClock;
use crate::limiter::RateLimiter;
use crate::store::{MemoryStore, Store};

/// Builds an application that `limited` assembles, and its clock.
fn limited(limited: impl FnOnce(App, RateLimit) -> App, limit: i64) -> (AppService, VirtualClock) {
    let clock = clock();
    let limiter = Limiter::fail_closed(FixedWindow::new(Duration::from_secs(60), limit).unwrap());
    let store = Store::builder().clock(clock.clone()).memory();
    let limit = RateLimit::new(RateLimiter::new(limiter.build(), &store));
    (limited(builder(&clock), limit).build().unwrap(), clock)
}

/// Returns a request from an address that its provider verifies.
fn from<'a>(address: &str, path: &str, fields: &[(&str, &str)]) -> RawRequest<'a> {
    let mut request = get(path);
    request.source_provenance = SourceProvenance::verified(Provider::FunctionUrl, address);
    for (name, value) in fields {
        request.headers.append(*name, *value);
    }
    request
}

#[test]
fn the_rate_limit_counts_and_says_so() {
    let (app, clock) = limited(
        |app, limit| {
            let handler =
                async |Extension(decision): Extension<Decision>| format!("{:?}", decision.count);
            app.layer(limit).get("/orders/{id}", handler).route("HEAD", "/orders/{id}", handler)
        },
        2,
    );
    let call = |path: &str| serve(&app, &clock, from("192.0.2.1", path, &[]));
    let (first, second, third) = (call("/orders/1"), call("/orders/%32"), call("/orders/3"));
    assert_eq!((text(&first), text(&second)), ("Some(1)", "Some(2)"));
    assert_eq!(first.headers.first("x-ratelimit-remaining"), "1");
    assert_eq!(third.status, 429);
    assert!(!third.headers.first("retry-after").is_empty());
    assert!(text(&third).contains(r#""code":"app.rate_limited","message":"rate limited""#));
    // Another window by the store's clock, whatever the real time is.
    clock.advance(Duration::from_secs(60));
    assert_eq!(text(&call("/orders/4")), "Some(1)");
    let head = RawRequest { method: "HEAD".into(), ..from("192.0.2.1", "/orders/5", &[]) };
    assert_eq!(serve(&app, &clock, head).status, 200);
    assert_eq!(call("/orders/6").status, 429);
}

#[test]
fn the_inner_of_nested_limits_sets_the_headers_and_a_failed_store_refuses() {
    let clock = clock();
    let limiter =
        |limit| Limiter::fail_closed(FixedWindow::new(Duration::from_secs(60), limit).unwrap());
    let store = Store::builder().clock(clock.clone()).memory();
    let (wide, narrow) = (limiter(10).table_name("wide").build(), limiter(2).build());
    let app = builder(&clock)
        .layer(RateLimit::new(RateLimiter::new(wide, &store)).shared())
        .layer(RateLimit::new(RateLimiter::new(narrow.clone(), &store)).shared())
        .get("/{path+}", async || Err::<(), _>(AppError::conflict("c")))
        .build()
        .unwrap();
    let response = serve(&app, &clock, get("/a"));
    assert_eq!((response.status, response.headers.get_all("x-ratelimit-limit").len()), (409, 1));
    assert_eq!(response.headers.first("x-ratelimit-limit"), "2");

    let no_table = Store::builder().clock(clock.clone()).executor(MemoryStore::new(clock.clone()));
    let no_table = RateLimiter::new(narrow, &no_table);
    let app = builder(&clock)
        .layer(RateLimit::new(no_table).shared())
        .get("/", async || "never")
        .build()
        .unwrap();
    let closed = serve(&app, &clock, get("/"));
    assert_eq!((closed.status, closed.headers.first("x-rate-limit-fail-closed")), (503, "true"));
}

#[test]
fn limits_that_would_share_their_counters_do_not_build() {
    let clock = clock();
    let fixed = |seconds, limit| {
        Limiter::fail_closed(FixedWindow::new(Duration::from_secs(seconds), limit).unwrap())
    };
    let bucket = Limiter::fail_closed(TokenBucket::new(Duration::from_secs(60), 5, 5).unwrap());
    let build = |limiters: Vec<Limiter>| {
        let app = limiters.into_iter().fold(builder(&clock), |app, limiter| {
            app.layer(RateLimit::new(RateLimiter::new(limiter, &Store::memory())))
        });
        app.get("/", async || "never").build().map(drop).map_err(|error| error.to_string())
    };
    let named = |name: &str| fixed(60, 1).named(name).unwrap();
    let error = "route(GET /): a fixed window of 100 per 24h and a fixed window of 15 per 15m share \
                 their counters in the table rate-limits: give them names with `named`, or a table \
                 each; see apptheory::guide::rate_limiting";
    let unnamed = [fixed(86_400, 100).build(), fixed(900, 15).build()];
    assert_eq!(build(unnamed.into()), Err(error.to_owned()));
    let error = build(vec![fixed(60, 1).build(), named("a").build(), bucket.clone().build()]);
    assert!(error.unwrap_err().contains("a token bucket of 5 per 1m with bursts of 5"));
    let error = build(vec![named("a").build(), named("b").build(), named("a").build()]);
    assert!(error.unwrap_err().contains("they have the same name"));
    // The same limiter twice would count every request twice.
    let limiter = named("a").build();
    assert!(build(vec![limiter.clone(), limiter]).is_err());
    let legacy = fixed(60, 1).allow_separator_in_keys().unwrap().build();
    assert!(build(vec![legacy, named("a").build()]).is_err());

    let apart = vec![named("a").build(), named("b").build(), fixed(60, 1).build()];
    assert_eq!(build(apart), Ok(()));
    let elsewhere = bucket.table_name("others").build();
    assert_eq!(build(vec![fixed(60, 1).build(), elsewhere]), Ok(()));
}

#[test]
fn clients_do_not_choose_their_counters() {
    let (app, clock) = limited(
        |app, limit| {
            let known = async |context: Context| {
                let user = context.header("x-session");
                Ok((!user.is_empty()).then(|| Principal::new(user)))
            };
            let app = app.authenticate(known).layer(limit);
            app.get("/{path+}", (async || "served").access(Access::Optional))
        },
        3,
    );
    let made_up = |n: u32| {
        let name = n.to_string();
        let fields = [
            ("x-api-key", &*name),
            ("authorization", &*name),
            ("x-tenant-id", &*name),
            ("x-forwarded-for", &*name),
            ("cloudfront-viewer-address", &*name),
        ];
        let mut request = from("192.0.2.1", &format!("/%61{n}"), &fields);
        request.query = apptheory_core::http::QueryString::parse(format!("tenant={name}"));
        serve(&app, &clock, request).status
    };
    let statuses: Vec<u16> = (0..50).map(made_up).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 3);
    // An anonymous client cannot use up the limit of an authenticated caller, even under that name.
    let known =
        |user: &str| serve(&app, &clock, from("192.0.2.2", "/a", &[("x-session", user)])).status;
    let spoofed = from("192.0.2.3", "/a", &[("x-tenant-id", "alice")]);
    assert_eq!(serve(&app, &clock, spoofed).status, 200);
    assert_eq!(
        ["alice", "ip:192.0.2.1", "alice", "alice", "alice"].map(known),
        [200, 200, 200, 200, 429]
    );
}

#[test]
fn clients_are_counted_by_the_verified_address() {
    let (app, clock) = limited(
        |app, limit| {
            let seen = async |context: Context| format!("{:?}", context.client_ip());
            app.layer(limit).get("/", seen)
        },
        1,
    );
    let call = |peer: Option<&str>, verified: &str| {
        let request = from(verified, "/", &[("x-forwarded-for", "192.0.2.9")]);
        let peer = peer.map(|peer| peer.parse().unwrap());
        let invocation = Invocation { peer, ..Invocation::default() };
        clock.run(app.serve(request, invocation))
    };
    // Another port is not another client.
    let first = call(Some("192.0.2.1:1"), "");
    assert_eq!(text(&first), "Some(192.0.2.1)");
    assert_eq!(call(Some("192.0.2.1:2"), "").status, 429);
    // The provider's address counts, not the connection's, which is the provider's own.
    assert_eq!(text(&call(Some("192.0.2.1:1"), "192.0.2.2")), "Some(192.0.2.2)");
    assert_eq!(text(&call(None, "2001:db8:0:1200::1")), "Some(2001:db8:0:1200::1)");
    assert_eq!(call(None, "2001:db8:0:12ff::2").status, 429);
    // A load balancer does not verify addresses, and a warning said so.
    assert_eq!(call(None, "").status, 500);
    assert_eq!(app.warnings(), [BuildWarning::NoCallerBehindLoadBalancer]);
    assert!(app.warnings()[0].to_string().contains("trusting_forwarded(hops)"));
}

#[test]
fn a_limit_behind_a_load_balancer_counts_by_trusted_hops_or_is_shared() {
    let forwarded = |list: &str| from("", "/", &[("x-forwarded-for", list)]);
    let (app, clock) =
        limited(|app, limit| app.layer(limit.trusting_forwarded(1)).get("/", async || "served"), 1);
    assert!(app.warnings().is_empty());
    for (list, status) in
        [("1.1.1.1, 192.0.2.1", 200), ("2.2.2.2, 192.0.2.1", 429), ("192.0.2.2", 200), ("x", 500)]
    {
        assert_eq!(serve(&app, &clock, forwarded(list)).status, status, "{list}");
    }
    let (app, clock) =
        limited(|app, limit| app.layer(limit.shared()).get("/", async || "served"), 1);
    assert!(app.warnings().is_empty());
    assert_eq!(serve(&app, &clock, forwarded("192.0.2.1")).status, 200);
    assert_eq!(serve(&app, &clock, forwarded("192.0.2.2")).status, 429);
}

#[test]
fn a_line_is_a_limit_and_one_that_cannot_work_does_not_build() {
    let clock = clock();
    let store = Store::builder().clock(clock.clone()).env(|_| None).memory();
    let app = |limit: RateLimit| builder(&clock).layer(limit).get("/", async || "served");
    let serves = |app: &AppService, statuses: &[u16]| {
        for status in statuses {
            assert_eq!(serve(app, &clock, from("192.0.2.1", "/", &[])).status, *status);
        }
    };
    let bucket = app(RateLimit::per_minute(60).burst(2).fail_closed().on(&store)).build().unwrap();
    serves(&bucket, &[200, 200, 429]);
    clock.advance(Duration::from_secs(1));
    serves(&bucket, &[200, 429]);
    // A named limit has separate counters.
    let fixed = RateLimit::fixed(1, Duration::from_secs(60)).named("other").fail_closed();
    serves(&app(fixed.on(&store)).build().unwrap(), &[200, 429]);

    let sliding = RateLimit::sliding(5, Duration::from_millis(1_500)).fail_open();
    for (wrong, text) in [
        (
            sliding.on(&store),
            "the rate limit `sliding(5, 1.5s)` cannot work: a window is a whole number of seconds, \
             at least 1s, not 1.5s",
        ),
        (
            RateLimit::per_hour(0).named("reports").fail_closed().on(&store),
            "the rate limit `per_hour(0).named(\"reports\")` cannot work: a limit of at least 1 is \
             required; 0 would refuse everybody",
        ),
    ] {
        let error = app(wrong).build().unwrap_err().to_string();
        assert_eq!(error, format!("route(GET /): {text}; see apptheory::guide::rate_limiting"));
    }
}

#[test]
fn a_limit_per_address_ignores_users_and_warns_behind_load_balancers() {
    let limit = |app: App, limit: RateLimit| {
        app.authenticate(async |context: Context| {
            Ok(Some(Principal::new(context.header("x-user"))))
        })
        .layer(limit)
        .get("/", (async || "served").access(Access::Authenticated))
    };
    let (app, clock) = limited(|app, it| limit(app, it.per_address()), 1);
    assert_eq!(app.warnings().len(), 1);
    let call = |address, user| serve(&app, &clock, from(address, "/", &[("x-user", user)])).status;
    assert_eq!((call("192.0.2.1", "ann"), call("192.0.2.1", "bob")), (200, 429));
    assert_eq!(call("192.0.2.2", "ann"), 200);
    let (app, _) = limited(limit, 1);
    assert!(app.warnings().is_empty());
}

#[test]
fn a_limit_has_hooks() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = |what: &'static str| {
        let told = Arc::clone(&told);
        move |context: &Context, why: String| {
            told.lock().unwrap().push(format!("{what} {} {why}", context.header("x-n")));
        }
    };
    let (limits, errors) = (tell("limit"), tell("error"));
    let (app, clock) = limited(
        |app, limit| {
            let limit = limit
                .with_skip(|context: &Context| context.header("x-n") == "health")
                .with_cost(|context| context.header("x-cost").parse().unwrap_or(NonZeroU32::MIN))
                .with_metadata(|context| [("n".into(), context.header("x-n").into())].into())
                .on_limit(move |context, decision| limits(context, decision.limit.to_string()))
                .on_error(move |context, error| errors(context, error.to_string()));
            app.layer(limit).get("/", async || "served")
        },
        3,
    );
    let call = |address: &str, n: &str, cost: &str| {
        let request = from(address, "/", &[("x-n", n), ("x-cost", cost)]);
        serve(&app, &clock, request).status
    };
    assert_eq!(call("192.0.2.1", "1", "2"), 200);
    assert_eq!(call("192.0.2.1", "2", "2"), 429);
    assert_eq!(call("192.0.2.1", "3", "1"), 200);
    assert_eq!((call("", "4", ""), call("", "health", "")), (500, 200));
    let told = told.lock().unwrap().join("\n");
    assert!(told.starts_with("limit 2 3\nerror 4 the caller of the request is unknown"), "{told}");
    assert_eq!(told.lines().count(), 2);
}

#[test]
fn the_tenant_of_an_isolated_invocation_counts_and_no_client_names_another() {
    let (app, clock) = limited(
        |app, limit| {
            let app = app.settings(|settings| settings.tenant = TenantSource::FieldOrQuery);
            app.layer(limit).get("/", async |context: Context| context.tenant_id().to_owned())
        },
        1,
    );
    let call = |tenant: Option<&str>, address: &str| {
        let request = from(address, "/", &[("x-tenant-id", "mallory")]);
        let tenant_id = tenant.map(str::to_owned);
        clock.run(app.serve(request, Invocation { tenant_id, ..Invocation::default() }))
    };
    assert_eq!(text(&call(Some("acme"), "192.0.2.1")), "acme");
    assert_eq!(call(Some("acme"), "192.0.2.2").status, 429);
    assert_eq!(text(&call(Some("umbrella"), "192.0.2.2")), "umbrella");
    // Without an identity, the address counts.
    assert_eq!(text(&call(None, "192.0.2.1")), "mallory");
}

#[test]
fn records_count_for_their_sender_and_fail_over_the_limit() {
    let (app, clock) = limited(
        |app, limit| {
            app.layer(limit)
                .sqs("q", async |Extension(decision): Extension<Decision>| {
                    assert!(decision.allowed);
                })
                .sqs("other", async || ())
                .get("/", async || "served")
                .on_failure(|failure| assert_eq!(failure.error.code(), "app.rate_limited"))
        },
        2,
    );
    let record = |queue: &str, id: &str| {
        json!({"eventSource": "aws:sqs", "eventSourceARN": format!("arn:aws:sqs:r:1:{queue}"),
            "messageId": id, "body": ""})
    };
    let handle = |records: &[(&str, &str)]| {
        let records: Vec<_> = records.iter().map(|(queue, id)| record(queue, id)).collect();
        let event = json!({"Records": records}).to_string();
        clock.run(app.invoke(&event, Invocation::default())).unwrap()
    };
    let batch = [("q", "1"), ("q", "2"), ("q", "3"), ("other", "4")];
    assert_eq!(handle(&batch), r#"{"batchItemFailures":[{"itemIdentifier":"3"}]}"#);
    assert_eq!(serve(&app, &clock, from("192.0.2.1", "/", &[])).status, 200);
    clock.advance(Duration::from_secs(60));
    assert_eq!(handle(&[("q", "3")]), r#"{"batchItemFailures":[]}"#);
}
