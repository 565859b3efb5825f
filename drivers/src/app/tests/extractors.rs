//! What extractors read from requests, and the response when it is missing.

use core::error::Error as _;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use apptheory_core::http::exchange::{Principal, TenantSource};
use apptheory_core::http::platform::{ClientCertificate, CognitoIdentity, IamIdentity};
use apptheory_core::http::{Cookies, JsonReading, RawRequest};
use bytes::Bytes;
use http::{HeaderMap, Method};
use serde::Deserialize;
use serde_json::{Value, json};

use super::callers::{Me, Plan};
use super::{builder, clock, get, serve, text};
use crate::app::*;

fn post(content_type: &str, body: &[u8]) -> RawRequest<'static> {
    let mut request = RawRequest::new("POST", "/");
    if !content_type.is_empty() {
        request.headers.append("content-type", content_type);
    }
    request.body = body.to_vec().into();
    request
}

/// Sends a request to an application with this handler at `/`, and returns why it failed, if it
/// did.
fn answer<A: 'static>(
    handler: impl Handler<A, (), kind::Http>,
    request: RawRequest<'_>,
) -> (u16, String, String) {
    let (clock, told) = (clock(), Arc::new(Mutex::new(String::new())));
    let tell = Arc::clone(&told);
    let method = request.method.clone();
    let app = builder(&clock).route(&method, "/", handler).on_failure(move |failure| {
        let cause = failure.error.source().map(ToString::to_string);
        *tell.lock().unwrap() = cause.unwrap_or_default();
    });
    let response = serve(&app.build().unwrap(), &clock, request);
    let told = told.lock().unwrap().clone();
    (response.status, text(&response).to_owned(), told)
}

