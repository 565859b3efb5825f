//! The producer through the AWS SDK, with a server on loopback in place of Kinesis.
#![expect(clippy::unwrap_used, reason = "a test ends where its stage cannot be set")]

use core::future::Future;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use apptheory::backoff::Backoff;
use apptheory::error::Happened;
use apptheory::execute::Execute as _;
use apptheory::kinesis::aws_sdk_kinesis::Client;
use apptheory::kinesis::aws_sdk_kinesis::config::{
    BehaviorVersion, Builder, Config, Credentials, ProvideCredentials, Region,
};
use apptheory::kinesis::aws_sdk_kinesis::types::ShardIteratorType;
use apptheory::kinesis::{
    AwsStreams, Error, Misconfiguration, Producer, ProducerConfig, PutRecords, Record, StreamName,
    json_record,
};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as ProvideFuture;
use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const THROUGHPUT: &str = "ProvisionedThroughputExceededException";

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// The requests that arrived, and the replies to the next ones.
#[derive(Clone, Default)]
struct Kinesis {
    arrived: Arc<Mutex<Vec<Value>>>,
    replies: Arc<Mutex<VecDeque<(StatusCode, String)>>>,
}

impl Kinesis {
    fn replying(replies: impl IntoIterator<Item = (u16, Value)>) -> Self {
        let reply = |(status, body): (u16, Value)| {
            (StatusCode::from_u16(status).unwrap(), body.to_string())
        };
        let replies = Arc::new(Mutex::new(replies.into_iter().map(reply).collect()));
        Self { replies, ..Self::default() }
    }

    fn arrived(&self) -> Vec<Value> {
        self.arrived.lock().unwrap().clone()
    }

    /// Runs `test` with streams that are served meanwhile.
    fn serve<F: Future>(&self, test: impl FnOnce(AwsStreams) -> F) -> F::Output {
        block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let kinesis = self.clone();
            let app = Router::new().fallback(move |request: Request| {
                let kinesis = kinesis.clone();
                async move { kinesis.answer(request).await }
            });
            let server = tokio::spawn(async { axum::serve(listener, app).await });
            let output = test(streams(config().build(), &url)).await;
            server.abort();
            output
        })
    }

    async fn answer(&self, request: Request) -> (StatusCode, String) {
        let (parts, body) = request.into_parts();
        assert_eq!(parts.headers["x-amz-target"], "Kinesis_20131202.PutRecords");
        let body = to_bytes(body, usize::MAX).await.unwrap();
        self.arrived.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
        self.replies.lock().unwrap().pop_front().unwrap()
    }
}

fn config() -> Builder {
    Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::for_tests())
}

fn streams(config: Config, url: &str) -> AwsStreams {
    AwsStreams::new(Client::from_conf(config)).with_endpoint_url(url)
}

fn producer(stream: &str, streams: AwsStreams) -> Producer {
    let backoff = Backoff { base: Duration::from_millis(1), cap: Duration::from_millis(1) };
    let config = ProducerConfig::new(StreamName::new(stream).unwrap()).backoff(backoff);
    Producer::configured(config.retry_attempts(2), streams)
}

fn accepted() -> Value {
    json!({"SequenceNumber": "1", "ShardId": "shardId-000000000000"})
}

fn refused(code: &str) -> Value {
    json!({"ErrorCode": code, "ErrorMessage": "Rate exceeded for shard 0 in stream s under account 1."})
}

fn put() -> PutRecords {
    let record = Arc::new(Record::new("k", "x").unwrap());
    PutRecords { stream: StreamName::new("orders").unwrap(), records: vec![record] }
}

#[test]
fn a_record_that_an_answer_says_nothing_about_is_not_accepted() {
    let silent = || (200, json!({"Records": [{}]}));
    let kinesis = Kinesis::replying([silent(), silent(), silent()]);
    let record = Record::new("k", "x").unwrap();
    let sent = kinesis.serve(async |streams| producer("orders", streams).send([record]).await);
    let incomplete = sent.unwrap_err();
    let [unaccepted] = incomplete.unaccepted() else { panic!("{incomplete}") };
    assert_eq!((unaccepted.attempts, unaccepted.happened), (3, Happened::Unknown));
}

#[test]
fn a_request_says_what_the_records_say() {
    let arn = "arn:aws:kinesis:eu-central-1:123456789012:stream/orders";
    for (stream, member) in [("orders", "StreamName"), (arn, "StreamARN")] {
        let kinesis = Kinesis::replying([(200, json!({"Records": [accepted(), accepted()]}))]);
        let records = [
            json_record("tenant é", &json!({"n": 1}), None).unwrap(),
            Record::new("k", [0, 255]).unwrap().with_explicit_hash_key("007").unwrap(),
        ];
        let sent = kinesis.serve(async |streams| producer(stream, streams).send(records).await);
        assert_eq!(sent.unwrap(), 2);
        assert_eq!(
            kinesis.arrived(),
            [json!({
                member: stream,
                "Records": [
                    {"PartitionKey": "tenant é", "Data": "eyJuIjoxfQ=="},
                    {"PartitionKey": "k", "Data": "AP8=", "ExplicitHashKey": "7"},
                ],
            })]
        );
    }
}

