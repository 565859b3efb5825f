//! Every operation, the meaning of its responses, and the number of attempts: the same through each
//! client.

use apptheory_core::gateway::{
    self, Connection, ConnectionOperation, ConnectionReply, MAX_DATA_BYTES,
};
use apptheory_core::time::Timestamp;
use core::error::Error as _;

use crate::gateway::{CLIENTS, Gateway};

fn ok() -> ConnectionReply {
    ConnectionReply::of_status(200)
}

fn failed(kind: gateway::ErrorKind) -> ConnectionReply {
    ConnectionReply::of_error(&gateway::Error::new(ConnectionOperation::PostToConnection, kind))
}

/// Returns the result of a post, and how often it arrived.
fn post(replies: impl IntoIterator<Item = ConnectionReply>) -> (Result<(), gateway::Error>, usize) {
    let replies: Vec<_> = replies.into_iter().collect();
    let [sdk, lean] = CLIENTS.map(|client| {
        let gateway = Gateway::replying(replies.clone());
        let outcome = gateway.serve(async |endpoint| {
            client.of(&endpoint).await.post_to_connection("c1=", b"hi").await
        });
        (outcome, gateway.arrived().len())
    });
    assert_eq!(sdk, lean);
    let causes = [&sdk, &lean].map(|(outcome, _)| outcome.as_ref().is_err_and(has_source));
    assert!(causes.iter().all(|has_source| *has_source == lean.0.is_err()));
    lean
}

fn has_source(error: &gateway::Error) -> bool {
    error.source().is_some()
}

#[test]
fn messages_are_posted_below_the_stage_and_signed() {
    for client in CLIENTS {
        let gateway = Gateway::replying([ok()]);
        gateway
            .serve(async |endpoint| {
                let client = client.of(&endpoint).await;
                assert_eq!(client.endpoint(), endpoint);
                client.post_to_connection(" a/b c=\u{e9}~ ", &[0, 255]).await?;
                client.post_to_connection("c", b"").await
            })
            .unwrap();
        let arrived = gateway.arrived();
        assert_eq!(
            (&*arrived[0].method, &*arrived[0].path),
            ("POST", "/dev/@connections/a%2Fb%20c%3D%C3%A9~")
        );
        assert_eq!((&*arrived[0].body, &*arrived[1].body), (&[0, 255][..], &[][..]));
        assert_eq!(arrived[1].content_length.as_deref(), Some("0"));
        let binary = Some("application/octet-stream");
        assert!(arrived.iter().all(|request| request.content_type.as_deref() == binary));
        let signed = &arrived[0].authorization;
        assert!(signed.contains("/eu-central-1/execute-api/aws4_request"), "{signed}");
    }
}

#[test]
fn connections_are_asked_about_and_closed() {
    let known = Connection {
        connected_at: Some(Timestamp::from_unix_seconds(1_767_225_600)),
        last_active_at: Some(Timestamp::from_unix_seconds(1_767_225_660)),
        identity_ip: "192.0.2.1".into(),
        identity_agent: "browser".into(),
    };
    let replies = [
        ConnectionReply::of_connection(&known),
        ConnectionReply { body: b"{}".to_vec(), ..ok() },
        ok(),
        // The SDK cannot parse such an instant, and nothing depends on it.
        ConnectionReply {
            body: br#"{"connectedAt":"noon","identity":{"sourceIp":"192.0.2.1"}}"#.to_vec(),
            ..ok()
        },
        ConnectionReply { body: b"<html>".to_vec(), ..ok() },
        ConnectionReply::of_status(204),
    ];
    for client in CLIENTS {
        let gateway = Gateway::replying(replies.clone());
        gateway.serve(async |endpoint| {
            let client = client.of(&endpoint).await;
            assert_eq!(client.get_connection("c").await.unwrap(), known);
            assert_eq!(client.get_connection("c").await.unwrap(), Connection::default());
            assert_eq!(client.get_connection("c").await.unwrap(), Connection::default());
            let partly = client.get_connection("c").await.unwrap();
            assert_eq!((partly.connected_at, &*partly.identity_ip), (None, "192.0.2.1"));
            let error = client.get_connection("c").await.unwrap_err();
            let text = "apptheory: get_connection failed (200) unreadable answer";
            assert_eq!(error.to_string(), text);
            client.delete_connection("c").await.unwrap();
        });
        let methods: Vec<_> = gateway.arrived().into_iter().map(|request| request.method).collect();
        assert_eq!(methods, ["GET", "GET", "GET", "GET", "GET", "DELETE"]);
    }
}

