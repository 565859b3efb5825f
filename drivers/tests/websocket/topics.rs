//! Connections by topic, in a table.

use core::num::NonZeroU32;
use core::time::Duration;
use std::sync::Arc;

use apptheory::app::{App, AppService, Invocation, Json, State, WebSocket};
use apptheory::clock::VirtualClock;
use apptheory::layer::{FaultPlan, Faulty};
use apptheory::store::{MemoryStore, Store};
use apptheory::websocket::{
    BroadcastError, Broadcaster, Connections, FakeWebSocketClients, FakeWebSocketManagementClient,
    Room, RoomReport,
};
use apptheory_core::error::AppError;
use apptheory_core::gateway::Connection;
use apptheory_core::registry::{ErrorKind, RegistryConfig, Touched};
use apptheory_core::store;
use apptheory_core::time::Timestamp;
use serde_json::{Value, json};

fn stage() -> (Connections, MemoryStore<VirtualClock>, VirtualClock) {
    let clock = VirtualClock::new(Timestamp::from_unix_seconds(1_767_225_600));
    let registry = RegistryConfig::builder().build();
    let memory = MemoryStore::new(clock.clone()).with_table(registry.table());
    let store = Store::builder().clock(clock.clone()).executor(memory.clone());
    (Connections::new(registry, &store), memory, clock)
}

fn broadcaster(clock: &VirtualClock) -> (Broadcaster, FakeWebSocketManagementClient) {
    let fake = FakeWebSocketManagementClient::strict("https://ws.example.com");
    (Broadcaster::new(Arc::new(fake.clone())).with_clock(clock.clone()), fake)
}

