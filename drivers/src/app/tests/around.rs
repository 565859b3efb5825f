//! What runs around handlers: middleware, timeouts, policies, hooks.

use core::time::Duration;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use apptheory_core::error::AppError;
use apptheory_core::http::exchange::{PolicyDecision, PolicyStage, Principal, TenantSource};
use futures_util::FutureExt as _;
use serde_json::{Value as Json, json};

use super::{builder, clock, get, serve, text};
use crate::app::*;
use crate::clock::Clock as _;
use crate::trace::{self, Trace};

#[test]
fn middleware_goes_around_handlers_in_order() {
    async fn outer(context: Context, next: Next) -> Answer {
        context.set(" mw ", "ok");
        context.add_stage("outer");
        context.extend(7_u8);
        let seen = context.clone();
        let response = next.run(context).await;
        let left = seen.get("left").unwrap_or_default();
        Ok(response.with_header("x-left", left.as_str().unwrap_or("nothing")))
    }
    async fn inner(context: Context, next: Next) -> Answer {
        context.add_stage("inner");
        if context.query("stop") == "1" {
            return Err(AppError::forbidden());
        }
        Ok(next.run(context).await)
    }
    let clock = clock();
    let app = builder(&clock)
        .layer(outer)
        .layer(inner)
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
    let app = builder(&clock).layer(outer).layer(inner).get("/", async || "never").build().unwrap();
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
        .layer(no_store)
        .layer(Timeout::after(Duration::from_secs(1)))
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
fn a_middleware_that_replaces_an_error_response_clears_its_error() {
    async fn mend(context: Context, next: Next) -> Answer {
        match next.run(context).await {
            response if response.status == 404 => Ok(Response::text(200, "instead")),
            response => Ok(response),
        }
    }
    let clock = clock();
    let app = builder(&clock).layer(mend).get("/", async || AppError::not_found()).build().unwrap();
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
        .layer(timeout)
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
fn the_cancellation_token_is_set_when_a_request_is_abandoned() {
    let left = Arc::new(Mutex::new(None));
    let token = Arc::clone(&left);
    let clock = clock();
    let app = builder(&clock)
        .layer(Timeout::after(Duration::from_millis(5)))
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
fn an_abandoned_request_is_dropped_within_its_trace() {
    struct Guard(Arc<Mutex<Vec<Trace>>>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.lock().unwrap().push(trace::current());
        }
    }
    let traces = Arc::new(Mutex::new(Vec::new()));
    let guarded = Arc::clone(&traces);
    let clock = clock();
    let app = builder(&clock)
        .get("/", move |context: Context| {
            let guard = Guard(Arc::clone(&guarded));
            async move {
                context.clock().sleep(Duration::from_millis(1)).await;
                drop(guard);
            }
        })
        .build()
        .unwrap();
    let trace = "Root=1-67891233-abcdef012345678912345678".to_owned();
    let invocation = || Invocation { trace: trace.clone(), ..Invocation::default() };
    let mut served = Box::pin(app.serve(get("/"), invocation()));
    clock.run(async { assert!((&mut served).now_or_never().is_none()) });
    drop(served);
    #[cfg(feature = "tower")]
    {
        let mut handed_over =
            Box::pin(app.serve_finished(app.take_over(get("/"), invocation(), None)));
        clock.run(async { assert!((&mut handed_over).now_or_never().is_none()) });
        drop(handed_over);
    }
    let traces = traces.lock().unwrap();
    assert!(!traces.is_empty());
    assert!(traces.iter().all(|within| within.x_amzn_trace_id() == trace), "{traces:?}");
}

#[test]
fn a_policy_without_its_stage_is_refused_at_build() {
    use apptheory_core::http::HeaderMap;
    use apptheory_core::http::exchange::{HttpSettings, SetupError};

    let read = |json: &str| serde_json::from_str::<HttpSettings>(json).unwrap();
    let stage = r#"{"policy": "before_authentication"}"#;
    let decided = || {
        App::new().policy(PolicyStage::AfterAuthentication, async |_: Context| {
            Ok(Some(PolicyDecision::overloaded(HeaderMap::default())))
        })
    };
    for (app, is_refused) in [
        (App::new().settings(|it| *it = read(stage)), true),
        (decided().settings(|it| *it = read("{}")), true),
        (decided().settings(|it| *it = read(stage)), false),
        (decided(), false),
    ] {
        let refused = app.build().err();
        let expected = is_refused.then_some(BuildError::Setup(SetupError::UnaskedPolicy));
        assert_eq!(refused, expected);
    }
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
        .get("/", (async |context: Context| context.identity().to_owned()).for_callers())
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
fn hooks_run_for_every_answer_and_their_panics_are_contained() {
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
fn a_second_hook_of_a_kind_is_an_error() {
    let nobody = async |_: Context| Ok(None);
    let allowed = async |_: Context| Ok(None::<PolicyDecision>);
    let before = PolicyStage::BeforeAuthentication;
    for (app, method) in [
        (App::new().authenticate(nobody).authenticate(nobody), "authenticate"),
        (App::new().policy(before, allowed).policy(before, allowed), "policy"),
        (App::new().response_headers(|_| ()).response_headers(|_| ()), "response_headers"),
        (App::new().on_log(|_| ()).on_log(|_| ()), "on_log"),
        (App::new().on_metric(|_| ()).on_metric(|_| ()), "on_metric"),
        (App::new().on_span(|_| ()).on_span(|_| ()), "on_span"),
        (App::new().on_failure(|_| ()).on_failure(|_| ()), "on_failure"),
        (App::new().on_flush(async || ()).on_flush(async || ()), "on_flush"),
    ] {
        assert_eq!(app.build().unwrap_err(), BuildError::HookTwice { method });
    }
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
