//! A function on DynamoDB before its first invocation, as a separate process.
#![expect(clippy::unwrap_used, reason = "it ends a test")]
#![cfg(unix)]

#[path = "support/relay.rs"]
mod relay;
#[path = "lambda/server.rs"]
#[expect(dead_code, reason = "the tests of Lambda's runtime use more of it")]
mod server;
#[allow(dead_code, reason = "other tests use the rest")]
mod support;
#[path = "support/tls.rs"]
mod tls;

use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use apptheory::eventbus::BusConfig;
use apptheory::limiter::{FixedWindow, Limiter};
use apptheory::prelude::*;
use dynoxide::Database;
use serde_json::json;

use relay::Relay;
use server::RuntimeApi;

/// Returns an application with a limit of three per hour, counted in DynamoDB with one call each.
fn app(store: &Store) -> App {
    App::new()
        .layer(RateLimit::fixed(3, Duration::from_secs(3_600)).fail_closed().on(store).shared())
        .get("/", async || "hello")
}

/// The variable that selects the client without the AWS SDK, and those that select each client.
const LEAN: &str = "APPTHEORY_LEAN";
const CLIENTS: [&[(&str, &str)]; 2] = [&[], &[(LEAN, "1")]];

/// The program that the tests start: it is in this file.
#[test]
#[ignore = "it is the function, which waits for invocations"]
fn function() {
    let code = apptheory::start(async || {
        app(&if std::env::var_os(LEAN).is_some() {
            Store::aws_lean().await
        } else {
            Store::aws().await
        })
    });
    assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::SUCCESS));
}