#[test]
fn forms_texts_and_bytes_are_bodies() {
    #[derive(Deserialize)]
    struct Login {
        name: String,
        stay: Option<bool>,
    }
    const FORM: &str = "application/x-www-form-urlencoded";
    let required = async |Form(login): Form<Login>| format!("{} {:?}", login.name, login.stay);
    let optional =
        async |form: Option<Form<Login>>| form.map_or_else(|| "none".into(), |it| it.0.name);
    for (content_type, body, status, said) in [
        (FORM, "name=a+b&stay=true", 200, "a b Some(true)"),
        (FORM, "name=a&stay=perhaps", 422, "expected true or false"),
        (FORM, "", 422, r#""name":"name""#),
        ("text/plain", "name=a", 415, "application/x-www-form-urlencoded"),
    ] {
        let (found, text, _) = answer(required, post(content_type, body.as_bytes()));
        assert!(found == status && text.contains(said), "{body}: {found} {text}");
    }
    assert_eq!(answer(optional, post("", b"")).1, "none");
    assert_eq!(answer(optional, post(FORM, b"name=x")).1, "x");
    assert_eq!(answer(optional, post(FORM, b"nam=x")).0, 422, "malformed is not missing");
    assert_eq!(answer(async |body: String| body, post("", "é".as_bytes())).1, "é");
    assert_eq!(answer(async |body: String| body, post("", b"\xff")).0, 400);
    assert_eq!(answer(async |body: Bytes| format!("{}", body.len()), post("", b"\xff\0")).1, "2");
}

#[test]
fn heads_are_read() {
    let mut request = RawRequest::new("PUT", "/?b=2&a=%31");
    request.headers.append("Cookie", "session=s1; theme=dark");
    request.headers.append("X-N", "1");
    request.headers.append("X-N", "2");
    request.headers.append("x bad", "3");
    let head = async |method: Method,
                      MatchedPath(path): MatchedPath,
                      RawQuery(query): RawQuery,
                      cookies: Cookies,
                      headers: HeaderMap| {
        let n: Vec<_> = headers.get_all("x-n").iter().map(|n| n.to_str().unwrap()).collect();
        format!("{method} {path} {query} {:?} {n:?} {}", cookies.get("session"), headers.len())
    };
    let (_, text, _) = answer(head, request);
    assert_eq!(text, r#"PUT / b=2&a=%31 Some("s1") ["1", "2"] 3"#);
    let query = async |query: Option<RawQuery>| format!("{query:?}");
    assert_eq!(answer(query, get("/")).1, "None");
    assert_eq!(answer(query, get("/?")).1, "None");

    let clock = clock();
    let missed = async |path: Option<MatchedPath>| format!("{path:?}");
    let app = builder(&clock).fallback(missed).build().unwrap();
    assert_eq!(text_of(&app, &clock, get("/x")), "None");
    let app = builder(&clock).fallback(async |MatchedPath(path)| path).build().unwrap();
    assert_eq!(serve(&app, &clock, get("/x")).status, 500);
}

fn text_of(
    app: &AppService,
    clock: &crate::clock::VirtualClock,
    request: RawRequest<'_>,
) -> String {
    text(&serve(app, clock, request)).to_owned()
}

#[derive(Deserialize)]
struct Line {
    order: u32,
    line: u32,
}

#[test]
fn a_path_that_does_not_fit_its_route_does_not_build() {
    let mistake = |app: App| {
        let refused = app.build().unwrap_err();
        let BuildError::Path { method, given, expected } = refused else {
            panic!("{refused}");
        };
        [method.to_owned(), given, expected].join(" | ")
    };
    let line = async |Path(Line { order, line })| format!("{order} {line}");
    let pair = async |Path((one, other)): Path<(u32, u32)>| format!("{one}{other}");
    assert_eq!(
        mistake(App::new().get("/orders/{order}", line)),
        "route | GET /orders/{order} | a value for line"
    );
    assert_eq!(mistake(App::new().any("/pairs/{one}", pair)), "any | /pairs/{one} | 2 parameters");
    assert_eq!(mistake(App::new().fallback(line)), "fallback | / | a value for order");
    assert_eq!(
        mistake(App::new().get("/{a}/{b}", async |Path(_): Path<String>| ())),
        "route | GET /{a}/{b} | one parameter"
    );
    let text = App::new().any("/pairs/{one}", pair).build().unwrap_err().to_string();
    assert_eq!(
        text,
        "any(/pairs/{one}) has a handler whose `Path` does not fit the pattern: it expects 2 \
         parameters; a `Path` reads all parameters, into a struct with their names or a tuple of as \
         many; see apptheory::guide::extractors"
    );

    // Parameters of the routers around it count, and whatever reads any parameters fits.
    App::new()
        .nest("/orders/{order}", Router::new().get("/lines/{line}", line))
        .get("/all/{a}/{b}", async |Path(_): Path<BTreeMap<String, String>>| ())
        .get("/list/{a}/{b}", async |Path(_): Path<Vec<String>>| ())
        .get("/either/{a}", async |path: Result<Path<(u8, u8)>, AppError>| path.is_ok().to_string())
        .build()
        .unwrap();
}

#[test]
fn a_path_that_cannot_be_checked_first_is_a_mistake_of_the_application() {
    #[derive(Deserialize)]
    enum Unit {
        Meter,
    }
    #[derive(Deserialize)]
    struct Length {
        unit: Unit,
        value: u32,
    }
    let clock = clock();
    let app = builder(&clock)
        .get("/orders/{order}/lines/{line}", async |Path(Line { order, line })| {
            format!("{order} {line}")
        })
        .get("/lengths/{unit}", async |Path(Length { unit: Unit::Meter, value })| value.to_string())
        .build()
        .unwrap();
    for (path, status) in [
        ("/orders/1/lines/2", 200),
        ("/orders/1/lines/x", 400),
        ("/lengths/Meter", 500),
        ("/lengths/Foot", 400),
    ] {
        assert_eq!(serve(&app, &clock, get(path)).status, status, "{path}");
    }
}

#[test]
fn a_handler_that_reads_its_body_in_two_formats_does_not_build() {
    type Texts = BTreeMap<String, String>;
    let both = async |Json(_): Json<Texts>, _: State<()>, Form(_): Form<Texts>| ();
    assert_eq!(
        App::new().post("/orders", both).build().unwrap_err().to_string(),
        "route(POST /orders) has a handler that reads the body as JSON and as a form, and no request \
         has the media types of both: take one of the two, or both as `Result<_, AppError>`, and use \
         the one that is `Ok`; see apptheory::guide::extractors"
    );
    let refused = App::new().fallback(both).build().unwrap_err();
    assert!(matches!(refused, BuildError::Formats { method: "fallback", .. }), "{refused}");

    // Without media types a text may be both.
    let any_type = App::new().settings(|settings| settings.json = JsonReading::AnyType);
    assert!(any_type.post("/orders", both).build().is_ok());
    assert!(App::new().sqs("orders", both).websocket("order", both).build().is_ok());

    // One format may be read twice, and texts and bytes have none.
    let twice = async |Json(one): Json<Texts>, Json(other): Json<Texts>, text: String| {
        format!("{} {} {}", one.len(), other.len(), text.len())
    };
    let either = async |json: Result<Json<Texts>, AppError>,
                        form: Result<Form<Texts>, AppError>| {
        format!("{} {}", json.is_ok(), form.is_ok())
    };
    assert_eq!(answer(twice, post("application/json", b"{}")).1, "0 0 2");
    assert_eq!(answer(either, post("application/json", b"{}")).1, "true false");
}

#[test]
fn missing_or_malformed_context_is_masked_and_logged() {
    let request = |context: &Value| {
        let context = context.to_string();
        let mut request = get("/");
        request.platform.request_context = apptheory_core::http::platform::EventJson::new(&context);
        request
    };
    let none = json!({});
    let half = json!({"http": {}, "authorizer": {"jwt": {"claims": {"sub": 7}}}});
    let claims = async |Claims(me): Claims<Me>| me.sub;
    let answers = [
        (answer(claims, request(&none)), "no JWT or Cognito authorizer"),
        (
            answer(claims, request(&half)),
            "requestContext.authorizer.jwt.claims.sub: expected a string",
        ),
        (
            answer(async |me: Option<Claims<Me>>| format!("{}", me.is_some()), request(&half)),
            "requestContext.authorizer.jwt.claims.sub: expected a string",
        ),
        (answer(async |Authorizer(plan): Authorizer<Plan>| plan.plan, request(&none)), "no Lambda"),
        (
            answer(async |PrincipalId(id)| id, request(&none)),
            "no Lambda authorizer returned a `principalId`",
        ),
        (answer(async |_: IamIdentity| (), request(&none)), "a signature with AWS"),
        (answer(async |_: CognitoIdentity| (), request(&none)), "a Cognito identity pool"),
        (answer(async |_: ClientCertificate| (), request(&none)), "a client certificate"),
        (answer(async |ClientIp(ip)| ip.to_string(), request(&none)), "Option<ClientIp>"),
        (answer(async |_: RequestContext| (), get("/")), "event has no `requestContext`"),
        (answer(async |_: Principal| (), get("/")), "call `for_callers` or `for_scopes`"),
        (answer(async |Extension(n): Extension<u8>| n.to_string(), get("/")), "of type u8"),
    ];
    for ((status, text, told), expected) in answers {
        assert_eq!(status, 500, "{expected}");
        assert!(text.contains("internal error") && !text.contains("sub"), "{text}");
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn principals_and_tenants_are_arguments() {
    let clock = clock();
    let app = |asks: bool| {
        let who = async |principal: Option<Principal>, tenant: Option<Tenant>| {
            let name =
                principal.map_or_else(|| "nobody".to_owned(), |principal| principal.identity);
            format!("{name} {:?}", tenant.map(|Tenant(id)| id))
        };
        let app = builder(&clock).settings(|settings| settings.tenant = TenantSource::Field);
        let app = app.authenticate(async |context: Context| {
            let name = context.header("x-user");
            Ok(Some(Principal::new(name)).filter(|_| !name.is_empty()))
        });
        let required = async |principal: Principal, Tenant(tenant)| principal.identity + &tenant;
        let app = if asks {
            app.get("/both", required.for_callers())
        } else {
            app.get("/both", required)
        };
        app.get("/", who).build().unwrap()
    };
    let request = |path: &str, fields: &[(&str, &str)]| {
        let mut request = get(path);
        fields.iter().for_each(|(name, value)| request.headers.append(*name, *value));
        request
    };
    let (ann, acme) = (("x-user", "ann"), ("x-tenant-id", "acme"));
    assert_eq!(text_of(&app(true), &clock, request("/both", &[ann, acme])), "annacme");
    assert_eq!(serve(&app(true), &clock, request("/both", &[ann])).status, 403);
    assert_eq!(serve(&app(true), &clock, request("/both", &[acme])).status, 401);
    assert_eq!(serve(&app(false), &clock, request("/both", &[ann, acme])).status, 500);
    assert_eq!(text_of(&app(true), &clock, request("/", &[ann])), "nobody None");
    assert_eq!(text_of(&app(true), &clock, request("/", &[acme])), r#"nobody Some("acme")"#);
}

#[cfg(feature = "multipart")]
#[test]
fn parts_are_read_in_their_order_and_bounded() {
    const TYPE: &str = "multipart/form-data; boundary=X";
    let list = async |parts: Multipart| {
        let parts = parts.0.iter().map(|part| {
            format!(
                "{:?} {:?} {:?} {:?}",
                part.name,
                part.file_name,
                part.content_type,
                part.text()
            )
        });
        parts.collect::<Vec<_>>().join("\n")
    };
    let body = "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nhi\r\n--X\r\n\
        Content-Disposition: form-data; name=\"f\"; filename=\"x.png\"\r\nContent-Type: image/png\r\n\r\n\
        \u{e9}\r\n--X--\r\n";
    let (status, text, _) = answer(list, post(TYPE, body.as_bytes()));
    let expected = "Some(\"a\") None None Some(\"hi\")\nSome(\"f\") Some(\"x.png\") Some(\"image/png\") Some(\"\u{e9}\")";
    assert_eq!((status, &*text), (200, expected));
    let part =
        |n: usize| format!("--X\r\nContent-Disposition: form-data; name=\"{n}\"\r\n\r\n\r\n");
    let parts = |count: usize| (0..count).map(part).collect::<String>() + "--X--\r\n";
    for (content_type, body, status) in [
        (TYPE, &*parts(Multipart::MAX_PARTS), 200),
        (TYPE, &*parts(Multipart::MAX_PARTS + 1), 413),
        (TYPE, "", 400),
        (TYPE, "--X\r\nhalf", 400),
        (TYPE, "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nhi", 400),
        ("multipart/form-data", body, 400),
        ("multipart/mixed; boundary=X", body, 415),
        ("application/json", "{}", 415),
        ("", body, 415),
    ] {
        assert_eq!(answer(list, post(content_type, body.as_bytes())).0, status, "{content_type}");
    }
}
