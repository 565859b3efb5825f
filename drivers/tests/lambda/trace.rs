//! The trace of an invocation on its AWS calls, with concurrent invocations.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use apptheory::app::events::BoxError;
use apptheory::app::{App, BodyStream, Context, Response};
use apptheory::error::AppError;
use apptheory::execute::Execute as _;
use apptheory::store::aws::aws_sdk_dynamodb::Client;
use apptheory::store::aws::aws_sdk_dynamodb::config::{
    BehaviorVersion, Config, Credentials, Region,
};
use apptheory::store::{AwsStore, GetItem, Key, Store, Value};
use apptheory::trace;
use apptheory::websocket::{AwsWebSocketClients, WebSocketManagementClient as _};
use aws_credential_types::provider::{ProvideCredentials, future};
use futures_util::{StreamExt as _, stream};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;

use super::server::RuntimeApi;
use super::url_event;

/// A fake AWS endpoint that accepts every call, and records its trace, by the id of the item or
/// connection.
#[derive(Clone)]
struct Endpoint {
    url: String,
    traces: Arc<Mutex<BTreeMap<String, Option<String>>>>,
    connections: Arc<AtomicUsize>,
}

impl Endpoint {
    async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let endpoint = Self { url, traces: Arc::default(), connections: Arc::default() };
        let serving = endpoint.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serving.connections.fetch_add(1, Ordering::SeqCst);
                let serving = serving.clone();
                tokio::spawn(async move { serving.serve(stream).await });
            }
        });
        endpoint
    }

    async fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let (mut path, mut len, mut trace) = (None, 0, None);
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).await.ok().filter(|len| *len > 0)?;
                let line = line.trim_end();
                if line.is_empty() {
                    break;
                }
                path.get_or_insert_with(|| line.split(' ').nth(1).unwrap().to_owned());
                let (name, value) = line.split_once(": ").unwrap_or_default();
                match &*name.to_ascii_lowercase() {
                    "content-length" => len = value.parse().unwrap(),
                    "x-amzn-trace-id" => trace = Some(value.to_owned()),
                    _ => {}
                }
            }
            let mut body = vec![0; len];
            stream.read_exact(&mut body).await.ok()?;
            let read: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
            let id = read["Key"]["ID"]["S"].as_str().map(str::to_owned).or(path).unwrap();
            self.traces.lock().unwrap().insert(id, trace);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.ok()?;
        }
    }

    fn store(&self) -> Store {
        self.store_with(credentials())
    }

    fn store_with(&self, credentials: impl ProvideCredentials + 'static) -> Store {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(credentials)
            .endpoint_url(&self.url);
        Store::new(AwsStore::new(Client::from_conf(config.build())))
    }

    /// Returns the trace of a call.
    fn trace(&self, id: &str) -> Option<String> {
        self.traces.lock().unwrap().get(id).unwrap_or_else(|| panic!("no call of {id}")).clone()
    }
}

fn credentials() -> Credentials {
    Credentials::new("a", "b", None, None, "test")
}

async fn call(store: &Store, id: String) {
    let key = Key::of("ID", Value::from(id));
    store.execute(&GetItem { table: "t".into(), key, consistent: true }).await.unwrap();
}

/// Returns an application that calls AWS from a handler, a task with and without its trace, and a
/// stream. Two invocations meet before and after each call.
fn app(endpoint: &Endpoint, meeting: &Arc<Barrier>) -> App {
    let clients = AwsWebSocketClients::new()
        .with_region("eu-central-1")
        .with_credentials(credentials())
        .with_endpoint(&endpoint.url);
    let (store, meeting) = (endpoint.store(), Arc::clone(meeting));
    let handler = move |context: Context| {
        let (store, meeting) = (store.clone(), Arc::clone(&meeting));
        async move {
            let id = context.invocation().request_id.clone();
            meeting.wait().await;
            call(&store, format!("{id}-handler")).await;
            let socket = context.websocket_client("https://a.b/c").await.unwrap();
            socket.post_to_connection(&format!("{id}="), b"hello").await.unwrap();
            meeting.wait().await;
            let (spawned, lost) = (format!("{id}-spawned"), format!("{id}-lost"));
            let (other, another) = (store.clone(), store.clone());
            let spawned = async move { call(&other, spawned).await };
            tokio::spawn(trace::scope(context.trace(), spawned)).await.unwrap();
            tokio::spawn(async move { call(&another, lost).await }).await.unwrap();
            let chunks = stream::once(async move {
                meeting.wait().await;
                call(&store, format!("{id}-stream")).await;
                Ok::<_, AppError>("done")
            });
            Response::html_stream(200, BodyStream::new(chunks))
        }
    };
    let store = endpoint.store();
    App::new().websocket_clients(clients).get("/", handler).get("/short", async || "done").on_flush(
        move || {
            let store = store.clone();
            async move { call(&store, "flushed".to_owned()).await }
        },
    )
}

#[tokio::test]
async fn what_is_sent_when_an_invocation_is_flushed_has_its_trace() {
    let endpoint = Endpoint::listen().await;
    let app = app(&endpoint, &Arc::new(Barrier::new(1))).build().unwrap();
    let mut api = RuntimeApi::listen().await;
    let _function = tokio::spawn(api.runtime(app, &[]).run());
    let fields = [("Lambda-Runtime-Trace-Id", &*lambda_trace("11"))];
    api.poll().await.hand_out("11", &fields, &url_event("/short")).await;
    let mut answer = api.request().await;
    answer.text().await;
    answer.answer(202, &[], b"").await;
    api.poll().await;
    assert_eq!(endpoint.trace("flushed"), Some(lambda_trace("11")));
}

