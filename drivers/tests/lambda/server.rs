//! A Runtime API on a loopback socket. The test plays it, exchange by exchange, and sees every
//! byte: the ends of chunks, the trailers, and the times.

use std::collections::BTreeMap;

use apptheory::app::AppService;
use apptheory::lambda::{InvokeMode, Runtime, RuntimeError};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// The Runtime API.
pub(crate) struct RuntimeApi {
    address: String,
    exchanges: mpsc::UnboundedReceiver<Exchange>,
    accepts: JoinHandle<()>,
}

/// A request whose head was read, and which waits for its reply.
pub(crate) struct Exchange {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    stream: BufReader<TcpStream>,
    others: mpsc::UnboundedSender<Self>,
}

/// The content of a body that was read completely.
#[derive(Debug, PartialEq)]
pub(crate) struct Streamed {
    pub(crate) chunks: Vec<Vec<u8>>,
    pub(crate) trailers: BTreeMap<String, String>,
}

impl RuntimeApi {
    pub(crate) async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (others, exchanges) = mpsc::unbounded_channel();
        let accepts = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Every write arrives separately.
                stream.set_nodelay(true).unwrap();
                tokio::spawn(Exchange::read(BufReader::new(stream), others.clone()));
            }
        });
        Self { address, exchanges, accepts }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Stops listening: new connections are refused.
    pub(crate) async fn close(&mut self) {
        self.accepts.abort();
        let _ = (&mut self.accepts).await;
    }

    /// Returns a function with this API's address and these variables.
    pub(crate) fn runtime(&self, app: AppService, variables: &[(&str, &str)]) -> Runtime {
        let mut known: BTreeMap<_, _> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        known.insert("AWS_LAMBDA_RUNTIME_API".to_owned(), self.address.clone());
        Runtime::new(app).env(move |name| known.get(name).cloned())
    }

    /// Starts a function.
    pub(crate) fn start(
        &self,
        app: AppService,
        mode: InvokeMode,
    ) -> JoinHandle<Result<(), RuntimeError>> {
        tokio::spawn(self.runtime(app, &[]).mode(mode).run())
    }

    /// Returns the next request, on any connection.
    pub(crate) async fn request(&mut self) -> Exchange {
        self.exchanges.recv().await.unwrap()
    }

    /// Returns the next request, if there already is one.
    pub(crate) fn try_request(&mut self) -> Option<Exchange> {
        self.exchanges.try_recv().ok()
    }

    /// Waits for the function to fetch an invocation.
    pub(crate) async fn poll(&mut self) -> Exchange {
        let poll = self.request().await;
        let line = (&*poll.method, &*poll.path);
        assert_eq!(line, ("GET", "/2018-06-01/runtime/invocation/next"));
        poll
    }

    /// Receives the error of a function that does not start, and returns its message.
    pub(crate) async fn init_error(&mut self) -> String {
        let mut error = self.request().await;
        let line = (&*error.method, &*error.path);
        assert_eq!(line, ("POST", "/2018-06-01/runtime/init/error"));
        assert_eq!(error.headers["lambda-runtime-function-error-type"], "Function.InitFailed");
        let said = error.json().await;
        assert_eq!(said["errorType"], "Function.InitFailed");
        error.answer(202, &[], b"").await;
        said["errorMessage"].as_str().unwrap().to_owned()
    }

    /// Sends an event, and waits for the head of the function's response.
    pub(crate) async fn invoke(&mut self, event: &str) -> Exchange {
        self.poll().await.hand_out("r1", &[], event).await;
        let request = self.request().await;
        assert_eq!(request.method, "POST");
        request
    }
}

impl Exchange {
    async fn read(mut stream: BufReader<TcpStream>, others: mpsc::UnboundedSender<Self>) {
        // Between two requests, a client may hang up.
        let Some(line) = line(&mut stream).await.filter(|line| !line.is_empty()) else { return };
        let mut words = line.split(' ').map(str::to_owned);
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let headers = fields(&mut stream).await.unwrap();
        let exchange = Self { method, path, headers, stream, others: others.clone() };
        let _ = others.send(exchange);
    }

