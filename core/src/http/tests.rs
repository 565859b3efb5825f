//! Tests of normalized requests and responses.

use alloc::borrow::Cow;
use alloc::string::ToString;
use alloc::vec::Vec;

use serde_json::json;

use super::{HeaderMap, HttpResponse, QueryString, RawRequest, RequestError, ResponseError};
use crate::error::{AppError, ErrorFormat};

fn with_headers<'a>(pairs: &[(&str, &str)]) -> RawRequest<'a> {
    let headers = pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    RawRequest { headers, ..RawRequest::new("get", "orders?x=1") }
}

fn with_body(body: &str, is_base64: bool) -> RawRequest<'_> {
    let body = Cow::Borrowed(body.as_bytes());
    RawRequest { body, is_base64, ..RawRequest::new("POST", "/") }
}

#[test]
fn normalizing_a_request_reads_its_cookies_ids_and_query() {
    let raw = with_headers(&[
        ("Cookie", "a=1; b=2"),
        ("X-Amzn-Trace-Id", "Root=1-67891233-abcdef012345678912345678"),
        ("X-Request-ID", " r1 "),
    ]);
    let request = raw.normalize(None).unwrap();
    assert_eq!((&*request.method, &*request.path), ("GET", "/orders"));
    assert_eq!(request.cookies.len(), 2);
    assert_eq!(request.trace_id, "1-67891233-abcdef012345678912345678");
    assert_eq!(request.client_request_id(), "r1");
    assert_eq!((request.query.get("x"), &*request.raw_query), (Some("1"), "x=1"));
}

#[test]
fn a_target_is_a_path_and_a_query() {
    let read = |target: &str| {
        let request = RawRequest::new("GET", target).normalize(None).unwrap();
        (request.path.to_string(), request.raw_query)
    };
    for (target, path, query) in [
        ("/orders?status=open", "/orders", "status=open"),
        ("/orders?", "/orders", ""),
        ("?a=b", "/", "a=b"),
        ("/a?b=c?d=%zz;", "/a", "b=c?d=%zz;"),
        ("/admin%20?x", "/admin%20", "x"),
        ("/admin ", "/admin%20", ""),
        ("/caf\u{e9}#top", "/caf%C3%A9%23top", ""),
    ] {
        assert_eq!(read(target), (path.to_string(), query.to_string()), "{target}");
    }
}

#[test]
fn several_cookie_fields_are_read_as_one() {
    let several = with_headers(&[("Cookie", "a=1"), ("cookie", "b=2"), ("x", "1"), ("X", "2")]);
    let request = several.normalize(None).unwrap();
    assert_eq!(request.headers.get_all("cookie"), ["a=1", "b=2"]);
    assert_eq!(request.header(" Cookie"), "a=1; b=2");
    assert_eq!(request.header_values("COOKIE"), ["a=1; b=2"]);
    assert_eq!(request.header("x"), "2");
    let fields: Vec<_> = request.fields().map(|(name, all)| (name, all.join("|"))).collect();
    assert_eq!(fields, [("cookie", "a=1; b=2".to_string()), ("x", "2|1".to_string())]);
    assert_eq!(with_headers(&[]).normalize(None).unwrap().header("cookie"), "");
}

#[test]
fn rejected_requests_keep_what_could_be_read() {
    let mut raw = with_headers(&[("Origin", "https://a"), ("x-tenant-id", "t")]);
    (raw.body, raw.is_base64) = (Cow::Borrowed(&b"?"[..]), true);
    let rejected = raw.normalize(None).unwrap_err();
    assert_eq!(rejected.error, RequestError::InvalidBase64);
    assert_eq!(rejected.request.headers.first("origin"), "https://a");
    assert_eq!(rejected.request.tenant_id(), "t");

    for value in ["a\r\nb: c", "a\nb", "a\0b"] {
        let rejected = with_headers(&[("x", value)]).normalize(None).unwrap_err();
        assert_eq!(rejected.error, RequestError::InvalidHeader);
    }
    assert!(with_headers(&[("x\n", "trimmed")]).normalize(None).is_ok());
}

#[test]
fn the_limit_counts_decoded_bytes() {
    let error = |raw: RawRequest<'_>, most| raw.normalize(Some(most)).unwrap_err().error;
    assert_eq!(error(with_body("12345", false), 4), RequestError::TooLarge);
    assert_eq!(error(with_body("MTIzNDU=", true), 4), RequestError::TooLarge);
    assert_eq!(error(with_body("AAAA=AAA", true), 1), RequestError::InvalidBase64);
    let request = with_body("MTIzNDU=", true).normalize(Some(5)).unwrap();
    assert_eq!((&*request.body, request.is_base64), (&b"12345"[..], true));
    assert!(with_body("12345", false).normalize(Some(5)).is_ok());
}

