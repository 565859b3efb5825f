//! Failures between a client and DynamoDB, and the number of attempts.

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use apptheory::clock::{ManualClock, SystemClock};
use apptheory::execute::Execute;
use apptheory::layer::{DECISION_BUDGET, Deadline};
use apptheory::store::aws::aws_sdk_dynamodb::Client;
use apptheory::store::aws::aws_sdk_dynamodb::config::ProvideCredentials;
use apptheory::store::aws::aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use apptheory::store::{AwsStore, Store};
use apptheory_core::machine::Effect;
use apptheory_core::store::{
    self, Assignment, BatchGetItem, DeleteItem, GetItem, Guard, Misconfiguration, PutItem,
    QueryItems, TransactWrite, TransactWriteItems, UpdateItem,
};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as ProvideFuture;
use axum::Router;
use axum::http::StatusCode;

use crate::support::NOW;
use crate::{CLIENTS, block_on, config, event, key, lean_in, loopback, with_each_client};

const NEVER: Duration = Duration::from_secs(3600);

fn get() -> GetItem {
    GetItem { table: "events".into(), key: key("e1"), consistent: true }
}

fn update(assignment: Assignment) -> UpdateItem {
    UpdateItem {
        table: "events".into(),
        key: key("e1"),
        assignments: vec![assignment],
        guard: Guard::Always,
    }
}

fn transaction(token: Option<&str>) -> TransactWriteItems {
    let writes = vec![TransactWrite::Update(update(Assignment::add("Count", 1)))];
    TransactWriteItems { writes, token: token.map(Into::into) }
}

/// Starts a server that responds to every request with the same error, and counts requests.
async fn failing(status: StatusCode, code: &str) -> (String, Arc<AtomicU32>) {
    let requests = Arc::new(AtomicU32::new(0));
    let body = format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"no"}}"#);
    let counter = Arc::clone(&requests);
    let app = Router::new().fallback(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        let headers = [("content-type", "application/x-amz-json-1.0")];
        let answer = (status, headers, body.clone());
        async { answer }
    });
    let (listener, url) = loopback().await;
    tokio::spawn(async { axum::serve(listener, app).await });
    (url, requests)
}

/// Returns how often `order` reaches such a server, and its outcome; through each client the same.
fn attempts<E, T>(order: &E, status: StatusCode, code: &str) -> (u32, Option<store::Error>)
where
    E: Effect<Outcome = Result<T, store::Error>>,
    Store: Execute<E>,
{
    block_on(async {
        let mut outcomes = Vec::new();
        for client in CLIENTS {
            let (url, requests) = failing(status, code).await;
            let outcome = client.at(&url).await.0.execute(order).await;
            outcomes.push((requests.load(Ordering::Relaxed), outcome.err()));
        }
        assert_eq!(outcomes[0], outcomes[1]);
        outcomes[0]
    })
}

#[test]
fn only_what_may_be_repeated_is_sent_again() {
    let server_error = (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError");
    let throttled = (StatusCode::BAD_REQUEST, "ThrottlingException");
    let errors = [(server_error, store::Error::Unavailable), (throttled, store::Error::Throttled)];
    for ((status, code), error) in errors {
        let (once, thrice) = ((1, Some(error)), (3, Some(error)));

        let add = update(Assignment::add("Count", 1));
        assert_eq!(attempts(&add, status, code), once, "an addition");
        let guard = Guard::absent("State");
        let guarded = UpdateItem { guard, ..update(Assignment::set("State", "done")) };
        assert_eq!(attempts(&guarded, status, code), once, "a guarded assignment");
        assert_eq!(attempts(&transaction(None), status, code), once, "no token");

        let set = update(Assignment::set("State", "done"));
        assert_eq!(attempts(&set, status, code), thrice, "an assignment");
        assert_eq!(attempts(&transaction(Some("token")), status, code), thrice, "a token");
        assert_eq!(attempts(&get(), status, code), thrice);
        let put = PutItem { table: "events".into(), item: event("e1"), guard: Guard::Always };
        assert_eq!(attempts(&put, status, code), thrice);
        let delete = DeleteItem { table: "events".into(), key: key("e1"), guard: Guard::Always };
        assert_eq!(attempts(&delete, status, code), thrice);
        let batch = BatchGetItem {
            table: "events".into(),
            keys: vec![key("e1")],
            projection: Vec::new(),
            consistent: false,
        };
        assert_eq!(attempts(&batch, status, code), thrice);
        let query = QueryItems {
            table: "events".into(),
            index: None,
            partition: key("e1").partition,
            range: None,
            filter: Guard::Always,
            start_after: None,
            limit: None,
            forward: true,
            consistent: false,
        };
        assert_eq!(attempts(&query, status, code), thrice);
    }
}

#[test]
fn errors_are_classified_by_their_code() {
    let misconfigured = store::Error::Misconfigured;
    let classes = [
        ("ProvisionedThroughputExceededException", store::Error::Throttled),
        ("TransactionConflictException", store::Error::Conflict),
        ("TransactionInProgressException", store::Error::Conflict),
        ("ReplicatedWriteConflictException", store::Error::Conflict),
        ("ItemCollectionSizeLimitExceededException", store::Error::TooLarge),
        ("ResourceNotFoundException", misconfigured(Misconfiguration::MissingTable)),
        ("ExpiredTokenException", misconfigured(Misconfiguration::AccessDenied)),
        ("AccessDeniedException", misconfigured(Misconfiguration::AccessDenied)),
        ("ValidationException", misconfigured(Misconfiguration::InvalidRequest)),
        ("IdempotentParameterMismatchException", misconfigured(Misconfiguration::InvalidRequest)),
        ("SomethingNewException", store::Error::Unavailable),
    ];
    for (code, error) in classes {
        let (_, outcome) = attempts(&transaction(Some("token")), StatusCode::BAD_REQUEST, code);
        assert_eq!(outcome, Some(error), "{code}");
    }
}

#[test]
fn a_missing_table_is_a_misconfiguration() {
    with_each_client(async |store, _| {
        let missing = GetItem { table: "missing".into(), ..get() };
        let error = store::Error::Misconfigured(Misconfiguration::MissingTable);
        assert_eq!(store.execute(&missing).await, Err(error));
    });
}

#[test]
fn an_order_that_cannot_succeed_is_not_sent() {
    let order = GetItem { key: key(""), ..get() };
    let error = store::Error::Misconfigured(Misconfiguration::InvalidRequest);
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    assert_eq!(attempts(&order, status, "InternalServerError"), (0, Some(error)));
}

/// A credentials provider that fails.
#[derive(Debug)]
struct NoCredentials(fn() -> CredentialsError);

impl ProvideCredentials for NoCredentials {
    fn provide_credentials<'a>(&'a self) -> ProvideFuture<'a>
    where
        Self: 'a,
    {
        ProvideFuture::ready(Err(self.0()))
    }
}

