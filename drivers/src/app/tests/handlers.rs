//! Handlers: arguments, return values, and failures.

use std::sync::{Arc, Mutex};

use apptheory_core::error::{AppError, code};
use apptheory_core::http::RawRequest;
use apptheory_core::http::exchange::{Access, Cors, Pipeline};
use apptheory_core::http::router::RegistrationError;
use http::StatusCode;
use serde_json::{Value as Json, json};

use super::{builder, clock, get, serve, text};
use crate::app::*;

#[test]
fn handlers_are_functions_of_what_they_ask_for() {
    #[derive(serde::Deserialize, serde::Serialize)]
    struct Order {
        item: String,
    }
    #[derive(Clone)]
    struct Shop {
        name: &'static str,
        prices: Arc<[u32]>,
    }
    impl FromRef<Shop> for Arc<[u32]> {
        fn from_ref(shop: &Shop) -> Self {
            Self::clone(&shop.prices)
        }
    }
    async fn create(
        State(shop): State<Shop>,
        Json(order): crate::app::Json<Order>,
    ) -> (StatusCode, String) {
        (StatusCode::CREATED, format!("{} of {}", order.item, shop.name))
    }
    async fn price(context: Context, State(prices): State<Arc<[u32]>>) -> Result<String, AppError> {
        let index: Option<usize> = context.param("id").parse().ok();
        let price = index.and_then(|index| prices.get(index));
        price.map(u32::to_string).ok_or_else(AppError::not_found)
    }
    let clock = clock();
    let app = App::with_state(Shop { name: "corner", prices: Arc::new([5, 7]) })
        .clock(clock.clone())
        .post("/orders", create)
        .get("/prices/{id}", price)
        .build()
        .unwrap();

    let order = |content_type: &str, body: &'static str| {
        let mut order = RawRequest::new("POST", "/orders");
        order.headers.append("Content-Type", content_type);
        order.body = body.as_bytes().into();
        order
    };
    let created = serve(&app, &clock, order("application/json", r#"{"item":"tea"}"#));
    assert_eq!((created.status, text(&created)), (201, "tea of corner"));
    assert_eq!(text(&serve(&app, &clock, get("/prices/1"))), "7");
    assert_eq!(serve(&app, &clock, get("/prices/2")).status, 404);

    const JSON: &str = "application/vnd.shop+json; charset=utf-8";
    for (content_type, body, status, message) in [
        (JSON, "", 400, "request body is empty"),
        (JSON, "{\n", 400, "invalid json at line 2, column 0"),
        (JSON, "{}", 422, "invalid json of item: expected a value"),
        (JSON, r#"{"item":["secret"]}"#, 422, "invalid json of item: expected a string"),
        ("text/plain", r#"{"item":"tea"}"#, 415, "app.unsupported_media_type"),
        ("application/jsonp", r#"{"item":"tea"}"#, 415, "application/json or +json"),
    ] {
        let refused = serve(&app, &clock, order(content_type, body));
        assert_eq!(refused.status, status, "{body} {}", text(&refused));
        assert!(text(&refused).contains(message), "{}", text(&refused));
        assert!(!text(&refused).contains("secret"));
    }
}

#[test]
fn values_are_bound_or_the_error_names_the_invalid_one() {
    #[derive(serde::Deserialize)]
    struct Page {
        limit: Option<u8>,
        #[serde(default)]
        tag: Vec<String>,
    }
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Wanted {
        x_version: u32,
    }
    async fn list(
        Path((user, year)): Path<(String, u16)>,
        Query(page): Query<Page>,
        wanted: Result<Headers<Wanted>, AppError>,
    ) -> String {
        let version = wanted.ok().map(|Headers(wanted)| wanted.x_version);
        format!("{user} {year} {:?} {} {version:?}", page.limit, page.tag.join("+"))
    }
    let clock = clock();
    let app = builder(&clock).get("/users/{user}/{year}", list).build().unwrap();
    let call = |path: &str, query: &str, version: &str| {
        let mut request = get(path);
        request.query = apptheory_core::http::QueryString::parse(query);
        request.headers.append("X-Version", version);
        serve(&app, &clock, request)
    };
    let listed = call("/users/Ada%20L/1843", "limit=7&tag=a&tag=b", "2");
    assert_eq!(text(&listed), "Ada L 1843 Some(7) a+b Some(2)");
    assert_eq!(text(&call("/users/a/1", "", "x")), "a 1 None  None");
    assert_eq!(text(&call("/users/100%25%2520/1", "tag=;%", "x")), "100%%20 1 None ;% None");
    for (path, query, source, name) in
        [("/users/a/x", "", "path", "year"), ("/users/a/1", "limit=256", "query", "limit")]
    {
        let refused = call(path, query, "");
        let body: Json = serde_json::from_slice(&refused.body).unwrap();
        assert_eq!((refused.status, &body["error"]["code"]), (400, &json!("app.bad_request")));
        let details = json!({"source": source, "name": name, "field": name});
        assert_eq!(body["error"]["details"], details);
    }
}

#[test]
fn internal_errors_and_panics_are_masked_and_reported() {
    let failures = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&failures);
    let clock = clock();
    let app = builder(&clock)
        .get("/panic", async || -> &'static str { panic!("boom") })
        .get("/panic-early", |_: Context| -> core::future::Ready<&'static str> { panic!("early") })
        .get("/foreign", async || {
            Err::<(), Box<dyn core::error::Error + Send + Sync>>("no route to host".into())
        })
        .get("/extension", async |Extension(_): Extension<u8>| "never")
        .get("/conflict", async || Err::<(), _>(AppError::conflict("taken")))
        .on_failure(move |failure| {
            let cause = core::error::Error::source(&failure.error).map(ToString::to_string);
            told.lock().unwrap().push((failure.request_id.clone(), cause.unwrap_or_default()));
            panic!("a hook that panics stops nothing");
        })
        .build()
        .unwrap();
    for path in ["/panic", "/panic-early", "/foreign", "/extension", "/conflict"] {
        let response = serve(&app, &clock, get(path));
        let expected = if path == "/conflict" { 409 } else { 500 };
        assert_eq!(response.status, expected, "{path}");
        assert_eq!(text(&response).contains("internal error"), expected == 500);
        assert!(response.headers.contains("x-request-id"));
    }
    let failures = failures.lock().unwrap();
    let causes: Vec<&str> = failures.iter().map(|(_, cause)| cause.as_str()).collect();
    let expected = [
        "a handler panicked: boom",
        "a handler panicked: early",
        "no route to host",
        "no middleware set an extension of type u8",
    ];
    assert_eq!(causes, expected);
    assert!(failures.iter().all(|(id, _)| id.len() == 32));
}

#[test]
fn mistakes_are_found_before_anything_is_served() {
    let hello = async || "hello";
    let error = App::new().get("/a", hello).get("/a", hello).build().unwrap_err();
    let duplicate = RegistrationError::Duplicate {
        method: "GET".into(),
        pattern: "/a".into(),
        existing: "/a".into(),
    };
    assert_eq!(error, BuildError::Setup(duplicate.into()));
    let answer = AppError::from(error);
    assert_eq!((answer.code(), answer.status()), (code::BAD_REQUEST, 400));

    let to_all = Cors {
        allowed_origins: Some(vec!["*".into()]),
        allow_credentials: true,
        ..Cors::default()
    };
    for (builder, part) in [
        (App::new().get("/{a", hello), "invalid route pattern"),
        (App::new().pipeline(Pipeline::Bare).get("/", hello.for_callers()), "would be open"),
        (
            App::new().get("/mine", hello.for_callers()),
            "the protected route GET /mine: set an authentication",
        ),
        (
            App::new()
                .settings(|it| it.authenticates = true)
                .get("/mine", hello.access(Access::Optional)),
            "the protected route GET /mine",
        ),
        (App::new().cors(to_all), "list origins"),
        (App::new().pipeline(Pipeline::Bare).authenticate(async |_| Ok(None)), "authentication"),
    ] {
        let error = builder.build().unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
        assert_eq!(AppError::from(error).status(), 400);
    }
}

#[test]
fn a_request_keeps_its_trace_and_gets_that_of_its_invocation_without_one() {
    let clock = clock();
    let app = builder(&clock)
        .get("/", async |context: Context| context.trace_id().to_owned())
        .build()
        .unwrap();
    let trace = |field: Option<&str>, of_invocation: &str| {
        let mut request = get("/");
        if let Some(value) = field {
            request.headers.append("X-Amzn-Trace-Id", value);
        }
        let invocation = Invocation { trace: of_invocation.to_owned(), ..Invocation::default() };
        clock.run(app.serve(request, invocation)).body
    };
    let (own, other) =
        ("1-67891233-abcdef012345678912345678", "1-67891234-abcdef012345678912345678");
    let [own_field, other_field] = [own, other].map(|root| format!("Root={root};Sampled=1"));
    assert_eq!(trace(None, &other_field), other.as_bytes());
    assert_eq!(trace(Some(&own_field), &other_field), own.as_bytes());
    assert_eq!(trace(None, ""), b"");
}