#[test]
fn what_was_refused_is_sent_again_alone() {
    let results = json!({"FailedRecordCount": 1, "Records": [accepted(), refused(THROUGHPUT)]});
    let kinesis = Kinesis::replying([(200, results), (200, json!({"Records": [accepted()]}))]);
    let records = [Record::new("a", "1").unwrap(), Record::new("b", "2").unwrap()];
    let sent = kinesis.serve(async |streams| producer("orders", streams).send(records).await);
    assert_eq!(sent.unwrap(), 2);
    let keys = |request: &Value| {
        let records = request["Records"].as_array().unwrap().iter();
        records.map(|record| record["PartitionKey"].clone()).collect::<Vec<_>>()
    };
    let sent: Vec<_> = kinesis.arrived().iter().map(keys).collect();
    assert_eq!(sent, [vec!["a", "b"], vec!["b"]]);
}

#[test]
fn every_attempt_is_one_request_and_the_last_reason_is_named() {
    let failed = |status: u16, code: &str| (status, json!({"__type": code, "message": "hush"}));
    let kinesis = Kinesis::replying([
        failed(500, "InternalFailureException"),
        failed(400, THROUGHPUT),
        (200, json!({"Records": [refused("InternalFailure")]})),
    ]);
    let records = [Record::new("a", "1").unwrap()];
    let sent = kinesis.serve(async |streams| producer("orders", streams).send(records).await);
    let incomplete = sent.unwrap_err();
    let unaccepted = &incomplete.unaccepted()[0];
    assert_eq!((unaccepted.attempts, unaccepted.happened), (3, Happened::Unknown));
    assert_eq!(unaccepted.reason.to_string(), "refused: InternalFailure");
    assert_eq!(kinesis.arrived().len(), 3);
    let printed = format!("{incomplete} {incomplete:?}");
    assert!(!printed.contains("hush") && !printed.contains("account"), "{printed}");
}

#[test]
fn errors_are_classified_by_their_codes() {
    let misconfigured = Error::Misconfigured;
    for (status, code, error) in [
        (400, "ResourceNotFoundException", misconfigured(Misconfiguration::MissingStream)),
        (400, "AccessDeniedException", misconfigured(Misconfiguration::AccessDenied)),
        (400, "KMSDisabledException", misconfigured(Misconfiguration::UnusableKey)),
        (400, "InvalidArgumentException", misconfigured(Misconfiguration::InvalidRequest)),
        (400, "KMSThrottlingException", Error::Throttled),
        (503, "ServiceUnavailable", Error::Unavailable),
    ] {
        let kinesis = Kinesis::replying([(status, json!({"__type": code}))]);
        let outcome = kinesis.serve(async |streams| streams.execute(&put()).await);
        assert_eq!(outcome, Err(error), "{code}");
    }
    let unreadable = Kinesis::replying([(200, json!([1]))]);
    let outcome = unreadable.serve(async |streams| streams.execute(&put()).await);
    assert_eq!(outcome, Err(Error::Unavailable));
}

#[test]
fn without_region_or_credentials_nothing_is_sent() {
    #[derive(Debug)]
    struct Nobody;

    impl ProvideCredentials for Nobody {
        fn provide_credentials<'a>(&'a self) -> ProvideFuture<'a>
        where
            Self: 'a,
        {
            ProvideFuture::ready(Err(CredentialsError::not_loaded("none")))
        }
    }

    let nowhere = "http://127.0.0.1:9";
    let without_region = config().region(None).build();
    let without_credentials = config().credentials_provider(Nobody).build();
    for (config, missing) in [
        (without_region, Misconfiguration::MissingRegion),
        (without_credentials, Misconfiguration::MissingCredentials),
    ] {
        let outcome = block_on(streams(config, nowhere).execute(&put()));
        assert_eq!(outcome, Err(Error::Misconfigured(missing)));
    }
}

#[test]
fn an_unreachable_endpoint_is_unavailable() {
    let outcome = block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        streams(config().build(), &url).execute(&put()).await
    });
    assert_eq!(outcome, Err(Error::Unavailable));
}

/// Another implementation of the service.
#[test]
#[ignore = "needs a moto server: its URL is taken from APPTHEORY_MOTO_URL"]
#[expect(clippy::disallowed_methods, reason = "whoever starts the server says where it is")]
fn moto_keeps_what_is_sent_in_order() {
    let url = std::env::var("APPTHEORY_MOTO_URL").unwrap();
    block_on(async {
        let streams = streams(config().build(), &url);
        let client = streams.client().clone();
        let orders = producer("orders", streams);
        let missing = orders.send([Record::new("k", "x").unwrap()]).await.unwrap_err();
        assert!(missing.to_string().contains("the stream does not exist"), "{missing}");

        client.create_stream().stream_name("orders").shard_count(1).send().await.unwrap();
        let records = (0..7).map(|n| Record::new(&format!("k{}", n % 2), n.to_string()).unwrap());
        assert_eq!(orders.send(records).await.unwrap(), 7);

        let shard = client.list_shards().stream_name("orders").send().await.unwrap();
        let start = client
            .get_shard_iterator()
            .stream_name("orders")
            .shard_id(shard.shards()[0].shard_id())
            .shard_iterator_type(ShardIteratorType::TrimHorizon)
            .send()
            .await
            .unwrap();
        let read = client.get_records().set_shard_iterator(start.shard_iterator).send().await;
        let data: Vec<_> =
            read.unwrap().records.iter().map(|r| r.data().as_ref().to_vec()).collect();
        assert_eq!(data, [b"0", b"1", b"2", b"3", b"4", b"5", b"6"]);
    });
}
