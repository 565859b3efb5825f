//! Return values of handlers of requests.

use apptheory_core::http::HttpResponse;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::{builder, clock, get, serve, text};
use crate::app::*;

fn answer<A: 'static>(handler: impl Handler<A, (), kind::Http>) -> Response {
    let clock = clock();
    let app = builder(&clock).get("/", handler).build().unwrap();
    serve(&app, &clock, get("/"))
}

#[test]
fn statuses_and_header_fields_go_before_what_is_answered() {
    let created = answer(async || (StatusCode::CREATED, Json(1)));
    assert_eq!((created.status, text(&created)), (201, "1"));
    assert_eq!(created.headers.first("content-type"), "application/json; charset=utf-8");
    let accepted = answer(async || StatusCode::ACCEPTED);
    assert_eq!((accepted.status, text(&accepted)), (202, ""));

    let fields = [("X-A", "1"), ("x-a", "2"), ("content-type", "text/csv")];
    let csv = answer(move || core::future::ready((fields, "a,b")));
    assert_eq!((csv.status, text(&csv)), (200, "a,b"));
    assert_eq!(csv.headers.get_all("x-a"), ["1", "2"]);
    assert_eq!(csv.headers.get_all("content-type"), ["text/csv"]);

    let cookies = || [("set-cookie", "a=1".to_owned()), ("Set-Cookie", "b=2".to_owned())];
    let both = answer(move || {
        let inner = Response::text(200, "hi").with_cookie("c=3");
        core::future::ready((StatusCode::IM_A_TEAPOT, cookies(), inner))
    });
    assert_eq!((both.status, both.cookies.join(";")), (418, "c=3;a=1;b=2".to_owned()));

    let mut map = HeaderMap::new();
    map.insert("x-a", HeaderValue::from_static("1"));
    map.append("x-a", HeaderValue::from_static("2"));
    let mapped = answer(move || core::future::ready((StatusCode::OK, map.clone(), ())));
    assert_eq!(mapped.headers.get_all("x-a"), ["1", "2"]);
}

#[test]
fn what_would_break_an_answer_is_masked() {
    let latin =
        || HeaderMap::from_iter([(http::header::ETAG, HeaderValue::from_bytes(b"\xe9").unwrap())]);
    let broken: [(&str, Response); 7] = [
        ("name", answer(async || ([("x bad", "1")], "hi"))),
        ("blank name", answer(async || ([("", "1")], "hi"))),
        ("value", answer(async || ([("x-a", "1\r\nx-b: 2")], "hi"))),
        ("map", answer(move || core::future::ready((latin(), "hi")))),
        ("interim", answer(async || StatusCode::CONTINUE)),
        ("redirect", answer(async || Redirect::to("/a\r\nx-b: 2"))),
        ("nowhere", answer(async || Redirect::permanent(""))),
    ];
    for (what, response) in broken {
        assert_eq!(response.status, 500, "{what}");
        assert!(text(&response).contains("app.internal"), "{what}");
        assert!(response.error.is_some() && response.headers.first("x-b").is_empty(), "{what}");
    }
}

#[test]
fn redirects_say_where() {
    for (redirect, status) in [
        (Redirect::to("/a"), 303),
        (Redirect::temporary("/a"), 307),
        (Redirect::permanent("/a"), 308),
    ] {
        let response = answer(move || core::future::ready(redirect.clone()));
        assert_eq!((response.status, response.headers.first("location")), (status, "/a"));
    }
}

#[test]
fn what_is_not_there_is_404_and_bytes_are_bytes() {
    assert_eq!(answer(async || None::<Json<u8>>).status, 404);
    assert_eq!(text(&answer(async || Some(Json(7)))), "7");
    assert_eq!(answer(async || (StatusCode::CREATED, None::<String>)).status, 404);
    for response in [answer(async || vec![0xff_u8]), answer(async || Bytes::from_static(b"\xff"))] {
        let HttpResponse { body, is_base64, headers, .. } = response;
        assert_eq!((&*body, is_base64), (&b"\xff"[..], true));
        assert_eq!(headers.first("content-type"), "application/octet-stream");
    }
    let page = answer(async || Html(BodyStream::from_chunks(["<h1>", "hi"])));
    assert_eq!(page.headers.first("content-type"), "text/html; charset=utf-8");
    assert!(page.stream.is_some());
}