    /// Returns the path after `/invocation/`.
    pub(crate) fn resource(&self) -> &str {
        self.path.strip_prefix("/2018-06-01/runtime/invocation/").unwrap()
    }

    /// Replies to a poll with an event.
    pub(crate) async fn hand_out(self, id: &str, fields: &[(&str, &str)], event: &str) {
        let id = [("Lambda-Runtime-Aws-Request-Id", id)];
        let fields: Vec<_> = id.iter().chain(fields).copied().collect();
        self.answer(200, &fields, event.as_bytes()).await;
    }

    /// Reads the whole body.
    pub(crate) async fn body(&mut self) -> Vec<u8> {
        let len = self.headers["content-length"].parse().unwrap();
        let mut body = vec![0; len];
        self.stream.read_exact(&mut body).await.unwrap();
        body
    }

    /// Reads the body as text.
    pub(crate) async fn text(&mut self) -> String {
        String::from_utf8(self.body().await).unwrap()
    }

    /// Reads the body as JSON.
    pub(crate) async fn json(&mut self) -> serde_json::Value {
        serde_json::from_slice(&self.body().await).unwrap()
    }

    /// Reads the next chunk as it was sent; `None` at the last one, or if the function hung up.
    pub(crate) async fn chunk(&mut self) -> Option<Vec<u8>> {
        let len = usize::from_str_radix(&line(&mut self.stream).await?, 16).unwrap();
        if len == 0 {
            return None;
        }
        let mut chunk = vec![0; len];
        self.stream.read_exact(&mut chunk).await.ok()?;
        assert_eq!(line(&mut self.stream).await.as_deref(), Some(""));
        Some(chunk)
    }

    /// The next chunk as text.
    pub(crate) async fn text_chunk(&mut self) -> String {
        String::from_utf8(self.chunk().await.unwrap()).unwrap()
    }

    /// Reads the trailers; `None` if the function hung up instead.
    pub(crate) async fn trailers(&mut self) -> Option<BTreeMap<String, String>> {
        fields(&mut self.stream).await
    }

    /// Reads the rest of a streamed body, and accepts it.
    pub(crate) async fn accept(mut self) -> Streamed {
        let mut chunks = Vec::new();
        while let Some(chunk) = self.chunk().await {
            chunks.push(chunk);
        }
        let trailers = self.trailers().await.unwrap();
        self.answer(202, &[], b"").await;
        Streamed { chunks, trailers }
    }

    /// Replies, and waits for the connection's next request in the background.
    pub(crate) async fn answer(mut self, status: u16, fields: &[(&str, &str)], body: &[u8]) {
        self.answer_early(status, fields, body).await;
        self.go_on();
    }

    /// Waits for the connection's next request in the background.
    pub(crate) fn go_on(self) {
        tokio::spawn(Self::read(self.stream, self.others));
    }

    /// Replies to a poll with the head of an event that follows later.
    pub(crate) async fn announce(&mut self, id: &str, deadline_ms: &str, event: &str) {
        let len = event.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {len}\r\nLambda-Runtime-Aws-Request-Id: {id}\r\n\
             Lambda-Runtime-Deadline-Ms: {deadline_ms}\r\n\r\n"
        );
        self.write(head.as_bytes()).await;
    }

    /// Writes more of a reply.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Replies while the request may still be in flight.
    pub(crate) async fn answer_early(&mut self, status: u16, fields: &[(&str, &str)], body: &[u8]) {
        let mut head = format!("HTTP/1.1 {status} Status\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        self.stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    }

    /// Hangs up after the function has, and discards data in flight.
    pub(crate) async fn drain(mut self) {
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest).await;
    }
}

async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    Some(line.strip_suffix("\r\n")?.to_owned())
}

/// Reads headers or trailers; `None` if they are incomplete.
async fn fields(stream: &mut BufReader<TcpStream>) -> Option<BTreeMap<String, String>> {
    let mut fields = BTreeMap::new();
    loop {
        let line = line(stream).await?;
        if line.is_empty() {
            return Some(fields);
        }
        let (name, value) = line.split_once(':').unwrap();
        fields.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
}
