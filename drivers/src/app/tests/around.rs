//! What goes around handlers: middleware, time-outs, limits, hooks.

use core::num::NonZeroU32;
use core::time::Duration;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use apptheory_core::error::AppError;
use apptheory_core::http::exchange::{
    Access, PolicyDecision, PolicyStage, Principal, TenantSource,
};
use apptheory_core::http::{Provider, RawRequest, SourceProvenance};
use apptheory_core::limiter::{Decision, FixedWindow, Limiter, TokenBucket};
use futures_util::FutureExt as _;
use serde_json::{Value as Json, json};

use super::{builder, clock, get, serve, text};
use crate::app::*;
use crate::clock::{Clock as _, VirtualClock};
use crate::memory::MemoryStore;
use crate::rate_limiter::RateLimiter;

#[test]
fn middleware_goes_around_handlers_in_order() {
    async fn outer(context: Context, next: Next) -> Answer {
        context.set(" mw ", "ok");
        context.trace("outer");
        context.extend(7_u8);
        let seen = context.clone();
        let response = next.run(context).await;
        let left = seen.get("left").unwrap_or_default();
        Ok(response.with_header("x-left", left.as_str().unwrap_or("nothing")))
    }
    async fn inner(context: Context, next: Next) -> Answer {
        context.trace("inner");
        if context.query("stop") == "1" {
            return Err(AppError::forbidden());
        }
        Ok(next.run(context).await)
    }
    let clock = clock();
    let app = builder(&clock)
        .middleware(outer)
        .middleware(inner)
        .get("/", async |context: Context, Extension(number): Extension<u8>| {
            context.set("left", "by the handler");
            Json(json!({"mw": context.get("mw"), "stages": context.stages(), "n": *number}))
        })
        .build()
        .unwrap();
    let response = serve(&app, &clock, get("/"));
    let body: Json = serde_json::from_slice(&response.body).unwrap();
    let stages = ["request_id", "recovery", "logging", "handler", "outer", "inner"];
    assert_eq!(body, json!({"mw": "ok", "stages": stages, "n": 7}));
    assert_eq!(response.headers.first("x-left"), "by the handler");

    let mut stopped = get("/");
    stopped.query = apptheory_core::http::QueryString::parse("stop=1");
    assert_eq!(serve(&app, &clock, stopped).status, 403);
    assert!(!serve(&app, &clock, get("/nowhere")).headers.contains("x-left"));
}

#[test]
fn a_middleware_that_panics_is_an_error_to_those_around_it() {
    async fn outer(context: Context, next: Next) -> Answer {
        let response = next.run(context).await;
        let error = response.error.expect("the panic");
        Err(AppError::conflict(error.code()))
    }
    async fn inner(_: Context, _: Next) -> Answer {
        panic!("boom")
    }
    let clock = clock();
    let app = builder(&clock)
        .middleware(outer)
        .middleware(inner)
        .get("/", async || "never")
        .build()
        .unwrap();
    let response = serve(&app, &clock, get("/"));
    assert_eq!(response.status, 409);
    assert!(text(&response).contains("app.internal"));
}