fn lambda_trace(id: &str) -> String {
    format!(
        "Root=1-67891233-abcdef0123456789abcdef{id};Parent=463ac35c9f6413ad;Sampled=1;Lineage=1:{id}"
    )
}

fn assert_traced(endpoint: &Endpoint, id: &str) {
    for part in ["handler", "spawned", "stream"] {
        assert_eq!(endpoint.trace(&format!("{id}-{part}")), Some(lambda_trace(id)), "{part}");
    }
    let posted = endpoint.trace(&format!("/@connections/{id}%3D"));
    assert_eq!(posted, Some(lambda_trace(id)));
    assert_eq!(endpoint.trace(&format!("{id}-lost")), None);
}

#[tokio::test]
async fn two_invocations_at_a_time_send_each_its_own_trace() {
    let endpoint = Endpoint::listen().await;
    let app = app(&endpoint, &Arc::new(Barrier::new(2))).build().unwrap();
    let mut api = RuntimeApi::listen().await;
    let variables = [("AWS_LAMBDA_MAX_CONCURRENCY", "2"), ("APPTHEORY_INVOKE_MODE", "streaming")];
    let _function = tokio::spawn(api.runtime(app, &variables).run());
    for id in ["11", "22"] {
        let fields = [("Lambda-Runtime-Trace-Id", &*lambda_trace(id))];
        api.poll().await.hand_out(id, &fields, &url_event("/")).await;
    }
    for _ in 0..2 {
        let answer = api.request().await;
        tokio::spawn(answer.accept());
    }
    for _ in 0..2 {
        api.poll().await;
    }
    for id in ["11", "22"] {
        assert_traced(&endpoint, id);
    }
}

/// Returns credentials, and counts requests for them.
#[derive(Clone, Debug, Default)]
struct Counted(Arc<AtomicUsize>);

impl ProvideCredentials for Counted {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        self.0.fetch_add(1, Ordering::SeqCst);
        future::ProvideCredentials::ready(Ok(credentials()))
    }
}

#[tokio::test]
async fn no_connection_and_no_credentials_survive_a_snapshot() {
    let (endpoint, asked) = (Endpoint::listen().await, Counted::default());
    let clients = AwsWebSocketClients::new()
        .with_region("eu-central-1")
        .with_credentials(asked.clone())
        .with_endpoint(&endpoint.url);
    let (store, clients) = (endpoint.store_with(asked.clone()), Arc::new(clients));
    let send = move || {
        let (store, clients) = (store.clone(), Arc::clone(&clients));
        async move {
            for _ in 0..2 {
                call(&store, "1".to_owned()).await;
                let client = clients.connect("https://a.b/c").await.unwrap();
                client.post_to_connection("1=", b"hello").await.unwrap();
            }
            Ok(())
        }
    };
    let again = send.clone();
    let app = App::new().before_snapshot(send).get("/", move || {
        let send = again();
        async { send.await.map_err(|_: BoxError| AppError::internal()) }
    });
    let mut api = RuntimeApi::listen().await;
    let variables = [("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")];
    let _function = tokio::spawn(api.runtime(app.build().unwrap(), &variables).run());
    let ready = api.request().await;
    let counted = || (endpoint.connections.load(Ordering::SeqCst), asked.0.load(Ordering::SeqCst));
    assert_eq!(counted(), (2, 2), "each client has its own");
    ready.answer(200, &[], b"").await;
    assert_eq!(api.invoke(&url_event("/")).await.json().await["statusCode"], 204);
    assert_eq!(counted(), (4, 4));
}

#[cfg(feature = "tower")]
#[tokio::test]
async fn what_is_flushed_for_a_service_has_its_trace() {
    use apptheory::app::Invocation;

    let endpoint = Endpoint::listen().await;
    let app = app(&endpoint, &Arc::new(Barrier::new(1))).build().unwrap();
    let mut request = http::Request::new(String::new());
    *request.uri_mut() = "/short".parse().unwrap();
    let invocation = Invocation { trace: lambda_trace("33"), ..Invocation::default() };
    request.extensions_mut().insert(invocation);
    assert_eq!(app.respond(request).await.status(), 200);
    assert_eq!(endpoint.trace("flushed"), Some(lambda_trace("33")));
}

#[cfg(feature = "lambda_runtime")]
#[tokio::test]
async fn concurrent_invocations_of_the_aws_runtime_send_their_own_traces() {
    use apptheory::lambda::{InvokeMode, service};
    use lambda_runtime::{FunctionResponse, LambdaEvent};
    use serde_json::value::RawValue;
    use tower::Service as _;

    let endpoint = Endpoint::listen().await;
    let service = service(app(&endpoint, &Arc::new(Barrier::new(2)))).unwrap();
    let service = service.with_mode(InvokeMode::Streaming);
    let invoke = async |id: &str| {
        let mut context = lambda_runtime::Context::default();
        context.request_id = id.to_owned();
        context.xray_trace_id = Some(lambda_trace(id));
        let event = RawValue::from_string(url_event("/")).unwrap();
        let answer = service.clone().call(LambdaEvent::new(event, context)).await.unwrap();
        let FunctionResponse::StreamingResponse(answer) = answer else { panic!("streamed") };
        answer.stream.count().await
    };
    let both = futures_util::future::join(invoke("11"), invoke("22")).await;
    assert_eq!(both, (1, 1));
    for id in ["11", "22"] {
        assert_traced(&endpoint, id);
    }
    assert!(endpoint.trace("flushed").is_some(), "the end of a stream is flushed within its trace");
}
