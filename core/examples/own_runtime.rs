//! A rate limit without drivers: the core asks for effects, and this program posts them to
//! DynamoDB.
//!
//! ```text
//! docker run -p 8000:8000 amazon/dynamodb-local
//! cargo run -p apptheory-core --example own_runtime -- 127.0.0.1:8000
//! ```
//!
//! DynamoDB in AWS checks signatures; DynamoDB local accepts any value.

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use apptheory_core::limiter::{Attempt, Decision, FixedWindow, Limiter, RateLimitKey, Recall};
use apptheory_core::machine::{Machine as _, Step};
use apptheory_core::store::StoreRequest;
use apptheory_core::store::wire::Reply;
use apptheory_core::time::Timestamp;

type Failed = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failed> {
    let server = std::env::args().nth(1).ok_or("name a server, such as 127.0.0.1:8000")?;
    let limiter = limiter();
    let table = limiter.table().create_table_body();
    let (status, answer) =
        post(&server, "DynamoDB_20120810.CreateTable", table.to_string().as_bytes())?;
    println!("the table: {status} {}", String::from_utf8_lossy(&answer));
    let mut recall = Recall::default();
    for _ in 0..5 {
        println!("allowed: {}", decide(&server, &limiter, &mut recall, "tenant-7")?.allowed);
    }
    Ok(())
}

/// Three requests a minute.
#[must_use]
pub fn limiter() -> Limiter {
    Limiter::fail_closed(FixedWindow::per_minute(3)).build()
}

/// Decides on a request of `caller` with the DynamoDB at `server`. What this process learns from
/// decisions saves calls of later ones.
pub fn decide(
    server: &str,
    limiter: &Limiter,
    recall: &mut Recall,
    caller: &str,
) -> Result<Decision, Failed> {
    let (key, now) = (RateLimitKey::new(caller, "/orders", "POST")?, clock());
    let mut step = limiter.check_and_increment(Attempt::new(key, now), recall).start();
    loop {
        step = match step {
            Step::Ask(StoreRequest::Sleep(ask)) => {
                std::thread::sleep(ask.effect().duration);
                ask.answer(clock())
            }
            Step::Ask(ask) => {
                let (status, body) = post(server, &ask.target(), &ask.body())?;
                ask.read(Reply::from_http(status, &body), clock())
            }
            Step::Done(done) => {
                recall.learn(done.learned);
                return Ok(done.decision?);
            }
        };
    }
}

/// Posts JSON over HTTP/1.1 on a new connection; returns the status and body of the response.
fn post(server: &str, target: &str, body: &[u8]) -> Result<(u16, Vec<u8>), Failed> {
    let mut connection = TcpStream::connect(server)?;
    connection.set_read_timeout(Some(Duration::from_secs(5)))?;
    let length = body.len();
    write!(
        connection,
        "POST / HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\nx-amz-target: {target}\r\n\
         content-type: application/x-amz-json-1.0\r\ncontent-length: {length}\r\n\
         x-amz-date: 20260101T000000Z\r\nauthorization: {UNSIGNED}\r\n\r\n"
    )?;
    connection.write_all(body)?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").ok_or("no HTTP answer")?;
    let status = answer.get(9..12).ok_or("no status")?;
    let status = core::str::from_utf8(status)?.parse()?;
    Ok((status, answer.split_off(end.saturating_add(4))))
}

const UNSIGNED: &str = "AWS4-HMAC-SHA256 Credential=local/20260101/local/dynamodb/aws4_request, \
                        SignedHeaders=host;x-amz-date, Signature=0";

#[expect(clippy::disallowed_methods, reason = "a program may look at its clock")]
fn clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::UNIX_EPOCH.saturating_add(since)
}