#[test]
fn what_a_middleware_sets_is_on_errors_and_panics_too() {
    async fn no_store(context: Context, next: Next) -> Answer {
        let response = next.run(context).await.with_header("cache-control", "no-store");
        let code = response.error.as_ref().map_or("", AppError::code).to_owned();
        Ok(response.with_header("x-code", code))
    }
    let clock = clock();
    let app = builder(&clock)
        .middleware(no_store)
        .middleware(Timeout::after(Duration::from_secs(1)))
        .get("/found", async || "hello")
        .get("/missing", async || AppError::not_found())
        .get("/broken", async || -> &'static str { panic!("boom") })
        .get("/sent-wrong", async || AppError::conflict("c").with_header("x", "a\nb"))
        .get("/read-wrong", async |_: crate::app::Json<u8>| "never")
        .build()
        .unwrap();
    for (path, status, code) in [
        ("/found", 200, ""),
        ("/missing", 404, "app.not_found"),
        ("/broken", 500, "app.internal"),
        ("/sent-wrong", 500, "app.internal"),
        ("/read-wrong", 400, "EMPTY_BODY"),
    ] {
        let response = serve(&app, &clock, get(path));
        let set = (response.headers.first("cache-control"), response.headers.first("x-code"));
        assert_eq!((response.status, set), (status, ("no-store", code)), "{path}");
        let shown = response.error.as_ref().map_or("", AppError::code);
        assert_eq!(shown, code, "{path}");
        assert_eq!(text(&response).contains("request_id"), status > 200, "{path}");
    }
}

#[test]
fn an_error_that_a_middleware_answers_itself_is_none_any_more() {
    async fn mend(context: Context, next: Next) -> Answer {
        match next.run(context).await {
            response if response.status == 404 => Ok(Response::text(200, "instead")),
            response => Ok(response),
        }
    }
    let clock = clock();
    let app =
        builder(&clock).middleware(mend).get("/", async || AppError::not_found()).build().unwrap();
    let response = serve(&app, &clock, get("/"));
    assert_eq!((response.status, text(&response)), (200, "instead"));
    assert!(response.error.is_none());
}

#[test]
fn a_handler_that_takes_too_long_is_dropped() {
    struct Dropped(Arc<AtomicUsize>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let (dropped, committed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (seen, done) = (Arc::clone(&dropped), Arc::clone(&committed));
    let clock = clock();
    let timeout = Timeout::after(Duration::from_millis(50))
        .for_tenant("patient", Duration::from_millis(200))
        .for_operation("get", "/slow/{ms}", Duration::from_millis(70))
        .for_operation("GET", "/%360", Duration::from_millis(70));
    let app = builder(&clock)
        .settings(|settings| settings.tenant = TenantSource::Field)
        .reserve(Duration::from_millis(10))
        .middleware(timeout)
        .get("/slow/{ms}", move |context: Context| {
            let (guard, done) = (Dropped(Arc::clone(&seen)), Arc::clone(&done));
            async move {
                let ms = context.param("ms").parse().unwrap_or_default();
                context.clock().sleep(Duration::from_millis(ms)).await;
                done.fetch_add(1, Ordering::Relaxed);
                drop(guard);
                "done"
            }
        })
        .get("/{ms}", async |context: Context| {
            let ms = context.param("ms").parse().unwrap_or_default();
            context.clock().sleep(Duration::from_millis(ms)).await;
            assert!(!context.cancellation().is_cancelled());
            "done"
        })
        .build()
        .unwrap();
    let status = |path: &str, tenant: &str, deadline_ms: Option<u64>| {
        let mut request = get(path);
        request.headers.append("x-tenant-id", tenant);
        let now = clock.now();
        let deadline = deadline_ms.map(|ms| now.saturating_add(Duration::from_millis(ms)));
        let invocation = Invocation { deadline, ..Invocation::default() };
        clock.run(app.serve(request, invocation)).status
    };
    assert_eq!((status("/49", "", None), status("/51", "", None)), (200, 504));
    assert_eq!((status("/199", "patient", None), status("/201", "patient", None)), (200, 504));
    assert_eq!((status("/slow/69", "patient", None), status("/slow/71", "", None)), (200, 504));
    assert_eq!(status("/60", "", None), 200, "a path in another spelling");
    assert_eq!((status("/29", "", Some(40)), status("/31", "", Some(40))), (200, 504));
    assert_eq!(status("/0", "", Some(0)), 504, "a deadline that has passed is one");
    assert_eq!((dropped.load(Ordering::Relaxed), committed.load(Ordering::Relaxed)), (2, 1));
}

#[test]
fn work_started_elsewhere_hears_that_nobody_waits() {
    let left = Arc::new(Mutex::new(None));
    let token = Arc::clone(&left);
    let clock = clock();
    let app = builder(&clock)
        .middleware(Timeout::after(Duration::from_millis(5)))
        .get("/{ms}", move |context: Context| {
            *token.lock().unwrap() = Some(context.cancellation().clone());
            async move {
                let ms = context.param("ms").parse().unwrap_or_default();
                context.clock().sleep(Duration::from_millis(ms)).await;
            }
        })
        .build()
        .unwrap();
    let is_cancelled = || left.lock().unwrap().as_ref().is_some_and(|token| token.is_cancelled());
    assert_eq!(serve(&app, &clock, get("/1")).status, 204);
    assert!(!is_cancelled());
    assert_eq!(serve(&app, &clock, get("/9")).status, 504);
    assert!(is_cancelled());

    let given_up = app.serve(get("/1"), Invocation::default());
    let mut given_up = Box::pin(given_up);
    clock.run(async { assert!((&mut given_up).now_or_never().is_none()) });
    assert!(!is_cancelled());
    drop(given_up);
    assert!(is_cancelled());
}

#[test]
fn callers_and_policies_are_asked() {
    let clock = clock();
    let app = builder(&clock)
        .authenticate(async |context: Context| match context.header("authorization") {
            "" => Ok(None),
            "panic" => panic!("boom"),
            name => Ok(Some(Principal::new(name))),
        })
        .policy(PolicyStage::AfterAuthentication, async |context: Context| {
            let headers = [("retry-after", "1")].into_iter().collect();
            let is_busy = context.identity() == "busy";
            Ok(is_busy.then(|| PolicyDecision::overloaded(headers)))
        })
        .route_for(Access::Authenticated, "GET", "/", async |context: Context| {
            context.identity().to_owned()
        })
        .build()
        .unwrap();
    for (authorization, status) in [("", 401), ("u", 200), ("busy", 503), ("panic", 500)] {
        let mut request = get("/");
        request.headers.append("authorization", authorization);
        let response = serve(&app, &clock, request);
        assert_eq!(response.status, status, "{authorization}");
        assert_eq!(response.headers.first("retry-after"), if status == 503 { "1" } else { "" });
        if status == 200 {
            assert_eq!(text(&response), "u");
        }
    }
}

#[test]
fn hooks_are_told_of_every_answer_and_isolated() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let (metrics, spans) = (Arc::clone(&told), Arc::clone(&told));
    let clock = clock();
    let manual = clock.clone();
    let app = builder(&clock)
        .get("/", move || {
            manual.advance(Duration::from_millis(25));
            core::future::ready("advanced")
        })
        .on_log(|_| panic!("a log that is full"))
        .on_metric(move |metric| {
            let line = format!("{} {:?}", metric.tag("status"), metric.duration_ms);
            metrics.lock().unwrap().push(line);
        })
        .on_span(move |span| spans.lock().unwrap().push(span.name.to_string()))
        .response_headers(|headers| headers.set("strict-transport-security", "max-age=1"))
        .build()
        .unwrap();
    for path in ["/", "/nowhere"] {
        let response = serve(&app, &clock, get(path));
        assert_eq!(response.headers.first("strict-transport-security"), "max-age=1");
    }
    let expected = ["200 Some(25)", "http GET /", "404 Some(0)", "http GET /nowhere"];
    assert_eq!(*told.lock().unwrap(), expected);
}

#[test]
fn a_hook_cannot_break_an_answer() {
    let clock = clock();
    let app = builder(&clock)
        .get("/", async || "hello")
        .response_headers(|headers| headers.set("x", "a\r\nb: c"))
        .build()
        .unwrap();
    let response = serve(&app, &clock, get("/"));
    assert_eq!((text(&response), response.headers.contains("x")), ("hello", false));
}

#[test]
fn a_hook_for_headers_changes_all_or_nothing() {
    let clock = clock();
    let app = |panics: bool| {
        let change = move |headers: &mut apptheory_core::http::HeaderMap| {
            headers.set("x-half", "1");
            headers.append("set-cookie", "a=1");
            assert!(!panics, "half-way");
        };
        builder(&clock).get("/", async || "hello").response_headers(change).build().unwrap()
    };
    let response = serve(&app(false), &clock, get("/"));
    assert_eq!(response.headers.first("x-half"), "1");
    assert_eq!(
        (response.cookies, response.headers.contains("set-cookie")),
        (vec!["a=1".into()], false)
    );
    let response = serve(&app(true), &clock, get("/"));
    assert!(!response.headers.contains("x-half") && response.cookies.is_empty());
}

/// Requests of these clients, in this order, to an application that `limited` puts together.
fn limited(
    limited: impl FnOnce(AppBuilder, RateLimit<MemoryStore<VirtualClock>>) -> AppBuilder,
    limit: i64,
) -> (App, VirtualClock) {
    let clock = clock();
    let limiter = Limiter::fail_closed(FixedWindow::new(Duration::from_secs(60), limit).unwrap());
    let limiter = limiter.build();
    let store = MemoryStore::new(clock.clone()).with_table(limiter.table());
    let limit = RateLimit::new(RateLimiter::new(limiter, store));
    (limited(builder(&clock), limit).build().unwrap(), clock)
}

/// A request of an address that its provider vouches for.
fn from<'a>(address: &str, path: &str, fields: &[(&str, &str)]) -> RawRequest<'a> {
    let mut request = get(path);
    request.source_provenance = SourceProvenance::vouched(Provider::FunctionUrl, address);
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
            app.middleware(limit).get("/orders/{id}", handler).route(
                "HEAD",
                "/orders/{id}",
                handler,
            )
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
    // It is another window by the application's clock, whatever time it really is.
    clock.advance(Duration::from_secs(60));
    assert_eq!(text(&call("/orders/4")), "Some(1)");
    let head = RawRequest { method: "HEAD".into(), ..from("192.0.2.1", "/orders/5", &[]) };
    assert_eq!(serve(&app, &clock, head).status, 200);
    assert_eq!(call("/orders/6").status, 429);
}

#[test]
fn of_nested_limits_the_inner_one_speaks_and_a_store_that_fails_closes() {
    let clock = clock();
    let limiter =
        |limit| Limiter::fail_closed(FixedWindow::new(Duration::from_secs(60), limit).unwrap());
    let store = |limiter: &Limiter| MemoryStore::new(clock.clone()).with_table(limiter.table());
    let (wide, narrow) = (limiter(10).table_name("wide").build(), limiter(2).build());
    let (wide_store, narrow_store) = (store(&wide), store(&narrow));
    let app = builder(&clock)
        .middleware(RateLimit::new(RateLimiter::new(wide, wide_store)).shared())
        .middleware(RateLimit::new(RateLimiter::new(narrow.clone(), narrow_store)).shared())
        .get("/{path+}", async || Err::<(), _>(AppError::conflict("c")))
        .build()
        .unwrap();
    let response = serve(&app, &clock, get("/a"));
    assert_eq!((response.status, response.headers.get_all("x-ratelimit-limit").len()), (409, 1));
    assert_eq!(response.headers.first("x-ratelimit-limit"), "2");

    let no_table = RateLimiter::new(narrow, MemoryStore::new(clock.clone()));
    let app = builder(&clock)
        .middleware(RateLimit::new(no_table).shared())
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
            let store = MemoryStore::new(clock.clone()).with_table(limiter.table());
            app.middleware(RateLimit::new(RateLimiter::new(limiter, store)))
        });
        app.get("/", async || "never").build().map(drop).map_err(|error| error.to_string())
    };
    let named = |name: &str| fixed(60, 1).named(name).unwrap();
    let error = "a fixed window of 100 per 24h and a fixed window of 15 per 15m share their counters \
                 in the table rate-limits: give them names with LimiterBuilder::named, or a table \
                 each";
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
            let app = app.authenticate(known).middleware(limit);
            app.route_for(Access::Optional, "GET", "/{path+}", async || "served")
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
    // Nobody used up the limit of somebody who is known, not even by that name.
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
fn clients_are_counted_by_the_address_that_somebody_vouches_for() {
    let (app, clock) = limited(
        |app, limit| {
            let seen = async |context: Context| format!("{:?}", context.client_ip());
            app.middleware(limit).get("/", seen)
        },
        1,
    );
    let call = |peer: Option<&str>, vouched: &str| {
        let request = from(vouched, "/", &[("x-forwarded-for", "192.0.2.9")]);
        let peer = peer.map(|peer| peer.parse().unwrap());
        let invocation = Invocation { peer, ..Invocation::default() };
        clock.run(app.serve(request, invocation))
    };
    // Another port is no other client.
    let first = call(Some("192.0.2.1:1"), "");
    assert_eq!(text(&first), "Some(192.0.2.1)");
    assert_eq!(call(Some("192.0.2.1:2"), "").status, 429);
    // What a provider says goes before the connection, which is the provider's own.
    assert_eq!(text(&call(Some("192.0.2.1:1"), "192.0.2.2")), "Some(192.0.2.2)");
    assert_eq!(text(&call(None, "2001:db8:0:1200::1")), "Some(2001:db8:0:1200::1)");
    assert_eq!(call(None, "2001:db8:0:12ff::2").status, 429);
    // A load balancer's address is nobody's, and a warning said so.
    assert_eq!(call(None, "").status, 500);
    assert_eq!(app.warnings(), [BuildWarning::NoCallerBehindLoadBalancer]);
    assert!(app.warnings()[0].to_string().contains("trusting_forwarded(hops)"));
}

