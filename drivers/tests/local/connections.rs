//! How connections end: by the client, by the server, and by timeouts.

use core::future::pending;
use core::net::{Ipv4Addr, SocketAddr};
use std::io::ErrorKind;
use std::sync::Mutex;

use apptheory::app::{App, BodyStream, Response};
use apptheory::local::{DRAIN_TIME, Server};
use apptheory_core::error::AppError;
use futures_util::stream::{self, StreamExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::oneshot;

use crate::{Running, listened_to, texts};

/// Returns an application whose responses never arrive, and whose streams never continue. It
/// reports when work begins, and when it is dropped.
fn endless() -> (App, UnboundedReceiver<&'static str>) {
    let (tell, told) = unbounded_channel();
    let work = move |begun: &'static str, dropped: &'static str| {
        tell.send(begun).unwrap();
        let tell = tell.clone();
        Dropped(move || tell.send(dropped).unwrap_or_default())
    };
    let handler_work = work.clone();
    let app = App::new()
        .get("/never", move || {
            let working = handler_work("handler", "handler dropped");
            async move {
                let _working = working;
                pending::<&'static str>().await
            }
        })
        .get("/endless", move || {
            let working = work("stream", "stream dropped");
            let first = stream::iter([Ok::<_, AppError>("a")]).chain(stream::pending());
            let chunks = first.map(move |chunk| {
                let _working = &working;
                chunk
            });
            core::future::ready(Response::html_stream(200, BodyStream::new(chunks)))
        })
        .get("/", async || "hello");
    (app, told)
}

struct Dropped<F: FnMut()>(F);

impl<F: FnMut()> Drop for Dropped<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[tokio::test]
async fn a_client_that_goes_takes_its_handler_and_its_stream_with_it() {
    let (app, mut told) = endless();
    let server = Running::of(app).await;
    let mut client = server.connect().await;
    client.send("GET /never HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert_eq!(told.recv().await, Some("handler"));
    drop(client);
    assert_eq!(told.recv().await, Some("handler dropped"));

    let mut client = server.connect().await;
    client.get("/endless").await;
    assert_eq!(client.text_chunk().await.as_deref(), Some("a"));
    assert_eq!(told.recv().await, Some("stream"));
    drop(client);
    assert_eq!(told.recv().await, Some("stream dropped"));
    assert_eq!(server.told(), [""; 0]);
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_answers_what_it_was_asked() {
    let (release, released) = oneshot::channel::<()>();
    let (begin, begun) = oneshot::channel::<()>();
    let once = Mutex::new(Some((begin, released)));
    let app = App::new().get("/", async || "hello").get("/slow", move || {
        let (begin, released) = once.lock().unwrap().take().unwrap();
        begin.send(()).unwrap();
        async move {
            released.await.unwrap();
            "done"
        }
    });
    let server = Running::of(app).await;
    let (mut busy, mut idle) = (server.connect().await, server.connect().await);
    let head = idle.get("/").await;
    idle.body(&head).await;
    busy.send("GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    begun.await.unwrap();

    server.stop.send(()).unwrap();
    assert_eq!(idle.rest().await, "");
    let refused = TcpStream::connect(server.address).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    assert!(!server.served.is_finished());
    release.send(()).unwrap();
    let head = busy.head().await;
    assert_eq!((head.status, head.first("connection")), (200, "close"));
    assert_eq!(busy.body(&head).await, "done");
    server.served.await.unwrap();
    assert_eq!(texts(&server.told), [""; 0]);
}

#[tokio::test]
async fn a_server_that_stops_does_not_wait_for_ever() {
    let (app, mut told) = endless();
    let server = Running::of(app).await;
    let (mut endless, mut idle) = (server.connect().await, server.connect().await);
    endless.get("/endless").await;
    assert_eq!(told.recv().await, Some("stream"));
    idle.get("/").await;

    server.stop.send(()).unwrap();
    assert!(idle.rest().await.ends_with("hello"));
    assert!(!server.served.is_finished());
    server.clock.advance(DRAIN_TIME);
    server.served.await.unwrap();
    assert_eq!(told.recv().await, Some("stream dropped"));
    let cut_off = "cut off when the server stopped: 1 connections; end streams earlier, or give them \
                   more time";
    assert_eq!(texts(&server.told), [cut_off]);
    // The application itself has not failed.
    let told = server.told.lock().unwrap()[0].error.to_string();
    assert_eq!(told, "local.cut_off: local server");
}

#[tokio::test]
async fn a_server_that_is_dropped_drops_everything() {
    let (app, mut told) = endless();
    let server = Running::of(app).await;
    let mut client = server.connect().await;
    client.get("/endless").await;
    server.served.abort();
    assert_eq!(told.recv().await, Some("stream"));
    assert_eq!(told.recv().await, Some("stream dropped"));
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let (app, _) = listened_to(App::new());
    let server = Server::bind(app.clone(), 0).await.unwrap();
    let error = Server::bind(app, server.address().port()).await.unwrap_err();
    let told = error.to_string();
    assert!(told.starts_with(&format!("cannot listen on {}: choose", server.address())), "{told}");
    assert_eq!(error.source.kind(), ErrorKind::AddrInUse);
}

#[tokio::test]
async fn an_address_for_everyone_is_told_of() {
    let (app, told) = listened_to(App::new());
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Server::bind_exposed(app.clone(), loopback).await.unwrap();
    assert_eq!(texts(&told), [""; 0]);
    let everyone = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let server = Server::bind_exposed(app, everyone).await.unwrap();
    let expected = format!(
        "{} can be reached from other machines: bind to 127.0.0.1, unless that is meant; see \
         apptheory::guide::security",
        server.address()
    );
    assert_eq!(texts(&told), [expected]);
}
