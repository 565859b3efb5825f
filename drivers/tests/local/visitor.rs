//! A WebSocket client.
#![expect(clippy::panic, reason = "a test ends where something else comes than what it waits for")]

use core::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use http::StatusCode;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

pub(crate) struct Visitor(pub(crate) WebSocketStream<TcpStream>);

impl Visitor {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self(client_async(format!("ws://{address}/"), stream).await.unwrap().0)
    }

    /// Returns the status with which the client is refused.
    pub(crate) async fn refused(address: SocketAddr, path: &str) -> StatusCode {
        let stream = TcpStream::connect(address).await.unwrap();
        match client_async(format!("ws://{address}{path}"), stream).await {
            Err(Error::Http(response)) => response.status(),
            other => panic!("not refused: {other:?}"),
        }
    }

    /// Offers subprotocols, and returns the chosen one.
    pub(crate) async fn offer(address: SocketAddr, path: &str, protocols: &str) -> String {
        let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", protocols.parse().unwrap());
        let stream = TcpStream::connect(address).await.unwrap();
        let (_, response) = client_async(request, stream).await.unwrap();
        response.headers()["sec-websocket-protocol"].to_str().unwrap().to_owned()
    }

    pub(crate) async fn say(&mut self, text: impl Into<String>) {
        self.0.send(Message::text(text.into())).await.unwrap();
    }

    /// Sends one message in frames of these sizes.
    pub(crate) async fn say_in_frames(&mut self, sizes: &[usize]) {
        for (n, size) in sizes.iter().enumerate() {
            let opcode = if n == 0 { Data::Text } else { Data::Continue };
            let is_last = n + 1 == sizes.len();
            let frame = Frame::message(vec![b'x'; *size], OpCode::Data(opcode), is_last);
            self.0.send(Message::Frame(frame)).await.unwrap();
        }
    }

    /// Returns the next text.
    pub(crate) async fn hear(&mut self) -> String {
        match self.0.next().await {
            Some(Ok(Message::Text(text))) => text.to_string(),
            other => panic!("no text: {other:?}"),
        }
    }

    /// Returns the code with which the connection is closed.
    pub(crate) async fn closed(mut self) -> u16 {
        let code = match self.0.next().await {
            Some(Ok(Message::Close(Some(frame)))) => frame.code.into(),
            other => panic!("not closed: {other:?}"),
        };
        while let Some(Ok(_)) = self.0.next().await {}
        code
    }

    pub(crate) async fn close(mut self) {
        self.0.close(None).await.unwrap();
        while let Some(Ok(message)) = self.0.next().await {
            assert!(matches!(message, Message::Close(_)), "{message:?}");
        }
    }
}

/// The code that closes an unused connection.
pub(crate) const AWAY: u16 = 1001;