#[test]
fn behind_a_load_balancer_one_says_whom_to_trust() {
    let hops = core::num::NonZeroUsize::MIN;
    let forwarded = |list: &str| from("", "/", &[("x-forwarded-for", list)]);
    let (app, clock) = limited(
        |app, limit| app.middleware(limit.trusting_forwarded(hops)).get("/", async || "served"),
        1,
    );
    assert!(app.warnings().is_empty());
    for (list, status) in
        [("1.1.1.1, 192.0.2.1", 200), ("2.2.2.2, 192.0.2.1", 429), ("192.0.2.2", 200), ("x", 500)]
    {
        assert_eq!(serve(&app, &clock, forwarded(list)).status, status, "{list}");
    }
    let (app, clock) =
        limited(|app, limit| app.middleware(limit.shared()).get("/", async || "served"), 1);
    assert!(app.warnings().is_empty());
    assert_eq!(serve(&app, &clock, forwarded("192.0.2.1")).status, 200);
    assert_eq!(serve(&app, &clock, forwarded("192.0.2.2")).status, 429);
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
            app.middleware(limit).get("/", async || "served")
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
    assert!(
        told.starts_with("limit 2 3\nerror 4 nobody vouches for who sends the request"),
        "{told}"
    );
    assert_eq!(told.lines().count(), 2);
}