/// The function's process, killed when the test ends.
struct Function(Child);

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Function {
    fn start(api: &RuntimeApi, url: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "function", "--nocapture"]);
        Self::run(command, api, url, variables)
    }

    fn run(mut command: Command, api: &RuntimeApi, url: &str, variables: &[(&str, &str)]) -> Self {
        command.env_clear();
        command.env("AWS_LAMBDA_RUNTIME_API", api.address()).env("AWS_REGION", "eu-central-1");
        command.env("AWS_ACCESS_KEY_ID", "id").env("AWS_SECRET_ACCESS_KEY", "secret");
        command.env("AWS_ENDPOINT_URL_DYNAMODB", url).envs(variables.iter().copied());
        Self(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Ends the process, and returns its log.
    fn log(mut self) -> String {
        self.0.kill().unwrap();
        let mut log = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }
}

/// Returns an embedded DynamoDB with the limiter's table.
fn database() -> Database {
    let database = Database::memory().unwrap();
    let limiter = Limiter::fail_closed(FixedWindow::per_hour(3)).build();
    let create = serde_json::from_value(limiter.table().create_table_body()).unwrap();
    database.create_table(create).unwrap();
    database
}

/// Invokes the function, and returns the response's status.
async fn status(api: &mut RuntimeApi) -> i64 {
    let event = json!({"rawPath": "/", "requestContext": {"http": {"method": "GET"}}});
    let mut answer = api.invoke(&event.to_string()).await;
    let status = answer.json().await["statusCode"].as_i64().unwrap();
    answer.answer(202, &[], b"").await;
    status
}

#[tokio::test]
async fn the_connection_is_there_before_the_first_invocation_whose_decision_is_its_first_call() {
    for client in CLIENTS {
        support::serve(database(), async |dynamodb| {
            for relay in [Relay::plain(&dynamodb).await, Relay::tls(&dynamodb).await] {
                let mut api = RuntimeApi::listen().await;
                let root = tls::file("root.pem");
                let trusted = [client, &[("AWS_CA_BUNDLE", root.to_str().unwrap())]].concat();
                let _function = Function::start(&api, relay.url(), &trusted);
                let poll = api.poll().await;
                assert_eq!(relay.requests(), [(1, "GET /".to_owned())], "{}", relay.url());
                let event = json!({"rawPath": "/", "requestContext": {"http": {"method": "GET"}}});
                poll.hand_out("r1", &[], &event.to_string()).await;
                let mut answer = api.request().await;
                assert_eq!(answer.json().await["statusCode"], 200);
                let calls = [(1, "GET /".to_owned()), (1, "POST /".to_owned())];
                assert_eq!(relay.requests(), calls, "on the same connection");
            }
        })
        .await;
    }
}

#[tokio::test]
async fn after_a_restore_the_connection_is_opened_again() {
    support::serve(database(), async |dynamodb| {
        for client in CLIENTS {
            let relay = Relay::plain(&dynamodb).await;
            let mut api = RuntimeApi::listen().await;
            let snapshotted =
                [client, &[("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")]].concat();
            let _function = Function::start(&api, relay.url(), &snapshotted);
            let restore = api.request().await;
            assert_eq!(restore.path, "/2018-06-01/runtime/restore/next");
            assert_eq!(relay.requests(), [], "nothing is in the snapshot");
            restore.answer(200, &[], b"").await;
            assert_eq!(status(&mut api).await, 200);
            assert_eq!(relay.requests(), [(1, "GET /".to_owned()), (1, "POST /".to_owned())]);
        }
    })
    .await;
}

#[tokio::test]
async fn a_function_starts_without_a_connection_and_says_why() {
    let (gone, url) = support::loopback().await;
    drop(gone);
    for client in CLIENTS {
        let mut api = RuntimeApi::listen().await;
        let function = Function::start(&api, &url, client);
        assert_eq!(status(&mut api).await, 503, "the limit fails closed");
        api.poll().await;
        let log = function.log();
        assert!(log.contains("cannot connect to DynamoDB before the first invocation"), "{log}");
        assert!(log.contains("refused"), "{log}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_trusted_is_refused_and_the_log_names_the_switch() {
    let relay = Relay::tls("http://127.0.0.1:9").await;
    let others = concat!(env!("CARGO_MANIFEST_DIR"), "/src/https/amazon_roots.pem");
    let variables = [("SSL_CERT_FILE", others), ("AWS_CA_BUNDLE", "/nowhere/root.pem")];
    for (variable, client) in
        variables.into_iter().flat_map(|it| CLIENTS.map(|client| (it, client)))
    {
        let mut api = RuntimeApi::listen().await;
        let function = Function::start(&api, relay.url(), &[client, &[variable]].concat());
        assert_eq!(status(&mut api).await, 503, "the limit fails closed");
        api.poll().await;
        let log = function.log();
        assert!(log.contains("AWS_CA_BUNDLE"), "{log}");
        assert_eq!(relay.requests(), []);
    }
}

/// The example function, in a release build. Its limit fails open, and its response shows when it
/// did.
#[tokio::test]
#[ignore = "needs a cgroup: .ci/small_cpu makes one"]
#[expect(
    clippy::disallowed_methods,
    reason = "where the function is, is said from outside, and its time is measured"
)]
async fn the_first_decision_of_a_small_function_is_not_lost() {
    let variable = |name| std::env::var(name).unwrap();
    let rounds: usize = variable("APPTHEORY_ROUNDS").parse().unwrap();
    let database = database();
    let events =
        serde_json::from_value(BusConfig::builder().build().unwrap().table().create_table_body());
    database.create_table(events.unwrap()).unwrap();
    support::serve(database, async |dynamodb| {
        let (mut lost, mut starts) = (Vec::new(), Vec::new());
        for round in 1..=rounds {
            let relay = Relay::tls(&dynamodb).await;
            let mut api = RuntimeApi::listen().await;
            let test = std::env::current_exe().unwrap();
            let function = test.ancestors().nth(3).unwrap().join("release/lambda_function");
            let mut command = Command::new("/bin/sh");
            command.args(["-c", r#"echo $$ >"$1/cgroup.procs" && exec "$2""#, "sh"]);
            command.arg(variable("APPTHEORY_CGROUP")).arg(function);
            let root = tls::file("root.pem");
            let variables = [
                ("AWS_CA_BUNDLE", root.to_str().unwrap()),
                ("APPTHEORY_EVENTBUS_TABLE_NAME", "apptheory-events"),
            ];
            let begin = Instant::now();
            let function = Function::run(command, &api, relay.url(), &variables);
            let mut answer = api.invoke(&orders().to_string()).await;
            starts.push(begin.elapsed());
            let response = answer.json().await;
            answer.answer(202, &[], b"").await;
            assert_eq!(response["statusCode"], 200, "{response}");
            if !response["headers"]["x-rate-limit-fail-open"].is_null() {
                lost.push(round);
            }
            drop(function);
        }
        starts.sort_unstable();
        let median = starts[rounds / 2].as_secs_f64();
        println!(
            "{} of {rounds} first decisions were lost; first answers {median:.2} s after the start",
            lost.len()
        );
        assert!(lost.is_empty(), "these starts: {lost:?}");
    })
    .await;
}

/// Returns an event of a function URL.
fn orders() -> serde_json::Value {
    json!({
        "version": "2.0",
        "rawPath": "/orders",
        "requestContext": {
            "domainName": "abc.lambda-url.eu-west-1.on.aws",
            "http": {"method": "GET", "path": "/orders", "sourceIp": "192.0.2.1"},
        },
    })
}