#[test]
fn request_errors_have_codes_and_messages() {
    for (error, expected) in [
        (RequestError::InvalidHeader, "400 app.bad_request: invalid header"),
        (RequestError::InvalidBase64, "400 app.bad_request: invalid base64"),
        (RequestError::TooLarge, "413 app.too_large: request too large"),
    ] {
        let error = AppError::from(error);
        assert_eq!(alloc::format!("{} {error}", error.status()), expected);
    }
}

#[test]
fn the_tenant_is_the_headers_or_the_querys() {
    let tenant = |header: &[(&str, &str)], name: &str| {
        let mut raw = with_headers(header);
        raw.query = QueryString::parse(alloc::format!("{name}=q1&{name}=q2"));
        raw.normalize(None).unwrap().tenant_id().to_string()
    };
    assert_eq!(tenant(&[("X-Tenant-Id", "")], "tenant"), "q1");
    assert_eq!(tenant(&[("X-Tenant-Id", " ")], "tenant"), " ");
    assert_eq!(tenant(&[], "Tenant"), "");
}

#[test]
fn cookies_leave_the_headers_in_order() {
    let mut response = <HttpResponse>::new(0).with_cookie("c=0");
    response.headers.append("Set-Cookie", "s=1");
    response.headers.append("SET-COOKIE", "t=2");
    let response = response.normalize().unwrap();
    assert_eq!((response.status, response.headers.len()), (200, 0));
    assert_eq!(response.cookies, ["c=0", "s=1", "t=2"]);
}

#[test]
fn what_would_break_on_the_wire_is_refused() {
    for status in [99, 100, 101, 199, 600, 999] {
        let error = ResponseError::InvalidStatus(status);
        assert_eq!(<HttpResponse>::new(status).normalize(), Err(error));
    }
    let invalid = |name: &str| ResponseError::InvalidHeader { name: name.into() };
    for (name, value) in [("x", "a\r\nb: c"), ("x\0y", ""), ("x bad", "1"), ("x", "caf\u{e9}")] {
        let response = <HttpResponse>::no_content().with_header(name, value);
        assert_eq!(response.normalize(), Err(invalid(name)));
    }
    let cookie = <HttpResponse>::no_content().with_cookie("a=\n");
    assert_eq!(cookie.normalize(), Err(invalid("set-cookie")));
    assert_eq!(AppError::from(invalid("x")).status(), 500);
}

#[test]
fn hop_by_hop_headers_are_removed_from_responses() {
    let response = <HttpResponse>::text(200, "hi")
        .with_header("Connection", "keep-alive, X-Hop")
        .with_header("x-hop", "1")
        .with_header("keep-alive", "timeout=5")
        .with_header("proxy-connection", "close")
        .with_header("te", "trailers")
        .with_header("trailer", "x-t")
        .with_header("transfer-encoding", "chunked")
        .with_header("upgrade", "h2c")
        .with_header("content-length", "999")
        .with_header("x-kept", "1");
    let names =
        |headers: &HeaderMap| headers.sent().map(|(name, _)| name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(&response.headers), ["content-type", "x-kept"]);
    let response = response.normalize().unwrap();
    assert_eq!((response.headers.len(), names(&response.headers).len()), (2, 2));
}

#[test]
fn responses_without_a_body_lose_theirs() {
    for status in [204, 205, 304] {
        let response = HttpResponse::text(status, "gone").with_stream(()).normalize().unwrap();
        assert_eq!((response.body.len(), response.stream), (0, None));
        assert_eq!(response.headers.len(), 1);
    }
}

#[test]
fn response_helpers_set_their_content_type() {
    let content_type = |response: &HttpResponse| response.headers.first("content-type").to_string();
    assert_eq!(content_type(&HttpResponse::text(200, "x")), "text/plain; charset=utf-8");
    assert_eq!(content_type(&HttpResponse::html(200, "x")), "text/html; charset=utf-8");
    let created = <HttpResponse>::created_json(&json!(null)).unwrap();
    assert_eq!((created.status, &*created.body), (201, &b"null"[..]));
    assert_eq!(content_type(&created), "application/json; charset=utf-8");
    let binary = <HttpResponse>::binary(200, [0, 1], "");
    assert!(binary.is_base64 && binary.headers.is_empty());
    let stream = HttpResponse::html_stream(200, "more");
    assert_eq!(stream.split_stream().1, Some("more"));

    let bad: alloc::collections::BTreeMap<Vec<u8>, u8> = [(Vec::new(), 1)].into_iter().collect();
    assert_eq!(<HttpResponse>::json(200, &bad).unwrap_err().status(), 500);
}

#[test]
fn error_responses_always_have_the_json_content_type() {
    let error = AppError::unauthorized()
        .with_header("WWW-Authenticate", "Bearer")
        .with_header("content-type", "text/plain");
    let response = <HttpResponse>::from_error(&error, ErrorFormat::Nested, "r", "");
    let expected: HeaderMap =
        [("content-type", "application/json; charset=utf-8"), ("www-authenticate", "Bearer")]
            .into_iter()
            .collect();
    assert_eq!((response.status, response.headers), (401, expected));
}
