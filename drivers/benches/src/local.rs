//! The local server, with many keep-alive clients.

use core::convert::Infallible;
use core::net::SocketAddr;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use apptheory::app::App;
use apptheory::local::{MAX_CONNECTIONS, Server};
use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

use crate::functions::Running;
use crate::measure::{Contender, Effort, now};
use crate::table::{Group, Row, beside};

pub(crate) const GROUP: Group = Group {
    name: "local-server",
    title: "The local server",
    how: "One request of many keep-alive clients, each of which asks for five bytes again as soon as it has them: \
          the time that all took, divided by their number. Servers are processes of their own with a runtime of \
          several threads; the clients, on one thread, take their share of the processor, too. Ours also checks \
          `host`, `origin` and every limit that production has.",
    run,
};

/// The role of this program that serves.
pub(crate) const ROLE: &str = "serve";

/// A thousand, or slightly fewer than the server accepts.
const CLIENTS: usize = if MAX_CONNECTIONS > 1_000 { 1_000 } else { MAX_CONNECTIONS - 6 };

const SERVERS: [&str; 3] = ["apptheory", "axum", "hyper"];

fn run(effort: Effort) -> Vec<Row> {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let clients = if effort == Effort::Once { 10 } else { CLIENTS };
    let started = SERVERS.map(|name| (name, start(name)));
    let contender = |(name, (_, address)): &(&'static str, (Running, SocketAddr))| {
        let mut crowd = Crowd::connect(&runtime, *address, clients);
        let clients = u32::try_from(clients).expect("few");
        let runtime = &runtime;
        Contender::timed(name, move |times| {
            let begin = now();
            runtime.block_on(crowd.ask(times));
            begin.elapsed()
        })
        .each(clients)
    };
    let mut contenders = started.iter().map(contender);
    let ours = contenders.next().expect("ours is first");
    beside(effort, format!("a request of {clients} clients"), ours, contenders)
}

/// Starts this program as a server, and reads its address.
fn start(name: &str) -> (Running, SocketAddr) {
    let own = std::env::current_exe().expect("a path");
    let mut command = Command::new(own);
    let mut running = Running::start(command.args(["role", ROLE, name]).stdout(Stdio::piped()));
    let said = running.child().stdout.take().expect("a pipe");
    let mut line = String::new();
    BufReader::new(said).read_line(&mut line).expect("a line");
    (running, line.trim().parse().expect("an address"))
}

/// Clients, each with its own connection.
struct Crowd {
    connections: Vec<TcpStream>,
    /// The length of a response, which is always the same.
    len: usize,
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

impl Crowd {
    fn connect(runtime: &Runtime, address: SocketAddr, clients: usize) -> Self {
        runtime.block_on(async {
            let connections = (0..clients).map(async |_| {
                let mut stream = TcpStream::connect(address).await.expect("room");
                stream.set_nodelay(true).expect("an option of TCP");
                let len = first(&mut stream).await;
                (stream, len)
            });
            let (connections, lens): (Vec<_>, Vec<_>) =
                join_all(connections).await.into_iter().unzip();
            assert!(lens.iter().all(|len| *len == lens[0]), "all answers are alike");
            Self { connections, len: lens[0] }
        })
    }

    /// Lets every client send a number of requests, one after the other.
    async fn ask(&mut self, times: u64) {
        let len = self.len;
        join_all(self.connections.iter_mut().map(async |stream| {
            let mut answer = vec![0; len];
            for _ in 0..times {
                stream.write_all(REQUEST).await.expect("sent");
                stream.read_exact(&mut answer).await.expect("answered");
                assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", answer.escape_ascii());
            }
        }))
        .await;
    }
}

/// Reads the first response, and returns its length.
async fn first(stream: &mut TcpStream) -> usize {
    stream.write_all(REQUEST).await.expect("sent");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nhello") {
        assert!(stream.read_buf(&mut answer).await.expect("answered") > 0, "closed");
    }
    answer.len()
}

/// Plays the role, with the arguments after its name.
pub(crate) fn play(arguments: &[String]) {
    let runtime = Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        match arguments.first().map(String::as_str) {
            Some("apptheory") => ours().await,
            Some("axum") => axum().await,
            _ => hyper().await,
        }
    });
}

async fn ours() {
    let app = App::new().get("/", async || "hello").build().expect("an app");
    let server = Server::bind(app, 0).await.expect("a port");
    println!("{}", server.address());
    server.serve(core::future::pending()).await;
}

async fn axum() {
    let app = axum::Router::new().route("/", axum::routing::get(async || "hello"));
    axum::serve(listen().await, app).await.expect("served");
}

async fn hyper() {
    let listener = listen().await;
    let answer = |_| async {
        Ok::<_, Infallible>(hyper::Response::new(Full::new(Bytes::from_static(b"hello"))))
    };
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        let connection =
            http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
        tokio::spawn(connection);
    }
}

async fn listen() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    listener
}
