//! Tests of events as requests, and responses as JSON.

use alloc::string::ToString;

use serde_json::{Value as Json, json};

use super::HttpSource::{
    self, Alb, ApiGatewayV1, ApiGatewayV2, FunctionUrl, VpcLatticeV1, VpcLatticeV2,
};
use crate::http::{HttpResponse, Request};

fn read(source: HttpSource, event: &Json) -> Request {
    source.read_request(&event.to_string()).unwrap().normalize(None).unwrap()
}

fn headers(request: &Request) -> Json {
    serde_json::to_value(&request.headers).unwrap()
}

fn query(request: &Request) -> Json {
    serde_json::to_value(&request.query).unwrap()
}

#[test]
fn payload_v2_reads_the_raw_query_or_else_the_single_values() {
    for source in [ApiGatewayV2, FunctionUrl] {
        for (raw, single, expected) in [
            ("?tag=a&tag=b&q=x+y", json!({"tag": "a,b"}), json!({"tag": ["a", "b"], "q": ["x y"]})),
            ("??a=1", json!(null), json!({"?a": ["1"]})),
            ("?", json!({"a": "1,2", "b": null}), json!({"a": ["1,2"], "b": [""]})),
            ("", json!(null), json!({})),
            ("a=1;b=2&c=%zz&%", json!(null), json!({"a": ["1;b=2"], "c": ["%zz"], "%": [""]})),
        ] {
            let event = json!({"rawQueryString": raw, "queryStringParameters": single});
            assert_eq!(query(&read(source, &event)), expected, "{raw}");
        }
    }
}

#[test]
fn the_raw_query_is_the_clients_or_else_put_together() {
    for source in [ApiGatewayV2, FunctionUrl] {
        let raw = "b=2&a=1&flag&c=x%20y&d=%ff&&?";
        let event = json!({"rawQueryString": raw, "queryStringParameters": {"a": "1"}});
        assert_eq!(read(source, &event).raw_query, raw);
        let event = json!({"queryStringParameters": {"b": "x y", "a": "1+2"}});
        assert_eq!(read(source, &event).raw_query, "a=1%2B2&b=x+y");
    }
    let event = json!({
        "multiValueQueryStringParameters": {"b": ["x+y", "x%20y"], "a%2F": ["%zz"]},
        "queryStringParameters": {"b": "x%20y", "a%2F": "%zz"},
    });
    let request = read(Alb, &event);
    assert_eq!(request.raw_query, "a%2F=%zz&b=x+y&b=x%20y");
    assert_eq!(query(&request), json!({"b": ["x y", "x y"], "a/": ["%zz"]}));
    let request = read(ApiGatewayV1, &event);
    assert_eq!(request.raw_query, "a%252F=%25zz&b=x%2By&b=x%2520y");
    assert_eq!(query(&request), json!({"b": ["x+y", "x%20y"], "a%2F": ["%zz"]}));
}

#[test]
fn a_path_is_read_as_its_provider_hands_it_over() {
    let http_api = json!({"version": "1.0"});
    let of = |source, path: &str, more: &Json| {
        let mut event = json!({"rawPath": path, "path": path});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        read(source, &event).path.to_string()
    };
    for (sent, decoded, normal) in [
        ("/pets/100%25", "/pets/100%", "/pets/100%25"),
        ("/pets/a%2520b", "/pets/a%20b", "/pets/a%2520b"),
        ("/caf%c3%a9/%7e", "/caf\u{e9}/~", "/caf%C3%A9/~"),
        ("/a%3fb%23c", "/a?b#c", "/a%3Fb%23c"),
        ("/admin%20", "/admin ", "/admin%20"),
        ("/%e3%80%80/%0a", "/\u{3000}/\n", "/%E3%80%80/%0A"),
        ("/a;v=1,2:@!$&'()*+=", "/a;v=1,2:@!$&'()*+=", "/a;v=1,2:@!$&'()*+="),
        ("//x//", "//x//", "//x//"),
    ] {
        for source in [FunctionUrl, Alb, ApiGatewayV1] {
            assert_eq!(of(source, sent, &json!({})), normal, "{source:?} {sent}");
        }
        assert_eq!(of(ApiGatewayV2, decoded, &json!({})), normal, "{decoded}");
        assert_eq!(of(ApiGatewayV1, decoded, &http_api), normal, "{decoded}");
    }
}

