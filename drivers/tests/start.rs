//! Programs that `apptheory::start` runs, as processes.
#![expect(clippy::unwrap_used, reason = "it ends a test")]
#![cfg(unix)]

#[path = "lambda/server.rs"]
#[expect(dead_code, reason = "the tests of Lambda's runtime use more of it")]
mod server;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use server::RuntimeApi;

/// A process that is killed when the test ends.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Returns the path of the example `hello`, where cargo puts it: beside the tests.
fn hello() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join("examples/hello");
    assert!(program.exists(), "cargo build -p apptheory --example hello --all-features");
    program
}

fn start(variables: &[(&str, &str)]) -> Program {
    let mut command = Command::new(hello());
    command.env_clear().envs(variables.iter().copied());
    Program(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

fn get(address: &str, path: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_program_serves_the_port_that_it_prints_until_it_is_stopped() {
    for signal in ["-INT", "-TERM"] {
        let mut program = start(&[("PORT", "0")]);
        let mut line = String::new();
        BufReader::new(program.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap();
        let answer = get(address, "/");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"), "{answer}");
        let killed = Command::new("kill").args([signal, &program.0.id().to_string()]).status();
        assert!(killed.unwrap().success());
        assert!(program.0.wait().unwrap().success(), "{signal}");
    }
}

#[test]
fn a_program_that_cannot_start_says_why_and_fails() {
    let why = "PORT is `http`, and a port is a number from 0 to 65535: set it to one, or not at all; see \
               apptheory::guide::getting_started";
    let fails = |variables: &[(&str, &str)]| {
        let mut program = start(&[&[("PORT", "http")], variables].concat());
        let mut told = String::new();
        program.0.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        assert_eq!(program.0.wait().unwrap().code(), Some(1));
        told
    };
    assert_eq!(fails(&[]), format!("error: {why}\n"));
    let line: serde_json::Value =
        serde_json::from_str(&fails(&[("AWS_LAMBDA_LOG_FORMAT", "JSON")])).unwrap();
    assert_eq!((&line["level"], &line["message"]), (&json!("ERROR"), &json!(why)));
    let on_lambda = fails(&[("AWS_LAMBDA_FUNCTION_NAME", "hello")]);
    assert_eq!(on_lambda, format!("ERROR apptheory::start: {why} function=hello\n"));
    // An event below the log's level is still reported.
    let silent = [("AWS_LAMBDA_LOG_FORMAT", "JSON"), ("RUST_LOG", "off")];
    assert_eq!(fails(&silent), format!("error: {why}\n"));
}

#[tokio::test]
async fn the_same_program_answers_invocations_on_lambda_and_logs_what_fails() {
    let mut api = RuntimeApi::listen().await;
    let api_address = api.address().to_owned();
    let mut program =
        start(&[("AWS_LAMBDA_RUNTIME_API", &api_address), ("AWS_LAMBDA_LOG_FORMAT", "JSON")]);
    let event = json!({"rawPath": "/", "requestContext": {"http": {"method": "GET"}}});
    let mut response = api.invoke(&event.to_string()).await;
    assert_eq!(response.json().await["body"], "hello");
    response.answer(202, &[], b"").await;

    let failed = api.invoke(r#"{"to": "nobody"}"#).await;
    assert_eq!(failed.resource(), "r1/error");
    failed.answer(202, &[], b"").await;
    let mut log = BufReader::new(program.0.stderr.take().unwrap()).lines();
    let line = log.next().unwrap().unwrap();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["level"], "ERROR");
    let message = line["message"].as_str().unwrap();
    assert!(message.contains("nothing is registered for this event"), "{message}");
    assert!(message.contains("`to`") && !message.contains("nobody"), "{message}");
    assert_eq!(line["request_id"], "r1");
}
