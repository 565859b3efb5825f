//! Forwards connections to a server, over TLS or without, and records the requests on each.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::tls;

/// Requests, by the number of their connection.
type Requests = Arc<Mutex<Vec<(usize, String)>>>;

pub(crate) struct Relay {
    url: String,
    requests: Requests,
}

impl Relay {
    pub(crate) async fn plain(server: &str) -> Self {
        Self::listen(server, None).await
    }

    pub(crate) async fn tls(server: &str) -> Self {
        Self::listen(server, Some(tls::acceptor())).await
    }

    async fn listen(server: &str, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://localhost:{}", listener.local_addr().unwrap().port());
        let server = server.trim_start_matches("http://").to_owned();
        let requests = Requests::default();
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            for connection in 1.. {
                let Ok((client, _)) = listener.accept().await else { return };
                let (server, seen, tls) = (server.clone(), Arc::clone(&seen), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => pass_on(client, &server, connection, &seen).await,
                        // A client that does not trust the server hangs up.
                        Some(tls) => match tls.accept(client).await {
                            Ok(client) => pass_on(client, &server, connection, &seen).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self { url, requests }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the requests so far: each as its method and path.
    pub(crate) fn requests(&self) -> Vec<(usize, String)> {
        self.requests.lock().unwrap().clone()
    }
}

/// Forwards bytes until one side hangs up.
async fn pass_on(
    client: impl AsyncRead + AsyncWrite,
    server: &str,
    connection: usize,
    requests: &Requests,
) -> Option<()> {
    let mut server = TcpStream::connect(server).await.ok()?;
    let (mut from_server, mut to_server) = server.split();
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let asks = async {
        let mut bytes = vec![0; 64 << 10];
        loop {
            let len = from_client.read(&mut bytes).await.ok().filter(|len| *len > 0)?;
            // A client waits for a response before its next request, so a request begins at a read.
            let text = String::from_utf8_lossy(&bytes[..len]);
            if let Some((request, _)) = text.lines().next()?.split_once(" HTTP/1.1") {
                requests.lock().unwrap().push((connection, request.to_owned()));
            }
            to_server.write_all(&bytes[..len]).await.ok()?;
        }
    };
    let answers = async { tokio::io::copy(&mut from_server, &mut to_client).await.ok() };
    tokio::select! {
        asked = asks => asked,
        _ = answers => None,
    }
}