#[test]
fn payload_v2_takes_cookies_from_the_list_or_else_the_header() {
    for (cookies, fields, expected) in [
        (json!(["a=1", "b=2"]), json!({"Cookie": "a=0; c=3"}), json!({"cookie": ["a=1", "b=2"]})),
        (json!([]), json!({"COOKIE": "a=1", "cookie": "b=2"}), json!({"cookie": ["a=1", "b=2"]})),
        (json!(null), json!({"x": "y"}), json!({"x": ["y"]})),
        (
            json!(["b=2; c=3", "b=4"]),
            json!({" cookie": "z=1"}),
            json!({"cookie": ["z=1", "b=2; c=3", "b=4"]}),
        ),
    ] {
        let request = read(ApiGatewayV2, &json!({"cookies": cookies, "headers": fields}));
        assert_eq!(headers(&request), expected);
    }
}

#[test]
fn paths_fall_back_to_the_context_and_lose_their_stage() {
    let v2 = |raw: &str, domain: &str| {
        let http = json!({"method": "put", "path": "/prod/fallback"});
        let context = json!({"http": http, "stage": "prod", "domainName": domain});
        json!({"rawPath": raw, "requestContext": context})
    };
    assert_eq!(read(ApiGatewayV2, &v2("/prod/x", "")).path, "/x");
    assert_eq!(read(ApiGatewayV2, &v2("", "")).path, "/fallback");
    assert_eq!(read(ApiGatewayV2, &v2("/prod/x", "api.example.com")).path, "/prod/x");
    assert_eq!(read(FunctionUrl, &v2("/prod/x", "")).path, "/prod/x");
    assert_eq!(read(FunctionUrl, &v2("", "")).method, "PUT");

    let context = json!({"httpMethod": "delete", "path": "/prod/x", "stage": "prod"});
    let event = json!({"path": "", "requestContext": context});
    let request = read(ApiGatewayV1, &event);
    assert_eq!((&*request.method, &*request.path), ("DELETE", "/x"));
    assert_eq!(read(Alb, &event).path, "/");
    let event = json!({"path": "/prod/y", "requestContext": context});
    assert_eq!(read(ApiGatewayV1, &event).path, "/prod/y");

    let http_api = |path: &str, stage: &str, domain: &str| {
        let context = json!({"path": "/prod/x", "stage": stage, "domainName": domain});
        let event = json!({"version": "1.0", "path": path, "requestContext": context});
        read(ApiGatewayV1, &event).path.to_string()
    };
    let own = "a1b2c3.execute-api.eu-west-1.amazonaws.com";
    assert_eq!(http_api("/prod/y", "prod", own), "/y");
    assert_eq!(http_api("/prod", "prod", own), "/");
    assert_eq!(http_api("/product/y", "prod", own), "/product/y");
    assert_eq!(http_api("", "prod", own), "/x");
    assert_eq!(http_api("/$default/y", "$default", own), "/$default/y");
    assert_eq!(http_api("/prod/y", "prod", "api.example.com"), "/prod/y");
}

#[test]
fn a_slash_at_the_end_matters_except_for_mcp() {
    let at = |resource: &str, context: &str, path: &str| {
        let context = json!({"resourcePath": context});
        let event = json!({"resource": resource, "path": path, "requestContext": context});
        read(ApiGatewayV1, &event).path
    };
    assert_eq!(at("/mcp/{actor}", "", "/mcp/me/"), "/mcp/me");
    assert_eq!(at("/", "/mcp", "/mcp//"), "/mcp");
    assert_eq!(at(" /mcp/ ", "/x", "/mcp/"), "/mcp");
    assert_eq!(at("/files/{path+}", "/mcp", "/files/a/"), "/files/a/");
    assert_eq!(at("/mcp", "", "//"), "/");
}