#[test]
fn errors_are_typed_and_tried_again_where_that_may_help() {
    let service = |status, code: &str| gateway::ErrorKind::Service { status, code: code.into() };
    for (kind, attempts, text) in [
        (gateway::ErrorKind::Gone, 1, "(410) GoneException"),
        (gateway::ErrorKind::Forbidden, 1, "(403) ForbiddenException"),
        (gateway::ErrorKind::PayloadTooLarge, 1, "(413) PayloadTooLargeException"),
        (service(400, "BadRequestException"), 1, "(400) BadRequestException"),
        (gateway::ErrorKind::LimitExceeded, 3, "(429) LimitExceededException"),
        (service(500, "InternalServerErrorException"), 3, "(500) InternalServerErrorException"),
        (service(501, ""), 3, "(501) UnknownError"),
        (service(503, ""), 3, "(503) UnknownError"),
        (service(600, ""), 3, "(600) UnknownError"),
    ] {
        let (outcome, arrived) = post([failed(kind.clone())]);
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), arrived), (&kind, attempts));
        assert_eq!(error.to_string(), format!("apptheory: post_to_connection failed {text}"));
        assert_eq!(error.is_gone(), kind == gateway::ErrorKind::Gone);
    }
    // Without an error type, the status decides.
    for (status, kind, attempts) in [
        (410, gateway::ErrorKind::Gone, 1),
        (403, gateway::ErrorKind::Forbidden, 1),
        (413, gateway::ErrorKind::PayloadTooLarge, 1),
        (429, gateway::ErrorKind::LimitExceeded, 3),
    ] {
        let (outcome, arrived) = post([ConnectionReply::of_status(status)]);
        assert_eq!((outcome.unwrap_err().kind(), arrived), (&kind, attempts));
    }
    let (outcome, arrived) =
        post([failed(gateway::ErrorKind::LimitExceeded), failed(service(502, "")), ok()]);
    assert_eq!((outcome.is_ok(), arrived), (true, 3));
    // Codes of other services of AWS, and of their front.
    let (outcome, arrived) = post([failed(service(400, "ThrottlingException")), ok()]);
    assert_eq!((outcome.is_ok(), arrived), (true, 2));
}

#[test]
fn errors_include_the_message_of_the_service() {
    let error =
        gateway::Error::new(ConnectionOperation::PostToConnection, gateway::ErrorKind::Forbidden);
    let (outcome, _) = post([ConnectionReply::of_error(&error.with_message("not yours"))]);
    let error = outcome.unwrap_err();
    assert_eq!(error.to_string(), "apptheory: post_to_connection failed (403) not yours");
}

#[test]
fn what_the_service_would_refuse_is_not_sent() {
    for client in CLIENTS {
        let gateway = Gateway::replying([ok()]);
        gateway.serve(async |endpoint| {
            let client = client.of(&endpoint).await;
            for error in [
                client.post_to_connection(" ", b"x").await.unwrap_err(),
                client.get_connection("").await.unwrap_err(),
                client.delete_connection("\t").await.unwrap_err(),
            ] {
                assert_eq!(error.kind(), &gateway::ErrorKind::EmptyConnectionId);
                assert_eq!(error.to_string(), "apptheory: websocket connection id is empty");
            }
            let long = "c".repeat(70_000);
            for error in [
                client.post_to_connection(&long, b"x").await.unwrap_err(),
                client.get_connection(&long).await.unwrap_err(),
                client.delete_connection(&long).await.unwrap_err(),
            ] {
                assert_eq!(error.kind(), &gateway::ErrorKind::LongConnectionId);
            }
            let large = vec![0; MAX_DATA_BYTES + 1];
            let error = client.post_to_connection("c", &large).await.unwrap_err();
            assert_eq!(error.kind(), &gateway::ErrorKind::PayloadTooLarge);
            assert!(gateway.arrived().is_empty());
            client.post_to_connection("c", &large[1..]).await.unwrap();
        });
        assert_eq!(gateway.arrived()[0].body.len(), MAX_DATA_BYTES);
    }
}

#[test]
fn an_unreachable_endpoint_is_a_retryable_transport_error() {
    // The server is gone before the client sends.
    let endpoint = Gateway::default().serve(async |endpoint| endpoint);
    for client in CLIENTS {
        let error = crate::block_on(async {
            client.of(&endpoint).await.delete_connection("c").await.unwrap_err()
        });
        assert_eq!((error.kind(), error.status()), (&gateway::ErrorKind::Transport, None));
        assert_eq!(error.to_string(), "apptheory: delete_connection failed unavailable");
        assert!(error.is_retryable() && has_source(&error));
    }
}
