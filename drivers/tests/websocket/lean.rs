//! The clients without the SDK: their settings, what they send with a request, and lost replies.

use std::sync::Arc;

use apptheory::app::{App, Invocation, WebSocket};
use apptheory::clock::ManualClock;
use apptheory::time::Timestamp;
use apptheory::websocket::{
    LeanWebSocketClients, WebSocketClientFactory as _, WebSocketManagementClient as _,
};
use apptheory_core::gateway::{ConnectionOperation, Error, ErrorKind, RegionSource};
use core::error::Error as _;

use crate::block_on;
use crate::gateway::{CLIENTS, Client, env};
use crate::raw_server::{date, field, server, signed_at};

const ENDPOINT: &str = "wss://a1.execute-api.eu-west-1.amazonaws.com/dev/";

const SENT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// Returns clients in an environment with these variables.
fn within(variables: &'static [(&str, &str)]) -> LeanWebSocketClients {
    LeanWebSocketClients::new().with_clock(ManualClock::new(Timestamp::UNIX_EPOCH)).with_env(
        |asked| {
            let found = variables.iter().find(|(name, _)| *name == asked);
            found.map(|(_, value)| (*value).to_owned())
        },
    )
}

#[test]
fn endpoint_and_region_are_needed() {
    for (endpoint, expected) in [
        (" ", ErrorKind::MissingEndpoint),
        ("ftp://x", ErrorKind::InvalidEndpoint),
        // No request can be written for these.
        ("https://\u{e9}.example.com", ErrorKind::InvalidEndpoint),
        ("ws.example.com", ErrorKind::MissingRegion),
    ] {
        let error = within(&[]).connect(endpoint).unwrap_err();
        assert_eq!(error.kind(), &expected, "{endpoint}");
    }
    let invalid = within(&[]).with_region("EU WEST").connect(ENDPOINT).unwrap_err();
    assert_eq!(invalid.kind(), &ErrorKind::InvalidRegion);
    let refused = block_on(within(&[]).client("ws.example.com")).unwrap_err();
    assert_eq!(refused.kind(), &ErrorKind::MissingRegion);
}

#[test]
fn the_first_source_that_is_set_decides_the_region() {
    let region = |clients: LeanWebSocketClients| {
        let client = clients.connect(ENDPOINT).unwrap();
        (client.region().name.clone(), client.region().source)
    };
    let of_env = || within(&[("AWS_REGION", " "), ("AWS_DEFAULT_REGION", "eu-north-1")]);
    assert_eq!(region(of_env()), ("eu-north-1".into(), RegionSource::Env));
    let preferring = of_env().preferring_endpoint_region();
    assert_eq!(region(preferring), ("eu-west-1".into(), RegionSource::Endpoint));
    let explicit = of_env().preferring_endpoint_region().with_region(" eu-south-1 ");
    assert_eq!(region(explicit), ("eu-south-1".into(), RegionSource::Explicit));
    assert_eq!(region(within(&[])), ("eu-west-1".into(), RegionSource::Endpoint));
}

#[test]
fn clients_are_kept_by_endpoint_and_region() {
    let clients = within(&[]);
    assert!(clients.connect("").is_err());
    let first = clients.connect(ENDPOINT).unwrap();
    let same = "https://A1.execute-api.eu-west-1.amazonaws.com:443/dev/@connections/x";
    assert!(Arc::ptr_eq(&first, &clients.connect(same).unwrap()));
    let other = clients.connect("https://a2.execute-api.eu-west-1.amazonaws.com/dev").unwrap();
    assert!(!Arc::ptr_eq(&first, &other));
    let fixed = within(&[]).with_endpoint("http://127.0.0.1:9/local").with_region("eu-west-1");
    let client = fixed.connect(ENDPOINT).unwrap();
    assert_eq!(client.request_base().as_str(), "http://127.0.0.1:9/local");
}

#[test]
fn credentials_are_needed_and_the_missing_variable_is_named() {
    for (variables, missing) in [
        (&[("AWS_SECRET_ACCESS_KEY", "secret")][..], "AWS_ACCESS_KEY_ID"),
        (&[("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", " ")], "AWS_SECRET_ACCESS_KEY"),
    ] {
        // No server listens there: a request would be a transport error.
        let clients = within(variables).with_endpoint("http://127.0.0.1:9");
        let client = clients.with_region("eu-west-1").connect("").unwrap();
        let error = block_on(client.post_to_connection("c", b"x")).unwrap_err();
        assert_eq!(
            error,
            Error::new(ConnectionOperation::PostToConnection, ErrorKind::MissingCredentials)
        );
        let cause = error.source().unwrap().to_string();
        assert!(cause.starts_with(missing) && cause.contains("`AwsWebSocketClients`"), "{cause}");
    }
}

#[test]
fn keys_are_not_printed() {
    let clients = within(&[
        ("AWS_ACCESS_KEY_ID", "hush-id"),
        ("AWS_SECRET_ACCESS_KEY", "hush-hush"),
        ("AWS_SESSION_TOKEN", "hush-token"),
    ]);
    let client = clients.connect(ENDPOINT).unwrap();
    let printed = format!("{clients:?} {client:?} {client:#?}");
    assert!(!printed.contains("hush") && printed.contains("eu-west-1"), "{printed}");
}