#[test]
fn payload_v1_prefers_lists_and_doubles_nothing() {
    for source in [ApiGatewayV1, Alb] {
        let request = read(
            source,
            &json!({
                "multiValueHeaders": {"X-Foo": ["a", "b"], "y": [], "z": null, "n": [null]},
                "headers": {"x-foo": "a", "X-FOO": "b", "y": "1", "Cookie": "c=1"},
                "multiValueQueryStringParameters": {"q": ["1", "2"], "e": []},
                "queryStringParameters": {"q": "2", "Q": "3", "e": "4"},
            }),
        );
        let expected = json!({"cookie": ["c=1"], "n": [""], "x-foo": ["a", "b"], "y": [], "z": []});
        assert_eq!(headers(&request), expected);
        assert_eq!(query(&request), json!({"Q": ["3"], "e": [], "q": ["1", "2"]}));
        assert_eq!(request.cookies.get("c"), Some("1"));
    }
}

#[test]
fn only_load_balancers_leave_queries_encoded() {
    let event = json!({
        "multiValueQueryStringParameters": {"a%20b": ["1%2B+", "%zz"], "c": ["x"]},
        "queryStringParameters": {"a b": "doubled", "%63": "x", "d%": "%41%4"},
    });
    let expected = json!({"a b": ["1+ ", "%zz"], "c": ["x"], "d%": ["A%4"]});
    assert_eq!(query(&read(Alb, &event)), expected);
    assert_eq!(read(ApiGatewayV1, &event).query.get("a%20b"), Some("1%2B+"));
}

#[test]
fn only_a_providers_context_vouches_for_the_address() {
    let http = json!({"sourceIp": " 2001:DB8::1 "});
    let identity = json!({"sourceIp": "198.51.100.7"});
    let event = json!({
        "headers": {"X-Forwarded-For": "203.0.113.9"},
        "requestContext": {"http": http, "identity": identity, "requestId": "id-1"},
    });
    for (source, provider, ip, id) in [
        (ApiGatewayV2, "apigw-v2", "2001:db8::1", "id-1"),
        (FunctionUrl, "lambda-url", "2001:db8::1", "id-1"),
        (ApiGatewayV1, "apigw-v1", "198.51.100.7", "id-1"),
        (Alb, "unknown", "", ""),
    ] {
        let request = read(source, &event);
        let known = &request.source_provenance;
        assert_eq!((known.provider(), known.source_ip()), (provider, ip));
        assert_eq!(request.provider_request_id, id);
    }
}

#[test]
fn vpc_lattice_sends_the_same_request_in_two_forms() {
    let v1 = json!({"raw_path": "/a%2fb", "method": "post", "body": "aGk=",
        "is_base64_encoded": true, "query_string_parameters": {"q": "a b"},
        "headers": {"Accept": "*/*", "cookie": "c=1; d=2", "x-forwarded-for": "192.0.2.1"}});
    let v2 = json!({"version": "2.0", "path": "/a%2fb", "method": "post", "body": "aGk=",
        "isBase64Encoded": true, "queryStringParameters": {"q": ["a b"]},
        "headers": {"Accept": ["*/*"], "cookie": ["c=1; d=2"], "x-forwarded-for": ["192.0.2.1"]},
        "requestContext": {"targetGroupArn": "arn:t", "identity": {"principal": "arn:p"}}});
    for (source, event) in [(VpcLatticeV1, &v1), (VpcLatticeV2, &v2)] {
        let request = read(source, event);
        assert_eq!((&*request.method, &*request.path), ("POST", "/a%2Fb"), "{source:?}");
        assert_eq!((request.query.get("q"), &*request.body), (Some("a b"), &b"hi"[..]));
        assert_eq!((request.header("accept"), request.cookies.get("d")), ("*/*", Some("2")));
        assert!(!request.source_provenance.is_valid(), "clients can write x-forwarded-for");
    }
    let said: Option<Json> = read(VpcLatticeV2, &v2).platform.request_context().unwrap();
    assert_eq!(said.unwrap()["identity"]["principal"], "arn:p");
    // A query in the path has more information than single values.
    let mut whole = v1;
    whole["raw_path"] = "/a?q=1&q=2+3".into();
    let request = read(VpcLatticeV1, &whole);
    assert_eq!((&*request.path, &*request.raw_query), ("/a", "q=1&q=2+3"));
    assert_eq!(request.query.get_all("q"), ["1", "2 3"]);
    let cookies = HttpResponse::new(200).with_cookie("a=1").with_cookie("b=2");
    let written: Json = serde_json::from_str(&VpcLatticeV1.write_response(&cookies)).unwrap();
    assert_eq!(written["headers"], json!({"set-cookie": "a=1", "Set-cookie": "b=2"}));
}

