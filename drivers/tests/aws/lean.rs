//! The client without the SDK: its requests, its connections and its clock.

use apptheory::clock::ManualClock;
use apptheory::execute::Execute as _;
use apptheory::store::Store;
use apptheory::{app::App, app::Invocation, http::RawRequest};
use apptheory_core::store::{self, Assignment, GetItem, Guard, UpdateItem};
use core::future::Future;
use futures_util::FutureExt as _;
use tokio::io::AsyncWriteExt as _;

use crate::raw_server::{Requests, date, field, request, server, signed_at};
use crate::support::NOW;
use crate::{block_on, key, lean_at, lean_in, loopback};

const NOTHING: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

fn get() -> GetItem {
    GetItem { table: "events".into(), key: key("e1"), consistent: true }
}

/// An order that is sent at most once.
fn add() -> UpdateItem {
    UpdateItem {
        table: "events".into(),
        key: key("e1"),
        assignments: vec![Assignment::add("Count", 1)],
        guard: Guard::Always,
    }
}

fn connections(requests: &Requests) -> Vec<usize> {
    requests.lock().unwrap().iter().map(|(connection, _)| *connection).collect()
}

async fn lean(url: &str) -> Store {
    lean_at(url, ManualClock::new(NOW)).await
}

#[test]
fn a_request_is_signed_and_belongs_to_its_invocation() {
    block_on(async {
        let (url, requests) = server(vec![(false, NOTHING.to_owned())]).await;
        let variables = [("AWS_ENDPOINT_URL_DYNAMODB", &*url), ("AWS_SESSION_TOKEN", "token")];
        let store = lean_in(&variables, ManualClock::new(NOW)).await;
        let app = App::with_state(store).get("/", async |state: apptheory::State<Store>| {
            state.0.execute(&get()).await.map(|_| "done").map_err(apptheory::error::AppError::from)
        });
        let invocation = Invocation { trace: "Root=1-2-3".into(), ..Invocation::default() };
        let served = app.build().unwrap().serve(RawRequest::new("GET", "/"), invocation).await;
        assert_eq!(served.body, b"done");

        let (_, request) = requests.lock().unwrap().pop().unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST / HTTP/1.1\r\n"), "{head}");
        assert_eq!(field(head, "host"), url.strip_prefix("http://"));
        assert_eq!(field(head, "x-amz-target"), Some("DynamoDB_20120810.GetItem"));
        assert_eq!(field(head, "x-amz-security-token"), Some("token"));
        assert_eq!(field(head, "x-amzn-trace-id"), Some("Root=1-2-3"));
        let date = field(head, "x-amz-date").unwrap();
        let (day, _) = date.split_once('T').unwrap();
        let authorization = field(head, "authorization").unwrap();
        let expected = format!(
            "AWS4-HMAC-SHA256 Credential=id/{day}/eu-central-1/dynamodb/aws4_request, SignedHeaders=\
             content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature="
        );
        assert!(authorization.starts_with(&expected), "{authorization}");
        assert!(body.ends_with(r#""ReturnConsumedCapacity":"TOTAL"}"#), "{body}");
    });
}

#[test]
fn a_connection_is_used_again_until_the_server_closes_it() {
    block_on(async {
        let replies = [false, true, false].map(|is_last| (is_last, NOTHING.to_owned()));
        let (url, requests) = server(replies.to_vec()).await;
        let store = lean(&url).await;
        for _ in 0..3 {
            store.execute(&add()).await.unwrap();
        }
        assert_eq!(connections(&requests), [1, 1, 2]);
    });
}

#[test]
fn a_dropped_call_takes_its_connection_with_it() {
    block_on(async {
        // The first reply is not complete.
        let cut = NOTHING.trim_end_matches("{}").to_owned();
        let (url, requests) = server(vec![(false, cut), (false, NOTHING.to_owned())]).await;
        let store = lean(&url).await;
        let dropped = async {
            while requests.lock().unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        let order = get();
        tokio::select! {
            _ = store.execute(&order) => panic!("the reply has no body"),
            () = dropped => {}
        }
        assert_eq!(store.execute(&get()).await.unwrap().answer, None);
        assert_eq!(connections(&requests), [1, 2]);
    });
}

#[test]
fn a_reply_that_breaks_off_or_is_no_reply_is_unavailable() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}";
    // A server that does not speak HTTP will not speak it at once.
    for (reply, attempts) in [(cut, 3), ("", 3), ("nothing of HTTP\r\n\r\n", 1)] {
        block_on(async {
            let (url, requests) = server(vec![(true, reply.to_owned()); 4]).await;
            let store = lean(&url).await;
            assert_eq!(store.execute(&get()).await, Err(store::Error::Unavailable));
            assert_eq!(requests.lock().unwrap().len(), attempts);
            assert_eq!(store.execute(&add()).await, Err(store::Error::Unavailable));
            assert_eq!(requests.lock().unwrap().len(), attempts + 1);
        });
    }
}

#[test]
fn calls_at_the_same_time_have_a_connection_each() {
    block_on(async {
        let (listener, url) = loopback().await;
        let store = lean(&url).await;
        let (first, second) = (get(), get());
        let mut calls = [store.execute(&first).boxed_local(), store.execute(&second).boxed_local()];
        let mut streams = Vec::new();
        for call in &mut calls {
            let accepted = async {
                let (mut stream, _) = listener.accept().await.unwrap();
                request(&mut stream).await.unwrap();
                stream
            };
            tokio::select! {
                _ = call => panic!("there is no reply yet"),
                stream = accepted => streams.push(stream),
            }
        }
        // In the other order.
        for (mut stream, call) in streams.into_iter().zip(calls).rev() {
            stream.write_all(NOTHING.as_bytes()).await.unwrap();
            assert_eq!(call.await.unwrap().answer, None);
        }
    });
}

/// Returns a refusal of a signature with the server's date, `ahead` of this machine's in seconds.
fn refused(ahead: i64) -> String {
    let body = r#"{"__type":"x#InvalidSignatureException"}"#;
    let (date, length) = (date(ahead), body.len());
    format!("HTTP/1.1 400 Bad Request\r\ndate: {date}\r\ncontent-length: {length}\r\n\r\n{body}")
}

#[test]
fn a_signature_refused_for_a_wrong_clock_is_made_again_with_the_servers_time() {
    block_on(async {
        let ok = || (false, NOTHING.to_owned());
        let (url, requests) = server(vec![(false, refused(3_600)), ok(), ok()]).await;
        let store = lean(&url).await;
        for _ in 0..2 {
            store.execute(&get()).await.unwrap();
        }
        let requests: Vec<i64> =
            requests.lock().unwrap().iter().map(|(_, request)| signed_at(request)).collect();
        let later = |at: usize| (requests[at] - requests[0]).rem_euclid(24 * 60);
        assert!((58..=62).contains(&later(1)) && (58..=62).contains(&later(2)), "{requests:?}");
    });
}

#[test]
fn a_signature_that_is_refused_at_the_right_time_is_not_made_again() {
    block_on(async {
        let (url, requests) = server(vec![(false, refused(60))]).await;
        let denied = store::Error::Misconfigured(store::Misconfiguration::AccessDenied);
        assert_eq!(lean(&url).await.execute(&get()).await, Err(denied));
        assert_eq!(requests.lock().unwrap().len(), 1);
    });
}

const _: fn(Store) = |store| {
    fn is_send<F: Future + Send>(_: F) {}
    is_send(async move { store.execute(&get()).await });
};
