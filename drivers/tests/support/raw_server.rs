//! A server that takes requests byte by byte, replies as planned, and closes connections.

use std::sync::{Arc, Mutex};

use apptheory::clock::{Clock as _, SystemClock};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Reads a request whose body fits one packet with its head, or follows it.
pub(crate) async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut text = String::new();
    let mut bytes = [0; 4096];
    loop {
        let len = stream.read(&mut bytes).await.ok().filter(|len| *len > 0)?;
        text.push_str(core::str::from_utf8(&bytes[..len]).unwrap());
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = field(head, "content-length").map_or(0, |length| length.parse().unwrap());
            if body.len() == length {
                return Some(text);
            }
        }
    }
}

pub(crate) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

pub(crate) type Requests = Arc<Mutex<Vec<(usize, String)>>>;

/// Replies to each request with the next reply, and closes the connection after a reply with
/// `close` before it. Returns the URL, and all requests by the number of their connection.
pub(crate) async fn server(replies: Vec<(bool, String)>) -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Requests::default();
    let seen = Arc::clone(&requests);
    tokio::spawn(async move {
        let mut replies = replies.into_iter();
        for connection in 1.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            while let Some(request) = request(&mut stream).await {
                seen.lock().unwrap().push((connection, request));
                let Some((is_last, reply)) = replies.next() else { return };
                stream.write_all(reply.as_bytes()).await.unwrap();
                if is_last {
                    break;
                }
            }
        }
    });
    (url, requests)
}

/// Returns a date that is `ahead` of this machine's in seconds, as a value of the field `date`.
pub(crate) fn date(ahead: i64) -> String {
    let seconds = SystemClock.now().unix_seconds().saturating_add(ahead);
    let date = aws_smithy_types::DateTime::from_secs(seconds);
    date.fmt(aws_smithy_types::date_time::Format::HttpDate).unwrap()
}

/// Returns the hour and minute that a request was signed with, in minutes.
pub(crate) fn signed_at(request: &str) -> i64 {
    let time = field(request, "x-amz-date").unwrap().split_once('T').unwrap().1;
    time[..2].parse::<i64>().unwrap() * 60 + time[2..4].parse::<i64>().unwrap()
}