#[test]
fn null_is_a_missing_member_and_wrong_types_fail_the_invocation() {
    for source in HttpSource::ALL {
        let nulls = json!({"rawPath": null, "path": null, "headers": null, "body": null, "cookies": null,
            "isBase64Encoded": null, "requestContext": null, "multiValueHeaders": null});
        assert_eq!(read(source, &nulls), read(source, &json!({})));
        let value = if source == VpcLatticeV2 { r#"["1"]"# } else { r#""1""# };
        let twice = alloc::format!(r#"{{"headers":{{"a":{value},"a":{value}}},"unread":[5]}}"#);
        assert!(source.read_request(&twice).is_ok());
        let is_v1 = source == VpcLatticeV1;
        let flag = if is_v1 { "is_base64_encoded" } else { "isBase64Encoded" };
        let flag = alloc::format!(r#"{{"{flag}":"true"}}"#);

        for text in [
            "",
            "[]",
            "null",
            "5",
            "{",
            "{} {}",
            r#"{"headers":5}"#,
            r#"{"headers":{"a":5}}"#,
            r#"{"headers":["a"]}"#,
            r#"{"body":{}}"#,
            &flag,
        ] {
            let error = source.read_request(text).unwrap_err().to_string();
            let event = match source {
                ApiGatewayV2 => "apptheory: parse apigw v2 event: ",
                FunctionUrl => "apptheory: parse lambda url event: ",
                ApiGatewayV1 => "apptheory: parse apigw proxy event: ",
                Alb => "apptheory: parse alb event: ",
                VpcLatticeV1 | VpcLatticeV2 => "apptheory: parse vpc lattice event: ",
            };
            assert!(error.starts_with(event), "{text}: {error}");
        }
        // The request does not use VPC Lattice's context.
        let reads_context = !matches!(source, VpcLatticeV1 | VpcLatticeV2);
        for context in [r#"{"requestContext":[]}"#, r#"{"requestContext":"x"}"#] {
            assert_eq!(source.read_request(context).is_err(), reads_context, "{source:?}");
        }
    }
    assert!(VpcLatticeV2.read_request(r#"{"headers":{"a":"1"}}"#).is_err());
    assert!(ApiGatewayV2.read_request(r#"{"requestContext":{"http":["GET"]}}"#).is_err());
    assert!(ApiGatewayV2.read_request(r#"{"cookies":"a=1"}"#).is_err());
    assert!(ApiGatewayV1.read_request(r#"{"multiValueHeaders":{"a":"1"}}"#).is_err());
}

#[test]
fn the_last_of_equal_names_wins() {
    let event = r#"{"headers":{"b":"1","a":"1","a":"2","a":"3"}}"#;
    let request = FunctionUrl.read_request(event).unwrap().normalize(None).unwrap();
    assert_eq!(headers(&request), json!({"a": ["3"], "b": ["1"]}));
}

fn full() -> HttpResponse {
    let mut response =
        HttpResponse::text(200, "<ok>").with_cookie("a=1; Path=/").with_cookie("b=2");
    response.headers.set_all("x-list", ["1", "2"]);
    response.headers.set_all("x-none", [""; 0]);
    response.headers.set("y", "");
    response.normalize().unwrap()
}

#[test]
fn responses_keep_every_value() {
    let content = "\"content-type\":\"text/plain; charset=utf-8\"";
    let lists = r#""content-type":["text/plain; charset=utf-8"]"#;
    let multi = r#""x-list":["1","2"],"y":[""]"#;
    let body = r#""body":"\u003cok\u003e""#;
    for (source, expected) in [
        (
            ApiGatewayV2,
            alloc::format!(
                r#"{{"statusCode":200,"headers":{{{content},"x-list":"1,2","y":""}},"multiValueHeaders":{{{lists},{multi}}},{body},"cookies":["a=1; Path=/","b=2"]}}"#
            ),
        ),
        (
            FunctionUrl,
            alloc::format!(
                r#"{{"statusCode":200,"headers":{{{content},"x-list":"1,2","y":""}},{body},"isBase64Encoded":false,"cookies":["a=1; Path=/","b=2"]}}"#
            ),
        ),
        (
            ApiGatewayV1,
            alloc::format!(
                r#"{{"statusCode":200,"headers":{{{content},"set-cookie":"a=1; Path=/","x-list":"1","y":""}},"multiValueHeaders":{{{lists},"set-cookie":["a=1; Path=/","b=2"],{multi}}},{body}}}"#
            ),
        ),
        (
            Alb,
            alloc::format!(
                r#"{{"statusCode":200,"statusDescription":"200 OK","headers":{{{content},"x-list":"1,2","y":"","set-cookie":"a=1; Path=/","Set-cookie":"b=2"}},"multiValueHeaders":{{{lists},"set-cookie":["a=1; Path=/","b=2"],{multi}}},{body},"isBase64Encoded":false}}"#
            ),
        ),
    ] {
        assert_eq!(source.write_response(&full()), expected);
    }
}

#[test]
fn empty_responses_have_the_members_that_providers_expect() {
    let empty = HttpResponse::no_content();
    for (source, expected) in [
        (
            ApiGatewayV2,
            r#"{"statusCode":204,"headers":{},"multiValueHeaders":{},"body":"","cookies":[]}"#,
        ),
        (
            FunctionUrl,
            r#"{"statusCode":204,"headers":{},"body":"","isBase64Encoded":false,"cookies":[]}"#,
        ),
        (ApiGatewayV1, r#"{"statusCode":204,"headers":{},"multiValueHeaders":{},"body":""}"#),
        (
            Alb,
            r#"{"statusCode":204,"statusDescription":"204 No Content","headers":{},"multiValueHeaders":{},"body":"","isBase64Encoded":false}"#,
        ),
        (
            VpcLatticeV2,
            r#"{"statusCode":204,"statusDescription":"204 No Content","headers":{},"body":"","isBase64Encoded":false}"#,
        ),
    ] {
        assert_eq!(source.write_response(&empty), expected);
    }
}

#[test]
fn answers_are_as_large_as_their_front_end_takes() {
    for source in HttpSource::ALL {
        let overhead = source.write_response(&HttpResponse::text(200, "")).len();
        let most = usize::try_from(source.max_answer_bytes()).unwrap() - overhead;
        for (body, is_too_large) in [("x".repeat(most), false), ("x".repeat(most + 1), true)] {
            assert_eq!(source.is_too_large(&HttpResponse::text(200, body)), is_too_large);
        }
        // Text that grows by encoding counts in its encoded size.
        let quotes = HttpResponse::text(200, "\u{1}".repeat(most / 6 + 1));
        assert!(source.is_too_large(&quotes));
        let fields = HttpResponse::text(200, "").with_header("x", "v".repeat(most + 64));
        assert!(source.is_too_large(&fields));
    }
}

#[test]
fn bytes_travel_as_base64_asked_or_not() {
    for source in HttpSource::ALL {
        let asked = HttpResponse::binary(200, [0, 1, 0xff], "image/png");
        let unasked = HttpResponse { is_base64: false, ..asked.clone() };
        let written: Json = serde_json::from_str(&source.write_response(&asked)).unwrap();
        assert_eq!((&written["body"], &written["isBase64Encoded"]), (&json!("AAH/"), &json!(true)));
        assert_eq!(source.write_response(&unasked), source.write_response(&asked));
    }
}

#[test]
fn load_balancers_get_a_phrase_and_a_spelling_for_each_cookie() {
    let of = |response: &HttpResponse| -> Json {
        serde_json::from_str(&Alb.write_response(response)).unwrap()
    };
    for (status, description) in
        [(413, "413 Request Entity Too Large"), (418, "418 I'm a teapot"), (499, "499")]
    {
        assert_eq!(of(&HttpResponse::new(status))["statusDescription"], description);
    }
    let response = (0..600).fold(HttpResponse::new(200), |r, n| r.with_cookie(n.to_string()));
    let written = of(&response);
    let headers = written["headers"].as_object().unwrap();
    assert_eq!(headers.len(), 512);
    for (name, value) in [
        ("set-cookie", "0"),
        ("Set-cookie", "1"),
        ("sEt-cookie", "2"),
        ("SEt-cookie", "3"),
        ("set-Cookie", "8"),
        ("SET-COOKIE", "511"),
    ] {
        assert_eq!(headers[name], value);
    }
    assert_eq!(written["multiValueHeaders"]["set-cookie"].as_array().unwrap().len(), 600);
}
