//! The fake client responds as planned, and records everything.

use apptheory::websocket::{
    FakeWebSocketClients, FakeWebSocketManagementClient, WebSocketClientFactory as _,
    WebSocketManagementClient as _,
};
use apptheory_core::gateway::{self, Connection, ConnectionOperation as Operation, MAX_DATA_BYTES};

use crate::block_on;

fn error(operation: Operation) -> gateway::Error {
    gateway::Error::new(operation, gateway::ErrorKind::Forbidden)
}

fn kind<T: core::fmt::Debug>(outcome: Result<T, gateway::Error>) -> gateway::ErrorKind {
    outcome.unwrap_err().kind().clone()
}

#[test]
fn calls_are_kept_before_errors_are_answered() {
    let fake = FakeWebSocketManagementClient::new(" e ");
    fake.connect("c", Connection::default());
    for operation in
        [Operation::PostToConnection, Operation::GetConnection, Operation::DeleteConnection]
    {
        fake.fail(operation, error(operation));
    }
    block_on(async {
        assert_eq!(kind(fake.post_to_connection(" c ", b"x").await), gateway::ErrorKind::Forbidden);
        assert_eq!(kind(fake.get_connection("c").await), gateway::ErrorKind::Forbidden);
        assert_eq!(kind(fake.delete_connection("c").await), gateway::ErrorKind::Forbidden);
        let blank = fake.post_to_connection(" ", b"x").await;
        assert_eq!(kind(blank), gateway::ErrorKind::EmptyConnectionId);
        let long = fake.post_to_connection(&"c".repeat(1_020), b"x").await;
        assert_eq!(kind(long), gateway::ErrorKind::LongConnectionId);
        fake.fail(Operation::GetConnection, None);
        // A failed send did not arrive, and a failed close left the connection open.
        assert!(fake.received("c").is_empty() && fake.is_connected(" c "));
        assert!(fake.get_connection("c").await.is_ok());
    });
    let calls: Vec<_> = fake
        .calls()
        .into_iter()
        .map(|call| (call.endpoint + " " + call.operation.as_str(), call.connection_id, call.data))
        .collect();
    let call = |name: &str, data: &[u8]| (name.to_owned(), "c".to_owned(), data.to_vec());
    assert_eq!(
        calls,
        [
            call("e post_to_connection", b"x"),
            call("e get_connection", b""),
            call("e delete_connection", b""),
            call("e get_connection", b"")
        ]
    );
}

#[test]
fn a_lenient_client_knows_every_connection_but_those_it_is_asked_about() {
    let fake = FakeWebSocketManagementClient::new("e");
    block_on(async {
        fake.post_to_connection("c", &vec![0; MAX_DATA_BYTES + 1]).await.unwrap();
        fake.delete_connection("c").await.unwrap();
        let error = fake.get_connection("c").await.unwrap_err();
        assert!(error.is_gone(), "what is sent to it may be forgotten");
        assert_eq!(error.to_string(), "apptheory: connection not found");
    });
}

#[test]
fn a_strict_client_follows_a_connection_through_its_life() {
    let fake = FakeWebSocketManagementClient::strict("e");
    block_on(async {
        let large = vec![0; MAX_DATA_BYTES + 1];
        assert_eq!(kind(fake.post_to_connection("c", b"x").await), gateway::ErrorKind::Gone);
        fake.connect(" c ", Connection::default());
        fake.post_to_connection("c", &large[1..]).await.unwrap();
        assert_eq!(
            kind(fake.post_to_connection("c", &large).await),
            gateway::ErrorKind::PayloadTooLarge
        );
        fake.delete_connection("c").await.unwrap();
        assert!(!fake.is_connected("c"));
        assert_eq!(fake.received("c"), [&large[1..]]);
        assert_eq!(kind(fake.delete_connection("c").await), gateway::ErrorKind::Gone);
        fake.connect("c", Connection::default());
        fake.disconnect("c");
        assert_eq!(kind(fake.get_connection("c").await), gateway::ErrorKind::Gone);
    });
}

#[test]
fn scripted_answers_come_first() {
    let fake = FakeWebSocketManagementClient::new("e");
    let (post, limited) = (Operation::PostToConnection, gateway::ErrorKind::LimitExceeded);
    fake.fail(post, error(post));
    fake.script(post, [Err(gateway::Error::new(post, limited.clone())), Ok(())]);
    block_on(async {
        assert_eq!(kind(fake.post_to_connection("c", b"").await), limited);
        fake.post_to_connection("c", b"").await.unwrap();
        assert_eq!(kind(fake.post_to_connection("c", b"").await), gateway::ErrorKind::Forbidden);
    });
}

#[test]
fn a_factory_has_one_client_for_each_endpoint() {
    let clients = FakeWebSocketClients::strict();
    clients.at("a").connect("c", Connection::default());
    block_on(async {
        clients.client(" a ").await.unwrap().post_to_connection("c", b"1").await.unwrap();
        let other = clients.client("b").await.unwrap();
        assert!(other.post_to_connection("c", b"2").await.unwrap_err().is_gone());
    });
    assert_eq!(clients.endpoints(), ["a", "b"]);
    assert_eq!((clients.calls().len(), clients.at("b").calls().len()), (2, 1));
}