#[test]
fn a_request_has_the_token_of_the_session_and_the_trace_of_its_invocation() {
    block_on(async {
        let (url, requests) = server(vec![(false, SENT.to_owned())]).await;
        let clients = LeanWebSocketClients::new().with_endpoint(&url).with_env(|name| {
            env(name).or_else(|| (name == "AWS_SESSION_TOKEN").then(|| "token".to_owned()))
        });
        let app = App::new()
            .websocket("say", async |socket: WebSocket| socket.send(b"hello").await)
            .websocket_clients(clients)
            .build()
            .unwrap();
        let event = r#"{"requestContext":{"routeKey":"say","connectionId":"c1=","stage":"dev"}}"#;
        let invocation = Invocation { trace: "Root=1-2-3".into(), ..Invocation::default() };
        let answer = app.invoke(event, invocation).await.unwrap();
        assert!(answer.starts_with(r#"{"statusCode":204"#), "{answer}");

        let (_, request) = requests.lock().unwrap().pop().unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /@connections/c1%3D HTTP/1.1\r\n"), "{head}");
        assert_eq!(body, "hello");
        assert_eq!(field(head, "host"), url.strip_prefix("http://"));
        assert_eq!(field(head, "x-amz-security-token"), Some("token"));
        assert_eq!(field(head, "x-amzn-trace-id"), Some("Root=1-2-3"));
        let signed = "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token,";
        assert!(field(head, "authorization").unwrap().contains(signed), "{head}");
    });
}

#[test]
fn an_operation_whose_reply_is_lost_is_sent_again_through_each_client() {
    for client in CLIENTS {
        block_on(async {
            let lost = (true, String::new());
            let (url, requests) = server(vec![lost.clone(), lost.clone(), lost]).await;
            let error = client.of(&url).await.post_to_connection("c", b"x").await.unwrap_err();
            let text = "apptheory: post_to_connection failed unavailable";
            assert_eq!((error.kind(), &*error.to_string()), (&ErrorKind::Transport, text));
            assert_eq!(requests.lock().unwrap().len(), 3, "{client:?}");
        });
    }
}

#[test]
fn a_reply_whose_body_is_lost_says_what_its_status_says_through_each_client() {
    let service = |status| ErrorKind::Service { status, code: String::new() };
    for (status, expected, attempts) in
        [(200, None, 1), (410, Some(ErrorKind::Gone), 1), (500, Some(service(500)), 3)]
    {
        for client_kind in CLIENTS {
            block_on(async {
                let cut = format!("HTTP/1.1 {status} x\r\ncontent-length: 9\r\n\r\n{{}}");
                let (url, requests) = server(vec![(true, cut); 9]).await;
                let client = client_kind.of(&url).await;
                let posted = client.post_to_connection("c", b"x").await;
                let arrived = requests.lock().unwrap().len();
                let closed = client.delete_connection("c").await;
                let known = client.get_connection("c").await.unwrap_err();
                let kind = |outcome: Result<(), Error>| outcome.err().map(|e| e.kind().clone());
                assert_eq!((kind(posted), kind(closed)), (expected.clone(), expected.clone()));
                assert_eq!(known.kind(), expected.as_ref().unwrap_or(&ErrorKind::Transport));
                // The SDK also sends again what has succeeded.
                let is_sent_again = matches!(client_kind, Client::Sdk);
                assert_eq!(arrived, if is_sent_again { 3 } else { attempts }, "{status}");
            });
        }
    }
}

#[test]
fn an_operation_whose_reply_is_not_http_is_sent_once_through_each_client() {
    for client in CLIENTS {
        block_on(async {
            let (url, requests) = server(vec![(true, "garbage\r\n\r\n".to_owned()); 3]).await;
            let error = client.of(&url).await.post_to_connection("c", b"x").await.unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::Transport);
            assert_eq!(requests.lock().unwrap().len(), 1, "{client:?}");
        });
    }
}

#[test]
fn a_signature_refused_for_a_wrong_clock_is_made_again_with_the_servers_time() {
    block_on(async {
        let code = "InvalidSignatureException:http://internal.amazon.com/coral/";
        let date = date(3_600);
        let refused = format!(
            "HTTP/1.1 403 Forbidden\r\nx-amzn-errortype: {code}\r\ndate: {date}\r\ncontent-length: 0\r\n\r\n"
        );
        let (url, requests) = server(vec![(false, refused), (false, SENT.to_owned())]).await;
        let clients = LeanWebSocketClients::new().with_env(env);
        let clients = clients.with_clock(ManualClock::new(Timestamp::UNIX_EPOCH));
        clients.connect(&url).unwrap().post_to_connection("c", b"x").await.unwrap();
        let requests = requests.lock().unwrap();
        let [first, second] = [0, 1].map(|at: usize| signed_at(&requests[at].1));
        assert!((58..=62).contains(&(second - first).rem_euclid(24 * 60)), "{requests:?}");
    });
}