#[test]
fn missing_credentials_are_a_misconfiguration_and_late_ones_a_timeout() {
    let missing = store::Error::Misconfigured(Misconfiguration::MissingCredentials);
    // No server listens there: a request would be a transport error.
    for (why, error) in [
        (NoCredentials(|| CredentialsError::not_loaded("none")), missing),
        (NoCredentials(|| CredentialsError::invalid_configuration("no such profile")), missing),
        (NoCredentials(|| CredentialsError::provider_error("the sign-in has expired")), missing),
        (NoCredentials(|| CredentialsError::unhandled("?")), missing),
        (NoCredentials(|| CredentialsError::provider_timed_out(NEVER)), store::Error::Timeout),
    ] {
        let config = config().endpoint_url("http://127.0.0.1:9").credentials_provider(why);
        let store = AwsStore::new(Client::from_conf(config.build()));
        assert_eq!(block_on(store.execute(&get())), Err(error));
    }
}

#[test]
fn without_a_region_there_is_no_table() {
    let store = AwsStore::new(Client::from_conf(config().region(None).build()));
    let error = store::Error::Misconfigured(Misconfiguration::MissingTable);
    assert_eq!(block_on(store.execute(&get())), Err(error));
    let outcome = block_on(async {
        lean_in(&[("AWS_REGION", " ")], ManualClock::new(NOW)).await.execute(&get()).await
    });
    assert_eq!(outcome, Err(error));
}

#[test]
fn without_its_variables_a_lean_store_has_no_credentials() {
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        let error = store::Error::Misconfigured(Misconfiguration::MissingCredentials);
        let outcome = block_on(async {
            lean_in(&[(name, "")], ManualClock::new(NOW)).await.execute(&get()).await
        });
        assert_eq!(outcome, Err(error));
    }
}

#[test]
fn an_unreachable_endpoint_is_unavailable_within_the_deadline() {
    block_on(async {
        // A port that was free a moment ago, so no server listens there.
        let (listener, url) = loopback().await;
        drop(listener);
        for client in CLIENTS {
            let store = Deadline::after(client.at(&url).await.0, SystemClock, NEVER);
            assert_eq!(store.execute(&get()).await, Err(store::Error::Unavailable));
        }
    });
}

#[test]
fn a_silent_endpoint_times_out_at_the_deadline() {
    block_on(async {
        // Connections are accepted by the kernel, and never read.
        let (_listener, url) = loopback().await;
        for client in CLIENTS {
            let store = Deadline::after(client.at(&url).await.0, SystemClock, DECISION_BUDGET);
            assert_eq!(store.execute(&get()).await, Err(store::Error::Timeout));
        }
    });
}

#[test]
fn the_sdks_own_time_outs_are_time_outs() {
    let soon = Duration::from_millis(10);
    let timeouts = [
        TimeoutConfig::builder().operation_timeout(soon).build(),
        TimeoutConfig::builder().operation_attempt_timeout(soon).build(),
        TimeoutConfig::builder().read_timeout(soon).build(),
    ];
    for timeout in timeouts {
        block_on(async {
            let (_listener, url) = loopback().await;
            let config = config().endpoint_url(url).timeout_config(timeout).build();
            let store = AwsStore::new(Client::from_conf(config));
            assert_eq!(store.execute(&get()).await, Err(store::Error::Timeout));
        });
    }
}