#[test]
fn a_connection_is_listed_until_it_leaves_or_expires() {
    let (connections, _, clock) = stage();
    clock.run(async {
        let listed = async |topic: &str| {
            let page = connections.list(topic, NonZeroU32::new(9).unwrap(), None).await.unwrap();
            let ids = page.connections.into_iter().map(|connection| connection.connection_id);
            ids.collect::<Vec<_>>()
        };
        for (id, topic) in [("b", "news"), ("a", "news"), ("c", "sports")] {
            connections.register(id, topic).await.unwrap();
        }
        assert_eq!(listed("news").await, ["a", "b"]);
        connections.remove("a").await.unwrap();
        assert_eq!(listed("news").await, ["b"]);
        assert_eq!(connections.touch("a").await, Ok(Touched::Unknown));

        clock.advance(Duration::from_secs(2 * 3600));
        assert_eq!(connections.touch("b").await, Ok(Touched::Kept));
        clock.advance(Duration::from_secs(3600));
        assert_eq!((listed("news").await, listed("sports").await), (vec!["b".to_owned()], vec![]));
        let blank = connections.register("d", " ").await.unwrap_err();
        assert_eq!(blank.kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn everybody_of_a_topic_gets_the_message_and_the_gone_are_forgotten() {
    let (connections, store, clock) = stage();
    let (broadcaster, fake) = broadcaster(&clock);
    // More than a page.
    for number in 0..250 {
        let id = format!("c{number:03}");
        clock.run(connections.register(&id, "news")).unwrap();
        if number % 10 != 0 {
            fake.connect(&id, Connection::default());
        }
    }
    let news = connections.room("news").through(broadcaster.clone());
    let broadcast = || clock.run(news.send(b"hi")).unwrap();
    // A connection that is gone may be about to be established, while `$connect` is handled.
    assert_eq!(broadcast().sent.gone.len(), 25);
    assert_eq!(store.items(&"connections".into()).len(), 250);
    clock.advance(Duration::from_secs(30));
    let report = broadcast();
    assert_eq!((report.sent.delivered, report.sent.gone.len()), (225, 25));
    assert!(report.not_removed.is_empty());
    assert_eq!(store.items(&"connections".into()).len(), 225);
    let again = broadcast();
    assert_eq!((again.sent.delivered, again.sent.gone.len()), (225, 0));
    let chess = connections.room("chess").through(broadcaster);
    let nobody = clock.run(chess.send(b"hi")).unwrap();
    assert_eq!(nobody.sent.delivered, 0);
}

#[test]
fn what_the_store_does_not_answer_is_reported_beside_what_was_sent() {
    let (connections, store, clock) = stage();
    let (broadcaster, fake) = broadcaster(&clock);
    for id in ["a", "b", "c"] {
        clock.run(connections.register(id, "news")).unwrap();
    }
    fake.connect("c", Connection::default());
    clock.advance(Duration::from_secs(30));
    let broadcast = |plan: FaultPlan| {
        let registry = RegistryConfig::builder().build();
        let faulty = Faulty::new(store.clone(), plan);
        let faulty = Store::builder().clock(clock.clone()).executor(faulty);
        let connections = Connections::new(registry, &faulty);
        clock.run(connections.room("news").through(broadcaster.clone()).broadcast("hi"))
    };
    // The query succeeds, the removal of the first connection that is gone fails.
    let report = broadcast(FaultPlan::default().fail(2, store::Error::Throttled)).unwrap();
    assert_eq!((report.sent.delivered, report.sent.gone.len()), (1, 2));
    let not_removed: Vec<_> = report.not_removed.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(not_removed, ["a"]);
    let interrupted = broadcast(FaultPlan::default().fail(1, store::Error::Unavailable));
    let BroadcastError::Room { error, report } = interrupted.unwrap_err() else { panic!() };
    assert_eq!((error.kind(), report.sent.delivered), (ErrorKind::Store, 0));
    assert_eq!(AppError::from(BroadcastError::Room { error, report }).status(), 503);
    let blank = clock.run(connections.room(" ").through(broadcaster.clone()).send(b"hi"));
    assert_eq!(AppError::from(blank.unwrap_err()).status(), 400);
    // The next broadcast removes what was left.
    assert_eq!(broadcast(FaultPlan::default()).unwrap().sent.gone, ["a"]);
}

const ENDPOINT: &str = "https://a.execute-api.us-east-1.amazonaws.com/dev";

/// Returns an application with one room, in which everyone gets every message.
fn lobby(clock: &VirtualClock, clients: &FakeWebSocketClients) -> AppService {
    async fn say(
        State(room): State<Room>,
        socket: WebSocket,
        Json(said): Json<Value>,
    ) -> Result<Json<Value>, AppError> {
        room.touch(&socket).await?;
        let RoomReport { sent, not_removed } = socket.broadcast(&room, &said).await?;
        Ok(Json(json!([sent.delivered, sent.gone, sent.failed.len(), not_removed.len()])))
    }
    let store = Store::builder().clock(clock.clone()).memory();
    App::with_state(Connections::on(&store).room("lobby"))
        .clock(clock.clone())
        .websocket("$connect", async |State(room): State<Room>, socket: WebSocket| {
            room.join(&socket).await.map_err(AppError::from)
        })
        .websocket("$disconnect", async |State(room): State<Room>, socket: WebSocket| {
            room.leave(&socket).await.map_err(AppError::from)
        })
        .websocket("$default", say)
        .websocket_clients(clients.clone())
        .build()
        .unwrap()
}

#[test]
fn sockets_join_a_room_speak_in_it_and_leave() {
    let clock = VirtualClock::new(Timestamp::from_unix_seconds(1_767_225_600));
    let clients = FakeWebSocketClients::strict();
    let app = lobby(&clock, &clients);
    let gateway = clients.at(ENDPOINT);
    let send = |route_key: &str, id: &str| {
        let event = json!({"body": "{\"text\":\"hi\"}", "requestContext": {
            "routeKey": route_key, "eventType": "MESSAGE", "connectionId": id, "stage": "dev",
            "domainName": "a.execute-api.us-east-1.amazonaws.com", "requestId": "r1"}});
        let answer = clock.run(app.invoke(&event.to_string(), Invocation::default())).unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert!(answer["statusCode"].as_u64() < Some(300), "{answer}");
        answer["body"].as_str().unwrap_or_default().to_owned()
    };
    for id in ["ann", "bob", "eve"] {
        send("$connect", id);
        gateway.connect(id, Connection::default());
    }
    assert_eq!(send("$default", "ann"), "[3,[],0,0]");
    assert!(gateway.calls().iter().all(|call| call.data == br#"{"text":"hi"}"#));
    send("$disconnect", "eve");
    gateway.disconnect("bob");
    clock.advance(Duration::from_secs(30));
    assert_eq!(send("$default", "ann"), r#"[1,["bob"],0,0]"#);
    assert_eq!(send("$default", "ann"), "[1,[],0,0]");
    // A connection that was removed by mistake is added again.
    gateway.connect("bob", Connection::default());
    assert_eq!(send("$default", "bob"), "[2,[],0,0]");
}
