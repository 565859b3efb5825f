//! Clients with an HTTP client of their own keep it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use apptheory::execute::Execute as _;
use apptheory::kinesis::{AwsStreams, Producer, StreamName, json_record};
use apptheory::store::aws::aws_config::SdkConfig;
use apptheory::store::aws::aws_sdk_dynamodb::Client;
use apptheory::store::aws::aws_sdk_dynamodb::config::retry::RetryConfig;
use apptheory::store::aws::aws_sdk_dynamodb::config::{
    BehaviorVersion, Credentials, Region, SharedCredentialsProvider,
};
use apptheory::store::{self, AwsStore, GetItem};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use crate::{block_on, config, key};

/// Sends nothing, and counts requests.
#[derive(Clone, Debug, Default)]
struct Own(Arc<AtomicU32>);

impl HttpConnector for Own {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        self.0.fetch_add(1, Ordering::Relaxed);
        HttpConnectorFuture::ready(Err(ConnectorError::user("nobody is reached".into())))
    }
}

impl HttpClient for Own {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

#[test]
fn a_client_keeps_its_http_client() {
    let own = Own::default();
    let credentials = Credentials::new("id", "secret", None, None, "test");
    let shared = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::disabled())
        .http_client(SharedHttpClient::new(own.clone()))
        .build();
    let client = Client::from_conf(config().http_client(own.clone()).build());
    let get = GetItem { table: "events".into(), key: key("e1"), consistent: true };
    block_on(async {
        let stores = [
            AwsStore::from_sdk_config(&shared),
            AwsStore::from_sdk_config(&shared).with_endpoint_url("https://localhost:1"),
            AwsStore::new(client),
        ];
        for (n, store) in (1..).zip(stores) {
            assert_eq!(store.execute(&get).await, Err(store::Error::Unavailable));
            assert_eq!(own.0.load(Ordering::Relaxed), n);
        }
        let orders = StreamName::new("orders").unwrap();
        let producer = Producer::new(orders, AwsStreams::from_sdk_config(&shared));
        let record = json_record("o1", &"created", None).unwrap();
        producer.send([record]).await.unwrap_err();
        assert!(own.0.load(Ordering::Relaxed) > 3);
    });
}
