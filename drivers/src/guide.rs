//! The guide: one page per subject. All of its examples are tests.
//!
//! | To begin | Requests | Events and state | In production |
//! |---|---|---|---|
//! | [Getting started](getting_started) | [Routing](routing) | [Events](events) | [Deployment](deployment) |
//! | [Testing](testing) | [Extractors](extractors) | [Rate limiting](rate_limiting) | [Security](security) |
//! | [From `lambda_http` and axum](from_lambda_http) | [Errors](errors) | [Event bus](event_bus) | [Observability](observability) |
//! | [From Powertools](from_powertools) | [Middleware](middleware) | [Idempotency](idempotency) | [Performance](performance) |
//! | [From Go, TypeScript, Python](from_apptheory) | [Streaming](streaming) | [WebSockets](websockets) | [Limitations](limitations) |
//!
//! [Costs](costs) lists calls, capacity and dollars of each operation. [Error codes](error_codes)
//! lists everything that can go wrong, with its text. [Embedding](embedding) is about running the
//! core in a runtime of your own.

// Links of a page are labels. The page defines them at its end, for the repository. The definitions
// of `links.txt`, which lead to items, come first, and the first definition counts.
macro_rules! pages {
    ($($page:ident)+) => {$(
        #[doc = include_str!("../docs/links.txt")]
        #[doc = include_str!(concat!("../docs/", stringify!($page), ".md"))]
        pub mod $page {}
    )+};
}

pages! {
    getting_started routing extractors errors middleware events websockets streaming rate_limiting
    event_bus idempotency testing observability security deployment performance costs embedding
    error_codes from_apptheory from_lambda_http from_powertools limitations
}
